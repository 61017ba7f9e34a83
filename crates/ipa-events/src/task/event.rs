//! What can have happened to a task. An event tells, in the past tense, and is for ever.
//!
//! The wire name of an event is `noun.verb_past`; it stands beside the variant and nowhere else.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::budget::Budget;
use super::change::{Change, PublishPolicy};
use super::limits::{GatePolicy, Gates, TaskLimits};
use super::outside::{Link, News};
use super::state::{Evidence, Usage};
use crate::value::{
    AgentId, BranchName, DecisionId, FailureClass, Oid, OpId, Outcome, PayloadHash, Phase, RemoteId,
    RepoSource, Resource, Role, RunId, Runtime, SessionId, TaskId, WorkspaceId,
};

/// What can have happened to a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "payload")]
#[expect(
    missing_docs,
    reason = "each variant is told by its wire name, each field by its type's documentation"
)]
pub enum TaskEvent {
    #[serde(rename = "task.created")]
    Created(Box<Created>),
    #[serde(rename = "task.edited")]
    Edited { title: Option<Arc<str>>, priority: Option<i32> },
    #[serde(rename = "task.paused")]
    Paused { reason: Option<Arc<str>> },
    #[serde(rename = "task.resumed")]
    Resumed {},
    #[serde(rename = "task.completed")]
    Completed { note: Option<Arc<str>> },
    #[serde(rename = "task.cancelled")]
    Cancelled { reason: Option<Arc<str>> },
    #[serde(rename = "task.reopened")]
    Reopened { phase: Phase },

    #[serde(rename = "spec.revised")]
    SpecRevised(Revision),
    #[serde(rename = "plan.revised")]
    PlanRevised(Revision),

    #[serde(rename = "transition.requested")]
    TransitionRequested(TransitionRequested),
    #[serde(rename = "transition.approved")]
    TransitionApproved { decision: DecisionId, to: Phase, seen: Seen, note: Option<Arc<str>> },
    #[serde(rename = "transition.rejected")]
    TransitionRejected { decision: DecisionId, reason: Arc<str> },
    #[serde(rename = "phase.entered")]
    PhaseEntered { phase: Phase, why: Why },

    #[serde(rename = "workspace.requested")]
    WorkspaceRequested { place: Place },
    #[serde(rename = "workspace.ready")]
    WorkspaceReady { place: Place, path: Arc<str>, branch: BranchName, base: Oid },
    #[serde(rename = "workspace.failed")]
    WorkspaceFailed { place: Place, detail: Arc<str> },
    #[serde(rename = "workspace.harvested")]
    WorkspaceHarvested { place: Place, run: RunId, head: Oid },
    #[serde(rename = "workspace.checkpointed")]
    WorkspaceCheckpointed { place: Place, checkpoint: u32, commit: Oid, reason: Arc<str> },
    #[serde(rename = "workspace.trashed")]
    WorkspaceTrashed { place: Place },
    #[serde(rename = "source.changed")]
    SourceChanged { run: RunId, detail: Arc<str> },

    #[serde(rename = "run.requested")]
    RunRequested(Box<RunRequested>),
    #[serde(rename = "run.handed_over")]
    RunHandedOver { run: RunId, from: RunId, why: FailureClass },
    #[serde(rename = "run.started")]
    RunStarted(RunStarted),
    #[serde(rename = "run.adopted")]
    RunAdopted { run: RunId, place: Place },
    #[serde(rename = "run.interrupted")]
    RunInterrupted { run: RunId, place: Place, reason: Option<Arc<str>> },
    #[serde(rename = "run.finished")]
    RunFinished { run: RunId, place: Place, outcome: Outcome, usage: Usage },
    #[serde(rename = "check.finished")]
    CheckFinished(CheckFinished),

    #[serde(rename = "message.posted")]
    MessagePosted { message: u32, text: Arc<str> },
    #[serde(rename = "message.delivered")]
    MessageDelivered { messages: Vec<u32>, run: RunId },

    #[serde(rename = "permission.requested")]
    PermissionRequested { decision: DecisionId, run: RunId, key: Arc<str>, tool: Arc<str>, input: Arc<str> },
    #[serde(rename = "permission.answered")]
    PermissionAnswered {
        decision: DecisionId,
        allowed: bool,
        reason: Option<Arc<str>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        input: Option<Arc<str>>,
    },
    #[serde(rename = "permission.withdrawn")]
    PermissionWithdrawn { decision: DecisionId, why: Arc<str> },
    #[serde(rename = "question.asked")]
    QuestionAsked { decision: DecisionId, run: RunId, key: Arc<str>, text: Arc<str>, choices: Vec<Arc<str>> },
    #[serde(rename = "question.answered")]
    QuestionAnswered { decision: DecisionId, text: Arc<str> },
    #[serde(rename = "question.withdrawn")]
    QuestionWithdrawn { decision: DecisionId, why: Arc<str> },
    #[serde(rename = "escalation.opened")]
    EscalationOpened { decision: DecisionId, reason: EscalationReason, detail: Arc<str> },
    #[serde(rename = "escalation.answered")]
    EscalationAnswered { decision: DecisionId, again: bool, text: Option<Arc<str>> },

