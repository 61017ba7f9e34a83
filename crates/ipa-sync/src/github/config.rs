//! What a GitHub connector is made of.

use std::sync::Arc;

use ipa_events::ConnectorId;
use url::Url;

use super::auth::GitHubAuth;

/// What a GitHub connector is made of.
#[derive(Debug, Clone)]
pub struct GitHubConfig {
    /// Its name.
    pub id: ConnectorId,
    /// Where people find it: `https://github.com`.
    pub web: Url,
    /// What its programs are below: `https://api.github.com`, `https://HOST/api/v3`.
    pub api: Url,
    /// Who asks.
    pub auth: GitHubAuth,
    /// The label of an issue that wants a task; none: no issue does.
    pub label: Option<String>,
    /// Repositories whose issues may want tasks, as `owner/name`.
    pub issues_of: Vec<String>,
    /// Whose words may reach an agent beside those of owners, members and collaborators: bots, by login.
    pub trusted: Vec<Arc<str>>,
}

impl GitHubConfig {
    /// Makes the configuration of a forge whose pages are there; its programs are where GitHub puts them.
    pub fn new(id: ConnectorId, web: Url, auth: GitHubAuth) -> Self {
        let api = api_of(&web);
        Self { id, web, api, auth, label: None, issues_of: Vec::new(), trusted: Vec::new() }
    }

    /// Returns where GraphQL is: beside the other programs.
    pub(super) fn graph(&self) -> Url {
        let mut url = self.api.clone();
        let path = url.path().trim_end_matches('/');
        let path = path.strip_suffix("/v3").unwrap_or(path).to_owned();
        url.set_path(&path);
        url
    }
}

/// `github.com` and `SUB.ghe.com` have a host of their own for programs, every other a path.
fn api_of(web: &Url) -> Url {
    let mut api = web.clone();
    let host = web.host_str().unwrap_or_default().to_owned();
    if host == "github.com" || host.ends_with(".ghe.com") {
        // A name with a part more is as good a name.
        let _ = api.set_host(Some(&format!("api.{host}")));
        api.set_path("");
    } else {
        api.set_path(&format!("{}/api/v3", web.path().trim_end_matches('/')));
    }
    api
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    #[test]
    fn programs_are_where_github_puts_them() {
        for (web, api, graph) in [
            ("https://github.com", "https://api.github.com/", "https://api.github.com/"),
            ("https://acme.ghe.com/", "https://api.acme.ghe.com/", "https://api.acme.ghe.com/"),
            ("https://git.test", "https://git.test/api/v3", "https://git.test/api"),
            ("http://127.0.0.1:80/", "http://127.0.0.1/api/v3", "http://127.0.0.1/api"),
        ] {
            let auth = GitHubAuth::Token(SecretString::from("s3cret").into());
            let config = GitHubConfig::new("work".parse().unwrap(), web.parse().unwrap(), auth);
            assert_eq!((config.api.as_str(), config.graph().as_str()), (api, graph));
            assert!(!format!("{config:?}").contains("s3cret"));
        }
    }
}
