//! What can go wrong at the ports.

use super::record::{Appended, Position, Version};
use crate::value::{CommandId, StreamId};

/// What the storage engine said, in a form that fits every engine.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StoreFault(Box<dyn std::error::Error + Send + Sync>);

impl StoreFault {
    /// Keeps what an engine said.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

/// Why an append, or a change of a lease, did not happen, or may not have.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The command is already in the log; its first outcome stands.
    #[error("the command was already carried out, up to version {}", .0.version)]
    Repeated(Appended),
    /// The stream has moved on.
    #[error("the stream is at version {actual}, not {expected}")]
    Conflict {
        /// The version that was expected.
        expected: Version,
        /// The version that the stream has.
        actual: Version,
    },
    /// Somebody else has taken the stream over.
    #[error("the stream {0} has another owner now")]
    Fenced(StreamId),
    /// The command is in another stream, or the append holds no events, or one that is not JSON.
    #[error("command {0} cannot be appended here: it is empty, not JSON, or belongs to another stream")]
    Invalid(CommandId),
    /// The store was busy for too long; nothing was written.
    #[error("the store is busy; nothing was written, try again")]
    Busy(#[source] StoreFault),
    /// There is no space left; nothing was written.
    #[error("the disk is full; nothing was written")]
    Full(#[source] StoreFault),
    /// The store cannot be written; nothing was written.
    #[error("the store is read-only; nothing was written")]
    ReadOnly(#[source] StoreFault),
    /// The store cannot be reached; nothing was written.
    #[error("the store is not available; nothing was written")]
    Unavailable(#[source] StoreFault),
    /// No answer came: the events may be there or not. Ask [`super::Log::outcome`].
    #[error("it is not known whether the events were written")]
    Unknown(#[source] StoreFault),
}

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
#[error("reading {what}")]
pub struct ReadError {
    /// What was read.
    pub what: String,
    /// What the engine said.
    #[source]
    pub source: StoreFault,
}

/// Why a read model did not advance.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Somebody else moved it meanwhile.
    #[error("the model is at position {actual}, not {expected}")]
    Moved {
        /// Where it was expected to be.
        expected: Position,
        /// Where it is.
        actual: Position,
    },
    /// The store failed.
    #[error("advancing the read model")]
    Store(#[source] StoreFault),
}
