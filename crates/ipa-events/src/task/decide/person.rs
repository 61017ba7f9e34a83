//! Steering: what people ask of a task, apart from deciding what waits for them.

use std::sync::Arc;

use super::{Decided, Task};
use crate::task::error::TaskError;
use crate::task::event::{TaskEvent, Why};
use crate::task::outside::Fuse;
use crate::task::state::{Asked, OpState};
use crate::value::{Phase, RunId};

/// Refuses a text that says nothing.
pub(super) fn said(what: &'static str, text: &Arc<str>) -> Result<(), TaskError> {
    if text.trim().is_empty() { Err(TaskError::Invalid { what, problem: "is empty" }) } else { Ok(()) }
}

impl Task<'_> {
    pub(super) fn edit(&self, title: Option<&Arc<str>>, priority: Option<i32>) -> Decided {
        self.not_for_agents()?;
        self.live_phase()?;
        title.map_or(Ok(()), |title| said("the title", title))?;
        let title = title.filter(|title| **title != self.state.title).cloned();
        let priority = priority.filter(|priority| *priority != self.state.priority);
        if title.is_none() && priority.is_none() {
            return Ok(Vec::new());
        }
        Ok(vec![TaskEvent::Edited { title, priority }])
    }

    pub(super) fn pause(&self, reason: Option<Arc<str>>) -> Decided {
        self.not_for_agents()?;
        self.live_phase()?;
        if self.state.paused.is_some() {
            return Err(TaskError::Pausing(true));
        }
        Ok(vec![TaskEvent::Paused { reason }])
    }

    pub(super) fn resume(&self) -> Decided {
        self.not_for_agents()?;
        self.live_phase()?;
        if self.state.paused.is_none() {
            return Err(TaskError::Pausing(false));
        }
        Ok(vec![TaskEvent::Resumed {}])
    }

    pub(super) fn complete(&self, note: Option<Arc<str>>) -> Decided {
        self.not_for_agents()?;
        if self.state.phase == Phase::Completed {
            return Ok(Vec::new());
        }
        self.live_phase()?;
        Ok(vec![TaskEvent::Completed { note }])
    }

    pub(super) fn cancel(&self, reason: Option<Arc<str>>) -> Decided {
        self.not_for_agents()?;
        if self.state.phase == Phase::Cancelled {
            return Ok(Vec::new());
        }
        self.live_phase()?;
        Ok(vec![TaskEvent::Cancelled { reason }])
    }

    pub(super) fn reopen(&self) -> Decided {
        self.not_for_agents()?;
        let ended_in = self.state.ended_in.filter(|_| self.state.phase.is_over());
        let phase = ended_in.ok_or(TaskError::NotOver)?;
        Ok(vec![TaskEvent::Reopened { phase }])
    }

    pub(super) fn go_back(&self, phase: Phase, reason: &Arc<str>) -> Decided {
        self.not_for_agents()?;
        said("the reason", reason)?;
        let from = self.live_phase()?;
        if phase >= from {
            return Err(TaskError::NotEarlier { from, to: phase });
        }
        let mut events = self.stop_open_run(Some(reason.clone()));
        events.push(TaskEvent::PhaseEntered { phase, why: Why::Back(reason.clone()) });
        Ok(events)
    }

    /// Makes whatever failed or was interrupted due now.
    pub(super) fn retry(&self) -> Decided {
        self.not_for_agents()?;
        self.live_phase()?;
        let escalations: Vec<TaskEvent> = self
            .state
            .open_decisions()
            .filter(|decision| matches!(decision.asked, Asked::Escalation { .. }))
            .map(|decision| TaskEvent::EscalationAnswered { decision: decision.id, again: true, text: None })
            .collect();
        if !escalations.is_empty() {
            return Ok(escalations);
        }
        let waits = |state: &OpState| matches!(state, OpState::Waiting { .. } | OpState::Dead { .. });
        let stopped = self.state.interrupted.is_some() || self.state.retry.is_some();
        let fused = self.state.outside.fuses.values().any(Fuse::is_blown);
        if !stopped && !fused && !self.state.ops.iter().any(|op| waits(&op.state)) {
            return Err(TaskError::NothingToRetry);
        }
        let attempt = self.state.failures.saturating_add(1);
        Ok(vec![TaskEvent::RetryScheduled { attempt, at: self.ctx.at, class: None }])
    }

    pub(super) fn post_message(&self, text: &Arc<str>) -> Decided {
        self.not_for_agents()?;
        self.live_phase()?;
        said("the message", text)?;
        Ok(vec![self.message(text)])
    }

    pub(super) fn message(&self, text: &Arc<str>) -> TaskEvent {
        let number = self.state.messages.len().saturating_add(1);
        TaskEvent::MessagePosted { message: u32::try_from(number).unwrap_or(u32::MAX), text: text.clone() }
    }

    pub(super) fn interrupt(&self, run: RunId, reason: Option<Arc<str>>) -> Decided {
        self.not_for_agents()?;
        let found = self.state.run(run).ok_or(TaskError::UnknownRun(run))?;
        if !found.is_open() {
            return Err(TaskError::RunOver(run));
        }
        Ok(if found.interrupted_by.is_some() { Vec::new() } else { self.stop_open_run(reason) })
    }

    fn stop_open_run(&self, reason: Option<Arc<str>>) -> Vec<TaskEvent> {
        let open = self.state.open_run().filter(|run| run.interrupted_by.is_none());
        open.map(|run| TaskEvent::RunInterrupted { run: run.id, place: run.place.clone(), reason })
            .into_iter()
            .collect()
    }
}
