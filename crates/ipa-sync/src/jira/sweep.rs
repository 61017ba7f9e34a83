//! What moved on a site, and which tickets want a task.
//!
//! A search knows minutes of the site's own clock and time zone. So what moved is asked for as "so many minutes ago",
//! which needs neither; some more minutes cover that a search sees a change late.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::Method;
use ipa_events::RemoteId;
use ipa_events::task::{Category, Link};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::shape::{Issue, IssuePage, moment};
use super::site::{Site, Visit};
use super::{Flavour, JiraConfig, Trusting, adf};
use crate::body::inbound;
use crate::channel::{Ask, parsed};
use crate::clock;
use crate::connector::{Cx, NewTicket, Sweep, Swept};
use crate::error::{ErrorClass, SyncError};
use crate::gate::{Effect, Lane, Who};

/// So many tickets come with a page, and so many pages are read.
const PAGE: usize = 100;
const PAGES: usize = 20;

/// So many minutes more are looked back, and so many at most.
const MARGIN: i64 = 2;
const LONGEST: i64 = 30 * 24 * 60;

/// What a search found.
struct Found {
    issues: Vec<Issue>,
    /// The last of the first page, when that was not the only one.
    first_page_to: Option<Issue>,
    /// Whether there is more.
    cut: bool,
    /// By how much the site's clock is ahead of ours.
    ahead: SignedDuration,
}

/// One look at a whole site.
pub(super) struct Round<'a> {
    pub(super) site: Arc<Site>,
    pub(super) config: &'a JiraConfig,
    pub(super) trust: &'a Trusting,
    pub(super) cx: Cx<'a>,
}

impl Round<'_> {
    /// Lists what moved since the last time, and what wants a task.
    pub(super) async fn all(&self, sweep: &Sweep) -> Result<Swept, SyncError> {
        let wanted = self.wanted().await?;
        let (moved, until) = match sweep.since {
            // Whatever tasks wait for may have moved while nobody looked.
            None => (sweep.linked.clone(), self.cx.now),
            Some(_) if sweep.linked.is_empty() => (Vec::new(), self.cx.now),
            Some(since) => self.moved(&sweep.linked, since).await?,
        };
        Ok(Swept { moved, wanted, until: Some(until), ..Swept::default() })
    }

    async fn moved(
        &self,
        linked: &[RemoteId],
        since: Timestamp,
    ) -> Result<(Vec<RemoteId>, Timestamp), SyncError> {
        let search = |jql: String| async move {
            self.search("looking for tickets that changed", &jql, &["updated"]).await
        };
        // One project that is gone would be the end of the whole search.
        let found = match search(moved(linked, since, self.cx.now)).await {
            Err(error) if error.class == ErrorClass::Rejected => search(moved(&[], since, self.cx.now)).await,
            found => found,
        }?;
        let until = until(self.site.flavour, &found, self.cx.now).max(since);
        let found: BTreeSet<&str> = found.issues.iter().map(|issue| issue.key.as_str()).collect();
        let moved = linked.iter().filter(|key| found.contains(key.as_str())).cloned().collect();
        Ok((moved, until))
    }

    pub(super) async fn wanted(&self) -> Result<Vec<NewTicket>, SyncError> {
        let Some(jql) = &self.config.jql else { return Ok(Vec::new()) };
        let fields = ["summary", "status", "reporter", "description"];
        let found = self.search("looking for tickets that want a task", jql, &fields).await?;
        let mut wanted = Vec::new();
        for issue in found.issues {
            let over = issue.fields.status.as_ref().is_none_or(|status| status.category() == Category::Done);
            let Ok(remote) = issue.key.parse::<RemoteId>() else { continue };
            if over || wanted.iter().any(|it: &NewTicket| it.link.remote == remote) {
                continue;
            }
            wanted.push(self.new_ticket(remote, &issue).await?);
        }
        Ok(wanted)
    }

    async fn new_ticket(&self, remote: RemoteId, issue: &Issue) -> Result<NewTicket, SyncError> {
        let (key, now, who) = (issue.key.as_str(), self.cx.now, Who::Sweeper);
        let visit = Visit { site: Arc::clone(&self.site), config: self.config, key, who, now };
        let reporter = issue.fields.reporter.clone().unwrap_or_default();
        let says = issue.fields.description.as_ref().map(adf::text).unwrap_or_default();
        Ok(NewTicket {
            trusted: self.trust.trusts(&visit, &reporter).await?,
            link: Link { remote, url: Some(self.site.page(key).as_str().into()) },
            title: title(issue),
            text: inbound::clean(&says).text,
            by: reporter.shown(),
            repo: self.config.repos.get(project(key)).cloned(),
        })
    }

    async fn search(&self, doing: &str, jql: &str, fields: &[&str]) -> Result<Found, SyncError> {
        let mut found =
            Found { issues: Vec::new(), first_page_to: None, cut: false, ahead: SignedDuration::ZERO };
        let mut token = None;
        for number in 0..PAGES {
            let ask = self.question(doing, jql, fields, (found.issues.len(), token.take()));
            let answer = self.site.api.send(&ask).await?;
            let page: IssuePage = parsed(&ask, &answer)?;
            found.ahead = clock::ahead(&answer, self.cx.now).unwrap_or_default();
            let read = found.issues.len().saturating_add(page.issues.len());
            let last = match self.site.flavour {
                Flavour::Cloud => page.is_last == Some(true) || page.next_page_token.is_none(),
                Flavour::DataCenter => page.issues.is_empty() || page.total.is_none_or(|total| read >= total),
            };
            found.issues.extend(page.issues);
            if last {
                return Ok(found);
            }
            if number == 0 {
                found.first_page_to = found.issues.last().cloned();
            }
            token = page.next_page_token;
        }
        found.cut = true;
        Ok(found)
    }

    fn question<'n>(
        &self,
        doing: &str,
        jql: &str,
        fields: &[&str],
        (start, token): (usize, Option<String>),
    ) -> Ask<'n> {
        let mut body = json!({ "jql": jql, "fields": fields, "maxResults": PAGE });
        let path = match self.site.flavour {
            Flavour::Cloud => "search/jql",
            Flavour::DataCenter => "search",
        };
        let page: Option<(&str, Value)> = match self.site.flavour {
            Flavour::Cloud => token.map(|token| ("nextPageToken", token.into())),
            Flavour::DataCenter => Some(("startAt", start.into())),
        };
        if let (Some((name, page)), Some(body)) = (page, body.as_object_mut()) {
            body.insert(name.to_owned(), page);
        }
        let ask = Ask::read(doing, Who::Sweeper, path, &[]);
        let ask = ask.change(Method::POST, body, Effect::Idempotent);
        Ask { lane: Lane::Search, ..ask }
    }
}

