//! A wire without a network: what is sent is kept, and a closure or a script answers, after as long as it says.
//! Under tokio's paused clock an hour passes at once.

#![expect(clippy::expect_used, reason = "a double that is given nonsense should end its test")]

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::time::Instant;

use super::{Answer, Request, Wire, WireError};

/// What the other side does with a request.
#[derive(Debug, Clone)]
pub struct Reaction {
    /// How long it takes.
    pub after: Duration,
    /// What comes of it.
    pub outcome: Result<Answer, WireError>,
}

impl Reaction {
    /// Answers at once, with an empty body.
    ///
    /// # Panics
    ///
    /// When the status is none.
    pub fn status(status: u16) -> Self {
        let status = StatusCode::from_u16(status).expect("a status");
        Self::from(Ok(Answer { status, headers: HeaderMap::new(), body: Bytes::new() }))
    }

    /// The host is down: nothing can be sent.
    pub fn down() -> Self {
        Self::from(Err(WireError::NotSent { host: "fake".to_owned(), why: "connection refused".to_owned() }))
    }

    /// The request leaves, and no answer comes.
    pub fn lost() -> Self {
        Self::from(Err(WireError::Unknown { host: "fake".to_owned(), why: "connection reset".to_owned() }))
    }

    /// Adds a header to an answer.
    ///
    /// # Panics
    ///
    /// When name or value cannot be sent.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Ok(answer) = &mut self.outcome {
            let name: HeaderName = name.parse().expect("a header's name");
            answer.headers.insert(name, HeaderValue::from_str(value).expect("a header's value"));
        }
        self
    }

    /// Sets an answer's body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        if let Ok(answer) = &mut self.outcome {
            answer.body = body.into();
        }
        self
    }

    /// Lets the reaction take a while.
    #[must_use]
    pub fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }
}

impl From<Result<Answer, WireError>> for Reaction {
    fn from(outcome: Result<Answer, WireError>) -> Self {
        Self { after: Duration::ZERO, outcome }
    }
}

/// A wire to a made-up other side.
pub struct FakeWire {
    react: Box<dyn Fn(&Request) -> Reaction + Send + Sync>,
    sent: Mutex<Vec<(Instant, Request)>>,
}

impl FakeWire {
    /// Makes a wire on which a function reacts to each request.
    pub fn new(react: impl Fn(&Request) -> Reaction + Send + Sync + 'static) -> Self {
        Self { react: Box::new(react), sent: Mutex::default() }
    }

    /// Makes a wire that plays these reactions, one a request; after the last one the host is down.
    pub fn script(reactions: impl IntoIterator<Item = Reaction>) -> Self {
        let left = Mutex::new(reactions.into_iter().collect::<VecDeque<_>>());
        Self::new(move |_| {
            let next = left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            next.unwrap_or_else(Reaction::down)
        })
    }

    /// Returns what was sent so far, and when.
    pub fn sent(&self) -> Vec<(Instant, Request)> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Wire for FakeWire {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Answer, WireError>> {
        let Reaction { after, outcome } = (self.react)(&request);
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), request));
        async move {
            tokio::time::sleep(after).await;
            outcome
        }
        .boxed()
    }
}
