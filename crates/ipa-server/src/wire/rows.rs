//! Rows of the smaller lists: pods, workspaces, agents, changes to the outside.

use ipa_events::task::{Change, ChangeKind, PublishPolicy};
use ipa_events::{
    BranchName, Handle, Oid, OpId, PayloadHash, Phase, Principal, RemoteId, RepoSource, Resource, Status,
    TaskId, WorkspaceId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a task's pod is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// The task.
    pub task_id: TaskId,
    /// The task's handle.
    pub handle: Handle,
    /// What it is doing.
    pub state: PodState,
    /// Why it waits or cannot run.
    pub reason: Option<String>,
}

/// What a pod is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PodState {
    /// It is working.
    Active,
    /// It found nothing that it may do now.
    Held,
    /// It cannot run.
    Parked,
}

/// A checkout that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceRow {
    /// Its id.
    pub id: WorkspaceId,
    /// The task.
    pub task_id: TaskId,
    /// The task's handle, if the task is there.
    pub handle: Option<Handle>,
    /// The place of work: `main`, `check`.
    pub agent_id: String,
    /// The repository that it came from.
    pub repo: RepoSource,
    /// Where it lies.
    pub path: String,
    /// Its branch; none for one that checks run in.
    pub branch: Option<BranchName>,
    /// The commit it began at.
    pub base: Oid,
    /// How many uncommitted changes of the user's own checkout were left out.
    pub left_out: u32,
}

/// A kind of agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRow {
    /// Its name, as in `--agent NAME`.
    pub name: String,
    /// Whether it works here.
    pub works: bool,
    /// The version of its program, if it has one to tell.
    pub version: Option<String>,
    /// How it is let in at its model: `key`, `shared`, `none`; nothing, if that was not looked at.
    #[serde(default)]
    pub login: Option<String>,
    /// Why it does not work, and what to do.
    pub problem: Option<String>,
}

/// A change to the outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncOp {
    /// Its id.
    pub id: OpId,
    /// Its handle, such as `T-12.o1`.
    pub handle: String,
    /// The task.
    pub task_id: TaskId,
    /// What it changes: `<connector>/<branch, pull or ticket>/<name>`.
    pub resource: Resource,
    /// What kind of change it is, such as `push_branch`.
    pub kind: ChangeKind,
    /// The change in one line.
    pub title: String,
    /// The change itself.
    pub change: Change,
    /// Who must agree to it.
    pub policy: PublishPolicy,
    /// The hash of exactly that.
    pub payload_hash: PayloadHash,
    /// How far it is.
    pub state: SyncState,
    /// Attempts so far.
    pub attempts: u32,
    /// Not tried again before.
    pub until: Option<Timestamp>,
    /// What happened, where it failed, was given up or refused.
    pub detail: Option<String>,
    /// What the other side calls what it made.
    pub remote: Option<RemoteId>,
    /// Where a person finds it.
    pub url: Option<String>,
    /// When it was queued.
    pub queued_at: Timestamp,
}

/// A change to the outside that is wanted now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedChange {
    /// What it changes: `<connector>/<branch, pull or ticket>/<name>`.
    pub resource: Resource,
    /// What kind of change it is, such as `push_branch`.
    pub kind: ChangeKind,
    /// The change in one line.
    pub title: String,
    /// The change itself.
    pub change: Change,
    /// Who must agree to it.
    pub policy: PublishPolicy,
    /// What becomes of it.
    pub course: WantedCourse,
    /// The change that it is queued as, if it is: `T-12.o1`.
    pub op: Option<String>,
    /// What is there now, as far as it is known and the change says it anew.
    pub before: Option<String>,
}

/// What becomes of a change that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WantedCourse {
    /// It goes out.
    Goes,
    /// A person is asked first.
    Asks,
    /// The connector only observes: it is written nowhere.
    Observed,
    /// A policy, or a person, says that it never goes out.
    Denied,
}

/// How far a change to the outside is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncState {
    /// A person must agree first.
    Held,
    /// To be tried.
    Ready,
    /// An attempt began, and its outcome is not known yet.
    InFlight,
    /// To be tried again.
    Waiting,
    /// It is there.
    Sent,
    /// Given up until a person helps.
    Dead,
    /// Not wanted any more.
    Superseded,
    /// A person said no.
    Refused,
}

/// Why a task is doing something or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// The task.
    pub task_id: TaskId,
    /// Its handle.
    pub handle: Handle,
    /// Where it stands.
    pub phase: Phase,
    /// In one word, what it is doing.
    pub status: Status,
    /// What its pod is doing; none when it has no pod.
    pub pod: Option<PodState>,
    /// The run that is open, by handle.
    pub run: Option<String>,
    /// The decisions that wait for a person, by handle.
    pub decisions: Vec<String>,
    /// When the next attempt is due, if one is.
    pub retry_at: Option<Timestamp>,
    /// All of that in a sentence.
    pub reason: String,
}

/// Whether the server, or its store, is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// `ok`.
    pub status: String,
}

/// A connector to the outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectorRow {
    /// Its name, as configured.
    pub name: String,
    /// How it is.
    pub state: ConnectorState,
    /// When it last answered.
    pub answered_at: Option<Timestamp>,
    /// When a webhook last came for it.
    pub hook_at: Option<Timestamp>,
    /// What it last said that was no answer, if nothing answered since.
    pub error: Option<String>,
    /// Until when nothing is sent, if that is known.
    pub until: Option<Timestamp>,
    /// Since when it is paused or closed.
    pub since: Option<Timestamp>,
    /// Who paused it.
    pub by: Option<Principal>,
    /// Why, in that one's words.
    pub why: Option<String>,
}

/// How a connector is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectorState {
    /// It was not asked anything yet, by whoever runs now.
    Unasked,
    /// It answered last.
    Open,
    /// It did not answer the last time.
    Failing,
    /// The other side wants nothing more for a while.
    Waiting,
    /// Its credential is not accepted; nothing is sent before a person sees to it.
    Closed,
    /// A person paused it; nothing is read or sent before somebody resumes it.
    Paused,
}
