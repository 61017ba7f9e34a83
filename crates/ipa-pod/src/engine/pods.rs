//! Steering pods by hand, and stopping the whole engine.

use std::sync::PoisonError;
use std::time::Duration;

use ipa_events::store::Version;
use ipa_events::task::{Asked, EscalationReason, Verdict};
use ipa_events::{AgentId, Ctx, Envelope, Principal, TaskCommand, TaskId, Via, WorkspaceId};
use ipa_workspace::Recovery;
use tracing::{info, warn};

use super::{Engine, TaskRow};
use crate::actor::AskError;
use crate::config::Scope;
use crate::error::EngineError;
use crate::manager::{ManagerHandle, Then};

/// How long agents may take to end when the engine stops with them.
const AGENTS_END: Duration = Duration::from_secs(20);

/// What becomes of running agents when the engine stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drain {
    /// They go on under their hosts; the next engine takes them up again.
    Detach,
    /// They are ended.
    Stop,
}

impl Engine {
    /// Starts to run pods, after tidying up what a crash left half done.
    ///
    /// # Errors
    ///
    /// [`EngineError::Read`] when the tasks cannot be read, [`EngineError::Running`] when it was started before.
    pub async fn start(&self, scope: Scope) -> Result<(), EngineError> {
        let inner = &self.inner;
        let mut begun = false;
        let manager = inner.manager.get_or_try_init(|| async {
            begun = true;
            inner.parts.connectors.recall().await?;
            self.tidy_up().await?;
            let told = (scope, inner.pods.clone());
            let manager = ManagerHandle::spawn(inner.store.clone(), inner.parts.clone(), told).await;
            manager.map_err(|_spawn| EngineError::Stopping)
        });
        manager.await?;
        if begun {
            if scope != Scope::Nothing {
                self.start_sweeping();
            }
            Ok(())
        } else {
            Err(EngineError::Running)
        }
    }

    /// Moves half-made checkouts to the trash and unknown ones aside.
    async fn tidy_up(&self) -> Result<(), EngineError> {
        let places = |row: &TaskRow| {
            let task = row.summary.id;
            [AgentId::main(), AgentId::check()].map(|agent| WorkspaceId { task, agent })
        };
        let known = self.tasks().await?.iter().flat_map(places).collect();
        match self.inner.parts.workspaces.recover(known).await {
            Ok(recovery) if recovery == Recovery::default() => {}
            Ok(Recovery { trashed, quarantined }) => {
                let (trashed, quarantined) = (trashed.len(), quarantined.len());
                info!(
                    trashed,
                    quarantined, "tidied up checkouts: {trashed} to the trash, {quarantined} moved aside"
                );
            }
            Err(error) => warn!(%error, "the checkouts could not be tidied up"),
        }
        Ok(())
    }

    /// Stops the pod of a task and starts it again. A parked task is parked no more, and the escalation that says
    /// so is answered by whoever asks.
    ///
    /// # Errors
    ///
    /// [`EngineError::NothingRuns`] when this engine runs no pods.
    pub async fn restart_pod(&self, ctx: Ctx, task: TaskId) -> Result<(), EngineError> {
        self.exists(task).await?;
        let restarted = self.manager()?.restart(task, Then::Start).await;
        restarted.map_err(|_gone| EngineError::Stopping)?;
        // A task that cannot be read has nothing to answer.
        let Ok(view) = self.task(task).await else { return Ok(()) };
        let parked = view.state.open_decisions().find(|open| is_parked(&open.asked)).map(|open| open.id);
        if let Some(decision) = parked {
            let verdict = Verdict::Approve { note: Some("restarted".into()) };
            let body = TaskCommand::Answer { decision, seen: None, verdict };
            self.execute(task, Envelope { ctx, body }).await?;
        }
        Ok(())
    }

