//! Phases, documents and places of work, as the pod drives them.

use std::sync::Arc;

use super::{Decided, Task};
use crate::task::command::NeedsPerson;
use crate::task::error::TaskError;
use crate::task::event::{Place, TaskEvent, TransitionRequested, Why};
use crate::task::state::{Asked, Product, WorkspaceState};
use crate::value::{AgentId, BranchName, FailureClass, Oid, PayloadHash, Phase, Retry, RunId};

impl Task<'_> {
    pub(super) fn request_transition(&self) -> Decided {
        let from = self.live_phase()?;
        let to = from.next().ok_or(TaskError::NotCalledFor("there is no phase behind this one"))?;
        if self.state.product() != Product::There {
            return Err(TaskError::NotCalledFor("the product of the phase is not there"));
        }
        let (seen, policy) = (self.state.seen(), self.created.gates.of(from));
        let shows_this = |asked: &Asked| matches!(asked, Asked::Gate { seen: shown, .. } if *shown == seen);
        if self.state.open_decisions().any(|open| shows_this(&open.asked)) {
            return Ok(Vec::new());
        }
        let payload_hash = self.gate_hash(from, to);
        let decision = self.next_decision();
        let requested = TransitionRequested { decision, from, to, seen, payload_hash, policy };
        Ok(vec![TaskEvent::TransitionRequested(requested)])
    }

    /// Hashes exactly what is shown at a gate: the phases, the versions, and the text itself.
    fn gate_hash(&self, from: Phase, to: Phase) -> PayloadHash {
        let text = match from {
            Phase::SpecClarification => self.state.spec.text(),
            Phase::Planning | Phase::Development | Phase::Review => self.state.plan.text(),
            Phase::Completed | Phase::Cancelled => None,
        };
        let shown = (self.created.task, from, to, self.state.seen(), text);
        PayloadHash::of(&serde_json::to_vec(&shown).unwrap_or_default())
    }

    pub(super) fn enter_phase(&self) -> Decided {
        self.live_phase()?;
        match self.state.approved {
            Some((decision, phase)) if !phase.is_over() => {
                Ok(vec![TaskEvent::PhaseEntered { phase, why: Why::Approved(decision) }])
            }
            Some(_) | None => Err(TaskError::NotCalledFor("no gate to a phase was opened")),
        }
    }

    pub(super) fn request_workspace(&self, agent: &AgentId) -> Decided {
        let known = self.state.workspaces.get(agent).map(|workspace| &workspace.state);
        match known {
            Some(WorkspaceState::Ready { .. } | WorkspaceState::Requested) => Ok(Vec::new()),
            Some(WorkspaceState::Failed { .. } | WorkspaceState::Trashed { .. }) | None => {
                Ok(vec![TaskEvent::WorkspaceRequested { place: self.place(agent) }])
            }
        }
    }

    pub(super) fn workspace_ready(
        &self,
        agent: &AgentId,
        path: &Arc<str>,
        (branch, base): (&BranchName, &Oid),
    ) -> Decided {
        let ready = WorkspaceState::Ready { path: path.clone(), branch: branch.clone(), base: base.clone() };
        if self.state.workspaces.get(agent).is_some_and(|workspace| workspace.state == ready) {
            return Ok(Vec::new());
        }
        let (path, branch, base) = (path.clone(), branch.clone(), base.clone());
        Ok(vec![TaskEvent::WorkspaceReady { place: self.place(agent), path, branch, base }])
    }

    pub(super) fn workspace_failed(&self, agent: &AgentId, detail: &Arc<str>, needs: NeedsPerson) -> Decided {
        let failed = TaskEvent::WorkspaceFailed { place: self.place(agent), detail: detail.clone() };
        let retry = match needs {
            NeedsPerson::Yes => Retry::Human,
            NeedsPerson::No => Retry::Backoff,
        };
        let mut events = vec![failed];
        if !self.state.phase.is_over() {
            events.extend(self.after_failure(FailureClass::Workspace, detail, retry));
        }
        Ok(events)
    }

    pub(super) fn checkpointed(
        &self,
        agent: &AgentId,
        (checkpoint, commit): (u32, &Oid),
        reason: &Arc<str>,
    ) -> Decided {
        let (commit, reason) = (commit.clone(), reason.clone());
        Ok(vec![TaskEvent::WorkspaceCheckpointed { place: self.place(agent), checkpoint, commit, reason }])
    }

    pub(super) fn trashed(&self, agent: &AgentId) -> Decided {
        match self.state.workspaces.get(agent).map(|workspace| &workspace.state) {
            Some(WorkspaceState::Ready { .. }) => {
                Ok(vec![TaskEvent::WorkspaceTrashed { place: self.place(agent) }])
            }
            Some(WorkspaceState::Trashed { .. }) => Ok(Vec::new()),
            Some(WorkspaceState::Requested | WorkspaceState::Failed { .. }) | None => {
                Err(TaskError::NotCalledFor("the workspace is not there"))
            }
        }
    }

    pub(super) fn source_changed(&self, run: RunId, detail: &Arc<str>) -> Decided {
        self.state.run(run).ok_or(TaskError::UnknownRun(run))?;
        Ok(vec![TaskEvent::SourceChanged { run, detail: detail.clone() }])
    }

    pub(super) fn place(&self, agent: &AgentId) -> Place {
        Place::new(self.created.task, agent.clone())
    }
}
