//! A site as it was found: which Jira it is, who we are there, and what a visit to one of its tickets asks for.

use std::sync::Arc;

use http::Method;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::auth::Api;
use super::shape::{ServerInfo, User};
use super::{Flavour, JiraConfig};
use crate::channel::Ask;
use crate::error::{ErrorClass, SyncError};
use crate::gate::{Effect, Who};
use crate::wire::Answer;

/// A site.
pub(super) struct Site {
    pub(super) flavour: Flavour,
    /// The way to what lies below `rest/api/N`.
    pub(super) api: Api,
    pub(super) me: User,
    /// What a person's pages lie below.
    web: Url,
}

impl Site {
    /// Asks a site which Jira it is, unless that is configured, and who we are there.
    pub(super) async fn find(root: &Api, config: &JiraConfig, who: Who) -> Result<Self, SyncError> {
        let (flavour, web) = match config.flavour {
            Some(flavour) => (flavour, None),
            None => asked(root, who).await?,
        };
        let web = web.unwrap_or_else(|| config.base.clone());
        let api = root.to(below(&config.base, &["rest", "api", flavour.version()]));
        let ask = whoami(who);
        let me: User = api.get(&ask).await?;
        if me.id().is_none() {
            let detail = "Jira does not say which account the credential is of";
            return Err(SyncError::new(ErrorClass::Unexpected, ask.doing, detail));
        }
        Ok(Self { flavour, api, me, web })
    }

    /// Returns where a person finds a ticket.
    pub(super) fn page(&self, key: &str) -> Url {
        below(&self.web, &["browse", key])
    }

    /// Returns where a person finds a comment.
    pub(super) fn page_of_comment(&self, key: &str, id: &str) -> Url {
        let mut url = self.page(key);
        url.query_pairs_mut().append_pair("focusedCommentId", id);
        url
    }
}

/// Asks which account it is.
pub(super) fn whoami(who: Who) -> Ask<'static> {
    Ask::read("asking which account it is", who, "myself", &[])
}

/// Asks which Jira it is, and where its pages are.
async fn asked(root: &Api, who: Who) -> Result<(Flavour, Option<Url>), SyncError> {
    let ask = Ask::read("asking which Jira it is", who, "rest/api/2/serverInfo", &[]);
    let info: ServerInfo = root.get(&ask).await?;
    let cloud = info.deployment_type.is_some_and(|kind| kind.eq_ignore_ascii_case("cloud"));
    let flavour = if cloud { Flavour::Cloud } else { Flavour::DataCenter };
    let web = info.base_url.and_then(|url| url.parse().ok());
    Ok((flavour, web.filter(|url: &Url| matches!(url.scheme(), "http" | "https"))))
}

fn below(base: &Url, pieces: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(pieces);
    }
    url
}

/// One visit to a ticket.
pub(super) struct Visit<'a> {
    pub(super) site: Arc<Site>,
    pub(super) config: &'a JiraConfig,
    pub(super) key: &'a str,
    pub(super) who: Who,
    pub(super) now: Timestamp,
}

impl Visit<'_> {
    /// A read of the ticket or of something of it; its path begins with the ticket.
    pub(super) fn read<'n>(&'n self, doing: &str, path: &'static str, names: &[&'n str]) -> Ask<'n> {
        let names: Vec<&'n str> = [self.key].into_iter().chain(names.iter().copied()).collect();
        Ask::read(format!("{doing} {}", self.key), self.who, path, &names)
    }

    /// A change of the ticket or of something of it. Jira limits the changes of a ticket, not the looks at it.
    pub(super) fn change<'n>(
        &'n self,
        (doing, path): (&str, &'static str),
        names: &[&'n str],
        (method, body, effect): (Method, Value, Effect),
    ) -> Ask<'n> {
        let ask = self.read(doing, path, names).change(method, body, effect).notifying();
        Ask { subject: Some(self.key.to_owned()), ..ask }
    }

    pub(super) async fn send(&self, ask: &Ask<'_>) -> Result<Answer, SyncError> {
        self.site.api.send(ask).await
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, ask: &Ask<'_>) -> Result<T, SyncError> {
        self.site.api.get(ask).await
    }
}

/// Returns the id under which Jira knows a request.
pub(super) fn request_id(answer: &Answer) -> Option<String> {
    let id = answer.header("atl-traceid").or_else(|| answer.header("x-arequestid"))?;
    Some(id.chars().take(100).collect())
}
