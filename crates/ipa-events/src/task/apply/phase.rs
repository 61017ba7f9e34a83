//! What follows from events about phases and their gates.

use std::sync::Arc;

use super::decision::{close, open};
use super::{Fit, start_afresh};
use crate::envelope::Stamped;
use crate::task::command::Verdict;
use crate::task::event::{TaskEvent, TransitionRequested, Why};
use crate::task::state::{Answered, Asked, Rework, TaskState};
use crate::value::{DecisionId, Phase, Principal};

type Event = Stamped<TaskEvent>;

pub(super) fn pause(state: &mut TaskState, by: Option<Principal>) -> Fit {
    state.paused = by;
    Ok(())
}

pub(super) fn complete(state: &mut TaskState) -> Fit {
    end(state, Phase::Completed)
}

pub(super) fn cancel(state: &mut TaskState) -> Fit {
    end(state, Phase::Cancelled)
}

fn end(state: &mut TaskState, phase: Phase) -> Fit {
    if state.phase.is_over() {
        return Err("the task is over already");
    }
    state.ended_in = Some(state.phase);
    state.phase = phase;
    state.paused = None;
    state.approved = None;
    start_afresh(state);
    withdraw_all(state, "the task is over");
    Ok(())
}

pub(super) fn reopen(state: &mut TaskState, phase: Phase) -> Fit {
    if !state.phase.is_over() {
        return Err("the task is not over");
    }
    state.phase = phase;
    state.ended_in = None;
    Ok(())
}

pub(super) fn enter(state: &mut TaskState, phase: Phase, why: &Why) -> Fit {
    if phase.is_over() {
        return Err("a task ends by an event of its own");
    }
    state.phase = phase;
    state.approved = None;
    start_afresh(state);
    state.rework = match why {
        Why::Approved(_) => None,
        Why::Back(reason) => Some(rework(state, reason)),
    };
    withdraw_all(state, "the task moved to another phase");
    Ok(())
}

pub(super) fn request(state: &mut TaskState, event: &Event, requested: &TransitionRequested) -> Fit {
    withdraw_gates(state, "what it showed has changed; there is a newer gate");
    let TransitionRequested { decision, from, to, seen, payload_hash, policy } = requested.clone();
    open(state, event, (decision, payload_hash), Asked::Gate { from, to, seen, policy })
}

pub(super) fn approve(
    state: &mut TaskState,
    event: &Event,
    approved: (DecisionId, Phase),
    note: Option<Arc<str>>,
) -> Fit {
    close(state, event, approved.0, Verdict::Approve { note })?;
    state.approved = Some(approved);
    Ok(())
}

pub(super) fn reject(state: &mut TaskState, event: &Event, decision: DecisionId, reason: &Arc<str>) -> Fit {
    close(state, event, decision, Verdict::Reject { reason: reason.clone() })?;
    start_afresh(state);
    state.rework = Some(rework(state, reason));
    Ok(())
}

fn rework(state: &TaskState, reason: &Arc<str>) -> Rework {
    let after_run = state.runs.last().map_or(0, |run| run.id.number);
    Rework { reason: reason.clone(), after_run }
}

/// Withdraws the gates that are open.
pub(super) fn withdraw_gates(state: &mut TaskState, why: &str) {
    let open = state.decisions.iter_mut().filter(|decision| decision.answered.is_none());
    for gate in open.filter(|decision| matches!(decision.asked, Asked::Gate { .. })) {
        gate.answered = Some(Answered::Withdrawn { why: why.into() });
    }
}

/// Withdraws what waits for a person, but for what a run asked: that ends with the run; and for what goes out: that is
/// wanted, or not, whatever the phase.
fn withdraw_all(state: &mut TaskState, why: &str) {
    let open = state.decisions.iter_mut().filter(|decision| decision.answered.is_none());
    let of_phase = |asked: &Asked| matches!(asked, Asked::Gate { .. } | Asked::Escalation { .. });
    for decision in open.filter(|decision| of_phase(&decision.asked)) {
        decision.answered = Some(Answered::Withdrawn { why: why.into() });
    }
}
