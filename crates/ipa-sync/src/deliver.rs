//! One delivery, a step at a time. What it needs next is a pure function of the task's state; a try whose
//! outcome nobody knows is looked into before anything is tried again.

use ipa_events::task::{Delivery, NeedsPerson, Op, OpState, TaskState};
use ipa_events::{OpId, TaskCommand};
use jiff::Timestamp;

use crate::port::{GitPort, PushError};

/// What an operation needs next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Record that an attempt begins; nothing was sent yet.
    Begin(OpId),
    /// Find out whether the attempt that began arrived, and if it did not, send it.
    Send(OpId),
    /// Look again then.
    WaitUntil(Timestamp),
}

/// Names what the oldest unfinished operation needs next; none when all are done or wait for a person, or when the
/// work is not, or no longer, approved.
pub fn step(state: &TaskState, now: Timestamp) -> Option<Step> {
    if !state.may_deliver() {
        return None;
    }
    state.ops.iter().find_map(|op| match op.state {
        OpState::InFlight => Some(Step::Send(op.id)),
        OpState::Waiting { until } if until > now => Some(Step::WaitUntil(until)),
        OpState::Ready | OpState::Waiting { .. } => Some(Step::Begin(op.id)),
        OpState::Sent { .. } | OpState::Dead { .. } => None,
    })
}

/// Sends an operation, unless it is there already, and returns the command that records how it went.
pub async fn carry_out(port: &dyn GitPort, op: &Op) -> TaskCommand {
    match deliver(port, &op.delivery).await {
        Ok(()) => TaskCommand::RecordSent { op: op.id, branch: op.delivery.branch.clone() },
        Err(PushError { detail, needs_person }) => {
            TaskCommand::RecordSendFailed { op: op.id, detail: detail.into(), needs_person }
        }
    }
}

async fn deliver(port: &dyn GitPort, delivery: &Delivery) -> Result<(), PushError> {
    let before = port.head(&delivery.repo, &delivery.branch).await?;
    if before.as_ref() == Some(&delivery.commit) {
        return Ok(());
    }
    if before != delivery.expected {
        let there = before.map_or_else(|| "is gone".to_owned(), |at| format!("is at {}", at.short()));
        return Err(PushError {
            detail: format!("branch {} {there}: somebody else changed it", delivery.branch),
            needs_person: NeedsPerson::Yes,
        });
    }
    port.push(delivery).await
}

#[cfg(test)]
mod tests;
