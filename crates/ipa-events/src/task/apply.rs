//! What follows from an event. Total: nothing in here panics, whatever the history; an event that does not fit
//! is an error, and parks that one task.

#![expect(clippy::unnecessary_wraps, reason = "the function of every event has one form")]

mod decision;
mod outside;
mod phase;
mod run;
mod work;

use std::sync::Arc;

use super::budget::BudgetStage;
use super::event::{Created, TaskEvent};
use super::state::{OpState, TaskState};
use crate::envelope::Stamped;

/// An event that does not fit what happened before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} does not fit here: {why}")]
pub struct IllegalEvent {
    /// The wire name of the event.
    pub kind: String,
    /// Why it does not fit.
    pub why: &'static str,
}

/// The reason alone; the event's name is added in one place.
type Fit = Result<(), &'static str>;

/// Applies one event to the state it led to.
///
/// # Errors
///
/// [`IllegalEvent`] when the event does not fit what happened before. The state is then only good for showing.
pub fn apply(state: &mut TaskState, event: &Stamped<TaskEvent>) -> Result<(), IllegalEvent> {
    let fit = match (&state.created, &event.event) {
        (None, TaskEvent::Created(created)) => create(state, created, event),
        (None, _) => Err("nothing was created yet"),
        (Some(_), _) => change(state, event),
    };
    fit.map_err(|why| IllegalEvent { kind: event.event.kind(), why })?;
    state.updated_at = Some(event.at);
    Ok(())
}

fn create(state: &mut TaskState, created: &Created, event: &Stamped<TaskEvent>) -> Fit {
    state.created_at = Some(event.at);
    state.title = created.title.clone();
    state.priority = created.priority;
    state.phase = created.start_at;
    state.created = Some(Arc::new(created.clone()));
    Ok(())
}

