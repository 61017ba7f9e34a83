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

/// How far a repository was swept, by its own clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    /// When what changed last had changed; the next sweep begins with it.
    at: Timestamp,
    /// What had changed in that moment, and how often that was told.
    told: BTreeMap<u64, u32>,
}

impl Cursor {
    /// Moves on over what changed, and keeps what is news. GitHub's moments are seconds, and in the second in which
    /// something was told it may change again: so what changed last is told twice.
    fn pass(self, issues: &[shape::Issue]) -> (Self, Vec<shape::Issue>) {
        let newest = issues.iter().map(|issue| issue.updated_at).max().unwrap_or(self.at).max(self.at);
        let times = |number: u64| self.told.get(&number).copied().unwrap_or_default();
        let before = |issue: &shape::Issue| if issue.updated_at == self.at { times(issue.number) } else { 0 };
        let last = issues.iter().filter(|issue| issue.updated_at == newest);
        let told = last.map(|issue| (issue.number, before(issue).saturating_add(1))).collect();
        let news = issues.iter().filter(|issue| before(issue) < 2).cloned().collect();
        (Self { at: newest, told }, news)
    }
}

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
        swept.moved.sort();
        swept.moved.dedup();
        swept.due = self.due(&linked, by.now);
        swept.due.retain(|name| !swept.moved.contains(name));
        // What was found in the others is told first; the error comes again with the next sweep.
        match failed {
            Some(error)
                if [&swept.moved, &swept.due].iter().all(|names| names.is_empty())
                    && swept.wanted.is_empty() =>
            {
                Err(error)
            }
            _ => Ok(swept),
        }
    }

    pub(super) fn repos(&self, linked: &BTreeSet<Place>) -> BTreeSet<RepoName> {
        let sources = self.config.issues_of.iter().filter(|_| self.config.label.is_some());
        let sources = sources.filter_map(|name| RepoName::parse(name));
        linked.iter().map(|place| place.repo.clone()).chain(sources).collect()
    }

    /// Lists what changed in a repository since it was last asked. What is over the limit comes with the next sweep, as
    /// the list begins with what changed first.
    async fn list_moved_in(&self, by: By, repo: &RepoName) -> Result<Vec<shape::Issue>, SyncError> {
        let begin = || Cursor { at: by.now.saturating_add(-BACK).unwrap_or(by.now), told: BTreeMap::new() };
        let cursor = self.known().swept.get(repo).cloned().unwrap_or_else(begin);
        let issues = self.api.moved(by, repo, cursor.at).await?;
        let (cursor, news) = cursor.pass(&issues);
        self.known().swept.insert(repo.clone(), cursor);
        Ok(news)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(number: u64, second: i64) -> shape::Issue {
        let updated_at = Timestamp::from_second(second).unwrap();
        let issue = serde_json::json!({
            "number": number, "html_url": "", "state": "open", "updated_at": updated_at,
        });
        serde_json::from_value(issue).unwrap()
    }

    #[test]
    fn what_changed_last_is_told_twice_and_everything_else_once() {
        let mut cursor = Cursor { at: Timestamp::UNIX_EPOCH, told: BTreeMap::new() };
        for (listed, told) in [
            (vec![(1, 5), (2, 9)], vec![1, 2]),
            (vec![(2, 9)], vec![2]),
            (vec![(2, 9)], vec![]),
            (vec![(2, 9), (3, 9)], vec![3]),
            (vec![(2, 9), (3, 9)], vec![3]),
            (vec![(2, 9), (3, 9)], vec![]),
            (vec![(3, 9), (2, 12)], vec![2]),
            (vec![], vec![]),
            (vec![(2, 12)], vec![2]),
        ] {
            let issues: Vec<_> = listed.iter().map(|(number, second)| issue(*number, *second)).collect();
            let (next, news) = cursor.pass(&issues);
            cursor = next;
            assert_eq!(news.iter().map(|issue| issue.number).collect::<Vec<_>>(), told, "{listed:?}");
        }
    }
}