    #[serde(rename = "retry.scheduled")]
    RetryScheduled { attempt: u32, at: Timestamp, class: Option<FailureClass> },

    #[serde(rename = "budget.warned")]
    BudgetWarned(BudgetNoted),
    #[serde(rename = "budget.reached")]
    BudgetReached(BudgetNoted),

    #[serde(rename = "sync.queued")]
    SyncQueued(Box<SyncQueued>),
    #[serde(rename = "sync.approval_requested")]
    SyncApprovalRequested {
        decision: DecisionId,
        resource: Resource,
        ops: Vec<OpId>,
        payload_hash: PayloadHash,
    },
    #[serde(rename = "sync.approval_withdrawn")]
    SyncApprovalWithdrawn { decision: DecisionId, why: Arc<str> },
    #[serde(rename = "sync.approved")]
    SyncApproved { decision: DecisionId, payload_hash: PayloadHash, note: Option<Arc<str>> },
    #[serde(rename = "sync.rejected")]
    SyncRejected { decision: DecisionId, reason: Arc<str> },
    #[serde(rename = "sync.superseded")]
    SyncSuperseded { op: OpId, by: Option<OpId> },
    #[serde(rename = "sync.attempt_started")]
    SyncAttemptStarted { op: OpId, attempt: u32 },
    #[serde(rename = "sync.doubted")]
    SyncDoubted { op: OpId, doubt: Doubt, detail: Arc<str>, look_at: Timestamp },
    #[serde(rename = "sync.sent")]
    SyncSent(Box<SyncSent>),
    #[serde(rename = "sync.failed")]
    SyncFailed { op: OpId, attempt: u32, counts: bool, detail: Arc<str>, retry_at: Timestamp },
    #[serde(rename = "sync.dead")]
    SyncDead { op: OpId, detail: Arc<str> },
    #[serde(rename = "sync.retried")]
    SyncRetried { op: OpId },
    #[serde(rename = "sync.dropped")]
    SyncDropped { op: OpId },
    #[serde(rename = "sync.fused")]
    SyncFused { resource: Resource, decision: DecisionId },

    #[serde(rename = "external.linked")]
    ExternalLinked { resource: Resource, link: Link },
    #[serde(rename = "external.changed")]
    ExternalChanged { resource: Resource, news: News },
}

/// The first event of every task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// The task.
    pub task: TaskId,
    /// Its number in the store: the 12 of `T-12`.
    pub number: u64,
    /// One line that names it.
    pub title: Arc<str>,
    /// The request in the author's words.
    pub request: Arc<str>,
    /// The repository to work on.
    pub repo: RepoSource,
    /// The branch to start from; none means the repository's own choice.
    pub base: Option<BranchName>,
    /// Which agent works on it.
    pub agent: Runtime,
    /// The roles that another agent has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<Role, Runtime>,
    /// Who opens its gates.
    pub gates: Gates,
    /// The commands that check the work, run by ipa on the exact commit.
    pub checks: Vec<Arc<str>>,
    /// The phase it begins in.
    pub start_at: Phase,
    /// More urgent tasks have a higher number.
    pub priority: i32,
    /// Tasks that must be completed first.
    pub depends_on: Vec<TaskId>,
    /// The ticket that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Resource>,
    /// Its limits.
    pub limits: TaskLimits,
}

impl Created {
    /// Returns who has a role.
    pub fn agent_of(&self, role: Role) -> &Runtime {
        self.roles.get(&role).unwrap_or(&self.agent)
    }

    /// Returns who works on the task in a phase; once it is over, who carried it out.
    pub fn agent_in(&self, phase: Phase) -> &Runtime {
        self.agent_of(phase.role().unwrap_or(Role::Develop))
    }
}

/// A new version of the spec or the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The version, from 1.
    pub version: u32,
    /// The text, Markdown.
    pub text: Arc<str>,
    /// The run that wrote it; none when it came with the request.
    pub run: Option<RunId>,
}

/// What a person sees at a gate. An approval binds exactly this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The version of the phase's document.
    pub document: Option<u32>,
    /// The head of the work.
    pub head: Option<Oid>,
    /// What the checks said of that head.
    pub checks: Evidence,
}

