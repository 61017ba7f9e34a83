//! Lists what moved: what was changed in the repositories that tasks wait for, what is due to be read again, and the
//! issues that want a task.

use std::collections::{BTreeMap, BTreeSet};

use ipa_events::RemoteId;
use ipa_events::task::Link;
use jiff::{SignedDuration, Timestamp};

use super::GitHubConnector;
use super::api::By;
use super::place::{Place, RepoName};
use super::read::{self, Trust};
use super::shape;
use crate::connector::{NewTicket, Sweep, Swept};
use crate::error::{ErrorClass, SyncError};

/// So far the first sweep of a process looks back.
const BACK: SignedDuration = SignedDuration::from_hours(30 * 24);

impl GitHubConnector {
    pub(super) async fn list_moved(&self, by: By, sweep: &Sweep) -> Result<Swept, SyncError> {
        let linked: BTreeSet<Place> = sweep.linked.iter().filter_map(Place::parse).collect();
        if sweep.since.is_none() {
            self.known().swept.clear();
        }
        let mut swept = Swept { until: Some(by.now), ..Swept::default() };
        let mut failed = None;
        for repo in self.repos(&linked) {
            match self.list_moved_in(by, &repo).await {
                Ok(issues) => {
                    let trust = self.trust(by).await?;
                    self.sort((&repo, &issues), &trust, &mut swept);
                }
                Err(error) => match error.class {
                    ErrorClass::Credential | ErrorClass::RateLimited { .. } => return Err(error),
                    ErrorClass::Transient
                    | ErrorClass::Permission
                    | ErrorClass::Conflict
                    | ErrorClass::Rejected
                    | ErrorClass::Gone
                    | ErrorClass::Indeterminate
                    | ErrorClass::Unexpected => failed = Some(error),
                },
            }
        }
        swept.moved.extend(self.due(&linked, by.now));
        swept.moved.sort();
        swept.moved.dedup();
        // What was found in the others is told first; the error comes again with the next sweep.
        match failed {
            Some(error) if swept.moved.is_empty() && swept.wanted.is_empty() => Err(error),
            _ => Ok(swept),
        }
    }

    fn repos(&self, linked: &BTreeSet<Place>) -> BTreeSet<RepoName> {
        let sources = self.config.issues_of.iter().filter(|_| self.config.label.is_some());
        let sources = sources.filter_map(|name| RepoName::parse(name));
        linked.iter().map(|place| place.repo.clone()).chain(sources).collect()
    }

    /// Lists what changed in a repository since it was last asked. It is asked by its own clock, from the last change
    /// that it told, which comes again and is left out.
    async fn list_moved_in(&self, by: By, repo: &RepoName) -> Result<Vec<shape::Issue>, SyncError> {
        let cursor = self.known().swept.get(repo).cloned();
        let (since, told) = match cursor {
            Some(cursor) => cursor,
            None => (by.now.saturating_add(-BACK).unwrap_or(by.now), Vec::new()),
        };
        let items = self.api.moved(by, repo, since).await?;
        // What is over the limit comes with the next sweep, as the list begins with what changed first.
        if let Some(newest) = items.iter().map(|issue| issue.updated_at).max() {
            let last = items.iter().filter(|issue| issue.updated_at == newest);
            self.known().swept.insert(repo.clone(), (newest, last.map(|issue| issue.number).collect()));
        }
        let is_news = |it: &shape::Issue| it.updated_at > since || !told.contains(&it.number);
        Ok(items.into_iter().filter(is_news).collect())
    }

    fn sort(&self, (repo, issues): (&RepoName, &[shape::Issue]), trust: &Trust, swept: &mut Swept) {
        for issue in issues {
            let place = Place { repo: repo.clone(), number: issue.number };
            let Some(remote) = place.remote() else { continue };
            swept.moved.push(remote.clone());
            if self.is_wanted(repo, issue) {
                let source = repo.source(&self.config.web);
                swept.wanted.push(NewTicket { repo: source, ..new_ticket(issue, remote, trust) });
            }
        }
    }

    fn is_wanted(&self, repo: &RepoName, issue: &shape::Issue) -> bool {
        let is_source = self.config.issues_of.iter().any(|name| name.eq_ignore_ascii_case(&repo.to_string()));
        let has = |label: &String| issue.labels.iter().any(|it| it.name.eq_ignore_ascii_case(label));
        let is_open = issue.state == "open" && issue.pull_request.is_none();
        is_source && is_open && self.config.label.as_ref().is_some_and(has)
    }

    /// Lists the pull requests that are to be looked at although nobody says that they changed.
    fn due(&self, linked: &BTreeSet<Place>, now: Timestamp) -> Vec<RemoteId> {
        let mut known = self.known();
        // What no task waits for any more is forgotten.
        known.pulls.retain(|place, _| linked.contains(place));
        known.tickets.retain(|place, _| linked.contains(place));
        let due: BTreeMap<_, _> = known.pulls.iter().filter(|(_, seen)| seen.is_due(now)).collect();
        due.into_keys().filter_map(Place::remote).collect()
    }
}

fn new_ticket(issue: &shape::Issue, remote: RemoteId, trust: &Trust) -> NewTicket {
    let by = read::login(issue.user.as_ref());
    NewTicket {
        link: Link { remote, url: Some(issue.html_url.as_str().into()) },
        title: read::line(&issue.title).to_string(),
        text: read::clean(&issue.body).to_string(),
        trusted: trust.trusts(&by, &issue.author_association),
        by: by.to_string(),
        repo: None,
    }
}
