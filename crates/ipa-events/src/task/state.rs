//! What a task is, after all that happened to it: plain data.
//!
//! Only `apply` writes it. The questions that more than one place asks of it are answered at the end of this
//! file and in `state/`, purely.

mod day;
mod decision;
mod op;
mod product;
mod resume;
mod waits;

pub use day::Day;
pub use decision::{Answered, Asked, Decision, DecisionKind};
pub use op::{Fate, Op, OpState, knows};
pub use product::Product;
pub use waits::Waits;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::budget::{Budget, BudgetStage};
use super::event::{Created, Place, ProcessIdentity};
use super::limits::{GatePolicy, Gates, TaskLimits};
use super::outside::Outside;
use crate::value::{
    AgentId, BranchName, DecisionId, FailureClass, Handle, Oid, OpId, Outcome, Phase, Principal, Resource,
    Role, RunId, Runtime, SessionId, TaskId,
};

/// A task, after all that happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TaskState {
    /// How it was created; none before that.
    pub created: Option<Arc<Created>>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// When something last happened to it.
    pub updated_at: Option<Timestamp>,
    /// Its title now.
    pub title: Arc<str>,
    /// Its priority now.
    pub priority: i32,
    /// Where it stands.
    pub phase: Phase,
    /// The phase in which it was ended; where a reopened task goes on.
    pub ended_in: Option<Phase>,
    /// Who paused it, if it is paused.
    pub paused: Option<Principal>,
    /// The spec.
    pub spec: Document,
    /// The plan.
    pub plan: Document,
    /// The head of the work, once there is work.
    pub head: Option<Oid>,
    /// Places of work.
    pub workspaces: BTreeMap<AgentId, Workspace>,
    /// All runs; run number 1 is first.
    pub runs: Vec<Run>,
    /// What the checks said.
    pub checks: Vec<CheckResult>,
    /// Everything that waited or waits for a person; decision number 1 is first.
    pub decisions: Vec<Decision>,
    /// What people told the agents; message number 1 is first.
    pub messages: Vec<Message>,
    /// Changes to the outside; operation number 1 is first.
    pub ops: Vec<Op>,
    /// What is known of the outside.
    pub outside: Outside,
    /// Why the phase's product must be made again, if it must.
    pub rework: Option<Rework>,
    /// Failed attempts in a row.
    pub failures: u32,
    /// What the last failed attempt said.
    pub last_failure: Option<Arc<str>>,
    /// When the next attempt is due, after a failed one.
    pub retry: Option<PendingRetry>,
    /// Runs so far that were to mend failed checks.
    pub fixes: u32,
    /// Who interrupted the last run; nothing starts until a person says so.
    pub interrupted: Option<Principal>,
    /// The gate that was opened and not yet passed.
    pub approved: Option<(DecisionId, Phase)>,
    /// What all runs cost.
    pub usage: Usage,
    /// How often a person granted as much again as the task may cost.
    pub granted: u32,
    /// What the runs cost that ended on the last day on which one did.
    pub day: Option<Day>,
}

/// A document with all its versions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Document {
    /// The texts; version 1 is first.
    pub versions: Vec<Arc<str>>,
}

impl Document {
    /// Returns the number of the newest version, if there is one.
    pub fn version(&self) -> Option<u32> {
        u32::try_from(self.versions.len()).ok().filter(|count| *count > 0)
    }

    /// Returns the newest text, if there is one.
    pub fn text(&self) -> Option<&Arc<str>> {
        self.versions.last()
    }
}

/// A place of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// What is known of it.
    pub state: WorkspaceState,
    /// Checkpoints so far.
    pub checkpoints: Vec<(u32, Oid)>,
}

/// What is known of a place of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkspaceState {
    /// A checkout is being made.
    Requested,
    /// There is a checkout.
    Ready {
        /// Where.
        path: Arc<str>,
        /// Its branch.
        branch: BranchName,
        /// The commit it began at.
        base: Oid,
    },
    /// The last try failed.
    Failed {
        /// What happened.
        detail: Arc<str>,
    },
    /// It was moved to the trash, after a checkpoint.
    Trashed {
        /// Its branch, which a restored one gets again.
        branch: BranchName,
        /// The commit it began at.
        base: Oid,
    },
}

/// One run of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Which.
    pub id: RunId,
    /// Where it works.
    pub place: Place,
    /// What it was asked to do.
    pub role: Role,
    /// The phase it belongs to.
    pub phase: Phase,
    /// Which attempt it is.
    pub attempt: u32,
    /// Which agent program.
    pub runtime: Runtime,
    /// The conversation.
    pub session: Option<SessionId>,
    /// The run whose conversation it goes on with.
    pub resumes: Option<RunId>,
    /// The run whose work it takes over, as nobody can go on with the conversation.
    pub takes_over: Option<RunId>,
    /// The commit it started from.
    pub head: Oid,
    /// The messages that its prompt holds.
    pub messages: Vec<u32>,
    /// The check it runs, if that is its role.
    pub check: Option<Arc<str>>,
    /// How far it is.
    pub state: RunState,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// Its host process, once started.
    pub process: Option<ProcessIdentity>,
    /// What confines it, and what does not, in a person's words.
    pub sandbox: Option<Arc<str>>,
    /// When it was started.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// Who asked for it to be stopped.
    pub interrupted_by: Option<Principal>,
    /// The budget of which it used much, and what was done about that.
    pub budget: Option<(BudgetStage, Budget)>,
    /// What it cost.
    pub usage: Usage,
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// The intent is stored.
    Requested,
    /// Its process was seen.
    Running,
    /// It is over.
    Over(Outcome),
}

impl Run {
    /// Tells whether its end is not known yet.
    pub const fn is_open(&self) -> bool {
        match self.state {
            RunState::Requested | RunState::Running => true,
            RunState::Over(_) => false,
        }
    }
}

