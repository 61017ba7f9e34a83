//! The way of a connector to its host: the wire, the gate before it, and a request as a connector says it.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::error::{ErrorClass, SyncError};
use crate::gate::{Call, Effect, Errand, HostGate, Lane, Who, guarded};
use crate::wire::{Answer, Credential, Request, Wire};

/// The way to one host.
pub(crate) struct Channel {
    wire: Arc<dyn Wire>,
    gate: Arc<HostGate>,
    /// What every path is below.
    base: Url,
    accept: HeaderValue,
}

/// A request, as a connector says it.
#[derive(Debug, Clone)]
pub(crate) struct Ask<'a> {
    /// What is to be done, such as `opening a pull request in octo/repo`.
    pub(crate) doing: String,
    pub(crate) method: Method,
    /// The path below the base; each `{}` in it stands for the next of `names`. It also names the endpoint to the gate.
    pub(crate) path: &'static str,
    pub(crate) names: Vec<&'a str>,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Value>,
    pub(crate) lane: Lane,
    pub(crate) who: Who,
    /// The issue it concerns, where limits are on that.
    pub(crate) subject: Option<String>,
    pub(crate) effect: Effect,
    /// Statuses besides 2xx and 304 whose answers the caller reads itself.
    pub(crate) expected: &'static [u16],
}

impl<'a> Ask<'a> {
    /// A read.
    pub(crate) fn read(doing: impl Into<String>, who: Who, path: &'static str, names: &[&'a str]) -> Self {
        Self {
            doing: doing.into(),
            method: Method::GET,
            path,
            names: names.to_vec(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: None,
            lane: Lane::Read,
            who,
            subject: None,
            effect: Effect::Idempotent,
            expected: &[],
        }
    }

    /// A change, with what is to be there.
    pub(crate) fn change(self, method: Method, body: Value, effect: Effect) -> Self {
        Self { method, body: Some(body), lane: Lane::Write, effect, ..self }
    }

    /// Something that people are told of.
    pub(crate) fn notifying(self) -> Self {
        Self { lane: Lane::Notify, ..self }
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn expecting(self, expected: &'static [u16]) -> Self {
        Self { expected, ..self }
    }

    fn endpoint(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Puts the names into the path, each as one piece whatever it holds.
    fn url(&self, base: &Url) -> Result<Url, SyncError> {
        let wrong = |why: &str| SyncError::new(ErrorClass::Rejected, self.doing.clone(), why);
        let mut url = base.clone();
        let mut names = self.names.iter();
        let mut pieces =
            url.path_segments_mut().map_err(|()| wrong("the address of the host has no path"))?;
        pieces.pop_if_empty();
        for piece in self.path.split('/') {
            let piece = if piece == "{}" { names.next().copied().unwrap_or_default() } else { piece };
            // A parser of addresses takes these away, and the request would go elsewhere.
            if matches!(piece, "" | "." | "..") {
                return Err(wrong("a name in it is empty, or made of dots only"));
            }
            pieces.push(piece);
        }
        drop(pieces);
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }
}

impl Channel {
    /// Makes a way to what lies below an address.
    pub(crate) fn new(wire: Arc<dyn Wire>, gate: Arc<HostGate>, base: Url, accept: &'static str) -> Self {
        Self { wire, gate, base, accept: HeaderValue::from_static(accept) }
    }

    /// The same way, to what lies below another address of the same host.
    pub(crate) fn to(&self, base: Url) -> Self {
        let (wire, gate) = (Arc::clone(&self.wire), Arc::clone(&self.gate));
        Self { wire, gate, base, accept: self.accept.clone() }
    }

    /// Sends a request once, and returns its answer.
    pub(crate) async fn send(&self, credential: &Credential, ask: &Ask<'_>) -> Result<Answer, SyncError> {
        self.send_to(credential, ask, ask.url(&self.base)?).await
    }

    /// Fetches what the host says lies elsewhere for anybody: without the credential, and past the gate, which is this
    /// host's. Nothing is lost when it cannot be fetched.
    pub(crate) async fn fetch(&self, url: Url) -> Option<Bytes> {
        if url.scheme() != "https" && url.scheme() != self.base.scheme() {
            return None;
        }
        let answer = self.wire.send(Request::new(Method::GET, url)).await.ok()?;
        answer.status.is_success().then_some(answer.body)
    }

    /// Sends a request to an address that the host named itself.
    pub(crate) async fn send_to(
        &self,
        credential: &Credential,
        ask: &Ask<'_>,
        url: Url,
    ) -> Result<Answer, SyncError> {
        if url.origin() != self.base.origin() {
            let detail = "the host named a page at another host, which is not asked for";
            return Err(SyncError::new(ErrorClass::Unexpected, ask.doing.clone(), detail));
        }
        let mut request = Request::new(ask.method.clone(), url);
        request.headers.clone_from(&ask.headers);
        request.headers.insert(ACCEPT, self.accept.clone());
        if let Some(body) = &ask.body {
            request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request.body = Bytes::from(body.to_string());
        }
        credential
            .sign(&mut request)
            .map_err(|error| SyncError::new(ErrorClass::Credential, ask.doing.clone(), error.to_string()))?;
        let subject = ask.subject.clone();
        let call = Call {
            doing: ask.doing.clone(),
            errand: Errand { subject, ..Errand::new(ask.lane, ask.who, ask.endpoint()) },
            request,
            effect: ask.effect,
            expected: ask.expected.to_vec(),
        };
        guarded(&self.gate, &*self.wire, call).await
    }
}

/// Reads what an answer says. Half of an answer is worth asking again; after a change that must not be made twice it may
/// be the half of an answer to a change that was made.
pub(crate) fn parsed<T: DeserializeOwned>(ask: &Ask<'_>, answer: &Answer) -> Result<T, SyncError> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        let class = match ask.effect {
            Effect::Once => ErrorClass::Indeterminate,
            Effect::Idempotent if error.is_data() => ErrorClass::Unexpected,
            Effect::Idempotent => ErrorClass::Transient,
        };
        let detail = format!("the answer cannot be read: {error}");
        let status = Some(answer.status.as_u16());
        SyncError { status, ..SyncError::new(class, ask.doing.clone(), detail) }
    })
}

#[cfg(test)]
mod tests;
