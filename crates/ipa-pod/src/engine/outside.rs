//! The outside at the engine's front door: looking there now, and asking the connectors what moved.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use ipa_events::store::{Stop, StopKind};
use ipa_events::{ConnectorId, Principal, RemoteId, Resource, ResourceKind, TaskId, TaskState, Via};
use ipa_sync::{Checked, Cx, ErrorClass, Mode, NewTicket, Sides, Sweep, Swept, SyncError, Would, would};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::inbox::work_off;
use super::{Engine, PAUSE, TRIES, TaskDraft, TaskRow, Writer};
use crate::actor::AskError;
use crate::config::Scope;
use crate::connectors::{Closed, Connectors, Health, Outlet};
use crate::error::EngineError;
use crate::pod::sync::Git;

/// How long the pause grows at most while a connector does not answer.
const LONGEST: Duration = Duration::from_mins(15);
/// How long a connector has to say whether it works.
const CHECK: Duration = Duration::from_secs(20);

/// What is known of a connector when it was asked whether it works.
#[derive(Debug, Clone)]
pub struct ConnectorCheck {
    /// Its name.
    pub id: ConnectorId,
    /// How far it may go.
    pub mode: Mode,
    /// How it is.
    pub health: Health,
    /// What it says; none when it was not asked.
    pub checked: Option<Result<Checked, SyncError>>,
}

async fn check(
    engine: &Engine,
    (outlet, linked): (&Outlet, Vec<RemoteId>),
    cx: Cx<'_>,
) -> Result<Checked, SyncError> {
    let late = |_elapsed| {
        let doing = format!("asking {} whether it works", outlet.settings.id);
        let detail =
            format!("no answer within {} s; see that the other side can be reached", CHECK.as_secs());
        SyncError::new(ErrorClass::Transient, doing, detail)
    };
    let asked = async {
        let mut checked = outlet.connector.check(cx).await?;
        engine.check_hooks((outlet, linked), cx, &mut checked).await;
        Ok(checked)
    };
    tokio::time::timeout(CHECK, asked).await.map_err(late)?
}

/// How soon a connector is asked again when something moved there that belongs to no task.
const SOON: Duration = Duration::from_secs(15);

impl Engine {
    /// Looks at what belongs to a task outside and makes what is wanted there, without waiting for more to come. What
    /// waits for a person, or for a limit of the other side, goes on waiting.
    ///
    /// # Errors
    ///
    /// [`EngineError::Outside`] with what could not be looked at; [`EngineError::NothingRuns`] when this engine runs no
    /// pods.
    pub async fn sync_now(&self, task: TaskId) -> Result<(), EngineError> {
        self.exists(task).await?;
        self.manager()?;
        for _ in 0..TRIES {
            let pod = match self.pod(task).await? {
                Writer::Pod(pod) => pod,
                Writer::Nobody => return Err(EngineError::NothingRuns),
                Writer::Parked(_) => {
                    let reason = "its pod cannot run; restart it first".to_owned();
                    return Err(EngineError::Parked { name: task.to_string(), reason });
                }
            };
            let Some(sync) = pod.sync() else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            match sync.now().await {
                Ok(None) => return Ok(()),
                Ok(Some(why)) => return Err(EngineError::Outside { task, why }),
                Err(AskError::Silent) => break,
                Err(AskError::Gone) => tokio::time::sleep(PAUSE).await,
            }
        }
        Err(EngineError::NoAnswer(task))
    }

    /// Tells how each connector is.
    ///
    /// # Errors
    ///
    /// [`EngineError::Read`] when it cannot be read which are stopped.
    pub async fn connectors(&self) -> Result<BTreeMap<ConnectorId, Health>, EngineError> {
        self.inner.parts.connectors.recall().await?;
        Ok(self.inner.parts.connectors.health(self.inner.parts.edge.now()))
    }

    /// Lists what would be changed outside for a task now, as it knows the outside. Nothing is looked at, queued or sent.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownTask`], or why it could not be read.
    pub async fn would_change(&self, task: TaskId) -> Result<Vec<Would>, EngineError> {
        let view = self.task(task).await?;
        Ok(would(&view.state, &self.sides(&view.state)))
    }

    /// Names the connectors that a task has to do with.
    pub(super) fn sides(&self, state: &TaskState) -> Sides {
        self.inner.parts.connectors.sides(state.created.as_ref().map(|created| &created.repo))
    }

