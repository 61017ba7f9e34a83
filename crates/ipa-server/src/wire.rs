//! The JSON of the API: what is asked and what is answered, for both ends of it.
//!
//! Field names are a contract with scripts. A single thing is itself plus `schema` ([`Single`]); a list is
//! [`List`]. Everything here reads back what it wrote; a reader skips fields that it does not know.

mod code;
mod command;
mod decision;
mod event;
mod from;
mod outside;
mod rows;
mod run;
mod task;

pub use code::Code;
pub use command::{Approve, Command, CommandReply, CreateTask, DecisionInput, SyncInput, VerdictWord};
pub use decision::{AnsweredBy, Decision, DecisionState, OpinionRow, PublishRow, Shown, ShownDocument};
pub use event::EventRecord;
pub use ipa_pod::log::AgentEvent as LogEntry;
pub use ipa_pod::work::{DiffSet, FileView, Listing};
pub use outside::{Heard, OutsideRow, SaidRow};
pub use rows::{
    AgentRow, ConnectorRow, ConnectorState, Health, Pod, PodState, SyncOp, SyncState, WantedChange,
    WantedCourse, Why, WorkspaceRow,
};
pub use run::{CheckRow, Checks, Prompt, Run, RunStatus};
pub use task::{DocumentVersions, MessageRow, Task, TaskDetail, TaskWorkspace};

use serde::{Deserialize, Serialize};

/// The media type of [`Problem`].
pub const PROBLEM_JSON: &str = "application/problem+json";

/// The media type of a stream of JSON lines.
pub const NDJSON: &str = "application/x-ndjson";

/// The header with the position in the log at which the effect of a command can be read.
pub const POSITION_HEADER: &str = "x-ipa-position";

/// The header with which a program says that it is no foreign page, and, with `cli`, that it is the command
/// line.
pub const VIA_HEADER: &str = "x-ipa-via";

/// What has a name in the field `schema`.
pub trait Named {
    /// Its name and version, such as `ipa.task/v1`.
    const SCHEMA: &'static str;
}

/// One thing: its own fields, and `schema`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Single<T> {
    /// The name of its form, such as `ipa.task/v1`.
    pub schema: String,
    /// The thing.
    #[serde(flatten)]
    pub it: T,
}

impl<T: Named> Single<T> {
    /// Puts the name of its form to a thing.
    pub fn new(it: T) -> Self {
        Self { schema: T::SCHEMA.to_owned(), it }
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct List<T> {
    /// The name of its form, such as `ipa.task.list/v1`.
    pub schema: String,
    /// The things.
    pub items: Vec<T>,
    /// What to ask for with `after=` to get the following page; none on the last one.
    pub next: Option<String>,
}

impl<T: Named> List<T> {
    /// Makes a page.
    pub fn new(items: Vec<T>, next: Option<String>) -> Self {
        let (name, version) = T::SCHEMA.rsplit_once('/').unwrap_or((T::SCHEMA, "v1"));
        Self { schema: format!("{name}.list/{version}"), items, next }
    }
}

/// Why something was not done (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `urn:ipa:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What kind of problem it is, for a person.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened.
    pub detail: String,
    /// What kind of problem it is, for a program; see [`Code`].
    pub code: String,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Finds the request in the server's log.
    #[serde(default)]
    pub request_id: String,
    /// The version that was expected, if that is the problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<u64>,
    /// The version that is there, if that is the problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual_version: Option<u64>,
    /// The decision to look at now, if what was seen of it has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// The hash of what is asked there now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_hash: Option<String>,
}

macro_rules! named {
    ($($name:ty = $schema:literal),+ $(,)?) => {$(
        impl Named for $name {
            const SCHEMA: &'static str = $schema;
        }
    )+};
}

named! {
    Task = "ipa.task/v1",
    TaskDetail = "ipa.task/v1",
    Run = "ipa.run/v1",
    Prompt = "ipa.prompt/v1",
    Decision = "ipa.decision/v1",
    EventRecord = "ipa.event/v1",
    CommandReply = "ipa.command/v1",
    Pod = "ipa.pod/v1",
    WorkspaceRow = "ipa.workspace/v1",
    AgentRow = "ipa.agent/v1",
    SyncOp = "ipa.sync/v1",
    ConnectorRow = "ipa.connector/v1",
    WantedChange = "ipa.sync.wanted/v1",
    Why = "ipa.why/v1",
    Health = "ipa.health/v1",
    DiffSet = "ipa.diff/v1",
    Listing = "ipa.listing/v1",
    FileView = "ipa.file/v1",
}
