//! The GitHub connector against a forge that behaves as GitHub does, over sockets.

mod app;
mod faults;
mod people;
mod refusals;
mod story;
mod sweeps;

use std::sync::Arc;
use std::time::Duration;

use ipa_events::task::{Change, Link, Op, OpState, PublishPolicy, Pull, Ticket};
use ipa_events::{Oid, OpId, RemoteId, TaskId};
use ipa_sync::gate::{HostGate, Rules};
use ipa_sync::{
    Applied, Connector as _, Cx, ErrorClass, GitHubAuth, GitHubConfig, GitHubConnector, Job, Look, NetWire,
    Observed, Sweep, Swept, SyncError, Target, WireConfig,
};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::forge::{Entry, Forge, Work};
use crate::pod::cx;

/// The forge as people know it. Git is not asked here, so nothing needs to be there.
const WEB: &str = "https://forge.test";
const SOURCE: &str = "https://forge.test/o/r.git";
const BRANCH: &str = "ipa/t-1-fix";
const PULL: &str = "work/pull/ipa/t-1-fix";

/// How long an answer is waited for that will come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A forge, and our connector to it.
pub(crate) struct World {
    pub(crate) forge: Forge,
    pub(crate) connector: GitHubConnector,
    pub(crate) gate: Arc<HostGate>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(token("token-ipa"), |_| {}).await
    }

    pub(crate) async fn with(auth: GitHubAuth, change: impl FnOnce(&mut GitHubConfig)) -> Self {
        let forge = Forge::start().await;
        let gate = Arc::new(HostGate::new(at_once(), Arc::new(Timestamp::now)));
        let connector = connector(&forge, (auth, PATIENCE), &gate, change);
        Self { forge, connector, gate }
    }

    /// Another connector to the same forge, which soon has waited long enough for an answer that never comes. Its gate is
    /// its own: many faults in a row would shut the first one's.
    pub(crate) fn again(&self) -> GitHubConnector {
        let gate = Arc::new(HostGate::new(at_once(), Arc::new(Timestamp::now)));
        connector(&self.forge, (token("token-ipa"), Duration::from_millis(700)), &gate, |_| {})
    }

    pub(crate) fn with_token(&self, of: &str) -> GitHubConnector {
        let gate = Arc::new(HostGate::new(at_once(), Arc::new(Timestamp::now)));
        connector(&self.forge, (token(of), PATIENCE), &gate, |_| {})
    }

    /// Pushes the task's branch with one file and returns its head.
    pub(crate) fn push(&self, text: &str) -> Oid {
        self.forge.person("ipa").push(BRANCH, "fix.txt", text).parse().unwrap()
    }

    pub(crate) async fn apply(&self, job: &Job) -> Result<Applied, SyncError> {
        self.connector.apply(cx(), job).await
    }

    /// Makes a change that must work.
    pub(crate) async fn make(&self, number: u64, change: Change) -> Applied {
        let title = change.title();
        match self.apply(&job(number, change)).await {
            Ok(applied) => applied,
            Err(error) => panic!("{title}: {error} {:?}", error.class),
        }
    }

    /// Opens the task's pull request, and returns its number.
    pub(crate) async fn open(&self) -> u64 {
        let job = job_at(None, 1, open());
        let applied = self.apply(&job).await.unwrap();
        let remote = applied.remote.unwrap();
        remote.as_str().strip_prefix("o/r#").unwrap().parse().unwrap()
    }

    pub(crate) async fn observe(&self, number: u64, look: Look) -> Result<Observed, SyncError> {
        self.observe_at(number, look, Timestamp::now()).await
    }

    /// Looks at a pull request at a time.
    pub(crate) async fn observe_at(
        &self,
        number: u64,
        look: Look,
        now: Timestamp,
    ) -> Result<Observed, SyncError> {
        let target = target(PULL, Some(format!("o/r#{number}").parse().unwrap()));
        self.connector.observe(Cx { now, ..cx() }, &target, look).await
    }

    pub(crate) async fn pull(&self, number: u64) -> Pull {
        match self.observe(number, Look::Closely).await {
            Ok(Observed::Pull(_, pull)) => *pull,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn ticket(&self, number: u64) -> Ticket {
        let remote: RemoteId = format!("o/r#{number}").parse().unwrap();
        let target = target(&format!("work/ticket/{remote}"), Some(remote));
        match self.connector.observe(cx(), &target, Look::Closely).await {
            Ok(Observed::Ticket(ticket)) => *ticket,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn sweep(&self, sweep: &Sweep) -> Result<Swept, SyncError> {
        self.connector.sweep(cx(), sweep).await
    }

    /// The requests of a route that did what they were for.
    pub(crate) fn effects(&self, route: &str) -> usize {
        let did = |entry: &&Entry| {
            let well = entry.status.is_some_and(|status| status < 300);
            entry.route == route && entry.work == Work::Done && well
        };
        self.forge.requests().iter().filter(did).count()
    }
}

fn connector(
    forge: &Forge,
    (auth, patience): (GitHubAuth, Duration),
    gate: &Arc<HostGate>,
    change: impl FnOnce(&mut GitHubConfig),
) -> GitHubConnector {
    let mut config = GitHubConfig::new("work".parse().unwrap(), WEB.parse().unwrap(), auth);
    config.api = forge.url().parse().unwrap();
    change(&mut config);
    let mut wire = WireConfig::new("ipa-test");
    (wire.read, wire.write) = (PATIENCE, patience);
    let wire = Arc::new(NetWire::new(wire).unwrap());
    GitHubConnector::new(config, wire, Arc::clone(gate))
}

/// Nobody waits for the pace that GitHub likes.
fn at_once() -> Rules {
    let mut rules = Rules::github();
    for rule in &mut rules.rules {
        rule.apart = Duration::ZERO;
    }
    rules
}

pub(crate) fn token(of: &str) -> GitHubAuth {
    GitHubAuth::Token(SecretString::from(of).into())
}

pub(crate) fn task() -> TaskId {
    TaskId::from_key("a task")
}

pub(crate) fn target(resource: &str, remote: Option<RemoteId>) -> Target {
    Target {
        task: task(),
        repo: SOURCE.parse().unwrap(),
        resource: resource.parse().unwrap(),
        link: remote.map(|remote| Link { remote, url: None }),
    }
}

/// The job of an operation with a number.
pub(crate) fn job_at(remote: Option<RemoteId>, number: u32, change: Change) -> Job {
    let target = target(PULL, remote);
    let op = Op {
        id: OpId { task: task(), number },
        resource: target.resource.clone(),
        payload_hash: change.hash(),
        change,
        policy: PublishPolicy::Auto,
        queued_at: Timestamp::now(),
        state: OpState::Ready,
        attempts: 1,
        failures: 0,
        insisted: false,
    };
    Job { target, op, earlier: None }
}

pub(crate) fn job(number: u64, change: Change) -> Job {
    job_at(Some(format!("o/r#{number}").parse().unwrap()), 7, change)
}

pub(crate) fn open() -> Change {
    Change::OpenPull {
        repo: SOURCE.parse().unwrap(),
        head: BRANCH.parse().unwrap(),
        base: None,
        title: "Fix the retry".into(),
        section: "It gives up too early.".into(),
        draft: true,
    }
}

pub(crate) fn error_of(outcome: Result<Applied, SyncError>) -> (ErrorClass, String) {
    let error = outcome.unwrap_err();
    (error.class, error.detail)
}
