//! One per engine: which task has a pod. It starts, stops, restarts and parks pods, and lets idle ones go.
//!
//! It knows tasks by their rows in `summary` and pods by their handles; it decides nothing about a task's work.

mod cleanup;
mod entry;
mod life;
mod rows;
mod state;
mod wake;

use std::collections::BTreeMap;
use std::sync::Arc;

use ipa_events::store::{Store, Version};
use ipa_events::{Ctx, PodCondition, Summary, TaskId};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SpawnErr, SupervisionEvent};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::entry::Entry;
use self::life::NotStarted;
use self::rows::follow_log_for_ever;
use crate::actor::{AskError, ask, ended, tell};
use crate::config::Scope;
use crate::error::EngineError;
use crate::parts::Parts;
use crate::pod::supervisor::PodHandle;
use crate::pod::sync::Outlook;
use crate::scheduler::Standing;

/// What others hold of the manager.
#[derive(Clone)]
pub(crate) struct ManagerHandle {
    actor: ActorRef<Msg>,
    scope: Scope,
}

/// What the manager publishes: what each pod is doing.
pub(crate) type Conditions = Arc<BTreeMap<TaskId, PodCondition>>;

/// Why a task has no pod.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum NoPod {
    /// It cannot run.
    #[error("{0}")]
    Parked(Arc<str>),
    /// It could not be started just now.
    #[error("{0}")]
    Failed(Arc<str>),
    /// This engine runs no pod for it.
    #[error("this engine runs no pod for it")]
    OutOfScope,
    /// The manager did not answer.
    #[error(transparent)]
    Ask(#[from] AskError),
}

impl ManagerHandle {
    /// Starts the manager of an engine.
    #[expect(clippy::disallowed_methods, reason = "the root of the tree: the engine's handle stops it")]
    pub(crate) async fn spawn(
        store: Store,
        parts: Arc<Parts>,
        (scope, conditions): (Scope, watch::Sender<Conditions>),
    ) -> Result<Self, SpawnErr> {
        let (actor, _joined) = Manager::spawn(None, Manager, (store, parts, scope, conditions)).await?;
        Ok(Self { actor, scope })
    }

    /// Returns which pods it runs.
    pub(crate) const fn scope(&self) -> Scope {
        self.scope
    }

    /// Finds the pod of a task, and starts it if it has none.
    pub(crate) async fn pod(&self, task: TaskId) -> Result<PodHandle, NoPod> {
        ask(&self.actor, |reply| Msg::Pod(task, reply)).await?
    }

    /// Stops the pod of a task and, if asked to, lets it start again; a parked one is parked no more.
    pub(crate) async fn restart(&self, task: TaskId, then: Then) -> Result<(), AskError> {
        ask(&self.actor, |reply| Msg::Restart(task, then, reply)).await
    }

    /// Stops the pod of a task and puts away what it left; returns the version that the task has then.
    pub(crate) async fn clean_up(
        &self,
        ctx: Ctx,
        task: TaskId,
    ) -> Result<Result<Version, EngineError>, AskError> {
        ask(&self.actor, |reply| Msg::CleanUp(Box::new(ctx), task, reply)).await
    }

    /// Says that something may have changed outside that belongs to a task.
    pub(crate) fn hint(&self, task: TaskId) {
        tell(&self.actor, Msg::Hint(task));
    }

    /// Lists the tasks that have a pod.
    pub(crate) async fn active(&self) -> Result<Vec<TaskId>, AskError> {
        ask(&self.actor, Msg::Active).await
    }

    /// Lets nothing new start; what runs goes on.
    pub(crate) async fn drain(&self) -> Result<(), AskError> {
        ask(&self.actor, Msg::Drain).await
    }

    /// Stops all pods, and then the manager.
    pub(crate) async fn stop(&self) -> Result<(), AskError> {
        ask(&self.actor, Msg::Stop).await
    }
}

/// What happens after a pod was stopped by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// It starts again at once.
    Start,
    /// It starts when something happens to its task.
    Rest,
}

struct Manager;