/// A phase's product is there and its gate is to be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransitionRequested {
    /// The decision that this opens.
    pub decision: DecisionId,
    /// The phase whose product is there.
    pub from: Phase,
    /// The phase behind the gate.
    pub to: Phase,
    /// What there is to see.
    pub seen: Seen,
    /// The hash of exactly that.
    pub payload_hash: PayloadHash,
    /// Who opens the gate.
    pub policy: GatePolicy,
}

/// Why a phase was entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Its gate was opened.
    Approved(DecisionId),
    /// Somebody went back to it.
    Back(Arc<str>),
}

/// A place of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The agent id, as in the workspace's path.
    pub agent_id: AgentId,
}

impl Place {
    /// Names the workspace of `agent` in `task`.
    pub fn new(task: TaskId, agent: AgentId) -> Self {
        Self { workspace_id: WorkspaceId { task, agent: agent.clone() }, agent_id: agent }
    }
}

/// The intent to start an agent. It is stored before any process exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRequested {
    /// The run.
    pub run: RunId,
    /// Where it works.
    pub place: Place,
    /// What it is asked to do.
    pub role: Role,
    /// The phase it belongs to.
    pub phase: Phase,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// Which agent.
    pub runtime: Runtime,
    /// The conversation to begin, if its id is ours to choose; or to go on with.
    pub session: Option<SessionId>,
    /// The run whose conversation it goes on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumes: Option<RunId>,
    /// The commit it starts from.
    pub head: Oid,
    /// The messages that its prompt holds.
    pub messages: Vec<u32>,
    /// The check to run, in a run of the role `check`.
    pub check: Option<Arc<str>>,
}

/// Which process it is: enough to tell it from a later one with the same pid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// The process id.
    pub pid: u32,
    /// Clock ticks between the machine's boot and the process's start (field 22 of `/proc/PID/stat`).
    pub start_time: u64,
    /// The id of the machine's boot.
    pub boot_id: Arc<str>,
}

/// An agent was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStarted {
    /// The run.
    pub run: RunId,
    /// Where it works.
    pub place: Place,
    /// Its host process.
    pub process: ProcessIdentity,
    /// The conversation that can be resumed.
    pub session: Option<SessionId>,
    /// What confines it, and what does not, in a person's words.
    pub sandbox: Arc<str>,
}

/// How much of a budget a run has used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetNoted {
    /// The run.
    pub run: RunId,
    /// The budget, and what was spent of it.
    #[serde(flatten)]
    pub budget: Budget,
}

/// What a check said of an exact commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckFinished {
    /// The run that holds its output.
    pub run: RunId,
    /// Where it ran.
    pub place: Place,
    /// The command.
    pub command: Arc<str>,
    /// The commit.
    pub commit: Oid,
    /// The exit code; none when it did not end by itself.
    pub exit_code: Option<i32>,
    /// Whether it passed.
    pub passed: bool,
    /// The end of its output, for the next run's prompt; at most 4 KiB.
    pub tail: Arc<str>,
}

/// The intent to change something outside. It is stored before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncQueued {
    /// The operation.
    pub op: OpId,
    /// What it changes.
    pub resource: Resource,
    /// How.
    pub change: Change,
    /// The hash of exactly that.
    pub payload_hash: PayloadHash,
    /// Who must agree.
    pub policy: PublishPolicy,
}

/// A change is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncSent {
    /// The operation.
    pub op: OpId,
    /// What it made, or changed.
    pub remote: Option<RemoteId>,
    /// Where a person finds it.
    pub url: Option<Arc<str>>,
    /// The id under which the other side knows the request.
    pub request_id: Option<Arc<str>>,
}

/// What is known of a change whose answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// The answer did not come.
    Unanswered,
    /// It was looked for, and is not there; it may still come.
    NotThere,
    /// It could not be looked for.
    Unknown,
    /// It may not be looked for before this time.
    Later(Timestamp),
}

/// Why ipa cannot go on without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EscalationReason {
    /// All attempts at a run failed.
    AttemptsUsedUp,
    /// A failure that only a person can mend.
    RunFailed,
    /// A run used up what it may cost; another one may cost as much again.
    RunBudget,
    /// The task used up what it may cost; going on grants as much again.
    TaskBudget,
    /// The checks go on failing.
    ChecksFail,
    /// The work could not be delivered, or something outside not be changed.
    DeliveryFailed,
    /// Something outside is written again and again.
    WriteStorm,
    /// The pull request was closed, unmerged.
    PullClosed,
    /// Somebody else pushed to the pull request.
    PullMoved,
    /// The task's pod cannot run.
    PodParked,
}

impl TaskEvent {
    /// Returns the wire name, such as `task.created`.
    pub fn kind(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value.get("type").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    }
}
