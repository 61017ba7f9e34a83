//! What follows from events about what waits for a person.

use std::sync::Arc;

use super::{Fit, is_next, start_afresh};
use crate::envelope::Stamped;
use crate::task::command::Verdict;
use crate::task::event::{EscalationReason, TaskEvent};
use crate::task::state::{Answered, Asked, Decision, OpState, TaskState};
use crate::value::{DecisionId, PayloadHash, RunId};

type Event = Stamped<TaskEvent>;

/// Opens a decision, which must have the next number.
pub(super) fn open(
    state: &mut TaskState,
    event: &Event,
    which: (DecisionId, PayloadHash),
    asked: Asked,
) -> Fit {
    let (id, payload_hash) = which;
    if !is_next(id.number, state.decisions.len()) {
        return Err("decisions are numbered in order");
    }
    state.decisions.push(Decision { id, asked, payload_hash, at: event.at, answered: None });
    Ok(())
}

/// Opens a decision whose payload is what is asked, and nothing else.
fn ask(state: &mut TaskState, event: &Event, id: DecisionId, asked: Asked) -> Fit {
    let payload = serde_json::to_vec(&asked).unwrap_or_default();
    open(state, event, (id, PayloadHash::of(&payload)), asked)
}

/// Closes an open decision with what somebody decided.
pub(super) fn close(state: &mut TaskState, event: &Event, id: DecisionId, verdict: Verdict) -> Fit {
    close_with(state, id, Answered::By { who: event.actor.clone(), at: event.at, verdict })
}

fn close_with(state: &mut TaskState, id: DecisionId, answered: Answered) -> Fit {
    let open = state.decisions.iter_mut().find(|decision| decision.id == id);
    let decision = open.filter(|decision| decision.answered.is_none()).ok_or("no such decision is open")?;
    decision.answered = Some(answered);
    Ok(())
}

pub(super) fn withdraw(state: &mut TaskState, id: DecisionId, why: &Arc<str>) -> Fit {
    close_with(state, id, Answered::Withdrawn { why: why.clone() })
}

pub(super) fn permission(
    state: &mut TaskState,
    event: &Event,
    id: DecisionId,
    (run, key, tool, input): (RunId, &Arc<str>, &Arc<str>, &Arc<str>),
) -> Fit {
    let asked = Asked::Permission { run, key: key.clone(), tool: tool.clone(), input: input.clone() };
    ask(state, event, id, asked)
}

pub(super) fn answer_permission(
    state: &mut TaskState,
    event: &Event,
    id: DecisionId,
    (allowed, reason, input): (bool, &Option<Arc<str>>, &Option<Arc<str>>),
) -> Fit {
    let note = reason.clone();
    let verdict = match (allowed, input.clone()) {
        (true, None) => Verdict::Approve { note },
        (true, Some(input)) => Verdict::Edit { input, note },
        (false, _) => Verdict::Reject { reason: note.unwrap_or_default() },
    };
    close(state, event, id, verdict)
}

pub(super) fn question(
    state: &mut TaskState,
    event: &Event,
    id: DecisionId,
    (run, key, text, choices): (RunId, &Arc<str>, &Arc<str>, &[Arc<str>]),
) -> Fit {
    let asked = Asked::Question { run, key: key.clone(), text: text.clone(), choices: choices.to_vec() };
    ask(state, event, id, asked)
}

pub(super) fn answer_question(state: &mut TaskState, event: &Event, id: DecisionId, text: &Arc<str>) -> Fit {
    close(state, event, id, Verdict::Answer { text: text.clone() })
}

pub(super) fn escalate(
    state: &mut TaskState,
    event: &Event,
    id: DecisionId,
    (reason, detail): (EscalationReason, &Arc<str>),
) -> Fit {
    ask(state, event, id, Asked::Escalation { reason, detail: detail.clone() })
}

/// A person looked at what stopped the task: it goes on, or stays where it is until it is told to.
pub(super) fn answer_escalation(
    state: &mut TaskState,
    event: &Event,
    id: DecisionId,
    (again, text): (bool, &Option<Arc<str>>),
) -> Fit {
    if !again {
        close(state, event, id, Verdict::Reject { reason: text.clone().unwrap_or_default() })?;
        state.interrupted = Some(event.actor.clone());
        return Ok(());
    }
    close(state, event, id, Verdict::Approve { note: text.clone() })?;
    let asked = state.decision(id).map(|decision| &decision.asked);
    let grants = matches!(asked, Some(Asked::Escalation { reason: EscalationReason::TaskBudget, .. }));
    state.granted = state.granted.saturating_add(u32::from(grants));
    start_afresh(state);
    state.outside.mend(event.at, |fuse| fuse.decision == id);
    for op in state.ops.iter_mut().filter(|op| matches!(op.state, OpState::Dead { .. })) {
        op.retry();
    }
    Ok(())
}
