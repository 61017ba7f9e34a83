//! What may be asked of a task. A command may be refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::budget::{Budget, BudgetStage};
use super::change::{Change, PublishPolicy};
use super::event::{Doubt, EscalationReason, ProcessIdentity, SyncSent};
use super::limits::{Gates, TaskLimits};
use super::outside::{Link, News};
use super::state::Usage;
use crate::value::{
    AgentId, BranchName, DecisionId, Handle, Oid, OpId, Outcome, PayloadHash, Phase, RepoSource, Resource,
    Role, RunId, Runtime, SessionId, TaskId,
};
use jiff::Timestamp;

/// What may be asked of a task: first by people, then by its own pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskCommand {
    /// Begin it.
    Create(Box<NewTask>),
    /// Change its title or priority.
    Edit {
        /// The new title.
        title: Option<Arc<str>>,
        /// The new priority.
        priority: Option<i32>,
    },
    /// Start nothing more until resumed.
    Pause {
        /// Why.
        reason: Option<Arc<str>>,
    },
    /// Go on.
    Resume,
    /// Accept the work as it is.
    Complete {
        /// What to remember about it.
        note: Option<Arc<str>>,
    },
    /// Give it up.
    Cancel {
        /// Why.
        reason: Option<Arc<str>>,
    },
    /// Take it up again where it ended.
    Reopen,
    /// Go back to an earlier phase.
    GoBack {
        /// The phase.
        phase: Phase,
        /// Why; the next agent is told.
        reason: Arc<str>,
    },
    /// Try again what failed or was interrupted, now.
    Retry,
    /// Tell the agent something.
    PostMessage {
        /// What.
        text: Arc<str>,
    },
    /// Stop a run.
    InterruptRun {
        /// The run.
        run: RunId,
        /// Why.
        reason: Option<Arc<str>>,
    },
    /// Decide what waits for a person.
    Answer {
        /// What is decided.
        decision: DecisionId,
        /// The hash of what was seen; none takes what is there.
        seen: Option<PayloadHash>,
        /// How it is decided.
        verdict: Verdict,
    },

    /// The phase's product is there: open its gate.
    RequestTransition,
    /// Enter the phase behind an opened gate.
    EnterPhase,
    /// A checkout is about to be made.
    RequestWorkspace {
        /// Whose.
        agent: AgentId,
    },
    /// A checkout was made.
    RecordWorkspace {
        /// Whose.
        agent: AgentId,
        /// Where it lies.
        path: Arc<str>,
        /// Its branch.
        branch: BranchName,
        /// The commit it began at.
        base: Oid,
    },
    /// A checkout could not be made.
    RecordWorkspaceFailed {
        /// Whose.
        agent: AgentId,
        /// What happened.
        detail: Arc<str>,
        /// Whether only a person can mend it.
        needs_person: NeedsPerson,
    },
    /// A state of a workspace was made safe.
    RecordCheckpoint {
        /// Whose.
        agent: AgentId,
        /// Its number in the workspace.
        checkpoint: u32,
        /// The commit that holds it.
        commit: Oid,
        /// Why it was taken.
        reason: Arc<str>,
    },
    /// A workspace was moved to the trash.
    RecordTrashed {
        /// Whose.
        agent: AgentId,
    },
    /// The source repository is not what it was before a run.
    RecordSourceChanged {
        /// The run.
        run: RunId,
        /// What differs.
        detail: Arc<str>,
    },
    /// An agent is about to be started.
    RequestRun(Box<RunRequest>),
    /// An agent was started.
    RecordStarted {
        /// The run.
        run: RunId,
        /// Its host process.
        process: ProcessIdentity,
        /// The conversation that can be resumed.
        session: Option<SessionId>,
        /// What confines it, and what does not, in a person's words.
        sandbox: Arc<str>,
    },
    /// A live agent was found again after a restart.
    RecordAdopted {
        /// The run.
        run: RunId,
    },
    /// An agent wants to do something that its policy does not allow by itself.
    AskPermission {
        /// The run.
        run: RunId,
        /// The agent's own key for the request.
        key: Arc<str>,
        /// The tool it wants to use.
        tool: Arc<str>,
        /// What it wants to do with it, JSON.
        input: Arc<str>,
    },
    /// An agent asks a question.
    AskQuestion {
        /// The run.
        run: RunId,
        /// The agent's own key for the question.
        key: Arc<str>,
        /// What is asked.
        ask: Ask,
    },
    /// An agent no longer waits for an answer.
    Withdraw {
        /// The run.
        run: RunId,
        /// The agent's own key.
        key: Arc<str>,
        /// Why.
        why: Arc<str>,
    },
    /// Messages reached the live agent.
    RecordDelivered {
        /// The run.
        run: RunId,
        /// Their numbers.
        messages: Vec<u32>,
    },
    /// A run has used much of a budget, or as good as all of it.
    NoteBudget {
        /// The run.
        run: RunId,
        /// What is done about it.
        stage: BudgetStage,
        /// The budget, and what was spent of it.
        budget: Budget,
    },
    /// A run is over.
    FinishRun(Box<FinishedRun>),
    /// Something outside is to change.
    QueueChanges {
        /// What.
        resource: Resource,
        /// How, and who must agree.
        changes: Vec<(Change, PublishPolicy)>,
    },
    /// A change is about to be sent.
    StartAttempt {
        /// Which.
        op: OpId,
    },
    /// A change is there.
    RecordSent(Box<SyncSent>),
    /// Nobody knows whether a change is there.
    RecordDoubt {
        /// Which.
        op: OpId,
        /// What is known.
        doubt: Doubt,
        /// What happened.
        detail: Arc<str>,
    },
    /// A change is not there.
    RecordSendFailed {
        /// Which.
        op: OpId,
        /// What happened.
        detail: Arc<str>,
        /// What to do about it.
        next: AfterFailure,
    },
    /// A change is not wanted any more, as things stand.
    WithdrawOp {
        /// Which.
        op: OpId,
    },
    /// A change that was given up is tried again.
    RetryOp {
        /// Which.
        op: OpId,
    },
    /// A person does not want a change.
    DropOp {
        /// Which.
        op: OpId,
    },
    /// Something outside is written again and again: nothing more is, before a person says so.
    BlowFuse {
        /// What.
        resource: Resource,
        /// What happened.
        detail: Arc<str>,
    },
    /// Something outside belongs to the task.
    RecordLink {
        /// What.
        resource: Resource,
        /// How the other side knows it.
        link: Link,
    },
    /// Something outside is other than it was known to be.
    RecordNews {
        /// What.
        resource: Resource,
        /// How.
        news: Vec<News>,
    },
    /// Something stops the task that a person must look at.
    Escalate {
        /// What kind of thing.
        reason: EscalationReason,
        /// What happened.
        detail: Arc<str>,
    },
}

