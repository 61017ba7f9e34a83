//! The connectors of an engine: which there are, what each may do, and how each is.

mod hooks;

pub(crate) use hooks::Asking;
pub use hooks::Hooks;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ipa_events::store::{AppendError, ReadError, Stop, StopKind, Stops};
use ipa_events::{ConnectorId, Principal, RemoteId, RepoSource};
use ipa_sync::{Connector, ErrorClass, Mode, Settings, Sides, SyncError};
use jiff::Timestamp;
use tokio::sync::{Notify, OnceCell};
use tracing::warn;

use crate::error::chain;

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
    /// Why nothing goes through it, if that is so.
    pub closed: Option<Closed>,
    /// When a webhook last came for it, since the engine was made.
    pub hook_at: Option<Timestamp>,
}

/// Why nothing goes through a connector, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// The other side wants nothing before this time.
    Until(Timestamp),
    /// Its credential was refused: until a person resumes it.
    Refused {
        /// Since when.
        since: Timestamp,
    },
    /// A person paused it: until a person resumes it.
    Paused {
        /// Who.
        by: Principal,
        /// Why, in that one's words; may be empty.
        why: String,
        /// Since when.
        since: Timestamp,
    },
}

impl Closed {
    /// Returns the time until which it is closed, if one is known.
    pub const fn time(&self) -> Option<Timestamp> {
        match self {
            Self::Until(time) => Some(*time),
            Self::Refused { .. } | Self::Paused { .. } => None,
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Until(time) => write!(f, "waits until {time:.0}, as the other side asked"),
            Self::Refused { since } => write!(f, "is closed since {since:.0}: its credential was refused"),
            Self::Paused { by, why, since } => {
                write!(f, "was paused by {by} at {since:.0}")?;
                if why.is_empty() { Ok(()) } else { write!(f, ": {why}") }
            }
        }
    }
}

/// What is known of a connector.
#[derive(Default)]
struct Known {
    answered_at: Option<Timestamp>,
    error: Option<String>,
    until: Option<Timestamp>,
    stops: BTreeMap<StopKind, Stop>,
    moved_at: Option<Timestamp>,
    /// When a webhook last came. After a restart that is not known: some may have been lost meanwhile.
    hook_at: Option<Timestamp>,
    /// How far it was asked for webhooks that did not come.
    lost: hooks::Lost,
    /// Tickets of which it was told that they get no task.
    left: BTreeSet<RemoteId>,
}

impl Known {
    /// Tells why nothing goes through it, if that is so at a time. What a person did comes first.
    fn closed_at(&self, now: Timestamp) -> Option<Closed> {
        let paused = self.stops.get(&StopKind::Paused).map(|stop| Closed::Paused {
            by: stop.by.clone(),
            why: stop.why.clone(),
            since: stop.at,
        });
        let refused = self.stops.get(&StopKind::Refused).map(|stop| Closed::Refused { since: stop.at });
        paused.or(refused).or(self.until.filter(|until| *until > now).map(Closed::Until))
    }

    fn health(&self, now: Timestamp) -> Health {
        // Before anything is asked, what refused the credential in an earlier life is the last that was said.
        let refused = self.stops.get(&StopKind::Refused).map(|stop| stop.why.clone());
        let error = self.error.clone().or(refused);
        Health { answered_at: self.answered_at, error, closed: self.closed_at(now), hook_at: self.hook_at }
    }
}

/// The connectors of an engine.
pub(crate) struct Connectors {
    outlets: BTreeMap<ConnectorId, Outlet>,
    known: Mutex<BTreeMap<ConnectorId, Known>>,
    hook_secrets: BTreeMap<ConnectorId, hooks::Secrets>,
    stops: Arc<dyn Stops>,
    /// Set once it is known which were stopped before this engine.
    recalled: OnceCell<()>,
    /// Says that something moved that belongs to no task.
    nudges: BTreeMap<ConnectorId, Arc<Notify>>,
}

