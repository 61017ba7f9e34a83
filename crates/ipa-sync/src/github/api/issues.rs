//! Issues; pull requests are issues too.

use http::{HeaderValue, Method};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Api, By, Read, read};
use crate::error::SyncError;
use crate::gate::Effect;
use crate::github::place::{Place, RepoName};
use crate::github::shape::Issue;
use crate::wire::Answer;

impl Api {
    /// Reads an issue unless it is as it was.
    pub(in crate::github) async fn issue(
        &self,
        by: By,
        at: &Place,
        seen: Option<&HeaderValue>,
    ) -> Result<Read<Issue>, SyncError> {
        let number = at.number.to_string();
        let ask = read(by, format!("looking at {at}"), "repos/{}/{}/issues/{}", &at.names(&number));
        self.look(by, ask, seen).await
    }

    /// Changes fields of an issue.
    pub(in crate::github) async fn edit_issue(
        &self,
        by: By,
        at: &Place,
        fields: Value,
    ) -> Result<Answer, SyncError> {
        let number = at.number.to_string();
        let ask = read(by, format!("changing {at}"), "repos/{}/{}/issues/{}", &at.names(&number));
        self.send(by, &ask.change(Method::PATCH, fields, Effect::Idempotent)).await
    }

    pub(in crate::github) async fn add_labels(
        &self,
        by: By,
        at: &Place,
        names: &[&str],
    ) -> Result<Answer, SyncError> {
        let number = at.number.to_string();
        let ask = read(by, format!("labelling {at}"), "repos/{}/{}/issues/{}/labels", &at.names(&number));
        self.send(by, &ask.change(Method::POST, json!({ "labels": names }), Effect::Idempotent)).await
    }

    /// Lists what changed in a repository since a time, what changed first first.
    pub(in crate::github) async fn moved(
        &self,
        by: By,
        repo: &RepoName,
        since: Timestamp,
    ) -> Result<Vec<Issue>, SyncError> {
        let doing = format!("looking for what changed in {repo}");
        let ask = read(by, doing, "repos/{}/{}/issues", &[&repo.owner, &repo.name]);
        let ask = ask.query("state", "all").query("sort", "updated").query("direction", "asc");
        self.pages(by, ask.query("since", since.to_string()), |page: Vec<Issue>| page).await
    }
}
