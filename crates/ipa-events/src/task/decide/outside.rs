//! Changes to the outside: intent, agreement, effect, outcome.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Decided, Task};
use crate::task::change::{Change, PublishPolicy};
use crate::task::command::{AfterFailure, Verdict};
use crate::task::error::TaskError;
use crate::task::event::{Doubt, EscalationReason, SyncQueued, SyncSent, TaskEvent};
use crate::task::limits::pause_after;
use crate::task::state::{Decision, Op, OpState, knows};
use crate::value::{OpId, PayloadHash, Phase, Principal, Resource};

/// Attempts at one change before a person is asked.
const ATTEMPTS: u32 = 12;
/// How often a change is looked for in vain before a person is asked.
const LOOKS: u32 = 5;
/// How long after the first look the second one is that proves that a change is not there: a server may still finish
/// what was given up.
const SECOND_LOOK: Duration = Duration::from_secs(15);

impl Task<'_> {
    /// Queues changes to one thing, and asks a person where one must agree.
    pub(super) fn queue_changes(&self, resource: &Resource, changes: &[(Change, PublishPolicy)]) -> Decided {
        let mut ops = self.state.ops.clone();
        let mut events = Vec::new();
        for (change, policy) in changes {
            let policy = self.state.policy_now(resource, change, *policy);
            if policy == PublishPolicy::Deny || knows(&ops, resource, change, policy) {
                continue;
            }
            let id = OpId::new(self.created.task, next_number(ops.len()));
            for old in ops.iter_mut().filter(|old| old.resource == *resource && old.is_unsent()) {
                if old.change.gives_way_to(change) {
                    old.state = OpState::Superseded { by: Some(id) };
                    events.push(TaskEvent::SyncSuperseded { op: old.id, by: Some(id) });
                }
            }
            let queued = SyncQueued {
                op: id,
                resource: resource.clone(),
                change: change.clone(),
                payload_hash: change.hash(),
                policy,
            };
            ops.push(Op::queued(&queued, self.ctx.at));
            events.push(TaskEvent::SyncQueued(Box::new(queued)));
        }
        events.extend(self.card(resource, &ops));
        Ok(events)
    }

    /// Keeps one card per thing, which shows exactly what is held for it.
    fn card(&self, resource: &Resource, ops: &[Op]) -> Vec<TaskEvent> {
        let held: Vec<&Op> =
            ops.iter().filter(|op| op.resource == *resource && matches!(op.state, OpState::Held)).collect();
        let ids: Vec<OpId> = held.iter().map(|op| op.id).collect();
        let open = self.state.publish_card(resource);
        let shown = open.map(|(_, ops)| ops).unwrap_or_default();
        if shown == ids {
            return Vec::new();
        }
        let why = "what it showed has changed".into();
        let withdrawn = open.map(|(card, _)| TaskEvent::SyncApprovalWithdrawn { decision: card.id, why });
        let asked = (!ids.is_empty()).then(|| TaskEvent::SyncApprovalRequested {
            decision: self.next_decision(),
            resource: resource.clone(),
            payload_hash: hash_of(&held),
            ops: ids,
        });
        withdrawn.into_iter().chain(asked).collect()
    }

    /// Takes back what is not wanted any more.
    pub(super) fn withdraw_op(&self, id: OpId) -> Decided {
        let op = self.op(id)?;
        if !op.is_unsent() {
            return Ok(Vec::new());
        }
        let mut ops = self.state.ops.clone();
        for it in ops.iter_mut().filter(|it| it.id == id) {
            it.state = OpState::Superseded { by: None };
        }
        let mut events = vec![TaskEvent::SyncSuperseded { op: id, by: None }];
        events.extend(self.card(&op.resource, &ops));
        Ok(events)
    }

    pub(super) fn start_attempt(&self, id: OpId) -> Decided {
        let op = self.op(id)?;
        if self.state.outside.is_fused(&op.resource) {
            return Err(TaskError::NotCalledFor("it was written too often; a person must say so first"));
        }
        let busy = |other: &&Op| other.resource == op.resource && matches!(other.state, OpState::InFlight(_));
        match op.state {
            OpState::Ready | OpState::Waiting { .. } if !self.state.ops.iter().any(|other| busy(&other)) => {
                Ok(vec![TaskEvent::SyncAttemptStarted { op: id, attempt: op.attempts.saturating_add(1) }])
            }
            OpState::Ready
            | OpState::Waiting { .. }
            | OpState::Held
            | OpState::InFlight(_)
            | OpState::Sent { .. }
            | OpState::Dead { .. }
            | OpState::Superseded { .. }
            | OpState::Refused { .. } => Err(TaskError::NotCalledFor("the change is not to be tried now")),
        }
    }

    pub(super) fn sent(&self, sent: &SyncSent) -> Decided {
        match self.op(sent.op)?.state {
            OpState::InFlight(_) => Ok(vec![TaskEvent::SyncSent(Box::new(sent.clone()))]),
            OpState::Sent { .. } => Ok(Vec::new()),
            OpState::Held
            | OpState::Ready
            | OpState::Waiting { .. }
            | OpState::Dead { .. }
            | OpState::Superseded { .. }
            | OpState::Refused { .. } => Err(TaskError::NotCalledFor("no attempt at the change began")),
        }
    }

    /// Notes what is known of a change whose answer did not come.
    pub(super) fn doubt(&self, id: OpId, doubt: Doubt, detail: &Arc<str>) -> Decided {
        let op = self.op(id)?;
        let OpState::InFlight(fate) = &op.state else { return Ok(Vec::new()) };
        let look_after = |pause: Duration| {
            let (detail, look_at) = (detail.clone(), self.after(pause));
            Ok(vec![TaskEvent::SyncDoubted { op: id, doubt, detail, look_at }])
        };
        match doubt {
            Doubt::Unanswered => look_after(Duration::ZERO),
            Doubt::NotThere if fate.not_there == 0 => look_after(SECOND_LOOK),
            Doubt::NotThere => self.send_failed(id, detail, AfterFailure::Again),
            Doubt::Unknown if fate.unknown.saturating_add(1) < LOOKS => {
                look_after(pause_after(fate.unknown.saturating_add(1)))
            }
            Doubt::Unknown => self.send_failed(id, detail, AfterFailure::Ask),
            Doubt::Later(until) => {
                let detail = detail.clone();
                Ok(vec![TaskEvent::SyncDoubted { op: id, doubt, detail, look_at: until }])
            }
        }
    }

    pub(super) fn send_failed(&self, id: OpId, detail: &Arc<str>, next: AfterFailure) -> Decided {
        let op = self.op(id)?;
        let OpState::InFlight(_) = op.state else { return Ok(Vec::new()) };
        let detail = detail.clone();
        let failures = op.failures.saturating_add(1);
        let (retry_at, counts) = match next {
            AfterFailure::Again if failures < ATTEMPTS => (self.after(pause_after(failures)), true),
            AfterFailure::HoldUntil(at) => (at, false),
            AfterFailure::Leave => return Ok(vec![TaskEvent::SyncDead { op: id, detail }]),
            AfterFailure::Again | AfterFailure::Ask => {
                let mut events = vec![TaskEvent::SyncDead { op: id, detail: detail.clone() }];
                let what = format!("{} of {}: {detail}", op.change.kind(), op.resource);
                let asks = self.state.phase != Phase::Cancelled;
                events.extend(
                    asks.then(|| self.escalate(EscalationReason::DeliveryFailed, &what))
                        .into_iter()
                        .flatten(),
                );
                return Ok(events);
            }
        };
        Ok(vec![TaskEvent::SyncFailed { op: id, attempt: op.attempts, counts, detail, retry_at }])
    }

    /// Makes a change that waits, or was given up, due now.
    pub(super) fn retry_op(&self, id: OpId) -> Decided {
        self.not_for_agents()?;
        match self.op(id)?.state {
            OpState::Waiting { .. } | OpState::Dead { .. } => Ok(vec![TaskEvent::SyncRetried { op: id }]),
            OpState::Ready | OpState::InFlight(_) => Ok(Vec::new()),
            OpState::Held | OpState::Sent { .. } | OpState::Superseded { .. } | OpState::Refused { .. } => {
                Err(TaskError::NothingToRetry)
            }
        }
    }

    /// Gives a change up, for good.
    pub(super) fn drop_op(&self, id: OpId) -> Decided {
        self.not_for_agents()?;
        let op = self.op(id)?;
        if let OpState::Refused { .. } = op.state {
            return Ok(Vec::new());
        }
        if !op.is_unsent() {
            return Err(TaskError::NotCalledFor("the change was sent, or is under way"));
        }
        let by = Principal::clone(&self.ctx.actor);
        let mut ops = self.state.ops.clone();
        for it in ops.iter_mut().filter(|it| it.id == id) {
            it.state = OpState::Refused { by: by.clone(), reason: None };
        }
        let mut events = vec![TaskEvent::SyncDropped { op: id }];
        events.extend(self.card(&op.resource, &ops));
        Ok(events)
    }

    /// Holds everything that is to be written to a thing, and asks a person.
    pub(super) fn blow_fuse(&self, resource: &Resource, detail: &Arc<str>) -> Vec<TaskEvent> {
        if self.state.outside.is_fused(resource) {
            return Vec::new();
        }
        let (decision, reason) = (self.next_decision(), EscalationReason::WriteStorm);
        let detail = format!("{resource}: {detail}").into();
        let resource = resource.clone();
        vec![
            TaskEvent::EscalationOpened { decision, reason, detail },
            TaskEvent::SyncFused { resource, decision },
        ]
    }

    fn after(&self, pause: Duration) -> Timestamp {
        self.ctx.at.saturating_add(pause).unwrap_or(self.ctx.at)
    }

    fn op(&self, id: OpId) -> Result<&Op, TaskError> {
        self.state.op(id).ok_or(TaskError::UnknownOp(id))
    }
}

/// Decides what waits on a card.
pub(super) fn at_publish(decision: &Decision, verdict: &Verdict) -> Decided {
    let (id, payload_hash) = (decision.id, decision.payload_hash.clone());
    match verdict {
        Verdict::Approve { note } => {
            Ok(vec![TaskEvent::SyncApproved { decision: id, payload_hash, note: note.clone() }])
        }
        Verdict::Reject { reason } => {
            Ok(vec![TaskEvent::SyncRejected { decision: id, reason: reason.clone() }])
        }
        Verdict::Edit { .. } | Verdict::Answer { .. } => Err(TaskError::WrongVerdict {
            kind: "publish",
            takes: "an approval, or a rejection with its reason",
        }),
    }
}

/// Hashes exactly what a card shows.
fn hash_of(held: &[&Op]) -> PayloadHash {
    let shown: Vec<(OpId, &PayloadHash)> = held.iter().map(|op| (op.id, &op.payload_hash)).collect();
    PayloadHash::of(&serde_json::to_vec(&shown).unwrap_or_default())
}

fn next_number(count: usize) -> u32 {
    u32::try_from(count.saturating_add(1)).unwrap_or(u32::MAX)
}
