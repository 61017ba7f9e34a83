//! Repositories and pull requests.

use http::{HeaderValue, Method};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Api, By, Read, read, request_id};
use crate::channel::parsed;
use crate::clock;
use crate::error::SyncError;
use crate::gate::Effect;
use crate::github::place::{Place, RepoName};
use crate::github::shape::{Pull, RateLimit, Repo};
use crate::wire::Answer;

/// What came of opening a pull request.
pub(in crate::github) enum Opened {
    Made(Box<Pull>, Option<String>),
    /// Status 422: there is one already, or there cannot be one.
    Refused(Answer),
}

/// What is left of the limit, and what the answer says beside that.
pub(in crate::github) struct Limits {
    pub(in crate::github) remaining: u64,
    pub(in crate::github) limit: u64,
    pub(in crate::github) until: Timestamp,
    /// What a token of the old kind may do; none: it is of another kind.
    pub(in crate::github) scopes: Option<String>,
    pub(in crate::github) clock: Option<SignedDuration>,
}

impl Api {
    /// Asks what is left of the limit, which costs nothing of it.
    pub(in crate::github) async fn limits(&self, by: By) -> Result<Limits, SyncError> {
        let ask = read(by, "asking what is left of the limit".to_owned(), "rate_limit", &[]);
        let answer = self.send(by, &ask).await?;
        let RateLimit { rate } = parsed(&ask, &answer)?;
        Ok(Limits {
            remaining: rate.remaining,
            limit: rate.limit,
            until: Timestamp::from_second(rate.reset).unwrap_or(by.now),
            scopes: answer.header("x-oauth-scopes").map(str::to_owned),
            clock: clock::ahead(&answer, by.now),
        })
    }

    pub(in crate::github) async fn repo(&self, by: By, repo: &RepoName) -> Result<Repo, SyncError> {
        let ask = read(by, format!("looking at {repo}"), "repos/{}/{}", &[&repo.owner, &repo.name]);
        self.get(by, &ask).await
    }

    /// Reads a pull request unless it is as it was.
    pub(in crate::github) async fn pull(
        &self,
        by: By,
        at: &Place,
        seen: Option<&HeaderValue>,
    ) -> Result<Read<Pull>, SyncError> {
        let number = at.number.to_string();
        let ask = read(by, format!("looking at {at}"), "repos/{}/{}/pulls/{}", &at.names(&number));
        self.look(by, ask, seen).await
    }

    /// Lists the pull requests of a branch, the newest first.
    pub(in crate::github) async fn pulls_of(
        &self,
        by: By,
        repo: &RepoName,
        branch: &str,
    ) -> Result<Vec<Pull>, SyncError> {
        let doing = format!("looking for the pull requests of {branch} in {repo}");
        let ask = read(by, doing, "repos/{}/{}/pulls", &[&repo.owner, &repo.name]);
        // Without its owner the branch is no filter at all.
        let ask = ask.query("head", format!("{}:{branch}", repo.owner)).query("state", "all");
        self.pages(by, ask, |page: Vec<Pull>| page).await
    }

    pub(in crate::github) async fn open(
        &self,
        by: By,
        repo: &RepoName,
        body: Value,
    ) -> Result<Opened, SyncError> {
        let doing = format!("opening a pull request in {repo}");
        let ask = read(by, doing, "repos/{}/{}/pulls", &[&repo.owner, &repo.name]);
        let ask = ask.change(Method::POST, body, Effect::Once).notifying().expecting(&[422]);
        let answer = self.send(by, &ask).await?;
        if answer.status == 422 {
            return Ok(Opened::Refused(answer));
        }
        Ok(Opened::Made(parsed(&ask, &answer)?, request_id(&answer)))
    }

    /// Changes fields of a pull request.
    pub(in crate::github) async fn edit_pull(
        &self,
        by: By,
        at: &Place,
        fields: Value,
    ) -> Result<Answer, SyncError> {
        let number = at.number.to_string();
        let ask = read(by, format!("changing {at}"), "repos/{}/{}/pulls/{}", &at.names(&number));
        self.send(by, &ask.change(Method::PATCH, fields, Effect::Idempotent)).await
    }

    pub(in crate::github) async fn request_reviewers(
        &self,
        by: By,
        at: &Place,
        names: &[&str],
    ) -> Result<Answer, SyncError> {
        let number = at.number.to_string();
        let doing = format!("asking for a review of {at}");
        let ask = read(by, doing, "repos/{}/{}/pulls/{}/requested_reviewers", &at.names(&number));
        let ask = ask.change(Method::POST, json!({ "reviewers": names }), Effect::Once);
        self.send(by, &ask.notifying()).await
    }

    /// Merges a pull request, or says why not: status 405 or 409.
    pub(in crate::github) async fn merge(
        &self,
        by: By,
        at: &Place,
        body: Value,
    ) -> Result<Answer, SyncError> {
        let number = at.number.to_string();
        let ask = read(by, format!("merging {at}"), "repos/{}/{}/pulls/{}/merge", &at.names(&number));
        self.send(by, &ask.change(Method::PUT, body, Effect::Once).expecting(&[405, 409])).await
    }
}