impl Connectors {
    pub(crate) fn new(outlets: BTreeMap<ConnectorId, Outlet>, stops: Arc<dyn Stops>) -> Self {
        let hook_secrets = outlets.keys().map(|id| (id.clone(), hooks::Secrets::default())).collect();
        let (known, recalled) = (Mutex::default(), OnceCell::new());
        let nudges = outlets.keys().map(|id| (id.clone(), Arc::default())).collect();
        Self { outlets, known, hook_secrets, stops, recalled, nudges }
    }

    /// Learns which connectors were stopped before this engine; once is enough.
    pub(crate) async fn recall(&self) -> Result<(), ReadError> {
        let recalled = self.recalled.get_or_try_init(|| async {
            for stop in self.stops.stops().await? {
                self.note(&stop.connector.clone(), |known| {
                    known.stops.entry(stop.kind).or_insert(stop);
                });
            }
            Ok(())
        });
        recalled.await.copied()
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

    /// Names the connectors through which nothing goes just now, and why.
    pub(crate) fn closed(&self, now: Timestamp) -> BTreeMap<ConnectorId, Closed> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().filter_map(|(id, known)| Some((id.clone(), known.closed_at(now)?))).collect()
    }

    /// Tells how each connector is.
    pub(crate) fn health(&self, now: Timestamp) -> BTreeMap<ConnectorId, Health> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let health = |id| known.get(id).map(|known| known.health(now)).unwrap_or_default();
        self.outlets.keys().map(|id| (id.clone(), health(id))).collect()
    }

    /// Notes that a connector answered. What a person is to see to stays.
    pub(crate) fn answered(&self, id: &ConnectorId, now: Timestamp) {
        self.note(id, |known| (known.answered_at, known.error, known.until) = (Some(now), None, None));
    }

    /// Notes what a connector said that was no answer. A credential that is not accepted closes it, for this engine and
    /// the next.
    pub(crate) async fn failed(&self, id: &ConnectorId, error: &SyncError, now: Timestamp) {
        let refused = matches!(error.class, ErrorClass::Credential).then(|| Stop {
            connector: id.clone(),
            kind: StopKind::Refused,
            by: Principal::Scheduler,
            why: error.to_string(),
            at: now,
        });
        let mut new = None;
        self.note(id, |known| {
            known.error = Some(error.to_string());
            if let ErrorClass::RateLimited { until } = error.class {
                known.until = Some(until);
            }
            if let Some(stop) = refused.filter(|stop| !known.stops.contains_key(&stop.kind)) {
                known.stops.insert(stop.kind, stop.clone());
                new = Some(stop);
            }
        });
        if let Some(stop) = new
            && let Err(error) = self.stops.stop(stop).await
        {
            warn!(
                error = chain(&error),
                "that the credential of {id} was refused is forgotten at the next start"
            );
        }
    }

    /// Pauses a connector for a person.
    pub(crate) async fn pause(&self, stop: Stop) -> Result<(), AppendError> {
        self.stops.stop(stop.clone()).await?;
        self.note(&stop.connector.clone(), |known| {
            known.stops.insert(stop.kind, stop);
        });
        Ok(())
    }

    /// Opens a connector that a person has seen to.
    pub(crate) async fn open(&self, id: &ConnectorId) -> Result<(), AppendError> {
        self.stops.go_on(id).await?;
        self.note(id, |known| {
            known.stops.clear();
            known.until = None;
            known.lost = hooks::Lost::default();
        });
        self.forget_secrets(id).await;
        Ok(())
    }

    /// Tells whether it was not told yet that a ticket gets no task. It wants one with every sweep.
    pub(crate) fn is_new(&self, id: &ConnectorId, ticket: &RemoteId) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(id.clone()).or_default().left.insert(ticket.clone())
    }

    fn note(&self, id: &ConnectorId, change: impl FnOnce(&mut Known)) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        change(known.entry(id.clone()).or_default());
    }
}
