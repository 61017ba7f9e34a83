//! The connectors that are configured, as the engine takes them.

use std::sync::Arc;

use ipa_events::ConnectorId;
use ipa_pod::Outlet;
use ipa_sync::{LocalConfig, LocalConnector, Mode, Policies, Settings as OutletSettings};

use crate::config::{ConnectorKind, ConnectorValues, ModeName, Settings};

/// Makes every connector that is configured.
pub(super) fn outlets(settings: &Settings) -> impl Iterator<Item = Outlet> {
    settings.values.connectors.iter().map(|(id, values)| outlet(id, values))
}

fn outlet(id: &ConnectorId, values: &ConnectorValues) -> Outlet {
    let connector = match values.kind {
        ConnectorKind::Local => LocalConnector::new(LocalConfig {
            id: id.clone(),
            folder: values.folder.clone(),
            repo: values.repo.clone(),
            base: values.base.clone(),
            label: values.ticket_label.clone(),
        }),
    };
    let texts = |all: &[String]| all.iter().map(|text| text.as_str().into()).collect();
    let rules = values.publish.iter().map(|(key, policy)| ((key.kind, key.phase), *policy)).collect();
    let settings = OutletSettings {
        mode: match values.mode {
            ModeName::Off => Mode::Off,
            ModeName::Observe => Mode::Observe,
            ModeName::Ask => Mode::Ask,
            ModeName::Auto => Mode::Auto,
        },
        policies: Policies { rules },
        merge: values.merge,
        reviewers: texts(&values.reviewers),
        labels: texts(&values.labels),
        ..OutletSettings::new(id.clone())
    };
    Outlet {
        poll: values.poll.0,
        repo: Some(values.repo.clone()),
        ..Outlet::new(Arc::new(connector), settings)
    }
}
