//! The connectors that are configured, as the engine takes them, and what git shows to their hosts.

use std::collections::BTreeMap;
use std::sync::Arc;

use ipa_events::ConnectorId;
use ipa_pod::hook::Maker;
use ipa_pod::{Edge as _, Hooks, Outlet, SystemEdge};
use ipa_sync::gate::{HostGate, Rules};
use ipa_sync::{
    Flavour, GitHubAuth, GitHubConfig, GitHubConnector, JiraAuth, JiraConfig, JiraConnector, LocalConfig,
    LocalConnector, Members, Mode, NetWire, Policies, SecretSource, Settings as OutletSettings, Wire,
    WireConfig,
};
use ipa_workspace::{GitCredential, Secret};
use secrecy::ExposeSecret as _;
use tokio::runtime::Handle;

use crate::config::{
    ConfigError, ConnectorValues, FlavourName, GitHubAs, GitHubValues, JiraValues, LeadsTo, LocalValues,
    MembersValues, ModeName, SecretFrom, Settings,
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
        let wrong = |problem| ConfigError::Connector { id: id.clone(), problem };
        let outlet = |connector, repo, maker: Option<Maker>| Outlet {
            poll: values.poll.0,
            repo,
            hooks: maker.and_then(|maker| hooks(settings, maker, &values.hook_secrets)),
            ..Outlet::new(connector, outlet_settings(id, values))
        };
        made.outlets.push(match values.leads_to().map_err(wrong)? {
            LeadsTo::Local(local) => {
                let connector = LocalConnector::new(local_config(id, values, &local));
                outlet(Arc::new(connector), Some(local.repo.clone()), None)
            }
            LeadsTo::GitHub(github) => {
                let connector = Arc::new(network.github(settings, (id, values), &github)?);
                made.credentials.push(credential(&github, &connector));
                outlet(connector, None, Some(Maker::GitHub))
            }
            LeadsTo::Jira(jira) => {
                let connector = Arc::new(network.jira(settings, id, &jira)?);
                outlet(connector, jira.repo.cloned(), Some(Maker::Jira))
            }
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

    fn jira(
        &mut self,
        settings: &Settings,
        id: &ConnectorId,
        jira: &JiraValues<'_>,
    ) -> Result<JiraConnector, Failure> {
        let token = source(settings, jira.token);
        let auth = match jira.user {
            Some(user) => JiraAuth::Account { mail: user.to_owned(), token },
            None => JiraAuth::Bearer(token),
        };
        let mut config = JiraConfig::new(id.clone(), jira.url.clone(), auth);
        config.flavour = jira.flavour.map(|flavour| match flavour {
            FlavourName::Cloud => Flavour::Cloud,
            FlavourName::DataCenter => Flavour::DataCenter,
        });
        config.jql = jira.jql.map(str::to_owned);
        config.repos.clone_from(jira.repos);
        config.statuses.clone_from(jira.statuses);
        config.resolution = jira.resolution.map(str::to_owned);
        config.members = jira.members.map_or_else(Members::default, |members| match members {
            MembersValues::Nobody => Members::Nobody,
            MembersValues::Assignable => Members::Assignable,
            MembersValues::Groups(groups) => Members::Groups(groups.clone()),
            MembersValues::Roles(roles) => Members::Roles(roles.clone()),
        });
        config.trusted = jira.trusted.iter().cloned().collect();
        let credential = format!("{} {}", jira.user.unwrap_or_default(), jira.token);
        let gate = self.gate(config.base.to_string(), credential, Rules::jira);
        Ok(JiraConnector::new(config, self.wire()?, gate))
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
