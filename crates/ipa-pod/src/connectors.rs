//! The connectors of an engine: which there are, what each may do, and how each is.

mod hooks;

pub use hooks::Hooks;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ipa_events::{ConnectorId, RepoSource};
use ipa_sync::{Connector, ErrorClass, Mode, Settings, Sides, SyncError};
use jiff::Timestamp;
use tokio::sync::{Notify, OnceCell};

/// How often what others may have changed is looked at, where nobody says that it changed.
const POLL: Duration = Duration::from_mins(1);

/// A connector with what it may do.
#[derive(Clone)]
pub struct Outlet {
    /// The connector.
    pub connector: Arc<dyn Connector>,
    /// What it may do.
    pub settings: Settings,
    /// How often it is asked what moved.
    pub poll: Duration,
    /// The repository on which its tickets are worked, where they name none.
    pub repo: Option<RepoSource>,
    /// Who may say by a webhook that something moved, if anybody may.
    pub hooks: Option<Hooks>,
}

impl Outlet {
    /// Makes one that is asked once a minute what moved.
    pub fn new(connector: Arc<dyn Connector>, settings: Settings) -> Self {
        Self { connector, settings, poll: POLL, repo: None, hooks: None }
    }
}

/// How a connector is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// When it last answered.
    pub answered_at: Option<Timestamp>,
    /// What it last said that was no answer, if nothing answered since.
    pub error: Option<String>,
    /// Until when nothing is sent through it, if that is so.
    pub closed: Option<Closed>,
    /// When a webhook last came for it, since the engine was made.
    pub hook_at: Option<Timestamp>,
}

/// Until when nothing is sent through a connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The other side wants nothing before this time.
    Until(Timestamp),
    /// Its credential was refused: until a person resumes it.
    UntilResumed,
}

impl Closed {
    /// Returns the time, if one is known.
    pub const fn time(self) -> Option<Timestamp> {
        match self {
            Self::Until(time) => Some(time),
            Self::UntilResumed => None,
        }
    }
}

impl Health {
    /// Tells until when nothing is sent through it, if that is so at a time.
    fn closed_at(&self, now: Timestamp) -> Option<Closed> {
        self.closed.filter(|closed| closed.time().is_none_or(|until| until > now))
    }
}

/// The connectors of an engine.
#[derive(Default)]
pub(crate) struct Connectors {
    outlets: BTreeMap<ConnectorId, Outlet>,
    health: Mutex<BTreeMap<ConnectorId, Health>>,
    /// When a webhook last came for each.
    hooked: Mutex<BTreeMap<ConnectorId, Timestamp>>,
    hook_secrets: hooks::HookSecrets,
    /// Says that something moved that belongs to no task.
    nudges: BTreeMap<ConnectorId, Arc<Notify>>,
}

impl Connectors {
    pub(crate) fn new(outlets: BTreeMap<ConnectorId, Outlet>) -> Self {
        let hook_secrets = outlets.keys().map(|id| (id.clone(), OnceCell::new())).collect();
        let nudges = outlets.keys().map(|id| (id.clone(), Arc::default())).collect();
        Self { outlets, health: Mutex::default(), hooked: Mutex::default(), hook_secrets, nudges }
    }

    pub(crate) fn get(&self, id: &ConnectorId) -> Option<&Arc<dyn Connector>> {
        self.outlets.get(id).map(|outlet| &outlet.connector)
    }

    pub(crate) fn outlets(&self) -> impl Iterator<Item = &Outlet> {
        self.outlets.values()
    }

    /// Names the connectors that a task of a repository has to do with.
    pub(crate) fn sides(&self, repo: Option<&RepoSource>) -> Sides {
        let hosts = |outlet: &&Outlet| {
            outlet.settings.mode != Mode::Off && repo.is_some_and(|repo| outlet.connector.hosts(repo))
        };
        Sides {
            forge: self.outlets.values().find(hosts).map(|outlet| outlet.settings.id.clone()),
            settings: self.outlets.iter().map(|(id, outlet)| (id.clone(), outlet.settings.clone())).collect(),
        }
    }

    /// Names the connectors through which nothing is sent just now, and until when.
    pub(crate) fn closed(&self, now: Timestamp) -> BTreeMap<ConnectorId, Option<Timestamp>> {
        let health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        health.iter().filter_map(|(id, health)| Some((id.clone(), health.closed_at(now)?.time()))).collect()
    }

    /// Tells how each connector is.
    pub(crate) fn health(&self, now: Timestamp) -> BTreeMap<ConnectorId, Health> {
        let known = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let health = |id| {
            let health = known.get(id).cloned().unwrap_or_default();
            Health { closed: health.closed_at(now), hook_at: self.hooked(id), ..health }
        };
        self.outlets.keys().map(|id| (id.clone(), health(id))).collect()
    }

    /// Notes that a connector answered.
    pub(crate) fn answered(&self, id: &ConnectorId, now: Timestamp) {
        self.note(id, |health| *health = Health { answered_at: Some(now), ..Health::default() });
    }

    /// Notes what a connector said that was no answer. A credential that is not accepted closes it.
    pub(crate) fn failed(&self, id: &ConnectorId, error: &SyncError) {
        self.note(id, |health| {
            health.error = Some(error.to_string());
            match error.class {
                ErrorClass::Credential => health.closed = Some(Closed::UntilResumed),
                ErrorClass::RateLimited { until } => health.closed = Some(Closed::Until(until)),
                ErrorClass::Transient
                | ErrorClass::Permission
                | ErrorClass::Conflict
                | ErrorClass::Rejected
                | ErrorClass::Gone
                | ErrorClass::Indeterminate
                | ErrorClass::Unexpected => {}
            }
        });
    }

    /// Opens a connector that a person has seen to.
    pub(crate) fn open(&self, id: &ConnectorId) {
        self.note(id, |health| health.closed = None);
    }

    fn note(&self, id: &ConnectorId, change: impl FnOnce(&mut Health)) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        change(health.entry(id.clone()).or_default());
    }
}