/// What is done about a change that was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// Try again after a pause, as often as the limits allow.
    Again,
    /// The other side wants no request before this time; it counts as no failure.
    HoldUntil(Timestamp),
    /// A person must change something first.
    Ask,
    /// What was to be changed was taken away: leave it.
    Leave,
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeedsPerson {
    /// A person must change something first.
    Yes,
    /// The same may work a little later.
    No,
}

/// A task to begin. Its fields were checked; nothing is looked up any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// Its id.
    pub task: TaskId,
    /// Its short name, given by the store.
    pub handle: Handle,
    /// The request in the author's words.
    pub request: Arc<str>,
    /// One line that names it; taken from the request when there is none.
    pub title: Option<Arc<str>>,
    /// The repository to work on.
    pub repo: RepoSource,
    /// The branch to start from.
    pub base: Option<BranchName>,
    /// Which agent works on it.
    pub agent: Runtime,
    /// The roles that another agent has.
    pub roles: BTreeMap<Role, Runtime>,
    /// Who opens its gates.
    pub gates: Gates,
    /// The commands that check the work.
    pub checks: Vec<Arc<str>>,
    /// The phase it begins in.
    pub start_at: Phase,
    /// Its priority.
    pub priority: i32,
    /// Tasks that must be completed first.
    pub depends_on: Vec<TaskId>,
    /// The ticket that it is for.
    pub ticket: Option<(Resource, Link)>,
    /// Its limits.
    pub limits: TaskLimits,
}

/// A run to be requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRequest {
    /// What it is asked to do.
    pub role: Role,
    /// Where it works.
    pub agent: AgentId,
    /// Which agent program.
    pub runtime: Runtime,
    /// The conversation to begin, or to go on with.
    pub session: Option<SessionId>,
    /// The run whose conversation it goes on with.
    pub resumes: Option<RunId>,
    /// The check to run, in a run of the role `check`.
    pub check: Option<Arc<str>>,
}

/// What a run left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedRun {
    /// The run.
    pub run: RunId,
    /// How it ended.
    pub outcome: Outcome,
    /// The document it wrote, if that was its task; of a run that was told to make an end, its last words.
    pub document: Option<Arc<str>>,
    /// The head of its work, harvested, if it may change the tree.
    pub head: Option<Oid>,
    /// The exit code and the end of the output, in a run of the role `check`.
    pub check: Option<(Option<i32>, Arc<str>)>,
    /// What it cost.
    pub usage: Usage,
}

/// A question of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// What is asked.
    pub text: Arc<str>,
    /// Answers to choose from; any text will do as well.
    pub choices: Vec<Arc<str>>,
}

/// How something that waited for a person is decided.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Yes: open the gate, allow it, try again.
    Approve {
        /// What to remember about it.
        note: Option<Arc<str>>,
    },
    /// Yes to the tool that an agent wants to use, but with another input.
    Edit {
        /// What it is to do instead, a JSON object.
        input: Arc<str>,
        /// What to remember about it.
        note: Option<Arc<str>>,
    },
    /// No, and why; the agent is told.
    Reject {
        /// Why.
        reason: Arc<str>,
    },
    /// The answer to a question.
    Answer {
        /// The answer.
        text: Arc<str>,
    },
}
