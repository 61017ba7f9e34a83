//! Webhooks that GitHub could not deliver: it sends none of them again by itself.
//!
//! An app is asked about its own webhook; with a token, the webhooks of the repositories are that lead to us. Each is
//! sent again once: what fails again, and what we may not see, is found by a sweep.

use std::collections::{BTreeMap, BTreeSet};

use ipa_events::ConnectorId;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::GitHubConnector;
use super::api::{By, Of};
use super::auth::Asker;
use super::place::{Place, RepoName};
use super::shape::{Delivery, Hook};
use crate::connector::{Lost, Sweep, Undelivered};
use crate::error::{ErrorClass, SyncError};
use crate::gate::Lane;

/// GitHub keeps what became of a webhook for so long.
const KEPT: SignedDuration = SignedDuration::from_hours(3 * 24);
/// GitHub's clock may be so far from ours.
const CLOCKS: SignedDuration = SignedDuration::from_mins(2);
/// Which webhooks a repository has is asked so often.
const HOOKS: SignedDuration = SignedDuration::from_hours(24);
/// So many are sent again at a time, the newest: each is one request.
const MOST: usize = 30;

/// The webhooks of a repository that lead to us.
pub(super) struct Hooks {
    asked_at: Timestamp,
    /// Their numbers; where we may not see them there are none.
    leading_here: Vec<u64>,
}

impl GitHubConnector {
    /// Lists what did not arrive since a time.
    pub(super) async fn list_undelivered(&self, by: By, sweep: &Sweep) -> Result<Undelivered, SyncError> {
        let oldest = by.now.saturating_add(-KEPT).unwrap_or(by.now);
        let since =
            sweep.since.and_then(|since| since.saturating_add(-CLOCKS).ok()).unwrap_or(oldest).max(oldest);
        let mut found = Undelivered::default();
        match self.api.asker() {
            Asker::App => {
                let listed = self.api.deliveries(by, Of::App, since).await;
                let listed = seen(listed, &mut found, || APP.to_owned())?.unwrap_or_default();
                let ours = self.api.installation();
                let is_ours = |it: &Delivery| it.installation_id.is_none() || it.installation_id == ours;
                found.lost = lost(&listed.into_iter().filter(is_ours).collect::<Vec<_>>(), None);
            }
            Asker::Token => {
                let linked: BTreeSet<Place> = sweep.linked.iter().filter_map(Place::parse).collect();
                for repo in self.repos(&linked) {
                    self.list_undelivered_of(by, (&repo, since), &mut found).await?;
                }
            }
        }
        let over = found.lost.len().saturating_sub(MOST);
        found.lost.drain(..over);
        Ok(found)
    }

    async fn list_undelivered_of(
        &self,
        by: By,
        (repo, since): (&RepoName, Timestamp),
        found: &mut Undelivered,
    ) -> Result<(), SyncError> {
        for number in self.hooks_of(by, repo, found).await? {
            let at = Place { repo: repo.clone(), number };
            let listed = self.api.deliveries(by, Of::Hook(&at), since).await;
            let listed = seen(listed, found, || unseen(repo))?.unwrap_or_default();
            found.lost.extend(lost(&listed, Some(&at)));
        }
        Ok(())
    }

    /// Returns the webhooks of a repository that lead to us.
    async fn hooks_of(
        &self,
        by: By,
        repo: &RepoName,
        found: &mut Undelivered,
    ) -> Result<Vec<u64>, SyncError> {
        let is_known = |hooks: &&Hooks| by.now.duration_since(hooks.asked_at) < HOOKS;
        let known = self.known().hooks.get(repo).filter(is_known).map(|hooks| hooks.leading_here.clone());
        if let Some(known) = known {
            return Ok(known);
        }
        let listed = seen(self.api.hooks(by, repo).await, found, || unseen(repo))?.unwrap_or_default();
        let ours = listed.into_iter().filter(|hook| leads_here(hook, &self.config.id)).map(|hook| hook.id);
        let leading_here: Vec<u64> = ours.collect();
        let hooks = Hooks { asked_at: by.now, leading_here: leading_here.clone() };
        self.known().hooks.insert(repo.clone(), hooks);
        Ok(leading_here)
    }

    /// Has one sent again. One that GitHub does not have any more stays lost.
    pub(super) async fn send_again(&self, by: By, lost: &Lost) -> Result<(), SyncError> {
        let by = By { lane: Lane::Read, ..by };
        let at = lost.hook.as_ref().and_then(Place::parse);
        let of = at.as_ref().map_or(Of::App, Of::Hook);
        match self.api.redeliver(by, of, lost.id).await {
            Err(error) if !matches!(error.class, ErrorClass::Gone | ErrorClass::Rejected) => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

const APP: &str = "what GitHub could not deliver of the app's webhooks: it does not show that to the app";

fn unseen(repo: &RepoName) -> String {
    format!(
        "what GitHub could not deliver of the webhooks of {repo}: it takes an owner's token with the scope \
         `admin:repo_hook`, or the permission to read and write webhooks"
    )
}

/// Takes what may not be asked for as nothing, and says so.
fn seen<T>(
    listed: Result<T, SyncError>,
    found: &mut Undelivered,
    what: impl FnOnce() -> String,
) -> Result<Option<T>, SyncError> {
    match listed {
        Ok(listed) => Ok(Some(listed)),
        Err(error) if matches!(error.class, ErrorClass::Permission | ErrorClass::Gone) => {
            found.unseen.push(what());
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Tells whether a webhook is for this connector, by the end of its address: what is before it is a proxy's.
fn leads_here(hook: &Hook, id: &ConnectorId) -> bool {
    let path = hook.config.url.parse().ok().map(|url: Url| url.path().trim_end_matches('/').to_owned());
    let is_ours =
        |path: String| path.ends_with("/hooks/github") || path.ends_with(&format!("/hooks/github/{id}"));
    hook.active && path.is_some_and(is_ours)
}

/// Picks what no attempt delivered and was not sent again yet, the oldest first.
fn lost(newest_first: &[Delivery], of: Option<&Place>) -> Vec<Lost> {
    let mut attempts: BTreeMap<&str, Vec<&Delivery>> = BTreeMap::new();
    for attempt in newest_first {
        attempts.entry(&attempt.guid).or_default().push(attempt);
    }
    let is_open = |attempts: &&Vec<&Delivery>| {
        attempts.iter().all(|it| !it.redelivery && !(200..400).contains(&it.status_code))
    };
    let mut open: Vec<u64> =
        attempts.values().filter(is_open).filter_map(|all| Some(all.first()?.id)).collect();
    open.sort_unstable();
    let hook = of.and_then(Place::remote);
    open.into_iter().map(|id| Lost { hook: hook.clone(), id }).collect()
}
