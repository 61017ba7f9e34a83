//! GitHub, as forge and as tracker: github.com, GitHub Enterprise, and whatever speaks as they do.
//!
//! The files: `place` and `mark` name things, `text` writes them, `shape` is what GitHub says, `read` makes of that what
//! a task knows; `api` has one function a call; `look`, `change`, `find` and `sweep` are the four things that a
//! connector does. Branches are git's.

mod again;
mod api;
mod auth;
mod change;
mod check;
mod config;
mod find;
mod log;
mod look;
mod mark;
mod open;
mod place;
mod read;
mod seen;
mod shape;
mod sweep;
mod text;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::HeaderValue;
use ipa_events::task::Ticket;
use ipa_events::{ConnectorId, RepoSource, ResourceKind};
use jiff::Timestamp;
use secrecy::SecretString;

pub use self::auth::GitHubAuth;
pub use self::config::GitHubConfig;

use self::again::Hooks;
use self::api::{Api, By};
use self::auth::Auth;
use self::place::{Place, RepoName};
use self::read::Trust;
use self::seen::Seen;
use self::sweep::Cursor;
use crate::channel::Channel;
use crate::connector::{
    Applied, Checked, Connector, Cx, Job, Look, Lost, Observed, Probe, Sweep, Swept, Target, Undelivered,
};
use crate::error::SyncError;
use crate::gate::{HostGate, Lane, Who};
use crate::wire::Wire;

/// What GitHub calls the form of its answers.
const ACCEPT: &str = "application/vnd.github+json";

/// Leads to GitHub, with one credential.
pub struct GitHubConnector {
    config: GitHubConfig,
    api: Api,
    gate: Arc<HostGate>,
    known: Mutex<Known>,
}

/// What is kept of what was read. All of it can be read again.
#[derive(Default)]
struct Known {
    me: Option<Arc<str>>,
    pulls: BTreeMap<Place, Seen>,
    tickets: BTreeMap<Place, (HeaderValue, Ticket)>,
    /// How far each repository was swept.
    swept: BTreeMap<RepoName, Cursor>,
    /// The webhooks of each repository.
    hooks: BTreeMap<RepoName, Hooks>,
}

impl GitHubConnector {
    /// Makes the connector; nothing is read or written yet. One gate belongs to one credential at one host.
    pub fn new(config: GitHubConfig, wire: Arc<dyn Wire>, gate: Arc<HostGate>) -> Self {
        let auth = Auth::new(config.auth.clone());
        let rest = Channel::new(wire, Arc::clone(&gate), config.api.clone(), ACCEPT);
        let graph = rest.to(config.graph());
        Self { config, api: Api::new(rest, graph, auth), gate, known: Mutex::default() }
    }

    /// Returns the password that git is to show below the forge's address, where the user's name does not matter.
    ///
    /// # Errors
    ///
    /// [`SyncError`] when there is none, or an app is given none.
    pub async fn git_password(&self, now: Timestamp) -> Result<SecretString, SyncError> {
        self.api.token(By { who: Who::Sweeper, lane: Lane::Read, now }).await
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says whose words count; who we are is asked once.
    async fn trust(&self, by: By) -> Result<Trust, SyncError> {
        let mut me = self.known().me.clone();
        if me.is_none() {
            me = Some(self.api.me(by).await?.into());
            self.known().me.clone_from(&me);
        }
        Ok(Trust { me: me.unwrap_or_default(), also: self.config.trusted.clone() })
    }
}

impl Connector for GitHubConnector {
    fn id(&self) -> &ConnectorId {
        &self.config.id
    }

    fn hosts(&self, repo: &RepoSource) -> bool {
        RepoName::of(&self.config.web, repo).is_some()
    }

    fn resume(&self) {
        // Whoever saw to the credential may have given it the right to see them.
        self.known().hooks.clear();
        self.api.forget();
        self.gate.resume();
    }

    fn undelivered<'a>(
        &'a self,
        cx: Cx<'a>,
        sweep: &'a Sweep,
    ) -> BoxFuture<'a, Result<Undelivered, SyncError>> {
        self.list_undelivered(By { who: Who::Sweeper, lane: Lane::Poll, now: cx.now }, sweep).boxed()
    }

    fn redeliver<'a>(&'a self, cx: Cx<'a>, lost: &'a Lost) -> BoxFuture<'a, Result<(), SyncError>> {
        self.send_again(By { who: Who::Sweeper, lane: Lane::Poll, now: cx.now }, lost).boxed()
    }

    fn check<'a>(&'a self, cx: Cx<'a>) -> BoxFuture<'a, Result<Checked, SyncError>> {
        self.find_out(By { who: Who::Person, lane: Lane::Read, now: cx.now }).boxed()
    }

    fn observe<'a>(
        &'a self,
        cx: Cx<'a>,
        at: &'a Target,
        look: Look,
    ) -> BoxFuture<'a, Result<Observed, SyncError>> {
        async move {
            let lane = match look {
                Look::Glance => Lane::Poll,
                Look::Closely => Lane::Read,
            };
            let by = By { who: Who::Task(at.task), lane, now: cx.now };
            match at.resource.kind {
                ResourceKind::Branch => Ok(Observed::Absent),
                ResourceKind::Pull => self.look_at_pull(by, at, look).await,
                ResourceKind::Ticket => self.look_at_ticket(by, at, look).await,
            }
        }
        .boxed()
    }

    fn apply<'a>(&'a self, cx: Cx<'a>, job: &'a Job) -> BoxFuture<'a, Result<Applied, SyncError>> {
        self.make(By { who: Who::Task(job.target.task), lane: Lane::Read, now: cx.now }, job).boxed()
    }

    fn probe<'a>(&'a self, cx: Cx<'a>, job: &'a Job) -> BoxFuture<'a, Result<Probe, SyncError>> {
        self.find(By { who: Who::Task(job.target.task), lane: Lane::Read, now: cx.now }, job).boxed()
    }

    fn sweep<'a>(&'a self, cx: Cx<'a>, sweep: &'a Sweep) -> BoxFuture<'a, Result<Swept, SyncError>> {
        self.list_moved(By { who: Who::Sweeper, lane: Lane::Poll, now: cx.now }, sweep).boxed()
    }
}
