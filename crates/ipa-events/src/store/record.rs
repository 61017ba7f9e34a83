//! What crosses the ports: plain data, nothing decoded.

use std::fmt;

use jiff::Timestamp;

use crate::value::{CommandId, EventId, Handle, StreamId};

macro_rules! counter {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            /// Where everything begins; nothing has this number itself.
            pub const ZERO: Self = Self(0);

            /// Wraps a number.
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// Returns the number.
            pub const fn get(self) -> u64 {
                self.0
            }

            /// Returns the number `by` further on.
            #[must_use]
            pub const fn plus(self, by: u64) -> Self {
                Self(self.0.saturating_add(by))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

counter! {
    /// A place in one stream: the first event has version 1.
    Version,
    /// A place in the whole log: the first event has position 1, and there are no gaps.
    Position,
    /// How often a stream changed hands; the token that fences off an earlier holder.
    Epoch,
}

/// The right to append to one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The stream.
    pub stream: StreamId,
    /// The fencing token.
    pub epoch: Epoch,
    /// The stream's version when the lease was taken.
    pub version: Version,
    /// The stream's number in the store, given once.
    pub number: u64,
}

impl Lease {
    /// Returns the short name of the task whose stream this is.
    pub const fn handle(&self) -> Handle {
        Handle::new(self.number)
    }
}

/// An event to be appended.
///
/// All that has a meaning is text here, readable or not: the log never fails on content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// Its type, such as `task.created`.
    pub kind: String,
    /// The form of its payload.
    pub schema_version: u32,
    /// The clock of the edge where the command came in.
    pub at: Timestamp,
    /// Who did it: a principal.
    pub actor: String,
    /// Through what.
    pub via: String,
    /// The event that caused the command, if one did.
    pub causation_id: Option<String>,
    /// The command that began it all.
    pub correlation_id: String,
    /// What happened, as JSON.
    pub payload: String,
    /// What else is good to know, as a JSON object; no state depends on it.
    pub metadata: String,
}

/// The events of one command, to be appended together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// The stream.
    pub stream: StreamId,
    /// The epoch of the lease under which this is appended.
    pub epoch: Epoch,
    /// The version that the stream must have.
    pub expected: Version,
    /// The command; its events are numbered from 0.
    pub command: CommandId,
    /// The events, at least one.
    pub records: Vec<NewRecord>,
}

/// Where the last event of a command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// In its stream.
    pub version: Version,
    /// In the log.
    pub position: Position,
}

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord {
    /// Its place in the log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// The command that it belongs to, and its place there.
    pub id: EventId,
    /// The store's clock when it was written.
    pub recorded_at: Timestamp,
    /// What was appended.
    pub record: NewRecord,
}

/// A stream, as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamInfo {
    /// Its name.
    pub stream: StreamId,
    /// Its number in the store.
    pub number: u64,
    /// The version of its newest event; 0 for one that has none.
    pub version: Version,
}

/// A state as it was at a version, kept as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The version.
    pub version: Version,
    /// The form of the bytes; checked before anything is decoded.
    pub state_schema: u32,
    /// The state.
    pub state: Vec<u8>,
}
