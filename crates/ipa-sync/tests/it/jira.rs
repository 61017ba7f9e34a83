//! The Jira connector against a tracker of our own, over real sockets: both flavours, and whatever can go wrong.

mod conflicts;
mod faults;
mod reads;
mod story;
mod sweeps;
mod text;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use ipa_events::task::{AfterFailure, Change, Doubt, Link, Op, OpState, PublishPolicy, Push};
use ipa_events::{BranchName, Oid, OpId, RemoteId, RepoSource, TaskCommand, TaskId};
use ipa_sync::gate::{HostGate, Rules};
use ipa_sync::{
    Applied, Connector as _, Cx, ErrorClass, GitMerge, GitPort, JiraAuth, JiraConfig, JiraConnector, Job,
    Look, Members, NetWire, Observed, SyncError, Target, WireConfig, carry_out, look_for,
};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::tracker::{Flavour, Tracker};

/// A tracker with a ticket, and a connector to it.
struct World {
    tracker: Tracker,
    connector: JiraConnector,
    key: String,
    /// How many operations there were.
    ops: AtomicU32,
}

/// Git is of no concern to a ticket.
struct NoGit;

impl World {
    async fn new(flavour: Flavour) -> Self {
        Self::with(flavour, |_, _| {}).await
    }

    /// A world with a configuration of its own.
    async fn with(flavour: Flavour, change: impl FnOnce(&Tracker, &mut JiraConfig)) -> Self {
        let tracker = Tracker::start(flavour).await;
        let key = tracker.person("ann").create("Fix the retry", "It retries for ever.");
        let mut config = config(&tracker, "ipa");
        change(&tracker, &mut config);
        let connector = connector(config);
        Self { tracker, connector, key, ops: AtomicU32::new(0) }
    }

    fn target(&self) -> Target {
        let link = Link { remote: self.key.parse().unwrap(), url: None };
        let resource = format!("jira/ticket/{}", self.key).parse().unwrap();
        Target { task: task(), repo: "/repo".parse().unwrap(), resource, link: Some(link) }
    }

    /// A change that is queued now.
    fn job(&self, change: Change) -> Job {
        let before = self.ops.fetch_add(1, Ordering::Relaxed);
        let op = Op {
            id: OpId::new(task(), before + 1),
            resource: self.target().resource,
            payload_hash: change.hash(),
            change,
            policy: PublishPolicy::Auto,
            queued_at: Timestamp::now(),
            state: OpState::Ready,
            attempts: 1,
            failures: 0,
        };
        Job { target: self.target(), op, earlier: None }
    }

    async fn observe(&self, look: Look) -> Result<Observed, SyncError> {
        self.connector.observe(cx(), &self.target(), look).await
    }

    async fn ticket(&self) -> ipa_events::task::Ticket {
        let Observed::Ticket(ticket) = self.observe(Look::Closely).await.unwrap() else {
            panic!("it is not there");
        };
        *ticket
    }

    /// Makes a change at once, without anything going wrong.
    async fn make(&self, change: Change) -> Applied {
        let job = self.job(change);
        self.connector.apply(cx(), &job).await.unwrap()
    }

    /// Does what the pod does with an operation, without its pauses: tries, looks for what became of a try, and tries
    /// again when nothing did, looking twice. Tells each step.
    async fn deliver(&self, job: &Job) -> Vec<&'static str> {
        let mut steps = Vec::new();
        let (mut job, mut not_there) = (job.clone(), 0);
        let mut tried = carry_out(Some(&self.connector), cx(), &job).await;
        while steps.len() < 12 {
            let (step, again) = said(&tried.command);
            steps.push(step);
            match again {
                Next::End => break,
                Next::Look => tried = look_for(Some(&self.connector), cx(), &job).await,
                Next::NotThere if not_there == 0 => {
                    not_there = 1;
                    tried = look_for(Some(&self.connector), cx(), &job).await;
                }
                Next::NotThere | Next::Try => {
                    not_there = 0;
                    job.op.attempts += 1;
                    tried = carry_out(Some(&self.connector), cx(), &job).await;
                }
            }
        }
        steps
    }
}

enum Next {
    End,
    Look,
    NotThere,
    Try,
}

