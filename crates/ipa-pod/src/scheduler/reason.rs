//! Why a task does nothing just now, as a value: for `ipa why`, the page, the log and the tests.

use std::fmt;

use ipa_events::task::Budget;
use ipa_events::{FailureClass, Handle, Phase, Principal, RunId, Runtime, usage_limit};
use jiff::Timestamp;

use crate::slots::NoSlot;

/// Why a task does nothing just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The engine is stopping.
    Draining,
    /// The task is over.
    Over,
    /// Somebody paused it.
    Paused(Principal),
    /// Something waits for a person: its handle, and what it is.
    Person(String),
    /// An agent asks a person something, and lives: what is asked.
    Asked(String),
    /// A run works.
    Working(RunId),
    /// A workspace is being made or tidied.
    Workspace,
    /// The work is on its way out.
    Delivering,
    /// It is out, and others have it: their checks, or who merges it.
    Outside,
    /// Somebody else pushed to its pull request.
    Moved,
    /// A person interrupted it, or said no to going on.
    Interrupted(Principal),
    /// The next attempt is not due yet.
    Retry { at: Timestamp, class: Option<FailureClass> },
    /// The usage limit of the agent is not over yet.
    UsageLimit { agent: Runtime, until: Timestamp },
    /// What may be spent on one day is as good as spent.
    DayBudget { budget: Budget, until: Timestamp },
    /// The last run started a moment ago.
    Cooldown(Timestamp),
    /// Another task must be completed first.
    Dependency { on: Handle, phase: Phase },
    /// It is not known yet where a task stands that must be completed first.
    UnknownDependency,
    /// Its pod was stopped by hand.
    Stopped,
    /// All slots are taken.
    NoSlot(NoSlot),
}

impl Reason {
    /// Returns when it is worth to look again, if a time is all that is waited for.
    pub(crate) const fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Retry { at, .. }
            | Self::UsageLimit { until: at, .. }
            | Self::DayBudget { until: at, .. }
            | Self::Cooldown(at) => Some(*at),
            Self::Draining
            | Self::Over
            | Self::Paused(_)
            | Self::Person(_)
            | Self::Asked(_)
            | Self::Working(_)
            | Self::Workspace
            | Self::Delivering
            | Self::Outside
            | Self::Moved
            | Self::Interrupted(_)
            | Self::Dependency { .. }
            | Self::UnknownDependency
            | Self::Stopped
            | Self::NoSlot(_) => None,
        }
    }

    /// Tells whether who reads the log alone knows it too: then it is nothing that a pod has to say.
    pub(crate) const fn is_in_the_log(&self) -> bool {
        match self {
            Self::Over
            | Self::Paused(_)
            | Self::Person(_)
            | Self::Interrupted(_)
            | Self::Retry { .. }
            | Self::UsageLimit { .. } => true,
            Self::Draining
            | Self::Asked(_)
            | Self::Working(_)
            | Self::Workspace
            | Self::Delivering
            | Self::Outside
            | Self::Moved
            | Self::DayBudget { .. }
            | Self::Cooldown(_)
            | Self::Dependency { .. }
            | Self::UnknownDependency
            | Self::Stopped
            | Self::NoSlot(_) => false,
        }
    }

    /// Tells whether the pod itself is busy: it must stay.
    pub(crate) const fn is_busy(&self) -> bool {
        match self {
            Self::Asked(_) | Self::Working(_) | Self::Workspace | Self::Delivering | Self::Cooldown(_) => {
                true
            }
            Self::Draining
            | Self::Over
            | Self::Paused(_)
            | Self::Person(_)
            | Self::Interrupted(_)
            | Self::Retry { .. }
            | Self::UsageLimit { .. }
            | Self::DayBudget { .. }
            | Self::Outside
            | Self::Moved
            | Self::Dependency { .. }
            | Self::UnknownDependency
            | Self::Stopped
            | Self::NoSlot(_) => false,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Draining => f.write_str("the engine is stopping"),
            Self::Over => f.write_str("nothing is left to do"),
            Self::Paused(by) => write!(f, "paused by {by}"),
            Self::Person(what) | Self::Asked(what) => write!(f, "waiting for a person: {what}"),
            Self::Working(run) => write!(f, "run {} works", run.number),
            Self::Workspace => f.write_str("its workspace is being made or tidied"),
            Self::Delivering => f.write_str("the work is being delivered"),
            Self::Outside => f.write_str("waiting for the other side: its checks, or its merge"),
            Self::Moved => {
                f.write_str("waiting for the other side: somebody else pushed to its pull request")
            }
            Self::Interrupted(by) => write!(f, "interrupted by {by}; retry, go back or cancel"),
            Self::Retry { at, class: Some(class) } => {
                write!(f, "waiting for the next attempt at {at:.0}, after {class}")
            }
            Self::Retry { at, class: None } => write!(f, "waiting for the next attempt at {at:.0}"),
            Self::UsageLimit { agent, until } => write!(f, "waiting for {}", usage_limit(agent, *until)),
            Self::DayBudget { budget, until } => write!(f, "waiting for {budget}, until {until:.0}"),
            Self::Cooldown(until) => write!(f, "waiting until {until:.0}, as a run started a moment ago"),
            Self::Dependency { on, phase: Phase::Cancelled } => {
                write!(f, "blocked: {on}, which must be completed first, was cancelled")
            }
            Self::Dependency { on, phase } => {
                write!(f, "waiting for {on} to be completed (it is in {phase})")
            }
            Self::UnknownDependency => {
                f.write_str("waiting to learn of the tasks that must be completed first")
            }
            Self::Stopped => f.write_str("its pod was stopped by hand"),
            Self::NoSlot(no_slot) => write!(f, "waiting for {no_slot}"),
        }
    }
}
