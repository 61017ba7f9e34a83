//! What the outside needs next, from what is wanted and how far each operation is. Pure.

use std::collections::{BTreeMap, BTreeSet};

use ipa_events::task::{Change, Op, OpState, PublishPolicy, TaskState, knows};
use ipa_events::{ConnectorId, OpId, Resource};
use jiff::Timestamp;

use crate::wanted::Wanted;

/// What is needed next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Take an operation back: what it would change is not wanted any more.
    Withdraw(OpId),
    /// Record what is to change.
    Queue(Resource, Vec<(Change, PublishPolicy)>),
    /// Record that an attempt begins, and send it.
    Send(OpId),
    /// Find out what became of an attempt whose answer did not come.
    Probe(OpId),
    /// Look again then.
    WaitUntil(Timestamp),
}

/// Names what is needed next; none when all is as it should be, or waits for a person.
///
/// Nothing is sent through a connector that is `closed`. Of the operations on one thing each waits for the one before it.
pub fn step(
    state: &TaskState,
    wanted: &[Wanted],
    closed: &BTreeMap<ConnectorId, Option<Timestamp>>,
    now: Timestamp,
) -> Option<Step> {
    withdraw(state, wanted).or_else(|| queue(state, wanted)).or_else(|| send(state, closed, now))
}

fn withdraw(state: &TaskState, wanted: &[Wanted]) -> Option<Step> {
    let wants = |op: &Op| wanted.iter().any(|want| want.resource == op.resource && want.change == op.change);
    state.ops.iter().find(|op| op.is_unsent() && !wants(op)).map(|op| Step::Withdraw(op.id))
}

fn queue(state: &TaskState, wanted: &[Wanted]) -> Option<Step> {
    let new = |want: &&Wanted| !knows(&state.ops, &want.resource, &want.change, want.policy);
    let first = wanted.iter().find(new)?;
    let of_it = wanted.iter().filter(|want| want.resource == first.resource).filter(new);
    let changes = of_it.map(|want| (want.change.clone(), want.policy)).collect();
    Some(Step::Queue(first.resource.clone(), changes))
}

fn send(
    state: &TaskState,
    closed: &BTreeMap<ConnectorId, Option<Timestamp>>,
    now: Timestamp,
) -> Option<Step> {
    let mut busy: BTreeSet<&Resource> = BTreeSet::new();
    let mut later: Option<Timestamp> = None;
    for op in state.ops.iter().filter(|op| op.is_under_way()) {
        if !busy.insert(&op.resource) {
            continue;
        }
        let opens = closed.get(&op.resource.connector);
        let (next, due) = match &op.state {
            OpState::InFlight(fate) => (Step::Probe(op.id), fate.look_at),
            OpState::Waiting { until, .. } => (Step::Send(op.id), Some(*until)),
            OpState::Ready => (Step::Send(op.id), None),
            OpState::Held
            | OpState::Sent { .. }
            | OpState::Dead { .. }
            | OpState::Superseded { .. }
            | OpState::Refused { .. } => continue,
        };
        let due = due.max(opens.copied().flatten());
        match (due.filter(|due| *due > now), opens) {
            (Some(due), _) => later = Some(later.map_or(due, |least| least.min(due))),
            // Nobody knows when it opens: whoever opens it says so.
            (None, Some(None)) => {}
            (None, _) => return Some(next),
        }
    }
    later.map(Step::WaitUntil)
}

#[cfg(test)]
mod tests;