#[expect(clippy::wildcard_enum_match_arm, reason = "no other command records a try")]
fn said(command: &TaskCommand) -> (&'static str, Next) {
    match command {
        TaskCommand::RecordSent(_) => ("sent", Next::End),
        TaskCommand::RecordDoubt { doubt: Doubt::Unanswered, .. } => ("unanswered", Next::Look),
        TaskCommand::RecordDoubt { doubt: Doubt::NotThere, .. } => ("not there", Next::NotThere),
        TaskCommand::RecordDoubt { doubt: Doubt::Unknown, .. } => ("unknown", Next::Look),
        TaskCommand::RecordDoubt { doubt: Doubt::Later(_), .. } => ("later", Next::End),
        TaskCommand::RecordSendFailed { next, .. } => match next {
            AfterFailure::Again => ("again", Next::Try),
            AfterFailure::HoldUntil(_) => ("hold", Next::End),
            AfterFailure::Ask => ("ask", Next::End),
            AfterFailure::Leave => ("leave", Next::End),
        },
        other => panic!("{other:?} is not how a try ends"),
    }
}

fn task() -> TaskId {
    TaskId::from_key("a task")
}

fn cx() -> Cx<'static> {
    Cx { git: &NoGit, now: Timestamp::now() }
}

fn auth(flavour: Flavour, login: &str) -> JiraAuth {
    let token: SecretString = format!("token-{login}").into();
    match flavour {
        Flavour::Cloud => JiraAuth::Account { mail: format!("{login}@example.com"), token: token.into() },
        Flavour::DataCenter => JiraAuth::Bearer(token.into()),
    }
}

/// Trusts Ann, by name.
fn config(tracker: &Tracker, login: &str) -> JiraConfig {
    let base = tracker.url().parse().unwrap();
    let auth = auth(tracker.flavour(), login);
    JiraConfig {
        members: Members::Nobody,
        trusted: [tracker.id_of("ann")].into(),
        ..JiraConfig::new("jira".parse().unwrap(), base, auth)
    }
}

fn connector(config: JiraConfig) -> JiraConnector {
    let limits = WireConfig { write: Duration::from_secs(1), ..WireConfig::new("ipa-test") };
    let wire = Arc::new(NetWire::new(limits).unwrap());
    let gate = Arc::new(HostGate::new(Rules::jira(), Arc::new(Timestamp::now)));
    JiraConnector::new(config, wire, gate)
}

fn comment(text: &str) -> Change {
    Change::Comment { text: text.into() }
}

fn status(text: &str) -> Change {
    Change::WriteStatus { text: text.into() }
}

fn link(title: &str) -> Change {
    Change::LinkPull { url: "https://example.com/o/r/pull/7".into(), title: title.into(), merged: false }
}

fn labels(names: &[&str]) -> Change {
    Change::AddLabels { names: names.iter().map(|name| (*name).into()).collect() }
}

fn remote(applied: &Applied) -> RemoteId {
    applied.remote.clone().unwrap()
}

impl GitPort for NoGit {
    fn push<'a>(&'a self, _push: &'a Push) -> BoxFuture<'a, Result<(), SyncError>> {
        ready(Err(none())).boxed()
    }

    fn head<'a>(
        &'a self,
        _repo: &'a RepoSource,
        _branch: &'a BranchName,
    ) -> BoxFuture<'a, Result<Option<Oid>, SyncError>> {
        ready(Err(none())).boxed()
    }

    fn merge<'a>(&'a self, _merge: &'a GitMerge) -> BoxFuture<'a, Result<Oid, SyncError>> {
        ready(Err(none())).boxed()
    }

    fn contains<'a>(
        &'a self,
        _repo: &'a RepoSource,
        _branch: &'a BranchName,
        _commit: &'a Oid,
    ) -> BoxFuture<'a, Result<bool, SyncError>> {
        ready(Err(none())).boxed()
    }

    fn delete<'a>(
        &'a self,
        _repo: &'a RepoSource,
        _branch: &'a BranchName,
        _commit: &'a Oid,
    ) -> BoxFuture<'a, Result<(), SyncError>> {
        ready(Err(none())).boxed()
    }
}

fn none() -> SyncError {
    SyncError::new(ErrorClass::Rejected, "asking git", "there is none")
}
