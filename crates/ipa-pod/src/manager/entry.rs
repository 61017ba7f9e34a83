//! What the manager keeps of one task.

use std::sync::Arc;

use ipa_events::PodCondition;
use ipa_events::store::Version;
use jiff::Timestamp;
use ractor::RpcReplyPort;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{NoPod, Then};
use crate::pod::supervisor::PodHandle;
use crate::pod::sync::Outlook;
use crate::scheduler::{Dependencies, Reason, Standing};

/// Somebody who waits for a pod.
pub(super) type Waiter = RpcReplyPort<Result<PodHandle, NoPod>>;

/// Why a pod had nothing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rest {
    /// Where the stream was then.
    pub(crate) version: Version,
    /// Why.
    pub(crate) reason: Reason,
    /// When the outside is to be seen to.
    pub(crate) look_at: Option<Timestamp>,
}

/// What the manager keeps of one task; a task that is not kept has no pod, and may get one.
pub(super) enum Entry {
    /// Its pod is being started.
    Starting(Starting),
    /// It has a pod.
    Running(Box<Pod>),
    /// Its pod is being stopped.
    Stopping { waiting: Vec<Waiter>, then: Then, rested: Option<Rest> },
    /// Its pod had nothing to do.
    Rested(Rest),
    /// Its pod failed and is tried again after a pause; dropping the timer ends the pause.
    Pausing { failures: u32, why: Arc<str>, _timer: JoinSet<()> },
    /// Its pod cannot run.
    Parked(Arc<str>),
    /// Its pod is down, and what it left is being put away; why it was parked, if it was.
    Cleaning { waiting: Vec<Waiter>, parked: Option<Arc<str>> },
}

pub(super) struct Starting {
    pub(super) waiting: Vec<Waiter>,
    pub(super) failures: u32,
    pub(super) depend: watch::Sender<Dependencies>,
    pub(super) standing: watch::Receiver<Standing>,
    pub(super) outlook: watch::Receiver<Outlook>,
    /// It was refused a slot, and is started as there may be one now.
    pub(super) wants_slot: bool,
    /// Something may have changed outside since its start was begun.
    pub(super) hinted: bool,
}

pub(super) struct Pod {
    pub(super) handle: PodHandle,
    pub(super) depend: watch::Sender<Dependencies>,
    pub(super) standing: Standing,
    /// What it does outside.
    pub(super) outlook: Outlook,
    /// It was refused a slot, and has not done anything else since.
    pub(super) wants_slot: bool,
    /// How often it failed before, one time soon after the other.
    pub(super) failures: u32,
    /// Since when it is there.
    pub(super) since: Instant,
    /// Follows what the pod says of itself.
    pub(super) _follows: JoinSet<()>,
    /// Runs while the pod has nothing to do.
    pub(super) idle: JoinSet<()>,
}

impl Pod {
    /// Returns why it has nothing to do, inside and outside, if that is so.
    pub(super) fn rests(&self) -> Option<Rest> {
        match (&self.standing, self.outlook) {
            (Standing::Resting(version, reason), Outlook::Resting(seen, look_at))
                if !reason.is_busy() && seen >= *version =>
            {
                Some(Rest { version: *version, reason: reason.clone(), look_at })
            }
            (Standing::Resting(..) | Standing::Looking, Outlook::Resting(..) | Outlook::Busy) => None,
        }
    }
}

impl Entry {
    /// Says what the pod is doing; nothing when there is nothing to say.
    pub(super) fn condition(&self) -> Option<PodCondition> {
        match self {
            Self::Starting(_) => Some(PodCondition::Active),
            Self::Running(pod) => Some(match &pod.standing {
                Standing::Looking => PodCondition::Active,
                Standing::Resting(_, reason) if reason.is_busy() => PodCondition::Active,
                Standing::Resting(_, reason) => PodCondition::Held(reason.to_string().into()),
            }),
            Self::Stopping { rested: Some(Rest { reason, .. }), .. } | Self::Rested(Rest { reason, .. }) => {
                let news = !reason.is_in_the_log();
                news.then(|| PodCondition::Held(reason.to_string().into()))
            }
            Self::Stopping { rested: None, .. } => None,
            Self::Pausing { why, .. } => {
                Some(PodCondition::Held(format!("its pod failed and is tried again: {why}").into()))
            }
            Self::Parked(why) | Self::Cleaning { parked: Some(why), .. } => {
                Some(PodCondition::Parked(why.clone()))
            }
            Self::Cleaning { parked: None, .. } => {
                Some(PodCondition::Held("what its pod left is being put away".into()))
            }
        }
    }

    /// Tells whether there is a pod, coming or going.
    pub(super) const fn has_pod(&self) -> bool {
        matches!(self, Self::Starting(_) | Self::Running(_) | Self::Stopping { .. })
    }

    /// Tells whether it was refused a slot and still waits for one.
    pub(super) const fn waits_for_slot(&self) -> bool {
        match self {
            Self::Starting(starting) => starting.wants_slot,
            Self::Running(pod) => pod.wants_slot,
            Self::Stopping { rested: Some(Rest { reason, .. }), .. } | Self::Rested(Rest { reason, .. }) => {
                matches!(reason, Reason::NoSlot(_))
            }
            Self::Stopping { rested: None, .. }
            | Self::Pausing { .. }
            | Self::Parked(_)
            | Self::Cleaning { .. } => false,
        }
    }

    /// Returns where the pod learns of its dependencies.
    pub(super) const fn depend(&self) -> Option<&watch::Sender<Dependencies>> {
        match self {
            Self::Starting(starting) => Some(&starting.depend),
            Self::Running(pod) => Some(&pod.depend),
            Self::Stopping { .. }
            | Self::Rested(_)
            | Self::Pausing { .. }
            | Self::Parked(_)
            | Self::Cleaning { .. } => None,
        }
    }

    pub(super) fn handle(&self) -> Option<PodHandle> {
        match self {
            Self::Running(pod) => Some(pod.handle.clone()),
            Self::Starting(_)
            | Self::Stopping { .. }
            | Self::Rested(_)
            | Self::Pausing { .. }
            | Self::Parked(_)
            | Self::Cleaning { .. } => None,
        }
    }
}
