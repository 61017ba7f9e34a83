//! A request to the outside and its answer, as plain values: the leaf under every connector. It knows HTTP and
//! nothing of what is asked for, of limits or of tasks.

use std::fmt;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

mod connect;
mod credential;
#[cfg(any(test, feature = "testing"))]
mod double;
mod net;

pub use credential::{Credential, CredentialError};
#[cfg(any(test, feature = "testing"))]
pub use double::{FakeWire, Reaction};
pub use net::{NetWire, WireConfig, WireSetupError};

/// Sends requests, each exactly once.
pub trait Wire: Send + Sync {
    /// Sends a request and waits for the whole answer, whatever its status; nothing is tried again.
    ///
    /// # Errors
    ///
    /// [`WireError`], which tells what was never sent from what nobody knows the outcome of.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Answer, WireError>>;
}

/// A request. Neither its headers nor its body are in its `Debug`.
#[derive(Clone)]
pub struct Request {
    /// What is to be done with the resource.
    pub method: Method,
    /// The resource.
    pub url: Url,
    /// The headers; the wire adds its own user agent.
    pub headers: HeaderMap,
    /// The body; empty: none.
    pub body: Bytes,
}

impl Request {
    /// Makes a request without headers and body.
    pub fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: Bytes::new() }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.url.origin().ascii_serialization();
        let (path, headers, bytes) = (self.url.path(), self.headers.len(), self.body.len());
        write!(f, "{} {origin}{path} ({headers} headers, {bytes} bytes)", self.method)
    }
}

/// An answer. Neither its headers nor its body are in its `Debug`: a new token comes in one.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// Returns a header's text; none when it is missing or no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} headers, {} bytes)", self.status, self.headers.len(), self.body.len())
    }
}

/// Why there is no answer. The texts name the host and hold nothing of the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// No connection came about, so the other side never saw the request.
    #[error("nothing was sent to {host}: {why}")]
    NotSent {
        /// The other side.
        host: String,
        /// What went wrong.
        why: String,
    },
    /// The request may have arrived, and nobody knows what became of it.
    #[error("no whole answer came from {host}: {why}")]
    Unknown {
        /// The other side.
        host: String,
        /// What went wrong.
        why: String,
    },
    /// The request was answered at a length that is not taken in.
    #[error("the answer of {host} is over {limit} bytes")]
    TooLong {
        /// The other side.
        host: String,
        /// The answer's status.
        status: u16,
        /// The most that is taken in, in bytes.
        limit: usize,
    },
}

#[cfg(test)]
mod tests;
