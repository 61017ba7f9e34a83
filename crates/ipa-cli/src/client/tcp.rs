//! The API over the loopback, with the token.

use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt as _;
use ipa_server::wire::{NDJSON, VIA_HEADER};
use reqwest::header::{ACCEPT, AUTHORIZATION};

use super::{Lines, Reply, Request};
use crate::failure::Failure;
use crate::holder;

const CONNECT: Duration = Duration::from_secs(2);
const WHOLE_REPLY: Duration = Duration::from_mins(1);

/// A server that is reached over TCP.
pub(crate) struct Tcp {
    http: reqwest::Client,
    place: Place,
    token: String,
}

/// Where the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// At this address.
    Url(String),
    /// Wherever the holder of this data directory is at the moment: it may end, and another one begin elsewhere.
    Holder(PathBuf),
}

impl Tcp {
    /// Makes a client of the server at an address; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Failure::Unreachable`] when no client can be made.
    pub(crate) fn of_server(url: String, token: String) -> Result<Self, Failure> {
        Self::new(Place::Url(url), token)
    }

    /// Makes a client of whoever holds a data directory; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Failure::Unreachable`] when no client can be made.
    pub(crate) fn of_holder(data: PathBuf, token: String) -> Result<Self, Failure> {
        Self::new(Place::Holder(data), token)
    }

    fn new(place: Place, token: String) -> Result<Self, Failure> {
        // A proxy is for the outside, and the token is for nobody else's eyes.
        let http = reqwest::Client::builder().no_proxy().connect_timeout(CONNECT).build();
        let unusable = |source| Failure::Unreachable {
            doing: "making a client for",
            url: "the server".to_owned(),
            source,
        };
        Ok(Self { http: http.map_err(unusable)?, place, token })
    }

    pub(super) async fn ask(&self, request: Request) -> Result<Reply, Failure> {
        let url = self.url()?;
        let sent = self.request(&url, &request).timeout(WHOLE_REPLY).send().await;
        let response = sent.map_err(|source| unreachable(&url, source))?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(|source| unreachable(&url, source))?;
        Ok(Reply { status, body: body.to_vec() })
    }

    pub(super) async fn follow(&self, request: Request) -> Result<Lines, Failure> {
        let url = self.url()?;
        let sent = self.request(&url, &request).header(ACCEPT, NDJSON).send().await;
        let response = sent.map_err(|source| unreachable(&url, source))?;
        let status = response.status().as_u16();
        let chunks = response.bytes_stream().map(|chunk| match chunk {
            Ok(chunk) => Ok(chunk.to_vec()),
            Err(error) => Err(std::io::Error::other(error)),
        });
        Lines::new(status, chunks.boxed()).await
    }

    /// Returns where the server is now; a holder that is gone is nowhere, and its address perhaps a stranger's.
    fn url(&self) -> Result<String, Failure> {
        match &self.place {
            Place::Url(url) => Ok(url.clone()),
            Place::Holder(data) => holder::server_file(data).map(|server| server.url).ok_or(Failure::Gone),
        }
    }

    fn request(&self, url: &str, request: &Request) -> reqwest::RequestBuilder {
        let url = format!("{url}{}", request.path);
        let builder = match &request.body {
            None => self.http.get(url),
            Some(body) => self.http.post(url).json(body),
        };
        let builder = match &request.key {
            None => builder,
            Some(key) => builder.header("idempotency-key", key),
        };
        builder.header(AUTHORIZATION, format!("Bearer {}", self.token)).header(VIA_HEADER, "cli")
    }
}

fn unreachable(url: &str, source: reqwest::Error) -> Failure {
    // The address stands in the message already.
    Failure::Unreachable { doing: "reaching", url: url.to_owned(), source: source.without_url() }
}
