//! Why something outside was not read or changed, and what that means for the next try.

use jiff::Timestamp;

/// Why a connector could not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{doing}: {detail}")]
pub struct SyncError {
    /// What was to be done, such as `opening a pull request in octo/repo`.
    pub doing: String,
    /// What happened, and what a person can do about it; one line, no secrets.
    pub detail: String,
    /// What it means for the next try.
    pub class: ErrorClass,
    /// The answer's HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The id under which the other side knows the request.
    pub request_id: Option<String>,
}

/// What an error means for the next try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorClass {
    /// Nothing was sent, or nothing was done: the same may work a little later.
    Transient,
    /// The other side wants no request before this time.
    RateLimited {
        /// Not before.
        until: Timestamp,
    },
    /// The credential is not accepted: nothing is asked with it until a person sees to it.
    Credential,
    /// The credential is accepted, and may not do this.
    Permission,
    /// What is there is not what was expected: it must be looked at again before anything is tried.
    Conflict,
    /// The other side will not do this, however often it is asked.
    Rejected,
    /// What was to be changed is not there any more.
    Gone,
    /// Nobody knows whether it was done: it must be looked into before anything is tried.
    Indeterminate,
    /// The other side said something that is not understood.
    Unexpected,
}

impl SyncError {
    /// Names an error by what was to be done and what happened.
    pub fn new(class: ErrorClass, doing: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { doing: doing.into(), detail: detail.into(), class, status: None, request_id: None }
    }
}
