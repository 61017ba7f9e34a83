//! Runs: from the intent to the outcome, and what a run asks on the way.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Decided, Task};
use crate::task::command::{Ask, FinishedRun, RunRequest};
use crate::task::error::TaskError;
use crate::task::event::{
    CheckFinished, EscalationReason, ProcessIdentity, Revision, RunRequested, RunStarted, TaskEvent,
};
use crate::task::limits::{held_until, pause_after};
use crate::task::state::{Asked, Document, Run, RunState};
use crate::value::{FailureClass, Outcome, Retry, Role, RunId, SessionId};

impl Task<'_> {
    pub(super) fn request_run(&self, request: &RunRequest) -> Decided {
        let phase = self.live_phase()?;
        if let Some(open) = self.state.open_run() {
            return Err(TaskError::RunOpen(open.id));
        }
        if let Some(resumed) = request.resumes.filter(|id| self.state.run(*id).is_none()) {
            return Err(TaskError::UnknownRun(resumed));
        }
        let head = self.state.head.as_ref().or_else(|| self.state.base());
        let head = head.ok_or(TaskError::NotCalledFor("there is no workspace yet"))?.clone();
        let number = u32::try_from(self.state.runs.len().saturating_add(1)).unwrap_or(u32::MAX);
        let messages = if request.role == Role::Check { Vec::new() } else { self.state.undelivered() };
        let run = RunId::new(self.created.task, number);
        let requested = TaskEvent::RunRequested(Box::new(RunRequested {
            run,
            place: self.place(&request.agent),
            role: request.role,
            phase,
            attempt: self.state.failures.saturating_add(1),
            runtime: request.runtime.clone(),
            session: request.session.clone(),
            resumes: request.resumes,
            head,
            messages,
            check: request.check.clone(),
        }));
        let lost =
            self.state.hands_over(request.role, &request.runtime).filter(|_| request.resumes.is_none());
        let handed_over = lost.map(|(from, why)| TaskEvent::RunHandedOver { run, from, why });
        Ok([requested].into_iter().chain(handed_over).collect())
    }

    pub(super) fn started(
        &self,
        id: RunId,
        process: &ProcessIdentity,
        (session, sandbox): (Option<&SessionId>, &Arc<str>),
    ) -> Decided {
        let run = self.open(id)?;
        if run.state == RunState::Running && run.process.as_ref() == Some(process) {
            return Ok(Vec::new());
        }
        let undelivered = self.state.undelivered();
        let messages: Vec<u32> = run.messages.iter().copied().filter(|it| undelivered.contains(it)).collect();
        let (place, process, session) = (run.place.clone(), process.clone(), session.cloned());
        let started = RunStarted { run: id, place, process, session, sandbox: sandbox.clone() };
        let mut events = vec![TaskEvent::RunStarted(started)];
        if !messages.is_empty() {
            events.push(TaskEvent::MessageDelivered { messages, run: id });
        }
        Ok(events)
    }

    pub(super) fn adopted(&self, id: RunId) -> Decided {
        let run = self.open(id)?;
        Ok(vec![TaskEvent::RunAdopted { run: id, place: run.place.clone() }])
    }

    pub(super) fn ask_permission(
        &self,
        id: RunId,
        key: &Arc<str>,
        (tool, input): (&Arc<str>, &Arc<str>),
    ) -> Decided {
        self.open(id)?;
        if self.was_asked(id, key) {
            return Ok(Vec::new());
        }
        let (decision, run, key) = (self.next_decision(), id, key.clone());
        let (tool, input) = (tool.clone(), input.clone());
        Ok(vec![TaskEvent::PermissionRequested { decision, run, key, tool, input }])
    }

    pub(super) fn ask_question(&self, id: RunId, key: &Arc<str>, ask: &Ask) -> Decided {
        self.open(id)?;
        if self.was_asked(id, key) {
            return Ok(Vec::new());
        }
        let (decision, run, key) = (self.next_decision(), id, key.clone());
        let (text, choices) = (ask.text.clone(), ask.choices.clone());
        Ok(vec![TaskEvent::QuestionAsked { decision, run, key, text, choices }])
    }

    fn was_asked(&self, id: RunId, key: &Arc<str>) -> bool {
        self.state.decisions.iter().any(|decision| decision.asked.run() == Some((id, key)))
    }

    pub(super) fn withdraw(&self, id: RunId, key: &Arc<str>, why: &Arc<str>) -> Decided {
        Ok(self.withdrawn(why, |run, asked| run == id && asked == key))
    }

    fn withdrawn(&self, why: &Arc<str>, which: impl Fn(RunId, &Arc<str>) -> bool) -> Vec<TaskEvent> {
        let of_run = |asked: &Asked| asked.run().is_some_and(|(run, key)| which(run, key));
        let open = self.state.open_decisions().filter(|decision| of_run(&decision.asked));
        open.map(|open| match open.asked {
            Asked::Permission { .. } => {
                TaskEvent::PermissionWithdrawn { decision: open.id, why: why.clone() }
            }
            Asked::Question { .. }
            | Asked::Gate { .. }
            | Asked::Publish { .. }
            | Asked::Escalation { .. } => {
                TaskEvent::QuestionWithdrawn { decision: open.id, why: why.clone() }
            }
        })
        .collect()
    }

    pub(super) fn delivered(&self, id: RunId, messages: &[u32]) -> Decided {
        self.open(id)?;
        let undelivered = self.state.undelivered();
        let messages: Vec<u32> = messages.iter().copied().filter(|it| undelivered.contains(it)).collect();
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![TaskEvent::MessageDelivered { messages, run: id }])
    }

    /// Closes a run with everything that came of it, in one step.
    pub(super) fn finish(&self, finished: &FinishedRun) -> Decided {
        let run = self.open(finished.run)?;
        let mut events = self.withdrawn(&"the run that asked is over".into(), |run, _| run == finished.run);
        if let Some(head) = finished.head.as_ref().filter(|head| self.state.head.as_ref() != Some(head)) {
            let (place, head) = (run.place.clone(), head.clone());
            events.push(TaskEvent::WorkspaceHarvested { place, run: run.id, head });
        }
        let outcome = self.within_budget(run, finished, self.with_product(run, finished));
        let (place, usage) = (run.place.clone(), finished.usage);
        events.push(TaskEvent::RunFinished { run: run.id, place, outcome: outcome.clone(), usage });
        match outcome {
            Outcome::Completed => events.extend(self.product_of(run, finished)),
            Outcome::Interrupted { .. } => {}
            Outcome::Failed { class, detail, retry } => {
                if !self.state.phase.is_over() && run.phase == self.state.phase {
                    events.extend(self.after_failure(class, &detail, retry));
                }
            }
        }
        Ok(events)
    }

    /// Says that a run failed that finished without what it was asked for.
    fn with_product(&self, run: &Run, finished: &FinishedRun) -> Outcome {
        let blank = finished.document.as_ref().is_none_or(|text| text.trim().is_empty());
        let untouched = finished.head.is_none() || finished.head.as_ref() == self.state.base();
        let missing = match run.role {
            Role::Spec | Role::Plan => blank.then_some("it wrote no document"),
            Role::Develop => untouched.then_some("it changed nothing"),
            Role::Check => finished.check.is_none().then_some("the check has no result"),
            Role::Review => None,
        };
        match (&finished.outcome, missing) {
            (Outcome::Completed, Some(missing)) => Outcome::Failed {
                class: FailureClass::NoProduct,
                detail: format!("the agent said it was done, but {missing}"),
                retry: Retry::Backoff,
            },
            (outcome, _) => outcome.clone(),
        }
    }

    fn product_of(&self, run: &Run, finished: &FinishedRun) -> Option<TaskEvent> {
        let revision = |document: &Document| {
            let version = document.version().unwrap_or(0).saturating_add(1);
            let text = finished.document.clone()?;
            Some(Revision { version, text, run: Some(run.id) })
        };
        match run.role {
            Role::Spec => revision(&self.state.spec).map(TaskEvent::SpecRevised),
            Role::Plan => revision(&self.state.plan).map(TaskEvent::PlanRevised),
            Role::Develop | Role::Review => None,
            Role::Check => {
                let (exit_code, tail) = finished.check.clone()?;
                let (command, commit) = (run.check.clone()?, run.head.clone());
                let (place, passed) = (run.place.clone(), exit_code == Some(0));
                let (run, tail) = (run.id, tail);
                let check = CheckFinished { run, place, command, commit, exit_code, passed, tail };
                Some(TaskEvent::CheckFinished(check))
            }
        }
    }

    /// Schedules the next attempt, or asks a person.
    pub(super) fn after_failure(&self, class: FailureClass, detail: &str, retry: Retry) -> Option<TaskEvent> {
        let failures = self.state.failures.saturating_add(1);
        let attempt = failures.saturating_add(1);
        let escalate = |reason| self.escalate(reason, detail).into_iter().next();
        let after = |pause| self.ctx.at.saturating_add(pause).unwrap_or(self.ctx.at);
        match retry {
            Retry::Human if class == FailureClass::Budget => escalate(self.budget_to_grant()),
            Retry::Human => escalate(EscalationReason::RunFailed),
            Retry::At(until) => Some(self.hold(class, Some(until))),
            Retry::Hold => Some(self.hold(class, None)),
            Retry::Backoff if failures >= self.created.limits.attempts.get() => {
                escalate(EscalationReason::AttemptsUsedUp)
            }
            Retry::Backoff => {
                let at = after(pause_after(failures));
                Some(TaskEvent::RetryScheduled { attempt, at, class: Some(class) })
            }
        }
    }

    /// Holds the task until a limit is over. The attempt that met it does not count.
    fn hold(&self, class: FailureClass, until: Option<Timestamp>) -> TaskEvent {
        let agents = self.state.runs.iter().rev().filter(|run| run.role != Role::Check && !run.is_open());
        let before = agents.take_while(
            |run| matches!(&run.state, RunState::Over(Outcome::Failed { retry, .. }) if retry.holds()),
        );
        let before = u32::try_from(before.count()).unwrap_or(u32::MAX);
        let at = held_until(self.ctx.at, until, before);
        TaskEvent::RetryScheduled { attempt: self.state.failures.saturating_add(1), at, class: Some(class) }
    }

    pub(super) fn open(&self, id: RunId) -> Result<&Run, TaskError> {
        let run = self.state.run(id).ok_or(TaskError::UnknownRun(id))?;
        if run.is_open() { Ok(run) } else { Err(TaskError::RunOver(id)) }
    }
}
