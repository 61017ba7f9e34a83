//! What a tracker of our own does not do: other answers that Jira documents, over a wire without a network.

mod site;
mod trust;
mod write;

use ipa_events::task::{Change, Link, Op, OpState, PublishPolicy};
use ipa_events::{OpId, PayloadHash, TaskId};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;
use crate::gate::Rules;
use crate::port::GitPort;
use crate::secret::SecretSource;
use crate::wire::{FakeWire, Reaction, Request};

/// A site that answers by method and path, and what it was asked.
struct Fake {
    wire: Arc<FakeWire>,
    connector: JiraConnector,
}

/// What is answered to a request; none: there is no such thing.
type Answers = dyn Fn(&str, &Request) -> Option<Reaction> + Send + Sync;

fn fake(flavour: Flavour, change: impl FnOnce(&mut JiraConfig), answers: Box<Answers>) -> Fake {
    let wire = Arc::new(FakeWire::new(move |request| {
        let what = format!("{} {}", request.method, request.url.path());
        answers(&what, request).unwrap_or_else(|| match what.as_str() {
            "GET /rest/api/3/myself" => ok(&json!({ "accountId": "me", "displayName": "Ipa" })),
            "GET /rest/api/2/myself" => ok(&json!({ "key": "JIRAUSER1", "name": "ipa" })),
            "GET /rest/api/3/issue/K-1" | "GET /rest/api/2/issue/K-1" => ok(&issue()),
            _ => Reaction::status(404).body(r#"{"errorMessages":["nothing"]}"#),
        })
    }));
    let auth = match flavour {
        Flavour::Cloud => JiraAuth::Account { mail: "ipa@example.com".to_owned(), token: secret() },
        Flavour::DataCenter => JiraAuth::Bearer(secret()),
    };
    let mut config = JiraConfig {
        flavour: Some(flavour),
        members: Members::Nobody,
        ..JiraConfig::new("jira".parse().unwrap(), "https://u:p4ss@j.test/".parse().unwrap(), auth)
    };
    change(&mut config);
    let gate = Arc::new(HostGate::new(Rules::jira(), Arc::new(now)));
    let connector = JiraConnector::new(config, Arc::<FakeWire>::clone(&wire), gate);
    Fake { wire, connector }
}

impl Fake {
    /// What was asked, without the questions that every connector begins with.
    fn asked(&self) -> Vec<String> {
        let all = self.wire.sent().into_iter().map(|(_, request)| {
            let query = request.url.query().map_or_else(String::new, |query| format!("?{query}"));
            let path = request.url.path().trim_start_matches("/rest/api/").to_owned();
            format!("{} {path}{query}", request.method)
        });
        all.filter(|asked| !asked.ends_with("/myself")).collect()
    }

    fn bodies(&self) -> Vec<Value> {
        let all = self.wire.sent().into_iter().filter(|(_, request)| !request.body.is_empty());
        all.map(|(_, request)| serde_json::from_slice(&request.body).unwrap()).collect()
    }

    async fn remarks(&self) -> Vec<(String, bool)> {
        let seen = self.connector.observe(cx(), &target(), Look::Closely).await.unwrap();
        let Observed::Ticket(ticket) = seen else { panic!("it is there") };
        ticket.remarks.values().map(|it| (it.by.to_string(), it.trusted)).collect()
    }
}

fn secret() -> SecretSource {
    SecretString::from("s3cret").into()
}

fn ok(body: &Value) -> Reaction {
    Reaction::status(200).body(body.to_string())
}

fn issue() -> Value {
    let status = json!({ "id": "1", "name": "To Do", "statusCategory": { "key": "new" } });
    json!({ "key": "K-1", "fields": { "summary": "Fix it", "status": status, "updated": "2026-11-26T12:00:00.000+0000" } })
}

/// A page of comments, as they come.
fn page(comments: &[Value]) -> Reaction {
    ok(&json!({ "startAt": 0, "maxResults": 100, "total": comments.len(), "comments": comments }))
}

fn now() -> Timestamp {
    "2026-11-26T12:00:00Z".parse().unwrap()
}

fn cx() -> Cx<'static> {
    Cx { git: &NoGit, now: now() }
}

fn target() -> Target {
    let link = Link { remote: "K-1".parse().unwrap(), url: None };
    let resource = "jira/ticket/K-1".parse().unwrap();
    Target { task: TaskId::from_key("a task"), repo: "/repo".parse().unwrap(), resource, link: Some(link) }
}

fn job(change: Change) -> Job {
    let op = Op {
        id: OpId::new(TaskId::from_key("a task"), 3),
        resource: target().resource,
        payload_hash: PayloadHash::of(b""),
        change,
        policy: PublishPolicy::Auto,
        queued_at: now(),
        state: OpState::Ready,
        attempts: 1,
        failures: 0,
        insisted: false,
    };
    Job { target: target(), op, earlier: None }
}

/// Git is of no concern to a ticket.
struct NoGit;

#[rustfmt::skip]
impl GitPort for NoGit {
    fn push<'a>(&'a self, _: &'a ipa_events::task::Push) -> BoxFuture<'a, Result<(), SyncError>> { none() }
    fn head<'a>(&'a self, _: &'a RepoSource, _: &'a ipa_events::BranchName)
        -> BoxFuture<'a, Result<Option<ipa_events::Oid>, SyncError>> { none() }
    fn merge<'a>(&'a self, _: &'a crate::port::GitMerge)
        -> BoxFuture<'a, Result<ipa_events::Oid, SyncError>> { none() }
    fn contains<'a>(&'a self, _: &'a RepoSource, _: &'a ipa_events::BranchName, _: &'a ipa_events::Oid)
        -> BoxFuture<'a, Result<bool, SyncError>> { none() }
    fn delete<'a>(&'a self, _: &'a RepoSource, _: &'a ipa_events::BranchName, _: &'a ipa_events::Oid)
        -> BoxFuture<'a, Result<(), SyncError>> { none() }
}

fn none<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T, SyncError>> {
    let error = SyncError::new(ErrorClass::Rejected, "asking git", "there is none");
    futures::future::ready(Err(error)).boxed()
}