    /// Stops the pod of a task; it starts again when something happens to the task.
    ///
    /// # Errors
    ///
    /// [`EngineError::NothingRuns`] when this engine runs no pods.
    pub async fn stop_pod(&self, task: TaskId) -> Result<(), EngineError> {
        self.exists(task).await?;
        let stopped = self.manager()?.restart(task, Then::Rest).await;
        stopped.map_err(|_gone| EngineError::Stopping)
    }

    /// Stops the pod of a task, if it has one, and puts away what it left: the run that is open is ended with all its
    /// processes, as whoever asks interrupted it, and the checkouts go to the trash after a checkpoint. A parked task
    /// stays parked until its pod is restarted; any other starts again when something happens to it, or an engine
    /// starts. An engine that was not started is started for it, and runs no pod.
    ///
    /// # Errors
    ///
    /// [`EngineError::StillRuns`] when the run does not end; [`EngineError::Workspace`] when a checkout cannot be made
    /// safe, which keeps it; [`EngineError::Parked`] for a record that cannot be read: what runs is ended all the same.
    pub async fn clean_up_pod(&self, ctx: Ctx, task: TaskId) -> Result<Version, EngineError> {
        self.exists(task).await?;
        if self.manager().is_err() {
            match self.start(Scope::Nothing).await {
                // Somebody was quicker.
                Ok(()) | Err(EngineError::Running) => {}
                Err(error) => return Err(error),
            }
        }
        match self.manager()?.clean_up(ctx, task).await {
            Ok(done) => done,
            Err(AskError::Silent) => Err(EngineError::NoAnswer(task)),
            Err(AskError::Gone) => Err(EngineError::Stopping),
        }
    }

    /// Lists the tasks that have a pod; none when this engine runs none.
    pub async fn active_pods(&self) -> Vec<TaskId> {
        match self.inner.manager.get() {
            Some(manager) => manager.active().await.unwrap_or_default(),
            None => Vec::new(),
        }
    }

    /// Stops the engine: nothing new starts, pods end, what is queued is stored.
    pub async fn stop(&self, drain: Drain) {
        let Some(manager) = self.inner.manager.get() else { return };
        self.inner.sweepers.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        if manager.drain().await.is_err() {
            return;
        }
        if drain == Drain::Stop {
            self.end_runs(manager.scope()).await;
        }
        if let Err(error) = manager.stop().await {
            warn!(%error, "the pods did not all stop in time");
        }
    }

    /// Interrupts every run of this engine and waits for their ends.
    async fn end_runs(&self, scope: Scope) {
        let rows = match self.tasks().await {
            Ok(rows) => rows,
            Err(error) => return warn!(%error, "the running agents could not be listed; they go on"),
        };
        let open =
            |row: &TaskRow| row.summary.run.as_ref().map(|run| run.id).filter(|run| scope.covers(run.task));
        for run in rows.iter().filter_map(open) {
            let ctx = self.ctx(Principal::Scheduler, Via::Engine);
            let body = TaskCommand::InterruptRun { run, reason: Some("the engine is stopping".into()) };
            if let Err(error) = self.execute(run.task, Envelope { ctx, body }).await {
                warn!(run.id = %run, %error, "run {run} was not interrupted; it goes on");
            }
        }
        let all_over = async {
            let mut head = self.head();
            while self.tasks().await.is_ok_and(|rows| rows.iter().any(|row| open(row).is_some())) {
                let _news = tokio::time::timeout(Duration::from_secs(1), head.changed()).await;
            }
        };
        if tokio::time::timeout(AGENTS_END, all_over).await.is_err() {
            warn!("some agents did not end in time; their hosts go on");
        }
    }

    pub(super) fn manager(&self) -> Result<&ManagerHandle, EngineError> {
        self.inner.manager.get().ok_or(EngineError::NothingRuns)
    }
}

pub(super) const fn is_parked(asked: &Asked) -> bool {
    matches!(asked, Asked::Escalation { reason: EscalationReason::PodParked, .. })
}
