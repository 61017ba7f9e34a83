//! What GitHub has in GraphQL only: who an app is, drafts, settled threads. It answers 200 whatever happened; what went
//! wrong stands beside the data.

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Api, By, PAGES};
use crate::channel::{Ask, parsed};
use crate::error::{ErrorClass, SyncError};
use crate::gate::{Effect, Lane};
use crate::github::place::Place;
use crate::github::shape::Pull;

/// How long GraphQL is left alone when its points are used up: it does not say when there are new ones.
const PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// A thread of comments: which comment is its first, and whether it is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::github) struct ThreadState {
    pub(in crate::github) first: u64,
    pub(in crate::github) resolved: bool,
}

/// Whether a pull request is a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::github) enum Draft {
    Yes,
    No,
}

impl Api {
    /// Tells under which name we act.
    pub(in crate::github) async fn me(&self, by: By) -> Result<String, SyncError> {
        let doing = "asking who we are";
        let data = self.ask_graph(by, doing, "query { viewer { login } }", json!({})).await?;
        let login = data.pointer("/viewer/login").and_then(Value::as_str).map(str::to_owned);
        login.ok_or_else(|| unreadable(doing, "it names nobody"))
    }

    /// Tells which threads of a pull request are settled.
    pub(in crate::github) async fn threads(&self, by: By, at: &Place) -> Result<Vec<ThreadState>, SyncError> {
        let doing = format!("looking at the threads of {at}");
        let mut list = Vec::new();
        let mut after = Value::Null;
        for _ in 0..PAGES {
            let variables = json!({
                "owner": at.repo.owner, "name": at.repo.name, "number": at.number, "after": after,
            });
            let data = self.ask_graph(by, &doing, THREADS, variables).await?;
            let page = data.pointer("/repository/pullRequest/reviewThreads").cloned().unwrap_or_default();
            let page: Threads = serde_json::from_value(page).map_err(|error| unreadable(&doing, error))?;
            list.extend(page.nodes.into_iter().filter_map(|thread| {
                let first = thread.comments.nodes.first()?.database_id?;
                Some(ThreadState { first, resolved: thread.is_resolved })
            }));
            if !page.page_info.has_next_page {
                break;
            }
            after = page.page_info.end_cursor.into();
        }
        Ok(list)
    }

    /// Makes a pull request a draft, or one that is to be reviewed. It must be the other.
    pub(in crate::github) async fn set_draft(&self, by: By, pull: &Pull, to: Draft) -> Result<(), SyncError> {
        let text = match to {
            Draft::Yes => TO_DRAFT,
            Draft::No => TO_READY,
        };
        let doing = format!("changing {} between draft and ready", pull.html_url);
        let by = By { lane: Lane::Notify, ..by };
        self.ask_graph(by, &doing, text, json!({ "id": pull.node_id })).await.map(|_data| ())
    }

    async fn ask_graph(
        &self,
        by: By,
        doing: &str,
        query: &'static str,
        variables: Value,
    ) -> Result<Value, SyncError> {
        let body = json!({ "query": query, "variables": variables });
        let ask = Ask::read(doing, by.who, "graphql", &[]).change(Method::POST, body, Effect::Idempotent);
        let ask = Ask { lane: by.lane, ..ask };
        let credential = self.credential(by).await?;
        let answer = self.heard(self.graph.send(&credential, &ask).await)?;
        let said: Said = parsed(&ask, &answer)?;
        match said.errors.first() {
            Some(error) => Err(refused(doing, error, by.now)),
            None => Ok(said.data),
        }
    }
}

const THREADS: &str = "query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) {
    reviewThreads(first: 100, after: $after) {
      nodes { isResolved comments(first: 1) { nodes { databaseId } } }
      pageInfo { hasNextPage endCursor } } } } }";

const TO_READY: &str = "mutation($id: ID!) {
  markPullRequestReadyForReview(input: { pullRequestId: $id }) { pullRequest { isDraft } } }";

const TO_DRAFT: &str = "mutation($id: ID!) {
  convertPullRequestToDraft(input: { pullRequestId: $id }) { pullRequest { isDraft } } }";

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    data: Value,
    #[serde(default)]
    errors: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Threads {
    nodes: Vec<Thread>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Thread {
    is_resolved: bool,
    comments: Comments,
}

#[derive(Deserialize)]
struct Comments {
    nodes: Vec<Comment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Comment {
    database_id: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

/// Says what an error of GraphQL means.
fn refused(doing: &str, error: &Value, now: Timestamp) -> SyncError {
    let class = match error["type"].as_str().unwrap_or_default() {
        "RATE_LIMITED" | "RATE_LIMIT" => {
            ErrorClass::RateLimited { until: now.saturating_add(PAUSE).unwrap_or(now) }
        }
        "NOT_FOUND" => ErrorClass::Gone,
        "FORBIDDEN" | "INSUFFICIENT_SCOPES" => ErrorClass::Permission,
        "UNPROCESSABLE" => ErrorClass::Rejected,
        _ => ErrorClass::Unexpected,
    };
    let said = error["message"].as_str().unwrap_or("it gives no reason");
    SyncError::new(class, doing, said.chars().filter(|c| !c.is_control()).take(300).collect::<String>())
}

fn unreadable(doing: &str, why: impl std::fmt::Display) -> SyncError {
    SyncError::new(ErrorClass::Unexpected, doing, format!("the answer cannot be read: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_of_graphql_has_its_class() {
        let now = Timestamp::UNIX_EPOCH;
        let until = Timestamp::from_second(300).unwrap();
        for (kind, class) in [
            ("RATE_LIMITED", ErrorClass::RateLimited { until }),
            ("NOT_FOUND", ErrorClass::Gone),
            ("FORBIDDEN", ErrorClass::Permission),
            ("UNPROCESSABLE", ErrorClass::Rejected),
            ("weird", ErrorClass::Unexpected),
        ] {
            let error = refused("looking", &json!({ "type": kind, "message": "so\nit is" }), now);
            assert_eq!((error.class, &*error.detail), (class, "soit is"));
        }
    }
}