    /// Asks each connector whether it works; one that is off, paused, or not to be asked before a time, is not asked.
    ///
    /// # Errors
    ///
    /// [`EngineError::Read`] when it cannot be read which are stopped.
    pub async fn check_connectors(&self) -> Result<Vec<ConnectorCheck>, EngineError> {
        let health = self.connectors().await?;
        let parts = &self.inner.parts;
        let git = Git(parts.workspaces.as_ref());
        // Who waits for what is nice to know here, and no more.
        let rows = self.tasks().await.unwrap_or_default();
        let mut checks = Vec::new();
        for outlet in parts.connectors.outlets() {
            let id = outlet.settings.id.clone();
            let health = health.get(&id).cloned().unwrap_or_default();
            let asked = outlet.settings.mode != Mode::Off
                && matches!(health.closed, None | Some(Closed::Refused { .. }));
            let cx = Cx { git: &git, now: parts.edge.now() };
            let checked =
                if asked { Some(check(self, (outlet, linked(&rows, &id)), cx).await) } else { None };
            checks.push(ConnectorCheck { id, mode: outlet.settings.mode, health, checked });
        }
        Ok(checks)
    }

    /// Pauses a connector for a person: nothing is read or written through it, in this engine and the next, until it is
    /// resumed. What is under way ends; what is queued stays so.
    ///
    /// # Errors
    ///
    /// [`EngineError::Unknown`] when there is no such connector, [`EngineError::Connector`] when it was not stored.
    pub async fn pause_connector(
        &self,
        id: &ConnectorId,
        by: Principal,
        why: String,
    ) -> Result<(), EngineError> {
        let connectors = self.knowing(id).await?;
        let at = self.inner.parts.edge.now();
        let why = self.inner.parts.config.secrets.redact(&why).into_owned();
        let stop = Stop { connector: id.clone(), kind: StopKind::Paused, by, why, at };
        let unstored = |source| EngineError::Connector { doing: "pausing", connector: id.clone(), source };
        connectors.pause(stop).await.map_err(unstored)
    }

    /// Opens a connector that a person paused, or saw to the credential of; every task looks outside anew.
    ///
    /// # Errors
    ///
    /// [`EngineError::Unknown`] when there is no such connector, [`EngineError::Connector`] when it was not stored.
    pub async fn resume_connector(&self, id: &ConnectorId) -> Result<(), EngineError> {
        let unstored = |source| EngineError::Connector { doing: "opening", connector: id.clone(), source };
        let connectors = self.knowing(id).await?;
        if let Some(connector) = connectors.get(id) {
            connector.resume();
        }
        connectors.open(id).await.map_err(unstored)?;
        for row in self.tasks().await? {
            if row.summary.links.iter().any(|(connector, _)| connector == id)
                || row.summary.outside_due.is_some()
            {
                self.hint(row.summary.id);
            }
        }
        Ok(())
    }

    /// Returns the connectors, if this is one of them.
    async fn knowing(&self, id: &ConnectorId) -> Result<&Connectors, EngineError> {
        let connectors = &self.inner.parts.connectors;
        connectors.recall().await?;
        let unknown = || EngineError::Unknown { what: "connector", name: id.to_string() };
        connectors.get(id).map(|_| connectors).ok_or_else(unknown)
    }

    pub(super) fn hint(&self, task: TaskId) {
        if let Some(manager) = self.inner.manager.get() {
            manager.hint(task);
        }
    }

    /// Asks each connector now and then what moved, and reads what webhooks say did, as long as the engine runs.
    pub(super) fn start_sweeping(&self) {
        let mut sweepers = JoinSet::new();
        for outlet in self.inner.parts.connectors.outlets() {
            if outlet.settings.mode != Mode::Off {
                // Weak, as the engine owns what sweeps for it.
                let inner = std::sync::Arc::downgrade(&self.inner);
                let outlet = outlet.clone();
                sweepers.spawn(async move {
                    let mut since = None;
                    let mut base = outlet.poll;
                    let Some(nudges) =
                        inner.upgrade().map(|it| it.parts.connectors.nudges(&outlet.settings.id))
                    else {
                        return;
                    };
                    loop {
                        let Some(engine) = inner.upgrade().map(|inner| Self { inner }) else { return };
                        match engine.sweep(&outlet, since).await {
                            Ok(until) => (since, base) = (until, outlet.poll),
                            Err(error) => {
                                warn!(%error, "{} could not be asked what moved", outlet.settings.id);
                                base = base.saturating_mul(2).min(LONGEST.max(outlet.poll));
                            }
                        }
                        let pause = engine.inner.parts.pause(&outlet.settings.id, base);
                        drop(engine);
                        // One that does not answer is not asked sooner.
                        let least = if base > outlet.poll { pause } else { SOON.min(pause) };
                        rest(&nudges, pause, least).await;
                    }
                });
            }
        }
        if self.takes_all_on() {
            sweepers.spawn(work_off(std::sync::Arc::downgrade(&self.inner)));
        }
        *self.inner.sweepers.lock().unwrap_or_else(PoisonError::into_inner) = sweepers;
    }

