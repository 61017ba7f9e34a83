//! What the manager keeps of one task.

use std::sync::Arc;

use ipa_events::{Handle, Phase, PodCondition};
use ractor::RpcReplyPort;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{NoPod, Then};
use crate::pod::supervisor::PodHandle;
use crate::scheduler::{Reason, Standing};

/// Somebody who waits for a pod.
pub(super) type Waiter = RpcReplyPort<Result<PodHandle, NoPod>>;

/// What the manager keeps of one task; a task that is not kept has no pod, and may get one.
pub(super) enum Entry {
    /// Its pod is being started.
    Starting(Starting),
    /// It has a pod.
    Running(Box<Pod>),
    /// Its pod is being stopped.
    Stopping { waiting: Vec<Waiter>, then: Then, rested: Option<(u64, Reason)> },
    /// Its pod had nothing to do when the stream was at this version, and why.
    Rested(u64, Reason),
    /// Its pod failed and is tried again after a pause; dropping the timer ends the pause.
    Pausing { failures: u32, why: Arc<str>, _timer: JoinSet<()> },
    /// Its pod cannot run.
    Parked(Arc<str>),
}

pub(super) struct Starting {
    pub(super) waiting: Vec<Waiter>,
    pub(super) failures: u32,
    pub(super) depend: watch::Sender<Vec<(Handle, Phase)>>,
    pub(super) standing: watch::Receiver<Standing>,
}

pub(super) struct Pod {
    pub(super) handle: PodHandle,
    pub(super) dependencies: watch::Sender<Vec<(Handle, Phase)>>,
    pub(super) standing: Standing,
    /// How often it failed since it last came to rest.
    pub(super) failures: u32,
    /// Follows what the pod says of itself.
    pub(super) _follows: JoinSet<()>,
    /// Runs while the pod has nothing to do.
    pub(super) idle: JoinSet<()>,
}

impl Entry {
    /// Says what the pod is doing; nothing when there is nothing to say.
    pub(super) fn condition(&self) -> Option<PodCondition> {
        match self {
            Self::Starting(_) => Some(PodCondition::Active),
            Self::Running(pod) => Some(match &pod.standing {
                Standing::Looking => PodCondition::Active,
                Standing::Resting(reason) if reason.is_busy() => PodCondition::Active,
                Standing::Resting(reason) => PodCondition::Held(reason.to_string().into()),
            }),
            Self::Stopping { rested: Some((_, reason)), .. } | Self::Rested(_, reason) => {
                Some(PodCondition::Held(reason.to_string().into()))
            }
            Self::Stopping { rested: None, .. } => None,
            Self::Pausing { why, .. } => {
                Some(PodCondition::Held(format!("its pod failed and is tried again: {why}").into()))
            }
            Self::Parked(why) => Some(PodCondition::Parked(why.clone())),
        }
    }

    /// Tells whether there is a pod, coming or going.
    pub(super) const fn has_pod(&self) -> bool {
        matches!(self, Self::Starting(_) | Self::Running(_) | Self::Stopping { .. })
    }

    /// Tells whether it was refused a slot and still waits for one.
    pub(super) fn waits_for_slot(&self) -> bool {
        match self {
            Self::Running(pod) => matches!(&pod.standing, Standing::Resting(Reason::NoSlot(_))),
            Self::Stopping { rested: Some((_, reason)), .. } | Self::Rested(_, reason) => {
                matches!(reason, Reason::NoSlot(_))
            }
            Self::Starting(_) | Self::Stopping { .. } | Self::Pausing { .. } | Self::Parked(_) => false,
        }
    }

    pub(super) fn handle(&self) -> Option<PodHandle> {
        match self {
            Self::Running(pod) => Some(pod.handle.clone()),
            Self::Starting(_)
            | Self::Stopping { .. }
            | Self::Rested(..)
            | Self::Pausing { .. }
            | Self::Parked(_) => None,
        }
    }
}
