//! Webhooks of connectors: who may send them, when they last did, and how far it was asked for those that did not come.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ipa_events::ConnectorId;
use ipa_sync::cadence::Signs;
use ipa_sync::hook::Maker;
use ipa_sync::{Mode, SecretSource};
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::{Mutex, Notify};
use tracing::error;

use super::{Connectors, Outlet};

/// A secret that could not be read is tried again with the next webhook, but not sooner than that.
const READ_AGAIN: Duration = Duration::from_secs(5);

/// How often it is asked which webhooks did not come, while something moves.
const ASK: Duration = Duration::from_hours(1);
/// How often at rest, so that a task costs no more than it may: nothing came for as long as [`ASK`].
const ASK_AT_REST: Duration = Duration::from_hours(3);

/// Who may say by a webhook that something of a connector moved.
#[derive(Debug, Clone)]
pub struct Hooks {
    /// Who sends them, and so how they are signed and read.
    pub maker: Maker,
    /// What they are signed with: one secret, or two while it is being replaced. Any of them will do; an empty one
    /// never does. Each is read once, when an engine starts or the first webhook comes; one that could not be read, with
    /// a later one; all when a person resumes the connector.
    pub secrets: Vec<SecretSource>,
}

/// The secrets of a connector, as far as they were read.
#[derive(Default)]
pub(super) struct Secrets(Mutex<Vec<Secret>>);

#[derive(Clone)]
struct Secret {
    read: Result<SecretString, String>,
    tried_at: Timestamp,
}

/// How far a connector was asked for webhooks that did not come.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// When it was last asked.
    tried_at: Option<Timestamp>,
    /// Up to when all that it told is sent again.
    until: Option<Timestamp>,
    /// Where it may not ask, as it was told.
    unseen: BTreeSet<String>,
}

/// From when on it is asked for webhooks that did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asking {
    /// None: from as early on as the other side knows.
    pub(crate) since: Option<Timestamp>,
}

impl Connectors {
    /// Lists the connectors for which a maker's webhooks are taken, or the one of a name, with what they are signed with.
    pub(crate) async fn doors(
        &self,
        (maker, name): (Maker, Option<&ConnectorId>),
        now: Timestamp,
    ) -> Vec<(&ConnectorId, Vec<SecretString>)> {
        let mut doors = Vec::new();
        for (id, outlet) in self.outlets.iter().filter(|(id, _)| name.is_none_or(|name| name == *id)) {
            if outlet.hooks.as_ref().is_none_or(|hooks| hooks.maker != maker) {
                continue;
            }
            let read = self.secrets(outlet, now).await;
            let secrets: Vec<SecretString> = read.into_iter().filter_map(Result::ok).collect();
            if !secrets.is_empty() {
                doors.push((id, secrets));
            }
        }
        doors
    }

    /// Returns what the webhooks of a connector are signed with, or why that cannot be read.
    pub(crate) async fn secrets(&self, outlet: &Outlet, now: Timestamp) -> Vec<Result<SecretString, String>> {
        let id = &outlet.settings.id;
        let hooks = outlet.hooks.as_ref().filter(|_| outlet.settings.mode != Mode::Off);
        let (Some(hooks), Some(Secrets(kept))) = (hooks, self.hook_secrets.get(id)) else {
            return Vec::new();
        };
        let mut kept = kept.lock().await;
        let is_due = |secret: &Secret| {
            let age = Duration::try_from(now.duration_since(secret.tried_at)).unwrap_or(READ_AGAIN);
            secret.read.is_err() && age >= READ_AGAIN
        };
        if kept.is_empty() || kept.iter().any(is_due) {
            let (before, sources) = (std::mem::take(&mut *kept), hooks.secrets.clone());
            *kept = read_all((id, now), before, sources).await;
        }
        kept.iter().map(|secret| secret.read.clone()).collect()
    }

