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

use ipa_events::task::{Change, Link, Op, OpState, PublishPolicy};
use ipa_events::{OpId, RemoteId, TaskId};
use ipa_sync::gate::{HostGate, Rules};
use ipa_sync::{
    Applied, Connector as _, JiraAuth, JiraConfig, JiraConnector, Job, Look, Members, NetWire, Observed,
    SyncError, Target, WireConfig,
};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::pod::{cx, deliver};
use crate::tracker::{Flavour, Tracker};

/// A tracker with a ticket, and a connector to it.
struct World {
    tracker: Tracker,
    connector: JiraConnector,
    key: String,
    /// How many operations there were.
    ops: AtomicU32,
}

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
            insisted: false,
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

    /// Brings an operation to its end; tells each step.
    async fn deliver(&self, job: &Job) -> Vec<&'static str> {
        deliver(&self.connector, job).await
    }
}

fn task() -> TaskId {
    TaskId::from_key("a task")
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