#[expect(
    clippy::too_many_lines,
    reason = "one exhaustive match, an arm per event: the table of what follows"
)]
fn change(state: &mut TaskState, stamped: &Stamped<TaskEvent>) -> Fit {
    use TaskEvent as E;
    match &stamped.event {
        E::Created(_) => Err("the task exists already"),
        E::Edited { title, priority } => {
            state.title = title.clone().unwrap_or_else(|| state.title.clone());
            state.priority = priority.unwrap_or(state.priority);
            Ok(())
        }
        E::Paused { .. } => phase::pause(state, Some(stamped.actor.clone())),
        E::Resumed {} => phase::pause(state, None),
        E::Completed { .. } => phase::complete(state),
        E::Cancelled { .. } => phase::cancel(state),
        E::Reopened { phase } => phase::reopen(state, *phase),
        E::PhaseEntered { phase, why } => phase::enter(state, *phase, why),
        E::TransitionRequested(requested) => phase::request(state, stamped, requested),
        E::TransitionApproved { decision, to, note, .. } => {
            phase::approve(state, stamped, (*decision, *to), note.clone())
        }
        E::TransitionRejected { decision, reason } => phase::reject(state, stamped, *decision, reason),

        E::SpecRevised(revision) => work::revise(&mut state.spec, revision),
        E::PlanRevised(revision) => work::revise(&mut state.plan, revision),
        E::MessagePosted { message, text } => work::post(state, stamped, *message, text),
        E::MessageDelivered { messages, run } => work::deliver(state, messages, *run),
        E::WorkspaceRequested { place } => work::request(state, place),
        E::WorkspaceReady { place, path, branch, base } => work::ready(state, place, path, (branch, base)),
        E::WorkspaceFailed { place, detail } => work::fail(state, place, detail),
        E::WorkspaceHarvested { head, .. } => work::harvest(state, head),
        E::WorkspaceCheckpointed { place, checkpoint, commit, .. } => {
            work::checkpoint(state, place, (*checkpoint, commit.clone()))
        }
        E::WorkspaceTrashed { place } => work::trash(state, place),
        // An incident to be shown; nothing of the task's own depends on it.
        E::SourceChanged { .. } => Ok(()),

        E::RunRequested(requested) => run::request(state, stamped, requested),
        E::RunHandedOver { run, from, .. } => run::hand_over(state, *run, *from),
        E::RunStarted(started) => run::start(state, stamped, started),
        E::RunAdopted { run, .. } => run::adopt(state, *run),
        E::RunInterrupted { run, .. } => run::interrupt(state, stamped, *run),
        E::RunFinished { run, outcome, usage, .. } => run::finish(state, stamped, (*run, outcome, *usage)),
        E::CheckFinished(check) => run::check(state, check),
        E::BudgetWarned(noted) => run::note(state, BudgetStage::Warned, noted),
        E::BudgetReached(noted) => run::note(state, BudgetStage::Reached, noted),
        E::RetryScheduled { attempt, at, class } => run::retry(state, stamped, (*attempt, *at, *class)),

        E::PermissionRequested { decision, run, key, tool, input } => {
            decision::permission(state, stamped, *decision, (*run, key, tool, input))
        }
        E::PermissionAnswered { decision, allowed, reason, input } => {
            decision::answer_permission(state, stamped, *decision, (*allowed, reason, input))
        }
        E::QuestionAsked { decision, run, key, text, choices } => {
            decision::question(state, stamped, *decision, (*run, key, text, choices))
        }
        E::QuestionAnswered { decision, text } => decision::answer_question(state, stamped, *decision, text),
        E::PermissionWithdrawn { decision, why } | E::QuestionWithdrawn { decision, why } => {
            decision::withdraw(state, *decision, why)
        }
        E::EscalationOpened { decision, reason, detail } => {
            decision::escalate(state, stamped, *decision, (*reason, detail))
        }
        E::EscalationAnswered { decision, again, text } => {
            decision::answer_escalation(state, stamped, *decision, (*again, text))
        }

        E::SyncQueued(queued) => outside::queue(state, stamped, queued),
        E::SyncApprovalRequested { decision, resource, ops, payload_hash } => {
            outside::ask(state, stamped, (*decision, payload_hash), (resource, ops))
        }
        E::SyncApprovalWithdrawn { decision, why } => decision::withdraw(state, *decision, why),
        E::SyncApproved { decision, note, .. } => outside::approve(state, stamped, *decision, note.clone()),
        E::SyncRejected { decision, reason } => outside::reject(state, stamped, *decision, reason),
        E::SyncSuperseded { op, by } => outside::turn(state, *op, OpState::Superseded { by: *by }),
        E::SyncAttemptStarted { op, attempt } => outside::start(state, *op, *attempt),
        E::SyncDoubted { op, doubt, look_at, .. } => outside::doubt(state, *op, (*doubt, *look_at)),
        E::SyncSent(sent) => outside::sent(state, stamped, sent),
        E::SyncFailed { op, counts, detail, retry_at, .. } => {
            outside::fail(state, *op, (*counts, detail, *retry_at))
        }
        E::SyncDead { op, detail } => outside::turn(state, *op, OpState::Dead { detail: detail.clone() }),
        E::SyncRetried { op } => outside::retry(state, *op),
        E::SyncDropped { op } => {
            outside::turn(state, *op, OpState::Refused { by: stamped.actor.clone(), reason: None })
        }
        E::SyncFused { resource, decision } => outside::fuse(state, stamped, (resource, *decision)),
        E::ExternalLinked { resource, link } => outside::link(state, resource, link),
        E::ExternalChanged { resource, news } => outside::learn(state, resource, news),
    }
}

/// Tells whether `number` is the one that follows `count` others.
fn is_next(number: u32, count: usize) -> bool {
    usize::try_from(number) == Ok(count.saturating_add(1))
}

/// Forgets failures and interruptions: a person, or a new phase, gave a fresh start.
fn start_afresh(state: &mut TaskState) {
    state.failures = 0;
    state.fixes = 0;
    state.last_failure = None;
    state.retry = None;
    state.interrupted = None;
}
