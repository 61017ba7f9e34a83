//! The connectors that are configured, as the engine takes them, and what git shows to their hosts.

use std::collections::BTreeMap;
use std::sync::Arc;

use ipa_events::ConnectorId;
use ipa_pod::hook::Maker;
use ipa_pod::{Edge as _, Hooks, Outlet, SystemEdge};
use ipa_sync::gate::{HostGate, Rules};
use ipa_sync::{
    Connector, GitHubAuth, GitHubConfig, GitHubConnector, LocalConfig, LocalConnector, Mode, NetWire,
    Policies, SecretSource, Settings as OutletSettings, Wire, WireConfig,
};
use ipa_workspace::{GitCredential, Secret};
use secrecy::ExposeSecret as _;
use tokio::runtime::Handle;

use crate::config::{
    ConnectorValues, GitHubAs, GitHubValues, LeadsTo, LocalValues, ModeName, SecretFrom, Settings,
};
use crate::failure::Failure;

/// The connectors, and what git shows to their hosts.
#[derive(Default)]
pub(super) struct Outlets {
    pub(super) outlets: Vec<Outlet>,
    pub(super) credentials: Vec<GitCredential>,
}

/// Makes every connector that is configured. No secret is read yet.
///
/// # Errors
///
/// [`Failure`] when a connector has not what its kind needs, or this machine cannot do TLS.
pub(super) fn outlets(settings: &Settings) -> Result<Outlets, Failure> {
    let mut made = Outlets::default();
    let mut network = Network::default();
    for (id, values) in &settings.values.connectors {
        let wrong = |why: String| Failure::Wrong(format!("[connectors.{id}] in the configuration: {why}"));
        let connector: Arc<dyn Connector> = match values.leads_to().map_err(wrong)? {
            LeadsTo::Local(local) => Arc::new(LocalConnector::new(local_config(id, values, &local))),
            LeadsTo::GitHub(github) => {
                let connector = Arc::new(network.github(settings, (id, values), &github)?);
                made.credentials.push(credential(&github, &connector));
                connector
            }
        };
        let (repo, hooks) = match values.leads_to() {
            Ok(LeadsTo::Local(local)) => (Some(local.repo.clone()), None),
            Ok(LeadsTo::GitHub(_)) => (None, hooks(settings, Maker::GitHub, &values.hook_secrets)),
            Err(_) => (None, None),
        };
        made.outlets.push(Outlet {
            poll: values.poll.0,
            repo,
            hooks,
            ..Outlet::new(connector, outlet_settings(id, values))
        });
    }
    Ok(made)
}

/// What leads to other machines: one wire for all, and one gate for each host and credential.
#[derive(Default)]
struct Network {
    wire: Option<Arc<dyn Wire>>,
    gates: BTreeMap<(String, String), Arc<HostGate>>,
}

impl Network {
    fn github(
        &mut self,
        settings: &Settings,
        (id, values): (&ConnectorId, &ConnectorValues),
        github: &GitHubValues<'_>,
    ) -> Result<GitHubConnector, Failure> {
        let (auth, credential) = match &github.by {
            GitHubAs::Token(from) => (GitHubAuth::Token(source(settings, from)), from.to_string()),
            GitHubAs::App(app) => {
                let (key, installation) = (source(settings, &app.key), app.installation);
                let auth = GitHubAuth::App { app: app.id.clone(), installation, key };
                (auth, format!("app {} {installation}", app.id))
            }
        };
        let mut config = GitHubConfig::new(id.clone(), github.url.clone(), auth);
        if let Some(api) = &github.api {
            config.api = api.clone();
        }
        config.label = Some(values.ticket_label.clone()).filter(|_| !github.issues_of.is_empty());
        config.issues_of = github.issues_of.to_vec();
        config.trusted = github.trusted.iter().map(|name| name.as_str().into()).collect();
        let gate = self.gate(config.api.to_string(), credential, Rules::github);
        Ok(GitHubConnector::new(config, self.wire()?, gate))
    }

    fn gate(&mut self, host: String, credential: String, rules: fn() -> Rules) -> Arc<HostGate> {
        let new = || Arc::new(HostGate::new(rules(), Arc::new(|| SystemEdge.now())));
        Arc::clone(self.gates.entry((host, credential)).or_insert_with(new))
    }

    fn wire(&mut self) -> Result<Arc<dyn Wire>, Failure> {
        if let Some(wire) = &self.wire {
            return Ok(Arc::clone(wire));
        }
        let config = WireConfig::new(concat!("ipa/", env!("CARGO_PKG_VERSION")));
        let wire = NetWire::new(config).map_err(|error| Failure::Wrong(error.to_string()))?;
        let wire: Arc<dyn Wire> = Arc::new(wire);
        self.wire = Some(Arc::clone(&wire));
        Ok(wire)
    }
}

/// Says who may send webhooks, where a secret for them is configured.
fn hooks(settings: &Settings, maker: Maker, secrets: &[SecretFrom]) -> Option<Hooks> {
    let secrets: Vec<_> = secrets.iter().map(|from| source(settings, from)).collect();
    (!secrets.is_empty()).then_some(Hooks { maker, secrets })
}

fn source(settings: &Settings, from: &SecretFrom) -> SecretSource {
    let (from, env) = (from.clone(), settings.git_env.clone());
    SecretSource::new(move || from.read(&env))
}

/// What git shows below the forge's address: the connector's own token, whatever that is just then.
fn credential(github: &GitHubValues<'_>, connector: &Arc<GitHubConnector>) -> GitCredential {
    let (connector, runtime) = (Arc::clone(connector), Handle::current());
    GitCredential::new(github.url.as_str(), "x-access-token", move || {
        // Git runs on threads that may wait.
        let password = runtime.block_on(connector.git_password(SystemEdge.now())).ok()?;
        Some(Secret::new(password.expose_secret().to_owned()))
    })
}

fn local_config(id: &ConnectorId, values: &ConnectorValues, local: &LocalValues<'_>) -> LocalConfig {
    LocalConfig {
        id: id.clone(),
        folder: local.folder.to_owned(),
        repo: local.repo.clone(),
        base: local.base.clone(),
        label: values.ticket_label.clone(),
    }
}

fn outlet_settings(id: &ConnectorId, values: &ConnectorValues) -> OutletSettings {
    let texts = |all: &[String]| all.iter().map(|text| text.as_str().into()).collect();
    let rules = values.publish.iter().map(|(key, policy)| ((key.kind, key.phase), *policy)).collect();
    OutletSettings {
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
    }
}
