//! What follows from events about changes to the outside.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Fit, is_next};
use crate::task::event::Delivery;
use crate::task::state::{Op, OpState, TaskState};
use crate::value::{BranchName, OpId, PayloadHash};

pub(super) fn queue(state: &mut TaskState, id: OpId, delivery: &Delivery, hash: &PayloadHash) -> Fit {
    if !is_next(id.number, state.ops.len()) {
        return Err("operations are numbered in order");
    }
    let (delivery, payload_hash) = (delivery.clone(), hash.clone());
    state.ops.push(Op { id, delivery, payload_hash, state: OpState::Ready, attempts: 0 });
    Ok(())
}

pub(super) fn start(state: &mut TaskState, id: OpId, attempt: u32) -> Fit {
    let op = op(state, id)?;
    op.attempts = attempt;
    op.state = OpState::InFlight;
    Ok(())
}

pub(super) fn sent(state: &mut TaskState, id: OpId, branch: &BranchName) -> Fit {
    op(state, id)?.state = OpState::Sent { branch: branch.clone() };
    Ok(())
}

pub(super) fn fail(state: &mut TaskState, id: OpId, until: Timestamp) -> Fit {
    op(state, id)?.state = OpState::Waiting { until };
    Ok(())
}

pub(super) fn die(state: &mut TaskState, id: OpId, detail: &Arc<str>) -> Fit {
    op(state, id)?.state = OpState::Dead { detail: detail.clone() };
    Ok(())
}

fn op(state: &mut TaskState, id: OpId) -> Result<&mut Op, &'static str> {
    state.ops.iter_mut().find(|op| op.id == id).ok_or("there is no such operation")
}
