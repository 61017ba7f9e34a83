//! What the keys of a connector mean for its kind: which it must have, and which are another kind's.

use std::collections::BTreeMap;
use std::path::Path;

use ipa_events::task::Category;
use ipa_events::{BranchName, RepoSource};
use url::Url;

use super::{AppValues, ConnectorKind, ConnectorValues, FlavourName, MembersValues};
use crate::config::SecretFrom;

/// What a connector leads to, with all that leads there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LeadsTo<'a> {
    Local(LocalValues<'a>),
    GitHub(GitHubValues<'a>),
    Jira(JiraValues<'a>),
}

/// A repository and a folder on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalValues<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) repo: &'a RepoSource,
    pub(crate) base: &'a BranchName,
}

/// GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GitHubValues<'a> {
    pub(crate) url: Url,
    /// Where programs find it, if that is not where it usually is.
    pub(crate) api: Option<Url>,
    pub(crate) by: GitHubAs<'a>,
    pub(crate) issues_of: &'a [String],
    pub(crate) trusted: &'a [String],
}

/// As whom GitHub is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GitHubAs<'a> {
    Token(&'a SecretFrom),
    App(&'a AppValues),
}

/// Jira.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JiraValues<'a> {
    pub(crate) url: Url,
    pub(crate) flavour: Option<FlavourName>,
    /// The mail address of an account of the cloud; none: the token says all.
    pub(crate) user: Option<&'a str>,
    pub(crate) token: &'a SecretFrom,
    pub(crate) jql: Option<&'a str>,
    pub(crate) repos: &'a BTreeMap<String, RepoSource>,
    /// Where tickets are worked of projects that are not among `repos`.
    pub(crate) repo: Option<&'a RepoSource>,
    pub(crate) statuses: &'a BTreeMap<Category, Vec<String>>,
    pub(crate) resolution: Option<&'a str>,
    pub(crate) members: Option<&'a MembersValues>,
    pub(crate) trusted: &'a [String],
}

impl ConnectorValues {
    /// Says what it leads to.
    ///
    /// # Errors
    ///
    /// What is missing, or not meant for its kind.
    pub(crate) fn leads_to(&self) -> Result<LeadsTo<'_>, String> {
        if let Some((key, ..)) =
            self.keys().iter().find(|(_, given, kinds)| *given && !kinds.contains(&self.kind))
        {
            return Err(format!("`{key}` is not for this kind"));
        }
        if let Some(problem) = self.hook_secrets.iter().find_map(SecretFrom::problem) {
            return Err(format!("`hook_secrets`: {problem}"));
        }
        match self.kind {
            ConnectorKind::Local => Ok(LeadsTo::Local(LocalValues {
                folder: self.folder.as_deref().ok_or_else(|| missing("folder"))?,
                repo: self.repo.as_ref().ok_or_else(|| missing("repo"))?,
                base: self.base.as_ref().ok_or_else(|| missing("base"))?,
            })),
            ConnectorKind::Github => self.github().map(LeadsTo::GitHub),
            ConnectorKind::Jira => self.jira().map(LeadsTo::Jira),
        }
    }

    /// Lists the keys that not every kind has: whether each is given, and whose it is.
    fn keys(&self) -> [(&'static str, bool, &'static [ConnectorKind]); 17] {
        use ConnectorKind::{Github, Jira, Local};
        [
            ("folder", self.folder.is_some(), &[Local]),
            ("repo", self.repo.is_some(), &[Local, Jira]),
            ("base", self.base.is_some(), &[Local]),
            ("url", self.url.is_some(), &[Github, Jira]),
            ("api", self.api.is_some(), &[Github]),
            ("token", self.token.is_some(), &[Github, Jira]),
            ("app", self.app.is_some(), &[Github]),
            ("hook_secrets", !self.hook_secrets.is_empty(), &[Github, Jira]),
            ("issues_of", !self.issues_of.is_empty(), &[Github]),
            ("trusted", !self.trusted.is_empty(), &[Github, Jira]),
            ("user", self.user.is_some(), &[Jira]),
            ("flavour", self.flavour.is_some(), &[Jira]),
            ("jql", self.jql.is_some(), &[Jira]),
            ("repos", !self.repos.is_empty(), &[Jira]),
            ("statuses", !self.statuses.is_empty(), &[Jira]),
            ("resolution", self.resolution.is_some(), &[Jira]),
            ("members", self.members.is_some(), &[Jira]),
        ]
    }

    fn github(&self) -> Result<GitHubValues<'_>, String> {
        if let Some(wrong) = self.issues_of.iter().find(|name| name.split('/').count() != 2) {
            return Err(format!("`issues_of`: {wrong} is not of the form owner/name"));
        }
        Ok(GitHubValues {
            url: address("url", self.url.as_deref().unwrap_or("https://github.com"))?,
            api: self.api.as_deref().map(|api| address("api", api)).transpose()?,
            by: self.github_as()?,
            issues_of: &self.issues_of,
            trusted: &self.trusted,
        })
    }

    fn jira(&self) -> Result<JiraValues<'_>, String> {
        let token = self.token.as_ref().ok_or_else(|| missing("token"))?;
        if let Some(problem) = token.problem() {
            return Err(format!("`token`: {problem}"));
        }
        Ok(JiraValues {
            url: address("url", self.url.as_deref().ok_or_else(|| missing("url"))?)?,
            flavour: self.flavour,
            user: self.user.as_deref(),
            token,
            jql: self.jql.as_deref(),
            repos: &self.repos,
            repo: self.repo.as_ref(),
            statuses: &self.statuses,
            resolution: self.resolution.as_deref(),
            members: self.members.as_ref(),
            trusted: &self.trusted,
        })
    }

    fn github_as(&self) -> Result<GitHubAs<'_>, String> {
        let (key, secret, by) = match (&self.token, &self.app) {
            (Some(token), None) => ("token", token, GitHubAs::Token(token)),
            (None, Some(app)) => ("app.key", &app.key, GitHubAs::App(app)),
            (None, None) => return Err(missing("token")),
            (Some(_), Some(_)) => {
                return Err("it has a `token` and an `app`; leave one of them out".to_owned());
            }
        };
        match secret.problem() {
            Some(problem) => Err(format!("`{key}`: {problem}")),
            None => Ok(by),
        }
    }
}

