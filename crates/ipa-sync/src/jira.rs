//! Jira as a tracker: Cloud (REST 3, documents) and Data Center or Server (REST 2, wiki markup).
//!
//! Tickets are moved by the category of their statuses, comments are known again by a mark, links by their name. Every
//! request goes once through the gate; what is decided between two requests is pure.

mod adf;
mod auth;
mod check;
mod comment;
mod link;
mod mark;
mod seen;
mod shape;
mod site;
mod sweep;
mod transition;
mod trust;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use ipa_events::task::Category;
use ipa_events::{ConnectorId, RepoSource};
use tokio::sync::OnceCell;
use url::Url;

use self::auth::Api;
use self::seen::Seen;
use self::site::{Site, Visit};
use self::sweep::Round;
use self::trust::Trusting;
use crate::channel::{Ask, Channel};
use crate::connector::{Applied, Checked, Connector, Cx, Job, Look, Observed, Probe, Sweep, Swept, Target};
use crate::error::{ErrorClass, SyncError};
use crate::gate::{HostGate, Who};
use crate::wire::{Answer, Wire};

pub use auth::JiraAuth;
pub use trust::Members;

/// Which Jira it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// Atlassian's own, `SITE.atlassian.net`.
    Cloud,
    /// Data Center, or Server.
    DataCenter,
}

impl Flavour {
    const fn version(self) -> &'static str {
        match self {
            Self::Cloud => "3",
            Self::DataCenter => "2",
        }
    }
}

/// What a Jira connector is made of. Neither its address nor its credential is in its `Debug`.
#[derive(Clone)]
pub struct JiraConfig {
    /// Its name.
    pub id: ConnectorId,
    /// Where the site is: `https://SITE.atlassian.net`, or what Data Center's pages lie below.
    pub base: Url,
    /// Which Jira it is; none: the site is asked, once.
    pub flavour: Option<Flavour>,
    /// Who asks.
    pub auth: JiraAuth,
    /// Finds the tickets that want a task, as JQL; none: no ticket does. Those that are done never do, and of more
    /// than 2,000 the first count.
    pub jql: Option<String>,
    /// The repository of a new task, by the key of its ticket's project.
    pub repos: BTreeMap<String, RepoSource>,
    /// The statuses to use of a category, the first that can be reached; in the order in which a ticket goes through
    /// them. Not needed where there is one.
    pub statuses: BTreeMap<Category, Vec<String>>,
    /// The resolution for transitions that want one.
    pub resolution: Option<String>,
    /// Whose words may reach an agent unasked.
    pub members: Members,
    /// Accounts whose words may too: `accountId` in the cloud, key or name in Data Center.
    pub trusted: BTreeSet<String>,
}

impl JiraConfig {
    /// Makes a configuration that is right for most.
    pub fn new(id: ConnectorId, base: Url, auth: JiraAuth) -> Self {
        Self {
            id,
            base,
            flavour: None,
            auth,
            jql: None,
            repos: BTreeMap::new(),
            statuses: BTreeMap::new(),
            resolution: None,
            members: Members::default(),
            trusted: BTreeSet::new(),
        }
    }
}

impl fmt::Debug for JiraConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let site = self.base.host_str().unwrap_or_default();
        write!(f, "JiraConfig({} at {site}, {:?}, {:?})", self.id, self.flavour, self.auth)
    }
}

/// Leads to a site of Jira.
pub struct JiraConnector {
    config: JiraConfig,
    root: Api,
    gate: Arc<HostGate>,
    /// The site as it was found, until somebody sees to the credential: it may be another account's then.
    site: Mutex<Arc<OnceCell<Arc<Site>>>>,
    trust: Trusting,
    quiet: Quiet,
    seen: Seen,
}