    /// Asks a connector what moved since a time; returns since when to ask the next time.
    async fn sweep(&self, outlet: &Outlet, since: Option<Timestamp>) -> Result<Option<Timestamp>, SyncError> {
        let parts = &self.inner.parts;
        let id = &outlet.settings.id;
        if parts.connectors.closed(parts.edge.now()).contains_key(id) {
            return Ok(since);
        }
        let rows = match self.tasks().await {
            Ok(rows) => rows,
            Err(error) => {
                warn!(%error, "it is not known who waits for the outside; it is asked what moved later");
                return Ok(since);
            }
        };
        let sweep = Sweep { since, linked: linked(&rows, id) };
        let git = Git(parts.workspaces.as_ref());
        let swept = outlet.connector.sweep(Cx { git: &git, now: parts.edge.now() }, &sweep).await;
        match &swept {
            Ok(_) => parts.connectors.answered(id, parts.edge.now()),
            Err(error) => parts.connectors.failed(id, error, parts.edge.now()).await,
        }
        let Swept { moved, due, wanted, until } = swept?;
        for row in rows {
            let links = row.summary.links.iter().filter(|(connector, _)| connector == id);
            let has = |names: &[RemoteId]| links.clone().any(|(_, remote)| names.contains(remote));
            if has(&moved) {
                parts.connectors.note_moved(id, parts.edge.now());
                self.hint(row.summary.id);
            } else if has(&due) {
                self.hint(row.summary.id);
            }
        }
        let takes_on = self.takes_all_on();
        for ticket in wanted.into_iter().filter(|_| takes_on) {
            self.take_on(outlet, ticket).await;
        }
        if takes_on {
            self.ask_again(outlet, sweep.linked).await;
        }
        Ok(until.or(since))
    }

    /// Tells whether new tasks are this engine's: who runs one task only takes no others on.
    fn takes_all_on(&self) -> bool {
        self.manager().is_ok_and(|manager| manager.scope() == Scope::All)
    }

    /// Makes a task of a ticket; the same ticket again finds the task that it has.
    async fn take_on(&self, outlet: &Outlet, ticket: NewTicket) {
        let id = &outlet.settings.id;
        let NewTicket { link, title, text, by, trusted, repo } = ticket;
        let (name, new) = (&link.remote, || self.inner.parts.connectors.is_new(id, &link.remote));
        if !trusted {
            if new() {
                info!("{id} {name} wants a task; {by} is not trusted, so a person must create it");
            }
            return;
        }
        let Some(repo) = repo.or_else(|| outlet.repo.clone()) else {
            if new() {
                warn!("{id} {name} wants a task, and no repository is configured for it");
            }
            return;
        };
        let name = link.remote.to_string();
        let ctx =
            self.keyed_ctx(&format!("ticket {id} {name}"), Principal::Policy(id.to_string()), Via::Engine);
        let resource = Resource { connector: id.clone(), kind: ResourceKind::Ticket, name };
        let mut draft = TaskDraft::new(if text.trim().is_empty() { title.as_str() } else { &text }, repo);
        draft.title = Some(title.into()).filter(|title: &std::sync::Arc<str>| !title.trim().is_empty());
        draft.ticket = Some((resource.clone(), link));
        match self.create(ctx, draft).await {
            Ok(created) if created.executed.repeated => {}
            Ok(created) => {
                self.inner.parts.connectors.note_moved(id, self.inner.parts.edge.now());
                info!("{resource} is worked on as {}", created.handle);
            }
            Err(error) => warn!(error = crate::error::chain(&error), "no task was made of {resource}"),
        }
    }
}

/// Lists what tasks wait for of a connector.
fn linked(rows: &[TaskRow], id: &ConnectorId) -> Vec<RemoteId> {
    let wait = rows.iter().filter(|row| !row.summary.phase.is_over() || row.summary.outside_due.is_some());
    let linked = wait.flat_map(|row| &row.summary.links).filter(|(connector, _)| connector == id);
    linked.map(|(_, remote)| remote.clone()).collect()
}

/// Waits for a while; when something moved that belongs to no task, the least while only.
async fn rest(nudges: &Notify, pause: Duration, least: Duration) {
    let nudged = async {
        tokio::time::sleep(least).await;
        nudges.notified().await;
    };
    tokio::select! {
        () = tokio::time::sleep(pause) => {}
        () = nudged => {}
    }
}
