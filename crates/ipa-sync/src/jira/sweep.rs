//! What moved on a site, and which tickets want a task.
//!
//! A search knows minutes of the site's own clock and time zone. So what moved is asked for as "so many minutes ago",
//! which needs neither; some more minutes cover that a search sees a change late.

use std::collections::BTreeSet;

use http::Method;
use ipa_events::RemoteId;
use ipa_events::task::{Category, Link};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::shape::{Issue, IssuePage, moment};
use super::site::{Site, Visit, ahead};
use super::{Flavour, JiraConfig, Trusting, adf};
use crate::body::inbound;
use crate::channel::{Ask, parsed};
use crate::connector::{Cx, NewTicket, Swept};
use crate::error::SyncError;
use crate::gate::{Effect, Lane, Who};

/// So many tickets come with a page, and so many pages are read.
const PAGE: usize = 100;
const PAGES: usize = 20;

/// So many minutes more are looked back.
const MARGIN: i64 = 2;

/// The first sweep looks back a day, and none more than 30 days.
const FIRST: i64 = 24 * 60;
const LONGEST: i64 = 30 * FIRST;

/// What a search found.
struct Found {
    issues: Vec<Issue>,
    /// The last of the first page, when that was not the only one.
    first_page_to: Option<Issue>,
    /// Whether there is more.
    cut: bool,
    /// By how many seconds the site's clock is ahead of ours.
    ahead: i64,
}

/// One look at a whole site.
pub(super) struct Sweep<'a> {
    pub(super) site: &'a Site,
    pub(super) config: &'a JiraConfig,
    pub(super) trust: &'a Trusting,
    pub(super) cx: Cx<'a>,
}

impl Sweep<'_> {
    /// Lists what moved since a time, and what wants a task.
    pub(super) async fn all(&self, since: Option<Timestamp>) -> Result<Swept, SyncError> {
        let wanted = self.wanted().await?;
        let jql = moved(&self.config.projects, since, self.cx.now);
        let found = self.search("looking for tickets that changed", &jql, &["updated"]).await?;
        let until = until(self.site.flavour, &found, self.cx.now).max(since.unwrap_or(Timestamp::MIN));
        let moved: BTreeSet<RemoteId> = found.issues.iter().filter_map(|it| it.key.parse().ok()).collect();
        Ok(Swept { moved: moved.into_iter().collect(), wanted, until: Some(until) })
    }

    async fn wanted(&self) -> Result<Vec<NewTicket>, SyncError> {
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
        let visit = Visit { site: self.site, config: self.config, key, who, now };
        let reporter = issue.fields.reporter.clone().unwrap_or_default();
        let says = issue.fields.description.as_ref().map(adf::text).unwrap_or_default();
        let project = key.rsplit_once('-').map_or(key, |(project, _)| project);
        Ok(NewTicket {
            trusted: self.trust.trusts(&visit, &reporter).await?,
            link: Link { remote, url: Some(self.site.page(key).as_str().into()) },
            title: title(issue),
            text: inbound::clean(&says).text,
            by: reporter.shown(),
            repo: self.config.repos.get(project).cloned(),
        })
    }

    async fn search(&self, doing: &str, jql: &str, fields: &[&str]) -> Result<Found, SyncError> {
        let mut found = Found { issues: Vec::new(), first_page_to: None, cut: false, ahead: 0 };
        let mut token = None;
        for number in 0..PAGES {
            let ask = self.question(doing, jql, fields, (found.issues.len(), token.take()));
            let answer = self.site.api.send(&self.config.credential, &ask).await?;
            let page: IssuePage = parsed(&ask, &answer)?;
            found.ahead = ahead(&answer, self.cx.now).unwrap_or_default();
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

/// Asks for what changed since a time, the oldest change first: what a search did not get to, the next one begins with.
fn moved(projects: &[String], since: Option<Timestamp>, now: Timestamp) -> String {
    let minutes = since.map_or(FIRST, |since| {
        let seconds = now.duration_since(since).as_secs().max(0);
        (seconds.saturating_add(59) / 60).saturating_add(MARGIN).min(LONGEST)
    });
    let names = projects.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let within = if names.is_empty() { String::new() } else { format!("project in ({names}) AND ") };
    format!("{within}updated >= \"-{minutes}m\" ORDER BY updated ASC, key ASC")
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
    let ours = theirs.and_then(|at| at.checked_sub(SignedDuration::from_secs(found.ahead)).ok());
    ours.map_or(now, |at| at.min(now))
}

#[cfg(test)]
mod tests;
