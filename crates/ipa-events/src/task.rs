//! The task aggregate: what may be asked of a task, what that leads to, and what follows from it.
//!
//! `decide` turns a command into events, `apply` turns events into state. Both are pure; neither knows a
//! clock, a store or an actor.

mod aggregate;
mod apply;
mod budget;
mod change;
mod command;
mod decide;
mod error;
mod event;
mod limits;
mod outside;
mod state;

pub use aggregate::{AggregateError, TaskAggregate};
pub use apply::{IllegalEvent, apply};
pub use budget::{Budget, BudgetOf, BudgetStage, Spent};
pub use change::{Category, Change, ChangeKind, CheckReport, MergeMethod, PublishPolicy, Push};
pub use command::{AfterFailure, Ask, FinishedRun, NeedsPerson, NewTask, RunRequest, TaskCommand, Verdict};
pub use decide::decide;
pub use error::TaskError;
pub use event::{
    BudgetNoted, CheckFinished, Created, Doubt, EscalationReason, Place, ProcessIdentity, Revision,
    RunRequested, RunStarted, Seen, SyncQueued, SyncSent, TaskEvent, TransitionRequested, Why,
};
pub use limits::{GatePolicy, Gates, TaskLimits};
pub use outside::{
    Ci, CiState, FailedCheck, Fuse, Link, News, Opinion, Outside, Pull, PullState, Remark, Review,
    ReviewVerdict, Thread, Ticket,
};
pub use state::{
    Answered, Asked, CheckResult, Day, Decision, DecisionKind, Document, Evidence, Fate, Message, Op,
    OpState, PendingRetry, Product, Rework, Run, RunState, TaskState, Usage, Waits, Workspace,
    WorkspaceState, knows,
};