/// Returns a ticket's title, on one line.
pub(super) fn title(issue: &Issue) -> String {
    let summary = issue.fields.summary.as_deref().unwrap_or_default();
    inbound::clean(summary).text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Asks for what changed since a time in the projects of some tickets, or in all; the oldest change first: what a search
/// did not get to, the next one begins with.
fn moved(linked: &[RemoteId], since: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(since).as_secs().max(0);
    let minutes = (seconds.saturating_add(59) / 60).saturating_add(MARGIN).min(LONGEST);
    let projects: BTreeSet<&str> = linked.iter().map(|key| project(key.as_str())).collect();
    let names = projects.into_iter().map(quoted).collect::<Vec<_>>().join(", ");
    let within = if names.is_empty() { String::new() } else { format!("project in ({names}) AND ") };
    format!("{within}updated >= \"-{minutes}m\" ORDER BY updated ASC")
}

/// Returns the project that a ticket's key names.
pub(super) fn project(key: &str) -> &str {
    key.rsplit_once('-').map_or(key, |(project, _)| project)
}

fn quoted(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Up to when a search has seen everything, by our clock.
fn until(flavour: Flavour, found: &Found, now: Timestamp) -> Timestamp {
    let last = match (flavour, found.cut) {
        (_, true) => found.issues.last(),
        (Flavour::Cloud, false) => None,
        // While one page after the other was read, what changed moved to the end, and what came after it one back:
        // on a later page one may be missing.
        (Flavour::DataCenter, false) => found.first_page_to.as_ref(),
    };
    let Some(last) = last else { return now };
    let theirs = last.fields.updated.as_deref().and_then(moment);
    let ours = theirs.and_then(|at| at.checked_sub(found.ahead).ok());
    ours.map_or(now, |at| at.min(now))
}

#[cfg(test)]
mod tests;
