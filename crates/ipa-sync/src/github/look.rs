//! Looks at pull requests and issues.

use ipa_events::task::{Ci, Link, Pull};
use ipa_events::{Oid, RemoteId};

use super::GitHubConnector;
use super::api::{By, Read};
use super::place::{Place, RepoName};
use super::read::{self, Talk};
use super::seen::{Part, Seen};
use super::shape;
use super::text;
use crate::connector::{Look, Observed, Target};
use crate::error::{ErrorClass, SyncError};

/// So many logs are read at one look.
const LOGS: usize = 3;

impl GitHubConnector {
    /// Reads the pull request of a task's branch.
    pub(super) async fn look_at_pull(&self, by: By, at: &Target, look: Look) -> Result<Observed, SyncError> {
        let place = match &at.link {
            Some(link) => Place::parse(&link.remote),
            None => self.pull_of(by, at).await?,
        };
        let Some(place) = place else { return Ok(Observed::Absent) };
        match self.read_pull(by, &place, look).await? {
            Some((link, pull)) => Ok(Observed::Pull(link, Box::new(pull))),
            None => Ok(Observed::Gone),
        }
    }

    /// Finds the pull request that was opened for a task, if its answer never came.
    pub(super) async fn pull_of(&self, by: By, at: &Target) -> Result<Option<Place>, SyncError> {
        let Some(repo) = RepoName::of(&self.config.web, &at.repo) else { return Ok(None) };
        let pulls = self.api.pulls_of(by, &repo, &at.resource.name).await?;
        Ok(pulls
            .iter()
            .find(|pull| text::opened_for(&pull.body, at.task) == text::OpenedFor::This)
            .map(|pull| place_of(pull, &repo)))
    }

    async fn read_pull(&self, by: By, at: &Place, look: Look) -> Result<Option<(Link, Pull)>, SyncError> {
        let trust = self.trust(by).await?;
        let seen = self.known().pulls.get(at).cloned();
        let etag = seen.as_ref().and_then(|seen| seen.etag.as_ref());
        let (shown, etag, part) = match (self.api.pull(by, at, etag).await?, &seen) {
            (Read::Gone, _) => {
                self.known().pulls.remove(at);
                return Ok(None);
            }
            (Read::New(shown, etag), _) => (*shown, etag, Part::All),
            (Read::Same, Some(seen)) => (seen.shown.clone(), seen.etag.clone(), seen.due(look, by.now)),
            (Read::Same, None) => {
                let detail = "it says that nothing changed, and was never asked before";
                return Err(SyncError::new(ErrorClass::Unexpected, format!("looking at {at}"), detail));
            }
        };
        let place = place_of(&shown, &at.repo);
        let (talk, ci) = match (part, &seen) {
            (Part::Nothing, Some(seen)) => (seen.talk.clone(), seen.ci.clone()),
            (Part::Checks, Some(seen)) => {
                (seen.talk.clone(), self.checks(by, (&place.repo, &shown), seen.ci.as_ref()).await?)
            }
            (Part::All, _) | (Part::Nothing | Part::Checks, None) => {
                let ci = seen.as_ref().and_then(|seen| seen.ci.as_ref());
                (self.talk(by, &place).await?, self.checks(by, (&place.repo, &shown), ci).await?)
            }
        };
        let pull = read::pull(&shown, &talk, ci.clone(), &trust)
            .ok_or_else(|| nameless(&format!("looking at {at}"), "the commit of its head cannot be read"))?;
        let link = link(&place, &shown.html_url)?;
        let before = seen.as_ref().filter(|seen| seen.pull == pull).map(|seen| seen.changed_at);
        let read_at = match (part, &seen) {
            (Part::Nothing | Part::Checks, Some(seen)) => seen.read_at,
            _ => by.now,
        };
        // While it is not known whether it merges, the same question is asked again.
        let is_known = shown.mergeable.is_some() || shown.state != "open";
        let etag = etag.filter(|_| is_known);
        let changed_at = before.unwrap_or(by.now);
        let now = Seen { etag, shown, talk, ci, pull: pull.clone(), read_at, changed_at };
        self.known().pulls.insert(at.clone(), now);
        Ok(Some((link, pull)))
    }

