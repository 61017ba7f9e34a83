//! What goes back to a client, before it is bytes.

use serde_json::Value;

/// What goes back. A body of `Null` is no body.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

/// What an endpoint gives: the second is an answer too, one that ended it early.
pub(crate) type Outcome = Result<Answer, Answer>;

impl Answer {
    pub(crate) fn new(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body }
    }

    pub(crate) fn ok(body: Value) -> Outcome {
        Ok(Self::new(200, body))
    }

    pub(crate) fn created(body: Value) -> Outcome {
        Ok(Self::new(201, body))
    }

    pub(crate) fn no_content() -> Outcome {
        Ok(Self::new(204, Value::Null))
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
