//! The way to a simulated host without sockets. Under tokio's paused clock hours pass at once on it, while on a socket
//! every time-out would be over before an answer is read. It follows no redirects.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use ipa_sync::{Answer, Wire, WireError};

use super::serve::{Fate, Peer, treat};
use super::wire::{Reply, Request};

/// Leads to a host in this process, and is as patient as the wire over sockets.
pub(crate) struct Inside<P>(pub(crate) Arc<P>);

impl<P: Peer> Wire for Inside<P> {
    fn send(&self, request: ipa_sync::Request) -> BoxFuture<'_, Result<Answer, WireError>> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let patience = Duration::from_secs(if request.method == Method::GET { 20 } else { 30 });
        async move {
            let unknown = |why: &str| Err(WireError::Unknown { host, why: why.to_owned() });
            match tokio::time::timeout(patience, treat(&self.0, arrived(&request))).await {
                Ok(Fate::Answered(reply)) => Ok(answer(&reply)),
                Ok(Fate::Half(_) | Fate::HungUp) => unknown("the connection ended"),
                Err(_late) => unknown("no answer in time"),
            }
        }
        .boxed()
    }
}

/// A request as it comes out of a socket.
fn arrived(request: &ipa_sync::Request) -> Request {
    let header = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let ours = [("host", request.url.authority()), ("user-agent", "ipa")];
    let ours = ours.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Request {
        method: request.method.to_string(),
        path: request.url.path().to_owned(),
        query: request.url.query().unwrap_or_default().to_owned(),
        headers: ours.into_iter().chain(request.headers.iter().map(header)).collect(),
        body: Bytes::clone(&request.body),
    }
}

fn answer(reply: &Reply) -> Answer {
    let header = |(name, value): &(String, String)| {
        (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())
    };
    let headers: HeaderMap = reply.headers.iter().map(header).collect();
    Answer { status: StatusCode::from_u16(reply.status).unwrap(), headers, body: reply.body.clone() }
}
