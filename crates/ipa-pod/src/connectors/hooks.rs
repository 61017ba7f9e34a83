//! Webhooks of connectors: who may send them, and when they last did.

use std::sync::PoisonError;
use std::time::Duration;

use ipa_events::ConnectorId;
use ipa_sync::Mode;
use ipa_sync::hook::Maker;
use jiff::Timestamp;
use secrecy::SecretString;

use super::Connectors;

/// Who may say by a webhook that something of a connector moved.
#[derive(Debug, Clone)]
pub struct Hooks {
    /// Who sends them, and so how they are signed and read.
    pub maker: Maker,
    /// What they are signed with: one secret, or two while it is being replaced. Any of them will do; an empty one
    /// never does.
    pub secrets: Vec<SecretString>,
}

impl Connectors {
    /// Lists the connectors for which a maker's webhooks are taken, or the one of a name.
    pub(crate) fn doors(
        &self,
        maker: Maker,
        name: Option<&ConnectorId>,
    ) -> impl Iterator<Item = (&ConnectorId, &[SecretString])> {
        self.outlets.iter().filter_map(move |(id, outlet)| {
            let hooks = outlet.hooks.as_ref()?;
            let open = hooks.maker == maker && !hooks.secrets.is_empty() && outlet.settings.mode != Mode::Off;
            (open && name.is_none_or(|name| name == id)).then_some((id, hooks.secrets.as_slice()))
        })
    }

    /// Tells how a connector's webhooks are read, if any are taken.
    pub(crate) fn maker(&self, id: &ConnectorId) -> Option<Maker> {
        Some(self.outlets.get(id)?.hooks.as_ref()?.maker)
    }

    /// Returns how often a connector is asked what moved, while no webhooks come.
    pub(crate) fn poll(&self, id: &ConnectorId) -> Option<Duration> {
        self.outlets.get(id).map(|outlet| outlet.poll)
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
