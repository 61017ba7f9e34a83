//! What a task waits for, as far as its own state tells. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Op, TaskState, WorkspaceState};
use crate::value::{FailureClass, Runtime};

/// What a task waits for, as far as its own state tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waits {
    /// Nothing: a pod finds something to do, or finds out what else it waits for.
    Nothing,
    /// A time: the next attempt is due then.
    Until(Timestamp),
    /// The usage limit of its agent, which is over then.
    UsageLimit {
        /// Which agent.
        agent: Runtime,
        /// Until when.
        until: Timestamp,
    },
    /// A person.
    Person,
    /// Somebody paused it.
    Paused,
    /// It is over, and tidied up.
    Over,
}

impl TaskState {
    /// Tells what this task waits for.
    pub fn waits(&self) -> Waits {
        if self.open_run().is_some() {
            return Waits::Nothing;
        }
        if self.phase.is_over() {
            let tidy = |state: &WorkspaceState| !matches!(state, WorkspaceState::Ready { .. });
            let all_tidy = self.workspaces.values().all(|workspace| tidy(&workspace.state));
            return if all_tidy { Waits::Over } else { Waits::Nothing };
        }
        if self.paused.is_some() {
            return Waits::Paused;
        }
        if self.interrupted.is_some() || self.stopping().next().is_some() {
            return Waits::Person;
        }
        if let Some((agent, until)) = self.usage_limit() {
            return Waits::UsageLimit { agent: agent.clone(), until };
        }
        self.due_at().map_or(Waits::Nothing, Waits::Until)
    }

    /// Returns the agent whose usage limit holds the task, and until when, if one does.
    pub fn usage_limit(&self) -> Option<(&Runtime, Timestamp)> {
        let held = self.retry.as_ref().filter(|retry| retry.class == Some(FailureClass::RateLimited))?;
        Some((&self.last_agent_run()?.runtime, held.at))
    }

    /// Returns when the outside is to be seen to, if something is under way there.
    pub fn outside_due(&self) -> Option<Timestamp> {
        let due = self.ops.iter().filter(|op| op.is_under_way()).map(|op| op.due().unwrap_or_default());
        due.min()
    }

    /// Returns when the next attempt at something that failed is due.
    fn due_at(&self) -> Option<Timestamp> {
        self.retry.as_ref().map(|retry| retry.at).into_iter().chain(self.ops.iter().filter_map(Op::due)).min()
    }
}
