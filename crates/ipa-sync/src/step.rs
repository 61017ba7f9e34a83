//! What the outside needs next, from what is wanted and how far each operation is. Pure.

use std::collections::{BTreeMap, BTreeSet};

use ipa_events::task::{Change, Op, OpState, PublishPolicy, TaskState, knows};
use ipa_events::{ConnectorId, OpId, Resource};
use jiff::Timestamp;

use crate::fuse;
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
    /// Write nothing more to a thing, for this reason, and ask a person.
    Fuse(Resource, String),
    /// Look again then.
    WaitUntil(Timestamp),
}

/// Names what is needed next; none when all is as it should be, or waits for a person.
///
/// Nothing is sent through a connector that is `closed`, nor to a thing that was written too often. Of the operations on
/// one thing each waits for the one before it.
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
    let new = |want: &&Wanted| {
        !state.outside.is_fused(&want.resource)
            && !knows(&state.ops, &want.resource, &want.change, want.policy)
    };
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
        let writes = matches!(next, Step::Send(_));
        if writes && state.outside.is_fused(&op.resource) {
            continue;
        }
        match (due.filter(|due| *due > now), opens) {
            (Some(due), _) => later = Some(later.map_or(due, |least| least.min(due))),
            // Nobody knows when it opens: whoever opens it says so.
            (None, Some(None)) => {}
            (None, _) => {
                let blown = fuse::blown_by(state, op, now).filter(|_| writes);
                return Some(blown.map_or(next, |why| Step::Fuse(op.resource.clone(), why)));
            }
        }
    }
    later.map(Step::WaitUntil)
}

#[cfg(test)]
mod tests;