/// What runs cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read by the model.
    pub input_tokens: u64,
    /// Tokens written by the model.
    pub output_tokens: u64,
    /// Millionths of a US dollar.
    pub cost_microusd: u64,
}

impl Usage {
    /// Adds what something else cost.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cost_microusd: self.cost_microusd.saturating_add(other.cost_microusd),
        }
    }
}

/// What a check said of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The run that holds its output.
    pub run: RunId,
    /// The command.
    pub command: Arc<str>,
    /// The commit.
    pub commit: Oid,
    /// The exit code; none when it did not end by itself.
    pub exit_code: Option<i32>,
    /// Whether it passed.
    pub passed: bool,
    /// The end of its output.
    pub tail: Arc<str>,
}

/// What all checks together say of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// No checks are configured; that is not the same as passed.
    NoneConfigured,
    /// Not all have run yet.
    Pending,
    /// All passed.
    Passed,
    /// At least one failed.
    Failed,
}

/// What a person told the agents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who.
    pub from: Principal,
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: Arc<str>,
    /// The run that it reached.
    pub delivered: Option<RunId>,
}

/// Why a phase's product must be made again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rework {
    /// What is wrong with it, in a person's words.
    pub reason: Arc<str>,
    /// Only a run with a higher number answers it.
    pub after_run: u32,
}

/// The next attempt, after a failed one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingRetry {
    /// Not before.
    pub at: Timestamp,
    /// Which attempt it will be.
    pub attempt: u32,
    /// What failed before; none when a person asked for it.
    pub class: Option<FailureClass>,
}

impl TaskState {
    /// Returns the task's id, once it is created.
    pub fn id(&self) -> Option<TaskId> {
        self.created.as_ref().map(|created| created.task)
    }

    /// Returns the task's short name, once it is created.
    pub fn handle(&self) -> Option<Handle> {
        self.created.as_ref().map(|created| Handle::new(created.number))
    }

    /// Returns its limits.
    pub fn limits(&self) -> TaskLimits {
        self.created.as_ref().map_or_else(TaskLimits::default, |created| created.limits)
    }

    /// Returns the policies of its gates.
    pub fn gates(&self) -> Gates {
        self.created.as_ref().map_or_else(Gates::default, |created| created.gates)
    }

    /// Returns the run whose end is not known yet, if there is one.
    pub fn open_run(&self) -> Option<&Run> {
        self.runs.iter().rev().find(|run| run.is_open())
    }

    /// Returns a run.
    pub fn run(&self, id: RunId) -> Option<&Run> {
        self.runs.get(usize::try_from(id.number).ok()?.checked_sub(1)?).filter(|run| run.id == id)
    }

    /// Returns a decision.
    pub fn decision(&self, id: DecisionId) -> Option<&Decision> {
        self.decisions.get(usize::try_from(id.number).ok()?.checked_sub(1)?).filter(|it| it.id == id)
    }

    /// Returns an operation.
    pub fn op(&self, id: OpId) -> Option<&Op> {
        self.ops.get(usize::try_from(id.number).ok()?.checked_sub(1)?).filter(|op| op.id == id)
    }

    /// Returns the open card on which changes to a thing wait, and which they are.
    pub fn publish_card(&self, resource: &Resource) -> Option<(&Decision, &[OpId])> {
        self.open_decisions().find_map(|open| match &open.asked {
            Asked::Publish { resource: of, ops, .. } if of == resource => Some((open, ops.as_slice())),
            Asked::Publish { .. }
            | Asked::Gate { .. }
            | Asked::Permission { .. }
            | Asked::Question { .. }
            | Asked::Escalation { .. } => None,
        })
    }

    /// Lists what is open, the oldest first: gates that a policy opens are among it.
    pub fn open_decisions(&self) -> impl Iterator<Item = &Decision> {
        self.decisions.iter().filter(|decision| decision.answered.is_none())
    }

    /// Lists what waits for a person, the oldest first.
    pub fn waiting_for_person(&self) -> impl Iterator<Item = &Decision> {
        self.open_decisions().filter(|decision| match &decision.asked {
            Asked::Gate { policy, .. } => *policy == GatePolicy::Ask,
            Asked::Permission { .. }
            | Asked::Question { .. }
            | Asked::Publish { .. }
            | Asked::Escalation { .. } => true,
        })
    }

    /// Lists what waits for a person and stops the task meanwhile. What would go out stops it when the work is done.
    pub fn stopping(&self) -> impl Iterator<Item = &Decision> {
        let delivers = self.may_deliver();
        self.waiting_for_person().filter(move |open| delivers || open.asked.kind() != DecisionKind::Publish)
    }

    /// Lists the numbers of messages that reached no agent yet.
    pub fn undelivered(&self) -> Vec<u32> {
        (1..).zip(&self.messages).filter(|(_, message)| message.delivered.is_none()).map(|(n, _)| n).collect()
    }

    /// Returns the commit that the work began at, once there is a workspace.
    pub fn base(&self) -> Option<&Oid> {
        match &self.workspaces.get(&AgentId::main())?.state {
            WorkspaceState::Ready { base, .. } | WorkspaceState::Trashed { base, .. } => Some(base),
            WorkspaceState::Requested | WorkspaceState::Failed { .. } => None,
        }
    }

    /// Returns the branch of the work, once there is a workspace.
    pub fn branch(&self) -> Option<&BranchName> {
        match &self.workspaces.get(&AgentId::main())?.state {
            WorkspaceState::Ready { branch, .. } | WorkspaceState::Trashed { branch, .. } => Some(branch),
            WorkspaceState::Requested | WorkspaceState::Failed { .. } => None,
        }
    }
}
