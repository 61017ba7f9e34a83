//! Which conversation a new run may go on with.

use super::{Run, RunState, TaskState};
use crate::value::{FailureClass, Outcome, Role, RunId, Runtime};

impl TaskState {
    /// Returns the run whose conversation a run of this role goes on with: the last of the same agent and role in
    /// this phase, if it was cut short and its conversation is whole.
    pub fn resumable(&self, role: Role, runtime: &Runtime) -> Option<&Run> {
        let last = self.last_agent_run()?;
        let same = last.role == role && last.phase == self.phase && last.runtime == *runtime;
        let begun = last.started_at.is_some() && last.session.is_some();
        Some(last).filter(|_| same && begun && was_cut_short(&last.state))
    }

    /// Returns the run whose work a run of this role takes over, and why: the last of the same agent and role in this
    /// phase, if its conversation is lost, or too long to go on with.
    pub fn hands_over(&self, role: Role, runtime: &Runtime) -> Option<(RunId, FailureClass)> {
        let last = self.last_agent_run()?;
        let same = last.role == role && last.phase == self.phase && last.runtime == *runtime;
        match &last.state {
            RunState::Over(Outcome::Failed { class, .. }) if same && lost_its_conversation(*class) => {
                Some((last.id, *class))
            }
            RunState::Over(_) | RunState::Requested | RunState::Running => None,
        }
    }

    /// Returns the last run that was no check.
    pub(super) fn last_agent_run(&self) -> Option<&Run> {
        self.runs.iter().rev().find(|run| run.role != Role::Check)
    }
}

const fn lost_its_conversation(class: FailureClass) -> bool {
    matches!(class, FailureClass::SessionLost | FailureClass::ContextTooLong)
}

fn was_cut_short(state: &RunState) -> bool {
    use FailureClass as C;
    let RunState::Over(outcome) = state else { return false };
    match outcome {
        Outcome::Completed => false,
        Outcome::Interrupted { .. } => true,
        Outcome::Failed { class, .. } => match class {
            // There is no conversation, or it is what is wrong.
            C::Spawn | C::Misconfigured | C::Workspace | C::Protocol | C::SessionLost | C::ContextTooLong => {
                false
            }
            C::Stalled
            | C::TurnTimeout
            | C::TotalTimeout
            | C::OutputQuota
            | C::EndedWithoutResult
            | C::Crashed
            | C::AuthRequired
            | C::Billing
            | C::ModelNotFound
            | C::ApiUnavailable
            | C::StreamCut
            | C::RateLimited
            | C::MaxTurns
            | C::Budget
            | C::AgentError
            | C::HostLost
            | C::NoProduct => true,
        },
    }
}
