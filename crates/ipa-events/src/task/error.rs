//! Why a task refused a command. Every text says what a person can do.

use super::state::Answered;
use crate::value::{DecisionId, OpId, PayloadHash, Phase, Principal, RunId};

/// Why a task refused a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// Nothing was created under this id.
    #[error("there is no such task")]
    NotCreated,
    /// The task is already there.
    #[error("the task exists already")]
    Exists,
    /// The task is over.
    #[error("the task is {0}; reopen it to go on")]
    Over(Phase),
    /// The task is not over.
    #[error("the task is not over")]
    NotOver,
    /// A value cannot be used.
    #[error("{what} {problem}")]
    Invalid {
        /// Which value.
        what: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// One may only go back to an earlier phase.
    #[error("the task is in {from}; {to} does not come before it")]
    NotEarlier {
        /// Where the task is.
        from: Phase,
        /// Where it was to go.
        to: Phase,
    },
    /// There is nothing to try again.
    #[error("nothing has failed or was interrupted, so there is nothing to retry")]
    NothingToRetry,
    /// The task is paused already, or not paused.
    #[error("the task is {}", if *.0 { "paused already" } else { "not paused" })]
    Pausing(bool),
    /// No such run.
    #[error("there is no run {0}")]
    UnknownRun(RunId),
    /// The run is over.
    #[error("run {0} is over")]
    RunOver(RunId),
    /// Another run is open.
    #[error("run {0} is not over yet")]
    RunOpen(RunId),
    /// No such decision.
    #[error("there is no decision {0}")]
    UnknownDecision(DecisionId),
    /// Somebody else was quicker, or nobody waits for it any more.
    #[error("decision {id} is closed: {}", told(.answered))]
    Closed {
        /// Which decision.
        id: DecisionId,
        /// What happened to it.
        answered: Box<Answered>,
    },
    /// What was seen is not what is there now.
    #[error("what you saw has changed; look again, then decide {decision}")]
    Changed {
        /// The decision to look at.
        decision: DecisionId,
        /// The hash of what is there now.
        actual: PayloadHash,
    },
    /// This kind of decision takes another kind of answer.
    #[error("a {kind} takes {takes}")]
    WrongVerdict {
        /// What is decided.
        kind: &'static str,
        /// What it takes.
        takes: &'static str,
    },
    /// This one may not decide.
    #[error("{0} may not decide what waits for a person")]
    MayNotDecide(Principal),
    /// No such operation.
    #[error("there is no operation {0}")]
    UnknownOp(OpId),
    /// The pod asked for something that the state does not call for.
    #[error("the task's state does not call for this: {0}")]
    NotCalledFor(&'static str),
}

fn told(answered: &Answered) -> String {
    match answered {
        Answered::By { who, at, .. } => format!("{who} decided it at {at:.0}"),
        Answered::Withdrawn { why } => why.to_string(),
    }
}
