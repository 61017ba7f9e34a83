//! What people say, and what we do.

use http::Method;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{Api, By, Read, read, request_id};
use crate::channel::{Ask, parsed};
use crate::error::SyncError;
use crate::gate::Effect;
use crate::github::place::{Place, RepoName};
use crate::github::shape::{Comment, Review};

/// A comment that was made or changed.
pub(in crate::github) struct Made {
    pub(in crate::github) id: u64,
    pub(in crate::github) url: Option<String>,
    pub(in crate::github) request_id: Option<String>,
}

impl Api {
    pub(in crate::github) async fn reviews(&self, by: By, at: &Place) -> Result<Vec<Review>, SyncError> {
        self.said(by, at, ("the reviews", "repos/{}/{}/pulls/{}/reviews"), None).await
    }

    /// Lists the comments in the code.
    pub(in crate::github) async fn notes(
        &self,
        by: By,
        at: &Place,
        since: Option<Timestamp>,
    ) -> Result<Vec<Comment>, SyncError> {
        self.said(by, at, ("the comments in the code", "repos/{}/{}/pulls/{}/comments"), since).await
    }

    /// Lists the comments of the conversation.
    pub(in crate::github) async fn comments(
        &self,
        by: By,
        at: &Place,
        since: Option<Timestamp>,
    ) -> Result<Vec<Comment>, SyncError> {
        self.said(by, at, ("the comments", "repos/{}/{}/issues/{}/comments"), since).await
    }

    /// Reads one comment of a conversation; none: it is not there.
    pub(in crate::github) async fn comment(
        &self,
        by: By,
        repo: &RepoName,
        id: u64,
    ) -> Result<Option<Comment>, SyncError> {
        let id = id.to_string();
        let doing = format!("looking at comment {id} in {repo}");
        let names = [&*repo.owner, &*repo.name, &*id];
        let ask = read(by, doing, "repos/{}/{}/issues/comments/{}", &names);
        match self.look(by, ask, None).await? {
            Read::New(comment, _) => Ok(Some(*comment)),
            Read::Gone | Read::Same => Ok(None),
        }
    }

    pub(in crate::github) async fn add_comment(
        &self,
        by: By,
        at: &Place,
        body: String,
    ) -> Result<Made, SyncError> {
        let number = at.number.to_string();
        let doing = format!("commenting on {at}");
        let ask = read(by, doing, "repos/{}/{}/issues/{}/comments", &at.names(&number));
        self.say(by, ask.change(Method::POST, json!({ "body": body }), Effect::Once).notifying()).await
    }

    pub(in crate::github) async fn edit_comment(
        &self,
        by: By,
        repo: &RepoName,
        id: u64,
        body: String,
    ) -> Result<Made, SyncError> {
        let id = id.to_string();
        let names = [&*repo.owner, &*repo.name, &*id];
        let doing = format!("changing comment {id} in {repo}");
        let ask = read(by, doing, "repos/{}/{}/issues/comments/{}", &names);
        self.say(by, ask.change(Method::PATCH, json!({ "body": body }), Effect::Idempotent)).await
    }

    /// Answers in a thread of comments in the code, which is named by its first.
    pub(in crate::github) async fn reply(
        &self,
        by: By,
        at: &Place,
        first: u64,
        body: String,
    ) -> Result<Made, SyncError> {
        let (number, first) = (at.number.to_string(), first.to_string());
        let names = [&*at.repo.owner, &*at.repo.name, &*number, &*first];
        let doing = format!("answering in {at}");
        let ask = read(by, doing, "repos/{}/{}/pulls/{}/comments/{}/replies", &names);
        self.say(by, ask.change(Method::POST, json!({ "body": body }), Effect::Once).notifying()).await
    }

    async fn said<T: DeserializeOwned>(
        &self,
        by: By,
        at: &Place,
        (what, path): (&str, &'static str),
        since: Option<Timestamp>,
    ) -> Result<Vec<T>, SyncError> {
        let number = at.number.to_string();
        let mut ask = read(by, format!("looking at {what} of {at}"), path, &at.names(&number));
        if let Some(since) = since {
            ask = ask.query("since", since.to_string());
        }
        self.pages(by, ask, |page: Vec<T>| page).await
    }

    async fn say(&self, by: By, ask: Ask<'_>) -> Result<Made, SyncError> {
        let answer = self.send(by, &ask).await?;
        let comment: Comment = parsed(&ask, &answer)?;
        Ok(Made { id: comment.id, url: comment.html_url, request_id: request_id(&answer) })
    }
}
