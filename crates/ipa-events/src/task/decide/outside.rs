//! Changes to the outside: intent, effect, outcome.

use std::sync::Arc;

use super::{Decided, Task};
use crate::task::command::NeedsPerson;
use crate::task::error::TaskError;
use crate::task::event::{Delivery, EscalationReason, TaskEvent};
use crate::task::limits::pause_after;
use crate::task::state::{Op, OpState};
use crate::value::{BranchName, OpId, PayloadHash};

/// Attempts at one delivery before a person is asked.
const ATTEMPTS: u32 = 5;

impl Task<'_> {
    pub(super) fn queue_delivery(&self, delivery: &Delivery) -> Decided {
        self.live_phase()?;
        if self.state.ops.iter().any(|op| op.delivery == *delivery) {
            return Ok(Vec::new());
        }
        let number = u32::try_from(self.state.ops.len().saturating_add(1)).unwrap_or(u32::MAX);
        let payload_hash = PayloadHash::of(&serde_json::to_vec(delivery).unwrap_or_default());
        let op = OpId::new(self.created.task, number);
        Ok(vec![TaskEvent::SyncQueued { op, delivery: delivery.clone(), payload_hash }])
    }

    pub(super) fn start_delivery(&self, id: OpId) -> Decided {
        let op = self.op(id)?;
        match op.state {
            OpState::Ready | OpState::Waiting { .. } => {
                Ok(vec![TaskEvent::SyncAttemptStarted { op: id, attempt: op.attempts.saturating_add(1) }])
            }
            OpState::InFlight | OpState::Sent { .. } | OpState::Dead { .. } => {
                Err(TaskError::NotCalledFor("the delivery is not to be tried now"))
            }
        }
    }

    pub(super) fn sent(&self, id: OpId, branch: &BranchName) -> Decided {
        if let OpState::Sent { .. } = self.op(id)?.state {
            return Ok(Vec::new());
        }
        Ok(vec![TaskEvent::SyncSent { op: id, branch: branch.clone() }])
    }

    pub(super) fn send_failed(&self, id: OpId, detail: &Arc<str>, needs: NeedsPerson) -> Decided {
        let op = self.op(id)?;
        let detail = detail.clone();
        if needs == NeedsPerson::Yes || op.attempts >= ATTEMPTS {
            let asks = !self.state.phase.is_over();
            let mut events = vec![TaskEvent::SyncDead { op: id, detail: detail.clone() }];
            events.extend(
                asks.then(|| self.escalate(EscalationReason::DeliveryFailed, &detail)).into_iter().flatten(),
            );
            return Ok(events);
        }
        let retry_at = self.ctx.at.saturating_add(pause_after(op.attempts)).unwrap_or(self.ctx.at);
        Ok(vec![TaskEvent::SyncFailed { op: id, attempt: op.attempts, detail, retry_at }])
    }

    fn op(&self, id: OpId) -> Result<&Op, TaskError> {
        self.state.op(id).ok_or(TaskError::UnknownOp(id))
    }
}
