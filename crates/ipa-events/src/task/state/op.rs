//! Changes to the outside, and how far each is.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::TaskState;
use crate::task::change::{Change, PublishPolicy};
use crate::task::event::SyncQueued;
use crate::value::{OpId, PayloadHash, Principal, RemoteId, Resource};

/// A change to the outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Op {
    /// Which.
    pub id: OpId,
    /// What it changes.
    pub resource: Resource,
    /// How.
    pub change: Change,
    /// The hash of exactly that.
    pub payload_hash: PayloadHash,
    /// Who must agree.
    pub policy: PublishPolicy,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// How far it is.
    pub state: OpState,
    /// Attempts so far.
    pub attempts: u32,
    /// How many of them failed.
    pub failures: u32,
    /// Whether a person wanted it tried again after it was given up, and why was said.
    pub insisted: bool,
}

/// How far a change to the outside is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpState {
    /// A person must agree first.
    Held,
    /// To be tried.
    Ready,
    /// An attempt began; until its outcome is known it must be looked into, not repeated.
    InFlight(Fate),
    /// To be tried again.
    Waiting {
        /// Not before.
        until: Timestamp,
        /// What happened.
        detail: Arc<str>,
    },
    /// It is there.
    Sent {
        /// Since when.
        at: Timestamp,
        /// What it made, or changed.
        remote: Option<RemoteId>,
        /// Where a person finds it.
        url: Option<Arc<str>>,
    },
    /// Given up until a person helps.
    Dead {
        /// Why.
        detail: Arc<str>,
    },
    /// It is not wanted any more.
    Superseded {
        /// What is wanted instead, if anything is.
        by: Option<OpId>,
    },
    /// A person said no, and why.
    Refused {
        /// Who.
        by: Principal,
        /// Why.
        reason: Option<Arc<str>>,
    },
}

/// What is known of an attempt whose answer has not come.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fate {
    /// When it is to be looked for; none: at once.
    pub look_at: Option<Timestamp>,
    /// How often it was looked for and was not there.
    pub not_there: u32,
    /// How often it could not be looked for.
    pub unknown: u32,
}

impl Op {
    /// Makes an operation of an intent.
    pub(crate) fn queued(queued: &SyncQueued, at: Timestamp) -> Self {
        let state = match queued.policy {
            PublishPolicy::Auto => OpState::Ready,
            PublishPolicy::AskOnce | PublishPolicy::Ask | PublishPolicy::Deny => OpState::Held,
        };
        let SyncQueued { op, resource, change, payload_hash, policy } = queued.clone();
        Self {
            id: op,
            resource,
            change,
            payload_hash,
            policy,
            queued_at: at,
            state,
            attempts: 0,
            failures: 0,
            insisted: false,
        }
    }

    /// A person wants it tried again now.
    pub(crate) fn retry(&mut self) {
        self.insisted |= matches!(self.state, OpState::Dead { .. });
        self.state = OpState::Ready;
    }

    /// Tells whether nothing of it was sent, and it still may be: a newer one can take its place.
    pub const fn is_unsent(&self) -> bool {
        match self.state {
            OpState::Held | OpState::Ready | OpState::Waiting { .. } | OpState::Dead { .. } => true,
            OpState::InFlight(_)
            | OpState::Sent { .. }
            | OpState::Superseded { .. }
            | OpState::Refused { .. } => false,
        }
    }

    /// Tells whether it is still to arrive, without a person.
    pub const fn is_under_way(&self) -> bool {
        match self.state {
            OpState::Ready | OpState::InFlight(_) | OpState::Waiting { .. } => true,
            OpState::Held
            | OpState::Sent { .. }
            | OpState::Dead { .. }
            | OpState::Superseded { .. }
            | OpState::Refused { .. } => false,
        }
    }

    /// Returns when it is due, if it is under way and waits for a time.
    pub fn due(&self) -> Option<Timestamp> {
        match &self.state {
            OpState::Waiting { until, .. } => Some(*until),
            OpState::InFlight(fate) => fate.look_at,
            OpState::Held
            | OpState::Ready
            | OpState::Sent { .. }
            | OpState::Dead { .. }
            | OpState::Superseded { .. }
            | OpState::Refused { .. } => None,
        }
    }

    /// Tells whether it is there.
    pub const fn is_sent(&self) -> bool {
        matches!(self.state, OpState::Sent { .. })
    }
}

impl TaskState {
    /// Returns what a policy means now: something of its kind that went to the same thing was agreed to once.
    pub fn policy_now(&self, resource: &Resource, change: &Change, policy: PublishPolicy) -> PublishPolicy {
        let same = |op: &Op| op.resource == *resource && op.change.kind() == change.kind();
        let mut agreed = self.ops.iter().filter(|op| op.is_sent() || op.is_under_way());
        let agreed = policy == PublishPolicy::AskOnce && agreed.any(same);
        if agreed { PublishPolicy::Auto } else { policy }
    }
}

/// Tells whether exactly this change is on its way, or is not wanted by a person.
pub fn knows(ops: &[Op], resource: &Resource, change: &Change, policy: PublishPolicy) -> bool {
    let mut same = ops.iter().filter(|op| op.resource == *resource && op.change == *change);
    same.any(|op| match op.state {
        // Somebody agreed to it by other means: it takes the place of the one that is held.
        OpState::Held => policy != PublishPolicy::Auto,
        OpState::Ready
        | OpState::InFlight(_)
        | OpState::Waiting { .. }
        | OpState::Dead { .. }
        | OpState::Refused { .. } => true,
        OpState::Sent { .. } | OpState::Superseded { .. } => false,
    })
}