fn missing(key: &str) -> String {
    format!("`{key}` is missing")
}

/// Reads an address to which a credential may go: nothing that others can listen to.
fn address(key: &str, text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("`{key}`: {text} is no address: {error}"))?;
    // What a repository may lie at is what a secret may go to.
    let is_safe = url.scheme().starts_with("http") && text.parse::<RepoSource>().is_ok();
    if !is_safe {
        return Err(format!("`{key}`: {text} must begin with https://, as a credential goes there"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> ConnectorValues {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn each_kind_has_its_keys_and_says_which_is_missing_or_anothers() {
        let token = "token = { env = \"T\" }";
        let app = "app = { id = \"1\", installation = 7, key = { file = \"/k\" } }";
        for (text, problem) in [
            (format!("kind = \"github\"\n{token}"), None),
            (format!("kind = \"github\"\nurl = \"https://h.test\"\n{app}"), None),
            (format!("kind = \"github\"\nurl = \"http://127.0.0.1:80\"\n{token}"), None),
            (
                format!(
                    "kind = \"github\"\n{token}\nhook_secrets = [{{ env = \"H\" }}, {{ file = \"/h\" }}]"
                ),
                None,
            ),
            (
                format!("kind = \"github\"\n{token}\nhook_secrets = [{{ env = \"H\", file = \"/h\" }}]"),
                Some("`hook_secrets`: it must name one of"),
            ),
            (
                "kind = \"local\"\nhook_secrets = [{ env = \"H\" }]".to_owned(),
                Some("`hook_secrets` is not for this kind"),
            ),
            ("kind = \"github\"".to_owned(), Some("`token` is missing")),
            (format!("kind = \"github\"\n{token}\n{app}"), Some("leave one of them out")),
            (format!("kind = \"github\"\n{token}\nfolder = \"/x\""), Some("`folder` is not for this kind")),
            (
                format!("kind = \"github\"\n{token}\nurl = \"http://h.test\""),
                Some("must begin with https://"),
            ),
            (format!("kind = \"github\"\n{token}\nurl = \"h.test\""), Some("no address")),
            (format!("kind = \"github\"\n{token}\nurl = \"/tmp\""), Some("no address")),
            (format!("kind = \"github\"\n{token}\nissues_of = [\"r\"]"), Some("not of the form owner/name")),
            ("kind = \"github\"\ntoken = {}".to_owned(), Some("`token`: it must name one of")),
            (
                format!(
                    "kind = \"jira\"\nurl = \"https://s.test\"\nuser = \"m@s.test\"\njql = \"x = y\"\nresolution = \"Done\"\n\
                     repos = {{ K = \"/r\" }}\nstatuses = {{ done = [\"Closed\"] }}\nmembers = {{ groups = [\"dev\"] }}\n{token}"
                ),
                None,
            ),
            (format!("kind = \"jira\"\nurl = \"https://s.test\"\nmembers = \"nobody\"\n{token}"), None),
            (format!("kind = \"jira\"\n{token}"), Some("`url` is missing")),
            ("kind = \"jira\"\nurl = \"https://s.test\"".to_owned(), Some("`token` is missing")),
            (format!("kind = \"jira\"\nurl = \"http://s.test\"\n{token}"), Some("must begin with https://")),
            (
                format!("kind = \"jira\"\nurl = \"https://s.test\"\nissues_of = [\"o/r\"]\n{token}"),
                Some("`issues_of` is not for this kind"),
            ),
            ("kind = \"local\"\nrepo = \"/r\"\nbase = \"main\"".to_owned(), Some("`folder` is missing")),
            (
                format!("kind = \"local\"\nfolder = \"/f\"\nrepo = \"/r\"\nbase = \"main\"\n{token}"),
                Some("`token` is not for this kind"),
            ),
            ("kind = \"local\"\nfolder = \"/f\"\nrepo = \"/r\"\nbase = \"main\"".to_owned(), None),
        ] {
            let values = values(&text);
            match (values.leads_to(), problem) {
                (Ok(_), None) => {}
                (Err(got), Some(wanted)) => assert!(got.contains(wanted), "{text}: {got}"),
                (got, wanted) => panic!("{text}: {got:?}, not {wanted:?}"),
            }
        }
    }
}
