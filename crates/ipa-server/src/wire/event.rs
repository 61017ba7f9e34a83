//! An event as it is kept, readable or not.

use ipa_events::store::{Position, Version};
use ipa_events::{EventId, TaskId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An event. What nobody understands is shown as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// Its id: the command that caused it, and its place there.
    pub id: EventId,
    /// The task; none for a stream that is not a task's.
    pub task_id: Option<TaskId>,
    /// Its place in the task.
    pub version: Version,
    /// Its place in the log.
    pub position: Position,
    /// Its type, such as `task.created`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The form of its payload.
    pub schema_version: u32,
    /// Who did it.
    pub actor: String,
    /// Through what.
    pub via: String,
    /// When.
    pub at: Timestamp,
    /// The event that caused the command, if one did.
    pub causation_id: Option<String>,
    /// The command that began it all.
    pub correlation_id: String,
    /// What happened.
    pub payload: Value,
    /// The same in a line for people, where there are words for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
    /// Why this version of ipa cannot read it, if it cannot; its task is parked then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}
