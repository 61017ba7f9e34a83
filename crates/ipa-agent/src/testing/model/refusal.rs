//! Why a request was not understood.

use std::io;

use super::response::Response;

/// What a request got instead of being read to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The client went before it had said all; nobody is there to be told.
    Gone,
    /// It is no HTTP, or its body is not what it says to be.
    Malformed(&'static str),
    /// The head has no end within its limit.
    HeadTooLong,
    /// The body is larger than its limit.
    BodyTooLarge,
}

impl Refusal {
    /// Returns what the client is told.
    pub(super) fn response(&self) -> Option<Response> {
        match self {
            Self::Gone => None,
            Self::Malformed(why) => Some(Response::error(400, "invalid_request_error", why)),
            Self::HeadTooLong => {
                Some(Response::error(431, "invalid_request_error", "the head of the request is too long"))
            }
            Self::BodyTooLarge => {
                Some(Response::error(413, "request_too_large", "the body of the request is too large"))
            }
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}
