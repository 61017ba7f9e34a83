//! What the fake model says to a step, and how it fails.

use std::time::Duration;

use serde_json::Value;

/// A part of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Something said.
    Text(String),
    /// Something thought.
    Thinking(String),
    /// A tool that the agent shall use.
    Tool {
        /// The tool, as the agent names it.
        name: String,
        /// What it is called with.
        input: Value,
    },
}

impl Part {
    /// Makes a part that says this.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Makes a part that thinks this.
    pub fn thinking(text: impl Into<String>) -> Self {
        Self::Thinking(text.into())
    }

    /// Makes a part that calls a tool.
    pub fn tool(name: impl Into<String>, input: Value) -> Self {
        Self::Tool { name: name.into(), input }
    }
}

/// What a step is answered with.
///
/// An agent that asks for no stream gets the same as one JSON document: late, cut in its middle, or broken.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A whole message. It stops to use a tool if it has one, else it ends the turn.
    Say(Vec<Part>),
    /// A whole message that takes its time.
    Slowly {
        /// What it says.
        parts: Vec<Part>,
        /// The pause before each piece of a part.
        pause: Duration,
    },
    /// A message whose stream ends in the middle of its last part.
    Cut(Vec<Part>),
    /// Nothing, until the server is dropped or the client goes.
    HangBefore,
    /// A message up to the middle of its last part, then nothing more, as [`HangBefore`](Self::HangBefore).
    HangIn(Vec<Part>),
    /// An error.
    Status {
        /// The HTTP status.
        code: u16,
        /// The kind of error, as `overloaded_error`.
        kind: String,
        /// What a person reads.
        message: String,
        /// After how many seconds the client may come again.
        retry_after: Option<u32>,
        /// More headers: name and value.
        headers: Vec<(String, String)>,
    },
    /// A stream that begins well, then has an event whose data is no JSON.
    BrokenJson,
    /// Nothing: the connection is closed.
    Refused,
}

impl Reply {
    /// Makes a reply that says this and ends the turn.
    pub fn say(text: impl Into<String>) -> Self {
        Self::Say(vec![Part::text(text)])
    }

    /// Makes a reply that calls a tool.
    pub fn tool(name: impl Into<String>, input: Value) -> Self {
        Self::Say(vec![Part::tool(name, input)])
    }

    /// Makes an error without more headers.
    pub fn status(code: u16, kind: impl Into<String>, message: impl Into<String>) -> Self {
        let (kind, message) = (kind.into(), message.into());
        Self::Status { code, kind, message, retry_after: None, headers: Vec::new() }
    }

    /// Makes the error of a model that is asked too much, and may be asked again after a second.
    pub fn too_busy() -> Self {
        let (kind, message) = ("rate_limit_error".to_owned(), "slow down".to_owned());
        Self::Status { code: 429, kind, message, retry_after: Some(1), headers: Vec::new() }
    }

    /// Makes the error that a subscription gets whose usage limit is reached, over again at `reset`, in seconds since
    /// 1970.
    pub fn limit_reached(reset: i64) -> Self {
        let headers = [
            ("status", "rejected".to_owned()),
            ("reset", reset.to_string()),
            ("representative-claim", "five_hour".to_owned()),
        ];
        Self::Status {
            code: 429,
            kind: "rate_limit_error".to_owned(),
            message: "This request would exceed your account's rate limit.".to_owned(),
            retry_after: None,
            headers: headers
                .map(|(name, value)| (format!("anthropic-ratelimit-unified-{name}"), value))
                .into(),
        }
    }

    /// Returns the parts of its message, if it has one.
    pub(super) fn parts(&self) -> &[Part] {
        match self {
            Self::Say(parts) | Self::Slowly { parts, .. } | Self::Cut(parts) | Self::HangIn(parts) => parts,
            Self::HangBefore | Self::Status { .. } | Self::BrokenJson | Self::Refused => &[],
        }
    }
}
