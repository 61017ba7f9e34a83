//! The root of a pod. It starts five children in order, restarts whom a failure took with it, and gives up
//! upward when that happens too often.
//!
//! A child holds references only to children that were started before it, so restarting the rest leaves no
//! stale one.

use std::sync::Arc;

use ipa_events::TaskId;
use ipa_events::store::Store;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, RpcReplyPort, SpawnErr, SupervisionEvent};
use tokio::sync::watch;
use tokio::time::{Duration, Instant};
use tracing::{info, warn};

use super::agents::{self, AgentsHandle};
use super::strategy::{Intensity, affected};
use super::sync::{Outlook, SyncHandle};
use super::task::TaskHandle;
use super::workspaces::{self, WorkspacesHandle};
use crate::actor::{ask, ended};
use crate::parts::Parts;
use crate::scheduler::{self, Dependencies, SchedulerArgs, Standing};

/// How long a child may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// The children, in their order of start.
const CHILDREN: [&str; 5] = ["task", "workspaces", "agents", "scheduler", "sync"];

/// What a pod is given.
#[derive(Clone)]
pub(crate) struct PodArgs {
    pub(crate) id: TaskId,
    pub(crate) store: Store,
    pub(crate) parts: Arc<Parts>,
    pub(crate) dependencies: watch::Receiver<Dependencies>,
    pub(crate) draining: watch::Receiver<bool>,
    pub(crate) standing: watch::Sender<Standing>,
    /// What the pod is doing outside.
    pub(crate) outlook: watch::Sender<Outlook>,
    /// Where the manager finds the task actor that is there now, and the one that looks outside.
    pub(crate) task: watch::Sender<Option<TaskHandle>>,
    pub(crate) sync: watch::Sender<Option<SyncHandle>>,
}

/// What the manager holds of a pod.
#[derive(Clone)]
pub(crate) struct PodHandle {
    actor: ActorRef<Msg>,
    task: watch::Receiver<Option<TaskHandle>>,
    sync: watch::Receiver<Option<SyncHandle>>,
}

impl PodHandle {
    /// Starts a pod under `manager`; everything that can fail at start has failed or not when it returns.
    pub(crate) async fn spawn(args: PodArgs, manager: ActorCell) -> Result<Self, SpawnErr> {
        let (task, sync) = (args.task.subscribe(), args.sync.subscribe());
        let (actor, _joined) = Supervisor::spawn_linked(None, Supervisor, args, manager).await?;
        Ok(Self { actor, task, sync })
    }

    /// Returns the task actor, if it is there now.
    pub(crate) fn task(&self) -> Option<TaskHandle> {
        self.task.borrow().clone()
    }

    /// Returns the actor that looks outside, if it is there now.
    pub(crate) fn sync(&self) -> Option<SyncHandle> {
        self.sync.borrow().clone()
    }

    /// Returns the cell by which supervision events name this pod.
    pub(crate) fn cell(&self) -> ActorCell {
        self.actor.get_cell()
    }

    /// Stops the pod: last-started child first, and what was queued for the task is done before.
    pub(crate) async fn stop(&self) {
        if ask(&self.actor, Msg::Stop).await.is_err() {
            warn!("a pod did not stop in time and is killed");
            self.actor.kill();
        }
    }
}

/// A pod that restarted too often.
#[derive(Debug, thiserror::Error)]
#[error("its {child} failed {restarts} times within {within:?}; last: {last}")]
pub(crate) struct TooManyRestarts {
    child: &'static str,
    restarts: u32,
    within: Duration,
    last: String,
}

struct Supervisor;

pub(crate) enum Msg {
    Stop(RpcReplyPort<()>),
}

struct State {
    args: PodArgs,
    intensity: Intensity,
    /// The children that are there, in their order of start.
    cells: Vec<ActorCell>,
    handles: Handles,
}

#[derive(Default)]
struct Handles {
    task: Option<TaskHandle>,
    workspaces: Option<WorkspacesHandle>,
    agents: Option<AgentsHandle>,
}

impl Actor for Supervisor {
    type Msg = Msg;
    type State = State;
    type Arguments = PodArgs;