impl JiraConnector {
    /// Makes the connector; nothing is asked yet.
    ///
    /// `gate` is the one for this site and credential, with `gate::Rules::jira()`.
    pub fn new(mut config: JiraConfig, wire: Arc<dyn Wire>, gate: Arc<HostGate>) -> Self {
        // The credential is the one that is configured, and no page is to show one. Fails where there can be none.
        let _ = config.base.set_username("").and_then(|()| config.base.set_password(None));
        config.base.set_query(None);
        config.base.set_fragment(None);
        let channel = Channel::new(wire, Arc::clone(&gate), config.base.clone(), "application/json");
        let root = Api::new(channel, config.auth.clone());
        let trust = Trusting::new(config.members.clone(), config.trusted.clone());
        let (site, quiet, seen) = (Mutex::default(), Quiet::default(), Seen::default());
        Self { config, root, gate, site, trust, quiet, seen }
    }

    async fn site(&self, who: Who) -> Result<Arc<Site>, SyncError> {
        let site = Arc::clone(&self.site.lock().unwrap_or_else(PoisonError::into_inner));
        let find = || async { Site::find(&self.root, &self.config, who).await.map(Arc::new) };
        site.get_or_try_init(find).await.cloned()
    }

    async fn visit<'a>(&'a self, cx: Cx<'_>, at: &'a Target) -> Result<Visit<'a>, SyncError> {
        let Some(key) = work::key_of(at) else {
            let doing = format!("looking at {}", at.resource);
            return Err(SyncError::new(ErrorClass::Rejected, doing, "Jira has tickets only"));
        };
        let who = Who::Task(at.task);
        Ok(Visit { site: self.site(who).await?, config: &self.config, key, who, now: cx.now })
    }
}

impl fmt::Debug for JiraConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JiraConnector").field(&self.config).finish()
    }
}

impl Connector for JiraConnector {
    fn id(&self) -> &ConnectorId {
        &self.config.id
    }

    fn hosts(&self, _repo: &RepoSource) -> bool {
        false
    }

    fn resume(&self) {
        *self.site.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
        self.root.forget();
        self.gate.resume();
    }

    fn check<'a>(&'a self, cx: Cx<'a>) -> BoxFuture<'a, Result<Checked, SyncError>> {
        self.find_out(cx).boxed()
    }

    fn observe<'a>(
        &'a self,
        cx: Cx<'a>,
        at: &'a Target,
        look: Look,
    ) -> BoxFuture<'a, Result<Observed, SyncError>> {
        async move {
            if work::key_of(at).is_none() {
                return Ok(Observed::Absent);
            }
            self.visit(cx, at).await?.look((&self.trust, &self.seen), at, look).await
        }
        .boxed()
    }

    fn apply<'a>(&'a self, cx: Cx<'a>, job: &'a Job) -> BoxFuture<'a, Result<Applied, SyncError>> {
        async move { self.visit(cx, &job.target).await?.make(&self.quiet, job).await }.boxed()
    }

    fn probe<'a>(&'a self, cx: Cx<'a>, job: &'a Job) -> BoxFuture<'a, Result<Probe, SyncError>> {
        async move { self.visit(cx, &job.target).await?.probe(job).await }.boxed()
    }

    fn sweep<'a>(&'a self, cx: Cx<'a>, sweep: &'a Sweep) -> BoxFuture<'a, Result<Swept, SyncError>> {
        async move {
            let site = self.site(Who::Sweeper).await?;
            Round { site, config: &self.config, trust: &self.trust, cx }.all(sweep).await
        }
        .boxed()
    }
}

/// Whether changes may go out of which nobody is told by mail. Jira lets those who administer a project do that.
#[derive(Debug, Default)]
struct Quiet {
    refused: AtomicBool,
}

impl Quiet {
    /// Sends a change that may be made twice: without mails, or with them when that is not allowed.
    async fn send(&self, visit: &Visit<'_>, ask: Ask<'_>) -> Result<Answer, SyncError> {
        if !self.refused.load(Ordering::Relaxed) {
            let quietly = ask.clone().query("notifyUsers", "false").expecting(&[403]);
            let answer = visit.send(&quietly).await?;
            if answer.status.as_u16() != 403 {
                return Ok(answer);
            }
        }
        let answer = visit.send(&ask).await?;
        self.refused.store(true, Ordering::Relaxed);
        Ok(answer)
    }
}

#[cfg(test)]
mod tests;
