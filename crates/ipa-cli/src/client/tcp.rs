//! The API over the loopback, with the token.

use std::time::Duration;

use futures::StreamExt as _;
use ipa_server::wire::{NDJSON, VIA_HEADER};
use reqwest::header::{ACCEPT, AUTHORIZATION};

use super::{Lines, Reply, Request};
use crate::failure::Failure;

const CONNECT: Duration = Duration::from_secs(2);
const WHOLE_REPLY: Duration = Duration::from_mins(1);

/// A server that is reached over TCP.
pub(crate) struct Tcp {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Tcp {
    /// Makes a client; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Failure::Unreachable`] when no client can be made.
    pub(crate) fn new(url: String, token: String) -> Result<Self, Failure> {
        // A proxy is for the outside, and the token is for nobody else's eyes.
        let http = reqwest::Client::builder().no_proxy().connect_timeout(CONNECT).build();
        let unusable =
            |source| Failure::Unreachable { doing: "making a client for", url: url.clone(), source };
        Ok(Self { http: http.map_err(unusable)?, url, token })
    }

    pub(super) async fn ask(&self, request: Request) -> Result<Reply, Failure> {
        let sent = self.request(&request).timeout(WHOLE_REPLY).send().await;
        let response = sent.map_err(|source| self.unreachable(source))?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(|source| self.unreachable(source))?;
        Ok(Reply { status, body: body.to_vec() })
    }

    pub(super) async fn follow(&self, request: Request) -> Result<Lines, Failure> {
        let sent = self.request(&request).header(ACCEPT, NDJSON).send().await;
        let response = sent.map_err(|source| self.unreachable(source))?;
        let status = response.status().as_u16();
        let chunks = response.bytes_stream().map(|chunk| match chunk {
            Ok(chunk) => Ok(chunk.to_vec()),
            Err(error) => Err(std::io::Error::other(error)),
        });
        Lines::new(status, chunks.boxed()).await
    }

    fn request(&self, request: &Request) -> reqwest::RequestBuilder {
        let url = format!("{}{}", self.url, request.path);
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

    fn unreachable(&self, source: reqwest::Error) -> Failure {
        // The address stands in the message already.
        Failure::Unreachable { doing: "reaching", url: self.url.clone(), source: source.without_url() }
    }
}
