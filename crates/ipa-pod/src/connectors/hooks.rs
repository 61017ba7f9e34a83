//! Webhooks of connectors: who may send them, and when they last did.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ipa_events::ConnectorId;
use ipa_sync::cadence::Signs;
use ipa_sync::hook::Maker;
use ipa_sync::{Mode, SecretSource};
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::{Notify, OnceCell};
use tracing::error;

use super::Connectors;

/// Who may say by a webhook that something of a connector moved.
#[derive(Debug, Clone)]
pub struct Hooks {
    /// Who sends them, and so how they are signed and read.
    pub maker: Maker,
    /// What they are signed with: one secret, or two while it is being replaced. Any of them will do; an empty one
    /// never does. Each is read once, when an engine starts or the first webhook comes.
    pub secrets: Vec<SecretSource>,
}

/// The secrets that were read, by connector.
pub(super) type HookSecrets = BTreeMap<ConnectorId, OnceCell<Vec<SecretString>>>;

impl Connectors {
    /// Lists the connectors for which a maker's webhooks are taken, or the one of a name.
    pub(crate) async fn doors(
        &self,
        maker: Maker,
        name: Option<&ConnectorId>,
    ) -> Vec<(&ConnectorId, &[SecretString])> {
        let mut doors = Vec::new();
        for (id, outlet) in self.outlets.iter().filter(|(id, _)| name.is_none_or(|name| name == *id)) {
            let hooks = outlet.hooks.as_ref().filter(|hooks| hooks.maker == maker);
            let Some(hooks) = hooks.filter(|_| outlet.settings.mode != Mode::Off) else { continue };
            let Some(read) = self.hook_secrets.get(id) else { continue };
            let secrets = read.get_or_init(|| read_all(id, hooks.secrets.clone())).await;
            if !secrets.is_empty() {
                doors.push((id, secrets.as_slice()));
            }
        }
        doors
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
        let hook = self.hooked(id);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let moved = *known.entry(id.clone()).or_default().moved_at.get_or_insert(now);
        Signs { moved: hook.map_or(moved, |hook| hook.max(moved)), hook }
    }

    /// Notes that something moved.
    pub(crate) fn note_moved(&self, id: &ConnectorId, at: Timestamp) {
        self.note(id, |known| known.moved_at = Some(at));
    }

    /// Notes that a webhook came.
    pub(crate) fn note_hook(&self, id: &ConnectorId, at: Timestamp) {
        self.hooked.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), at);
    }

    /// Returns when a webhook last came. After a restart that is not known: some may have been lost meanwhile.
    pub(crate) fn hooked(&self, id: &ConnectorId) -> Option<Timestamp> {
        self.hooked.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied()
    }
}

/// Reads the secrets of a connector. One that cannot be read opens nothing, as an error of the log says.
async fn read_all(id: &ConnectorId, sources: Vec<SecretSource>) -> Vec<SecretString> {
    let read =
        tokio::task::spawn_blocking(move || sources.iter().map(SecretSource::read).collect::<Vec<_>>());
    let mut secrets = Vec::new();
    for secret in read.await.unwrap_or_else(|panic| vec![Err(panic.to_string())]) {
        match secret {
            Ok(secret) => secrets.push(secret),
            Err(why) => {
                error!("a secret of the webhooks for {id} cannot be read, so it opens nothing: {why}");
            }
        }
    }
    secrets
}