    async fn pre_start(&self, myself: ActorRef<Msg>, args: PodArgs) -> Result<State, ActorProcessingErr> {
        let pod = args.parts.config.pod;
        let intensity = Intensity::new(pod.restarts, pod.within);
        let mut state = State { args, intensity, cells: Vec::new(), handles: Handles::default() };
        for child in 0..CHILDREN.len() {
            let cell = state.start(child, myself.get_cell()).await?;
            state.cells.push(cell);
        }
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<Msg>,
        message: Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let Msg::Stop(reply) = message;
        state.stop_all().await;
        // Whoever asked may have stopped waiting.
        let _answered = reply.send(());
        myself.stop(None);
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Msg>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let Some((who, why)) = ended(event) else { return Ok(()) };
        // A child that this supervisor stopped itself is not among them any more.
        match state.cells.iter().position(|cell| cell.get_id() == who.get_id()) {
            Some(failed) => state.heal(failed, &why, myself.get_cell()).await,
            None => Ok(()),
        }
    }
}

impl State {
    async fn heal(&mut self, failed: usize, why: &str, myself: ActorCell) -> Result<(), ActorProcessingErr> {
        let pod = self.args.parts.config.pod;
        let child = CHILDREN.get(failed).copied().unwrap_or("child");
        if !self.intensity.bears(Instant::now()) {
            self.stop_all().await;
            let last = why.to_owned();
            return Err(TooManyRestarts { child, restarts: pod.restarts, within: pod.within, last }.into());
        }
        warn!(task.id = %self.args.id, child, why, "{child} of {} failed and is restarted", self.args.id);
        let range = affected(pod.strategy, failed, self.cells.len());
        for index in range.clone().rev() {
            self.stop(index).await;
        }
        for index in range {
            let cell = self.start(index, myself.clone()).await?;
            if let Some(place) = self.cells.get_mut(index) {
                *place = cell;
            }
        }
        info!(task.id = %self.args.id, child, "{} goes on", self.args.id);
        Ok(())
    }

    async fn stop_all(&mut self) {
        for index in (0..self.cells.len()).rev() {
            self.stop(index).await;
        }
        self.cells.clear();
        self.args.task.send_replace(None);
        self.args.sync.send_replace(None);
    }

    async fn stop(&self, index: usize) {
        let Some(cell) = self.cells.get(index) else { return };
        // What is queued for the task is stored first; the others look at the state when they come back.
        let ended = if index == 0 {
            cell.drain_and_wait(Some(GRACE)).await.is_ok()
        } else {
            cell.stop_and_wait(None, Some(GRACE)).await.is_ok()
        };
        if !ended {
            cell.kill();
        }
    }

    async fn start(&mut self, index: usize, parent: ActorCell) -> Result<ActorCell, SpawnErr> {
        match index {
            0 => {
                let (store, secrets) = (self.args.store.clone(), self.args.parts.config.secrets.clone());
                let (handle, cell) = TaskHandle::spawn(store, self.args.id, secrets, parent).await?;
                self.handles.task = Some(handle.clone());
                self.args.task.send_replace(Some(handle));
                Ok(cell)
            }
            1 => {
                let (handle, cell) = workspaces::spawn(self.task()?, self.args.parts.clone(), parent).await?;
                self.handles.workspaces = Some(handle);
                Ok(cell)
            }
            2 => {
                let (handle, cell) = agents::spawn(self.task()?, self.args.parts.clone(), parent).await?;
                self.handles.agents = Some(handle);
                Ok(cell)
            }
            3 => scheduler::spawn(self.scheduler_args()?, parent).await,
            _ => {
                let (parts, told) = (self.args.parts.clone(), (self.args.outlook.clone(), parent));
                let (handle, cell) = SyncHandle::spawn(self.task()?, parts, told).await?;
                self.args.sync.send_replace(Some(handle));
                Ok(cell)
            }
        }
    }

    fn scheduler_args(&self) -> Result<SchedulerArgs, SpawnErr> {
        let missing = || SpawnErr::StartupFailed("a child was started before those it needs".into());
        let parts = &self.args.parts;
        Ok(SchedulerArgs {
            task: self.task()?,
            workspaces: self.handles.workspaces.clone().ok_or_else(missing)?,
            agents: self.handles.agents.clone().ok_or_else(missing)?,
            slots: parts.slots.clone(),
            spending: parts.spending.clone(),
            edge: parts.edge.clone(),
            config: parts.config.clone(),
            dependencies: self.args.dependencies.clone(),
            draining: self.args.draining.clone(),
            standing: self.args.standing.clone(),
        })
    }

    fn task(&self) -> Result<TaskHandle, SpawnErr> {
        let missing = || SpawnErr::StartupFailed("the task actor is not there".into());
        self.handles.task.clone().ok_or_else(missing)
    }
}
