//! What is said on a host's socket: one JSON object a line, verbs to the host, answers and hints from it.
//!
//! No output of the agent passes here; it is in the spool. A hint only says that there is more of it.

use serde::{Deserialize, Serialize};

use crate::folder::{Token, Why};

/// One verb, under a number that its answer carries.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) id: u64,
    pub(crate) verb: Verb,
}

/// What a host can be asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Verb {
    /// Listen to whoever says this: it knows the run's token. Whatever else comes first ends the connection.
    Hello { token: Token },
    /// Tell the agent something, once per key.
    Write { key: String, data: String },
    /// End the agent's standard input when all was told.
    Eof,
    /// End the run.
    Stop { why: Why },
    /// A person is awaited: the clock of the whole run stands, or goes on.
    Clock { stands: Stands },
    /// Bring the spool to the disk before answering.
    Sync,
}

/// Whether a clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stands {
    /// It stands.
    Yes,
    /// It goes.
    No,
}

/// What a host says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FromHost {
    /// The verb was carried out.
    Done { id: u64, now_ms: u64 },
    /// It was not.
    Refused { id: u64, why: String },
    /// The spool is this long now.
    Head { pos: u64 },
}
