//! How a gate stands, as a value for pages, logs and errors.

use std::fmt;

use jiff::Timestamp;

/// Why a request is not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The other side asked for a pause.
    Limited,
    /// The other side does not answer, or only with errors.
    HostDown,
    /// The credential is not accepted.
    CredentialRefused,
    /// Few requests are left, and are kept for what is needed.
    Scarce,
    /// More of these would be sent than is good manners with the other side.
    Pace,
    /// Too many wait already.
    Crowded,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Limited => "the other side asked for a pause",
            Self::HostDown => "the other side does not answer",
            Self::CredentialRefused => "the credential is not accepted; enter a new one or resume",
            Self::Scarce => "few requests are left until then",
            Self::Pace => "so many were sent that the next has to wait",
            Self::Crowded => "too many requests wait already",
        })
    }
}

/// A request was not let through. Nobody waits for that in the gate: come back then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Paused {
    /// Not before; none: not before somebody resumes.
    pub until: Option<Timestamp>,
    /// Why.
    pub why: Why,
}

/// How a gate stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Why nothing at all is let through; none: the gate is open. A pause whose time has come is over.
    pub paused: Option<Paused>,
    /// What is left of the requests in this window, if the other side says so.
    pub quota: Option<Left>,
    /// What went wrong last.
    pub last_error: Option<Trouble>,
    /// What happened so far.
    pub counts: Counts,
    /// Requests that wait for their turn.
    pub waiting: usize,
    /// Requests under way.
    pub going: usize,
}

/// What is left of the requests in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// So many are left.
    pub remaining: u64,
    /// So many there are in a window.
    pub limit: u64,
    /// Then the next window begins.
    pub until: Timestamp,
}

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// When.
    pub at: Timestamp,
    /// What, on one line.
    pub what: String,
}

/// How often what happened, since the gate was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that were let through.
    pub sent: u64,
    /// Answers of any status below 500.
    pub answered: u64,
    /// Requests without an answer, or with one of status 500 and over.
    pub failed: u64,
    /// Answers that asked for a pause.
    pub limited: u64,
    /// Requests that were not let through.
    pub refused: u64,
}
