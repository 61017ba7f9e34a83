//! Tasks, as they are listed and whole.

use ipa_events::store::Version;
use ipa_events::task::Gates;
use ipa_events::{
    AgentId, BranchName, Handle, Oid, Phase, Principal, RepoSource, Runtime, Status, TaskId, WorkspaceId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::decision::Decision;
use super::outside::OutsideRow;
use super::rows::SyncOp;
use super::run::{Checks, Run};

/// A task, as it is listed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// Its short name, such as `T-12`.
    pub handle: Handle,
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub phase: Phase,
    /// In one word, what it is doing.
    pub status: Status,
    /// The version of its stream.
    pub version: Version,
    /// Which agent works on it.
    pub agent: Runtime,
    /// The repository.
    pub repo: RepoSource,
    /// The branch of the work, once there is a workspace.
    pub branch: Option<BranchName>,
    /// The head of the work, once there is work.
    pub commit: Option<Oid>,
    /// What it waits for; nothing while it works.
    pub waiting_for: Option<String>,
    /// What it cost so far, in US dollars.
    pub cost_usd: f64,
    /// What it may cost before a person grants more, in US dollars; nothing if there is no budget.
    #[serde(default)]
    pub budget_usd: Option<f64>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When something last happened to it.
    pub updated_at: Timestamp,
    /// More urgent tasks have a higher number.
    pub priority: i32,
    /// Tasks that must be completed first.
    pub depends_on: Vec<TaskId>,
    /// The run that is open, by handle.
    pub run: Option<String>,
    /// The decisions that wait for a person, by handle, the oldest first.
    pub open_decisions: Vec<String>,
}

/// A task, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskDetail {
    /// As it is listed.
    #[serde(flatten)]
    pub task: Task,
    /// The request in the author's words.
    pub request: String,
    /// The branch it starts from; none means the repository's own choice.
    pub base: Option<BranchName>,
    /// The commit the work began at, once there is a workspace.
    pub base_commit: Option<Oid>,
    /// The phase it began in.
    pub start_at: Phase,
    /// Who opens its gates.
    pub gates: Gates,
    /// The spec.
    pub spec: DocumentVersions,
    /// The plan.
    pub plan: DocumentVersions,
    /// Its runs, the oldest first.
    pub runs: Vec<Run>,
    /// Everything that waited or waits for a person, the oldest first.
    pub decisions: Vec<Decision>,
    /// Its checks.
    pub checks: Checks,
    /// Its places of work.
    pub workspaces: Vec<TaskWorkspace>,
    /// What people told the agents, the oldest first.
    pub messages: Vec<MessageRow>,
    /// What belongs to it outside.
    #[serde(default)]
    pub outside: Vec<OutsideRow>,
    /// Changes to the outside, the oldest first.
    pub sync: Vec<SyncOp>,
    /// Who paused it, if it is paused.
    pub paused_by: Option<Principal>,
    /// Who interrupted its last run, if nobody said since how to go on.
    pub interrupted_by: Option<Principal>,
    /// Failed attempts in a row.
    pub failures: u32,
    /// What the last failed attempt said.
    pub last_failure: Option<String>,
    /// When the next attempt is due, after a failed one.
    pub retry_at: Option<Timestamp>,
}

/// A document with all its versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentVersions {
    /// The newest version; none when there is no document yet.
    pub version: Option<u32>,
    /// The texts; version 1 is first.
    pub versions: Vec<String>,
}

/// A place of work, as the task knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskWorkspace {
    /// Its id.
    pub id: WorkspaceId,
    /// The place of work.
    pub agent_id: AgentId,
    /// `requested`, `ready`, `failed` or `trashed`.
    pub state: String,
    /// Where it lies, if it is there.
    pub path: Option<String>,
    /// Its branch, once known.
    pub branch: Option<BranchName>,
    /// The commit it began at, once known.
    pub base: Option<Oid>,
    /// Why it could not be made, if that is so.
    pub detail: Option<String>,
    /// How many states of it were made safe.
    pub checkpoints: usize,
}

/// What a person told the agents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRow {
    /// Its number in the task, from 1.
    pub number: u32,
    /// Who.
    pub actor: Principal,
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
    /// The run that it reached, by handle; none while it waits for one.
    pub delivered: Option<String>,
}
