//! Webhooks of repositories and of an app, and how their deliveries went.

use http::Method;
use jiff::Timestamp;

use super::{Api, By, next_page, read};
use crate::channel::{Ask, parsed};
use crate::error::SyncError;
use crate::gate::Lane;
use crate::github::place::{Place, RepoName};
use crate::github::shape::{Delivery, Hook};
use crate::wire::{Answer, Credential};

/// So many pages of deliveries are read, a hundred on each: what is older was found by a sweep.
const PAGES: usize = 5;

/// Whose deliveries are meant.
#[derive(Debug, Clone, Copy)]
pub(in crate::github) enum Of<'a> {
    /// The app's own webhook.
    App,
    /// A webhook of a repository, by its number.
    Hook(&'a Place),
}

impl Api {
    /// Says which of an app's installations asks, if an app does.
    pub(in crate::github) const fn installation(&self) -> Option<u64> {
        self.auth.installation()
    }

    /// Lists the webhooks of a repository.
    pub(in crate::github) async fn hooks(&self, by: By, repo: &RepoName) -> Result<Vec<Hook>, SyncError> {
        let ask = read(
            by,
            format!("listing the webhooks of {repo}"),
            "repos/{}/{}/hooks",
            &[&repo.owner, &repo.name],
        );
        self.pages(by, ask, |page: Vec<Hook>| page).await
    }

    /// Lists the attempts to deliver since a time, the newest first.
    pub(in crate::github) async fn deliveries(
        &self,
        by: By,
        of: Of<'_>,
        since: Timestamp,
    ) -> Result<Vec<Delivery>, SyncError> {
        let number = of.number();
        let ask = match of {
            Of::App => {
                read(by, "listing what became of the app's webhooks".to_owned(), "app/hook/deliveries", &[])
            }
            Of::Hook(at) => {
                let doing = format!("listing what became of the webhooks of {}", at.repo);
                read(by, doing, "repos/{}/{}/hooks/{}/deliveries", &at.names(&number))
            }
        };
        let ask = ask.query("per_page", "100");
        let credential = self.shown(by, of, &ask).await?;
        let mut answer = self.heard(self.rest.send(&credential, &ask).await)?;
        let mut all: Vec<Delivery> = Vec::new();
        for _ in 1..PAGES {
            all.extend(parsed::<Vec<Delivery>>(&ask, &answer)?);
            let is_enough = all.last().is_none_or(|oldest| oldest.delivered_at < since);
            let Some(next) = next_page(&answer).filter(|_| !is_enough) else { break };
            answer = self.heard(self.rest.send_to(&credential, &ask, next).await)?;
        }
        all.retain(|delivery| delivery.delivered_at >= since);
        Ok(all)
    }

    /// Has a webhook delivered again.
    pub(in crate::github) async fn redeliver(
        &self,
        by: By,
        of: Of<'_>,
        id: u64,
    ) -> Result<Answer, SyncError> {
        let (number, id) = (of.number(), id.to_string());
        let doing = "having a webhook delivered again".to_owned();
        let ask = match of {
            Of::App => read(by, doing, "app/hook/deliveries/{}/attempts", &[&id]),
            Of::Hook(at) => {
                let names = [at.repo.owner.as_str(), &at.repo.name, &number, &id];
                read(by, doing, "repos/{}/{}/hooks/{}/deliveries/{}/attempts", &names)
            }
        };
        let ask = Ask { method: Method::POST, lane: Lane::Write, ..ask };
        let credential = self.shown(by, of, &ask).await?;
        self.heard(self.rest.send(&credential, &ask).await)
    }

    /// An app's own webhook is asked about by the app itself.
    async fn shown(&self, by: By, of: Of<'_>, ask: &Ask<'_>) -> Result<Credential, SyncError> {
        let proof = match of {
            Of::App => self.auth.proof(&ask.doing, by.now).await,
            Of::Hook(_) => None,
        };
        match proof {
            Some(proof) => self.heard(proof),
            None => self.credential(by).await,
        }
    }
}

impl Of<'_> {
    fn number(self) -> String {
        match self {
            Self::App => String::new(),
            Self::Hook(at) => at.number.to_string(),
        }
    }
}