enum Msg {
    Pod(TaskId, RpcReplyPort<Result<PodHandle, NoPod>>),
    Restart(TaskId, Then, RpcReplyPort<()>),
    CleanUp(Box<Ctx>, TaskId, cleanup::Reply),
    Active(RpcReplyPort<Vec<TaskId>>),
    Drain(RpcReplyPort<()>),
    Stop(RpcReplyPort<()>),
    /// The rows changed.
    Rows(Vec<Summary>),
    /// A slot was given back, or a time has come.
    Look,
    /// A pod was started, or not.
    Started(TaskId, Result<PodHandle, NotStarted>),
    /// A pod has ended as it was asked to.
    Stopped(TaskId),
    /// What the pod of a task left is put away, or it is not; who wants to know.
    CleanedUp(TaskId, Result<Version, EngineError>, cleanup::Reply),
    /// A pod says what it is doing.
    Standing(TaskId, Standing),
    /// A pod says what it does outside.
    Outlook(TaskId, Outlook),
    /// A pod has had nothing to do for a while.
    Idle(TaskId),
    /// Something may have changed outside that belongs to a task.
    Hint(TaskId),
}

struct State {
    store: Store,
    parts: Arc<Parts>,
    scope: Scope,
    conditions: watch::Sender<Conditions>,
    draining: watch::Sender<bool>,
    rows: Vec<Summary>,
    entries: BTreeMap<TaskId, Entry>,
    /// Everything this actor waits for without waiting: ends with it.
    jobs: JoinSet<()>,
    timer: JoinSet<()>,
}

impl Actor for Manager {
    type Msg = Msg;
    type State = State;
    type Arguments = (Store, Arc<Parts>, Scope, watch::Sender<Conditions>);

    async fn pre_start(
        &self,
        myself: ActorRef<Msg>,
        (store, parts, scope, conditions): Self::Arguments,
    ) -> Result<State, ActorProcessingErr> {
        let mut jobs = JoinSet::new();
        jobs.spawn(follow_log_for_ever(store.clone(), myself.clone()));
        let mut freed = parts.slots.freed();
        let me = myself.clone();
        jobs.spawn(async move {
            while freed.changed().await.is_ok() {
                tell(&me, Msg::Look);
            }
        });
        let (draining, _) = watch::channel(false);
        let (rows, entries) = (Vec::new(), BTreeMap::new());
        Ok(State { store, parts, scope, conditions, draining, rows, entries, jobs, timer: JoinSet::new() })
    }

    async fn handle(
        &self,
        myself: ActorRef<Msg>,
        message: Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Msg::Pod(task, reply) => state.pod(&myself, task, reply),
            Msg::Restart(task, then, reply) => state.restart(&myself, task, then, reply),
            Msg::CleanUp(ctx, task, reply) => state.clean_up(&myself, (*ctx, task), reply),
            Msg::Active(reply) => {
                let active = state.entries.iter().filter(|(_, entry)| entry.has_pod());
                let _answered = reply.send(active.map(|(task, _)| *task).collect());
            }
            Msg::Drain(reply) => {
                state.draining.send_replace(true);
                let _answered = reply.send(());
            }
            Msg::Stop(reply) => state.stop(&myself, reply).await,
            Msg::Rows(rows) => {
                state.rows = rows;
                state.parts.spending.note(&state.rows);
                state.note_dependencies();
                state.wake(&myself);
            }
            Msg::Look => state.wake(&myself),
            Msg::Started(task, started) => state.started(&myself, task, started),
            Msg::Stopped(task) => state.stopped(&myself, task),
            Msg::CleanedUp(task, done, reply) => state.cleaned_up(&myself, task, (done, reply)),
            Msg::Standing(task, standing) => state.stands(&myself, task, standing),
            Msg::Outlook(task, outlook) => state.looks_out(&myself, task, outlook),
            Msg::Idle(task) => state.idle(&myself, task),
            Msg::Hint(task) => state.hint(&myself, task),
        }
        state.note_claims();
        state.publish();
        // Jobs that are over are forgotten.
        while state.jobs.try_join_next().is_some() {}
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Msg>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let Some((who, why)) = ended(event) else { return Ok(()) };
        let running = |entry: &Entry| matches!(entry, Entry::Running(pod) if pod.handle.cell().get_id() == who.get_id());
        let failed = state.entries.iter().find(|(_, entry)| running(entry)).map(|(task, _)| *task);
        if let Some(task) = failed {
            state.failed(&myself, task, &why);
            state.publish();
        }
        Ok(())
    }
}