    /// Reads what people say.
    async fn talk(&self, by: By, at: &Place) -> Result<Talk, SyncError> {
        let reviews = self.api.reviews(by, at).await?;
        let notes = self.api.notes(by, at, None).await?;
        let comments = self.api.comments(by, at, None).await?;
        let threads = if notes.is_empty() { Vec::new() } else { self.api.threads(by, at).await? };
        Ok(Talk { reviews, notes, comments, threads })
    }

    /// Reads what others' checks say of the head, and what those of GitHub's own CI that failed printed.
    async fn checks(
        &self,
        by: By,
        (repo, shown): (&RepoName, &shape::Pull),
        before: Option<&Ci>,
    ) -> Result<Option<Ci>, SyncError> {
        let Ok(head) = shown.head.sha.parse::<Oid>() else { return Ok(None) };
        let runs = self.api.check_runs(by, repo, head.as_str()).await?;
        let statuses = self.api.statuses(by, repo, head.as_str()).await?;
        let Some(mut ci) = read::ci(&head, &runs, &statuses) else { return Ok(None) };
        let known = before.map(|before| &*before.failing).unwrap_or_default();
        let jobs = read::jobs(&runs);
        let mut looked = 0;
        for check in &mut ci.failing {
            // A job of the same address printed the same.
            if let Some(known) = known.iter().find(|known| known.url == check.url && known.name == check.name)
            {
                check.summary = known.summary.clone();
            } else if let Some(job) = check.url.as_ref().and_then(|url| jobs.get(&**url))
                && looked < LOGS
            {
                looked += 1;
                let log = self.api.job_log(by, repo, *job).await;
                check.summary = read::with_log(&check.summary, log.as_deref().unwrap_or_default());
            }
        }
        Ok(Some(ci))
    }

    /// Reads an issue.
    pub(super) async fn look_at_ticket(
        &self,
        by: By,
        at: &Target,
        look: Look,
    ) -> Result<Observed, SyncError> {
        let remote =
            at.link.as_ref().map_or_else(|| at.resource.name.parse().ok(), |it| Some(it.remote.clone()));
        let Some(place) = remote.as_ref().and_then(Place::parse) else { return Ok(Observed::Absent) };
        let seen = match look {
            Look::Glance => self.known().tickets.get(&place).cloned(),
            Look::Closely => None,
        };
        let (issue, etag) =
            match (self.api.issue(by, &place, seen.as_ref().map(|(etag, _)| etag)).await?, seen) {
                (Read::Gone, _) => return Ok(Observed::Gone),
                (Read::Same, Some((_, ticket))) => return Ok(Observed::Ticket(Box::new(ticket))),
                (Read::Same, None) => {
                    let detail = "it says that nothing changed, and was never asked before";
                    return Err(SyncError::new(
                        ErrorClass::Unexpected,
                        format!("looking at {place}"),
                        detail,
                    ));
                }
                (Read::New(issue, etag), _) => (issue, etag),
            };
        let comments = self.api.comments(by, &place, None).await?;
        let ticket = read::ticket(&issue, &comments, &self.trust(by).await?);
        if let Some(etag) = etag {
            self.known().tickets.insert(place, (etag, ticket.clone()));
        }
        Ok(Observed::Ticket(Box::new(ticket)))
    }
}

/// Returns where a pull request is, by the name that its repository has now.
pub(super) fn place_of(shown: &shape::Pull, asked: &RepoName) -> Place {
    let named = shown.base.repo.as_ref().and_then(|repo| RepoName::parse(&repo.full_name));
    Place { repo: named.unwrap_or_else(|| asked.clone()), number: shown.number }
}

/// Returns what it is called, and where a person finds it.
fn link(at: &Place, url: &str) -> Result<Link, SyncError> {
    Ok(Link { remote: remote(at)?, url: Some(url.into()) })
}

pub(super) fn remote(at: &Place) -> Result<RemoteId, SyncError> {
    at.remote().ok_or_else(|| nameless(&format!("naming {at}"), "its name is too long"))
}

fn nameless(doing: &str, detail: &str) -> SyncError {
    SyncError::new(ErrorClass::Unexpected, doing, detail)
}