    /// Forgets what was read: a person may have put another secret there.
    pub(super) async fn forget_secrets(&self, id: &ConnectorId) {
        if let Some(Secrets(kept)) = self.hook_secrets.get(id) {
            kept.lock().await.clear();
        }
    }

    /// Tells how a connector's webhooks are read, if any are taken.
    pub(crate) fn maker(&self, id: &ConnectorId) -> Option<Maker> {
        Some(self.outlets.get(id)?.hooks.as_ref()?.maker)
    }

    /// Returns how often a connector is asked what moved, while no webhooks come.
    pub(crate) fn poll(&self, id: &ConnectorId) -> Option<Duration> {
        self.outlets.get(id).map(|outlet| outlet.poll)
    }

    /// Returns what says that something of a connector moved that belongs to no task.
    pub(crate) fn nudges(&self, id: &ConnectorId) -> Arc<Notify> {
        self.nudges.get(id).cloned().unwrap_or_default()
    }

    /// Returns what is known of how a connector speaks up. What was never seen to move counts from now on.
    pub(crate) fn signs(&self, id: &ConnectorId, now: Timestamp) -> Signs {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.entry(id.clone()).or_default();
        let (hook, moved) = (known.hook_at, *known.moved_at.get_or_insert(now));
        Signs { moved: hook.map_or(moved, |hook| hook.max(moved)), hook }
    }

    /// Notes that something moved.
    pub(crate) fn note_moved(&self, id: &ConnectorId, at: Timestamp) {
        self.note(id, |known| known.moved_at = Some(at));
    }

    /// Notes that a webhook came.
    pub(crate) fn note_hook(&self, id: &ConnectorId, at: Timestamp) {
        self.note(id, |known| known.hook_at = Some(at));
    }

    /// Tells whether it is time to ask for the webhooks that did not come, and if so, from when on.
    pub(crate) fn asks_again(&self, id: &ConnectorId, now: Timestamp) -> Option<Asking> {
        let since = |at: Timestamp| Duration::try_from(now.duration_since(at)).unwrap_or_default();
        let pause = if since(self.signs(id, now).moved) < ASK { ASK } else { ASK_AT_REST };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let lost = &mut known.entry(id.clone()).or_default().lost;
        if lost.tried_at.is_some_and(|tried| since(tried) < pause) {
            return None;
        }
        lost.tried_at = Some(now);
        Some(Asking { since: lost.until })
    }

    /// Notes up to when all webhooks that did not come are sent again.
    pub(crate) fn note_asked(&self, id: &ConnectorId, until: Timestamp) {
        self.note(id, |known| known.lost.until = Some(until));
    }

    /// Tells whether it was not told yet that something may not be asked for.
    pub(crate) fn is_unseen_new(&self, id: &ConnectorId, unseen: &str) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(id.clone()).or_default().lost.unseen.insert(unseen.to_owned())
    }
}

/// Reads those secrets of a connector that were not read before. One that cannot be read opens nothing, as an error of
/// the log says, once for each reason.
async fn read_all(
    (id, now): (&ConnectorId, Timestamp),
    before: Vec<Secret>,
    sources: Vec<SecretSource>,
) -> Vec<Secret> {
    let kept = before.clone();
    let count = sources.len();
    let read = tokio::task::spawn_blocking(move || {
        let mut kept = kept.into_iter();
        let read = sources.iter().map(|source| match kept.next() {
            Some(Secret { read: Ok(secret), .. }) => Ok(secret),
            Some(Secret { read: Err(_), .. }) | None => source.read(),
        });
        read.collect::<Vec<_>>()
    });
    let read = read.await.unwrap_or_else(|panic| vec![Err(panic.to_string()); count]);
    for (index, secret) in read.iter().enumerate() {
        let former = before.get(index).and_then(|former| former.read.as_ref().err());
        if let Err(why) = secret
            && former != Some(why)
        {
            error!("a secret of the webhooks for {id} cannot be read, so it opens nothing: {why}");
        }
    }
    read.into_iter().map(|read| Secret { read, tried_at: now }).collect()
}
