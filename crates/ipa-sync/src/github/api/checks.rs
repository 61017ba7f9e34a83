//! Checks: those of others, and our own.

use http::Method;
use serde_json::Value;
use url::Url;

use super::{Api, By, read};
use crate::error::SyncError;
use crate::gate::Effect;
use crate::github::place::RepoName;
use crate::github::shape::{CheckRun, CheckRuns, Status, Statuses};
use crate::wire::Answer;

impl Api {
    /// Lists the newest check run of each name and app on a commit.
    pub(in crate::github) async fn check_runs(
        &self,
        by: By,
        repo: &RepoName,
        commit: &str,
    ) -> Result<Vec<CheckRun>, SyncError> {
        let names = [&*repo.owner, &*repo.name, commit];
        let doing = format!("looking at the checks of {repo}");
        let ask = read(by, doing, "repos/{}/{}/commits/{}/check-runs", &names);
        self.pages(by, ask, |page: CheckRuns| page.check_runs).await
    }

    /// Fetches what a job of GitHub's own CI printed; none: there is none, or it cannot be had.
    pub(in crate::github) async fn job_log(&self, by: By, repo: &RepoName, job: u64) -> Option<String> {
        let job = job.to_string();
        let names = [&*repo.owner, &*repo.name, &*job];
        let doing = format!("looking at the log of a check of {repo}");
        let ask =
            read(by, doing, "repos/{}/{}/actions/jobs/{}/logs", &names).expecting(&[302, 403, 404, 410]);
        let answer = self.send(by, &ask).await.ok()?;
        let place: Url = answer.header("location")?.parse().ok()?;
        let log = self.rest.fetch(place).await?;
        Some(String::from_utf8_lossy(&log).into_owned())
    }

    /// Lists the newest status of each context on a commit.
    pub(in crate::github) async fn statuses(
        &self,
        by: By,
        repo: &RepoName,
        commit: &str,
    ) -> Result<Vec<Status>, SyncError> {
        let names = [&*repo.owner, &*repo.name, commit];
        let doing = format!("looking at the statuses of {repo}");
        let ask = read(by, doing, "repos/{}/{}/commits/{}/status", &names);
        self.pages(by, ask, |page: Statuses| page.statuses).await
    }

    /// Adds a status. Of a context the newest counts, so one more says the same.
    pub(in crate::github) async fn set_status(
        &self,
        by: By,
        repo: &RepoName,
        commit: &str,
        status: Value,
    ) -> Result<Answer, SyncError> {
        let names = [&*repo.owner, &*repo.name, commit];
        let doing = format!("reporting our checks in {repo}");
        let ask = read(by, doing, "repos/{}/{}/statuses/{}", &names);
        self.send(by, &ask.change(Method::POST, status, Effect::Idempotent)).await
    }

    pub(in crate::github) async fn add_check_run(
        &self,
        by: By,
        repo: &RepoName,
        run: Value,
    ) -> Result<Answer, SyncError> {
        let doing = format!("reporting our checks in {repo}");
        let ask = read(by, doing, "repos/{}/{}/check-runs", &[&repo.owner, &repo.name]);
        self.send(by, &ask.change(Method::POST, run, Effect::Once)).await
    }
}
