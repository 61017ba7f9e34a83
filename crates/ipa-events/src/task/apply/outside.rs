//! What follows from events about the outside.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Fit, decision, is_next, phase};
use crate::envelope::Stamped;
use crate::task::change::Change;
use crate::task::command::Verdict;
use crate::task::event::{Doubt, SyncQueued, SyncSent, TaskEvent};
use crate::task::outside::{Fuse, Link, News};
use crate::task::state::{Asked, Fate, Op, OpState, Rework, TaskState};
use crate::value::{DecisionId, OpId, PayloadHash, Phase, Resource, ResourceKind};

type Event = Stamped<TaskEvent>;

pub(super) fn queue(state: &mut TaskState, event: &Event, queued: &SyncQueued) -> Fit {
    if !is_next(queued.op.number, state.ops.len()) {
        return Err("operations are numbered in order");
    }
    state.ops.push(Op::queued(queued, event.at));
    Ok(())
}

pub(super) fn ask(
    state: &mut TaskState,
    event: &Event,
    (decision, hash): (DecisionId, &PayloadHash),
    (resource, ops): (&Resource, &[OpId]),
) -> Fit {
    let words: Vec<String> = ops.iter().filter_map(|op| Some(state.op(*op)?.change.title())).collect();
    let asked =
        Asked::Publish { resource: resource.clone(), ops: ops.to_vec(), what: words.join("; ").into() };
    decision::open(state, event, (decision, hash.clone()), asked)
}

pub(super) fn approve(state: &mut TaskState, event: &Event, id: DecisionId, note: Option<Arc<str>>) -> Fit {
    decision::close(state, event, id, Verdict::Approve { note })?;
    decide_held(state, id, &OpState::Ready)
}

pub(super) fn reject(state: &mut TaskState, event: &Event, id: DecisionId, reason: &Arc<str>) -> Fit {
    decision::close(state, event, id, Verdict::Reject { reason: reason.clone() })?;
    decide_held(state, id, &OpState::Refused { by: event.actor.clone(), reason: Some(reason.clone()) })
}

/// What was held for a card becomes what was decided.
fn decide_held(state: &mut TaskState, card: DecisionId, becomes: &OpState) -> Fit {
    let Some(Asked::Publish { ops, .. }) = state.decision(card).map(|card| card.asked.clone()) else {
        return Err("the decision is not about the outside");
    };
    for op in state.ops.iter_mut().filter(|op| ops.contains(&op.id) && op.state == OpState::Held) {
        op.state = becomes.clone();
    }
    Ok(())
}

pub(super) fn start(state: &mut TaskState, id: OpId, attempt: u32) -> Fit {
    let op = op(state, id)?;
    op.attempts = attempt;
    op.state = OpState::InFlight(Fate::default());
    Ok(())
}

pub(super) fn doubt(state: &mut TaskState, id: OpId, (doubt, look_at): (Doubt, Timestamp)) -> Fit {
    let OpState::InFlight(fate) = &mut op(state, id)?.state else {
        return Err("no attempt at the operation began");
    };
    fate.look_at = Some(look_at);
    match doubt {
        Doubt::Unanswered | Doubt::Later(_) => {}
        Doubt::NotThere => fate.not_there = fate.not_there.saturating_add(1),
        Doubt::Unknown => fate.unknown = fate.unknown.saturating_add(1),
    }
    Ok(())
}

/// A change is there: what is known of the outside is what it made of it, so that nobody takes it for news.
pub(super) fn sent(state: &mut TaskState, event: &Event, sent: &SyncSent) -> Fit {
    let op = op(state, sent.op)?;
    let (remote, url) = (sent.remote.clone(), sent.url.clone());
    op.state = OpState::Sent { at: event.at, remote: remote.clone(), url: url.clone() };
    let (resource, change) = (op.resource.clone(), op.change.clone());
    if let (Change::OpenPull { .. }, Some(remote)) = (&change, remote) {
        state.outside.links.insert(resource.clone(), Link { remote, url });
    }
    state.outside.echo(&resource, &change);
    Ok(())
}

pub(super) fn fail(
    state: &mut TaskState,
    id: OpId,
    (counts, detail, until): (bool, &Arc<str>, Timestamp),
) -> Fit {
    let op = op(state, id)?;
    op.failures = op.failures.saturating_add(u32::from(counts));
    op.state = OpState::Waiting { until, detail: detail.clone() };
    Ok(())
}

pub(super) fn turn(state: &mut TaskState, id: OpId, becomes: OpState) -> Fit {
    op(state, id)?.state = becomes;
    Ok(())
}

pub(super) fn retry(state: &mut TaskState, id: OpId) -> Fit {
    op(state, id)?.retry();
    Ok(())
}

pub(super) fn fuse(state: &mut TaskState, event: &Event, (of, decision): (&Resource, DecisionId)) -> Fit {
    if state.decision(decision).is_none() {
        return Err("there is no such decision");
    }
    let fuse = Fuse { decision, blown_at: event.at, mended_at: None };
    state.outside.fuses.insert(of.clone(), fuse);
    Ok(())
}

pub(super) fn link(state: &mut TaskState, resource: &Resource, link: &Link) -> Fit {
    state.outside.links.insert(resource.clone(), link.clone());
    Ok(())
}

/// What a person who is trusted asks for in review makes the work unfinished; an approval that came before is over.
pub(super) fn learn(state: &mut TaskState, resource: &Resource, news: &News) -> Fit {
    state.outside.learn(resource, news);
    let Some(asked) = news.asks_for_work().filter(|_| resource.kind == ResourceKind::Pull) else {
        return Ok(());
    };
    let after_run = state.runs.last().map_or(0, |run| run.id.number);
    state.outside.asked.insert(asked.clone(), after_run);
    if state.phase == Phase::Review {
        let reason = "there is an answer to give in the review of the pull request".into();
        state.rework = Some(Rework { reason, after_run });
        state.approved = None;
        phase::withdraw_gates(state, "the review of the pull request asks for changes");
    }
    Ok(())
}

fn op(state: &mut TaskState, id: OpId) -> Result<&mut Op, &'static str> {
    state.ops.iter_mut().find(|op| op.id == id).ok_or("there is no such operation")
}
