//! `[connectors]`: which forges and trackers there are, and what may be written there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use ipa_events::task::{Category, ChangeKind, MergeMethod, PublishPolicy};
use ipa_events::{BranchName, Phase, RepoSource};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::secret::SecretFrom;
use super::values::Span;

mod kinds;

pub(crate) use kinds::{GitHubAs, GitHubValues, JiraValues, LeadsTo, LocalValues};

/// `[connectors.N]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectorValues {
    /// What it leads to.
    pub(crate) kind: ConnectorKind,
    /// How far it may go.
    #[serde(default)]
    pub(crate) mode: ModeName,
    /// How often it is asked what moved.
    #[serde(default = "a_minute")]
    pub(crate) poll: Span,
    /// Who must agree to what: `merge = "ask"`, or for one phase `"review.merge" = "auto"`.
    #[serde(default)]
    pub(crate) publish: BTreeMap<PublishKey, PublishPolicy>,
    /// How pull requests are merged.
    #[serde(default)]
    pub(crate) merge: MergeMethod,
    /// Who is asked for a review.
    #[serde(default)]
    pub(crate) reviewers: Vec<String>,
    /// What pull requests are labelled with.
    #[serde(default)]
    pub(crate) labels: Vec<String>,
    /// The label of a ticket that wants a task.
    #[serde(default = "ipa_label")]
    pub(crate) ticket_label: String,
    /// Of a local one: where its pull requests and tickets lie.
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<PathBuf>,
    /// Of a local one: the repository that it is the forge of. The repository on which its tickets are worked, where
    /// nothing else says which.
    #[serde(skip_serializing_if = "Option::is_none")]
    repo: Option<RepoSource>,
    /// Of a local one: the branch that is merged into, unless a pull request names another.
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<BranchName>,
    /// Where people find it: `https://github.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Where programs find it, if that is not where it usually is.
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Option<String>,
    /// What proves who we are.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<SecretFrom>,
    /// Of GitHub: the app that we are, in place of a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<AppValues>,
    /// What its webhooks are signed with: one secret, or two while it is being replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) hook_secrets: Vec<SecretFrom>,
    /// Of GitHub: the repositories whose issues may want tasks, as `owner/name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    issues_of: Vec<String>,
    /// Whose words may reach an agent beside those of the people who work there: bots, by login or account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    trusted: Vec<String>,
    /// Of Jira: the mail address of the account, in the cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// Of Jira: which it is, if the site is not to be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    flavour: Option<FlavourName>,
    /// Of Jira: finds the tickets that want a task.
    #[serde(skip_serializing_if = "Option::is_none")]
    jql: Option<String>,
    /// Of Jira: the repository of a new task, by the key of its ticket's project.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    repos: BTreeMap<String, RepoSource>,
    /// Of Jira: the statuses to use, by category (new, active, done), where there are several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    statuses: BTreeMap<Category, Vec<String>>,
    /// Of Jira: the resolution for transitions that want one.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution: Option<String>,
    /// Of Jira: whose words may reach an agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<MembersValues>,
}

/// `[connectors.N.app]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppValues {
    /// The app's id, or its client id.
    pub(crate) id: String,
    /// The id of its installation.
    pub(crate) installation: u64,
    /// Its private key, PEM.
    pub(crate) key: SecretFrom,
}

/// What a connector leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ConnectorKind {
    /// A repository and a folder on this machine.
    Local,
    /// GitHub: github.com, or a company's own.
    Github,
    /// Jira: in Atlassian's cloud, or a company's own.
    Jira,
}

/// Which Jira it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FlavourName {
    /// Atlassian's.
    Cloud,
    /// A company's own: Data Center, or Server.
    DataCenter,
}

/// Whose words may reach an agent: `"nobody"`, `"assignable"`, `{ groups = […] }` or `{ roles = […] }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MembersValues {
    /// Nobody's but theirs who are named.
    Nobody,
    /// Of whoever tickets can be assigned to.
    Assignable,
    /// Of whoever is in one of these groups.
    Groups(BTreeSet<String>),
    /// Of whoever has one of these roles in the project.
    Roles(BTreeSet<String>),
}

/// How far a connector may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ModeName {
    /// It neither reads nor writes.
    Off,
    /// It reads.
    Observe,
    /// It writes what a person agreed to.
    Ask,
    /// It writes what its policies allow.
    #[default]
    Auto,
}

/// A kind of change, everywhere or in one phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PublishKey {
    /// The phase.
    pub(crate) phase: Option<Phase>,
    /// The kind.
    pub(crate) kind: ChangeKind,
}

impl Serialize for PublishKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.phase {
            Some(phase) => serializer.collect_str(&format_args!("{phase}.{}", self.kind)),
            None => serializer.collect_str(&self.kind),
        }
    }
}

impl<'de> Deserialize<'de> for PublishKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (phase, kind) = match text.split_once('.') {
            Some((phase, kind)) => (Some(phase.parse().map_err(serde::de::Error::custom)?), kind),
            None => (None, text.as_str()),
        };
        Ok(Self { phase, kind: kind.parse().map_err(serde::de::Error::custom)? })
    }
}

const fn a_minute() -> Span {
    Span(Duration::from_mins(1))
}

fn ipa_label() -> String {
    "ipa".to_owned()
}
