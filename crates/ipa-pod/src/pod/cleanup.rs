//! Puts away what a task without a pod left: ends its run, makes the work safe, moves its checkouts to the trash.
//!
//! It is the way out where a pod cannot run, so it needs no scheduler and no supervisor. What it does is what a pod does:
//! the run is driven to its end, and nothing is removed without a checkpoint.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use ipa_agent::{Attach, RunDir};
use ipa_events::store::{Store, Version};
use ipa_events::task::WorkspaceState;
use ipa_events::{AgentId, Ctx, Envelope, OpenError, Principal, RunId, TaskCommand, TaskId, WorkspaceId};
use ractor::{ActorCell, SpawnErr};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{info, warn};

use super::drive::Drive;
use super::task::{SendError, TaskHandle};
use super::workspaces::{NotPutAway, put_away};
use crate::error::{EngineError, chain, executing, opening};
use crate::parts::Parts;
use crate::scheduler::Stop;

/// How long a run may take to end with all its processes.
const ENDING: Duration = Duration::from_secs(30);

/// How long the writer of the stream may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// How long to wait before a run that could not be reached is looked at again.
const PAUSE: Duration = Duration::from_millis(500);

/// Puts away what is left of a task whose pod is down; returns the version that the task has then.
pub(crate) async fn clean_up(
    store: Store,
    parts: Arc<Parts>,
    (ctx, task): (Ctx, TaskId),
    parent: ActorCell,
) -> Result<Version, EngineError> {
    let (handle, cell) = match TaskHandle::spawn(store, task, parts.config.secrets.clone(), parent).await {
        Ok(spawned) => spawned,
        Err(error) => return Err(unopened(&parts, (&ctx, task), error).await),
    };
    let cleaning = Cleaning { id: task, task: handle, parts, ctx };
    let failed = || EngineError::Unavailable { task, why: "cleaning up after its pod failed".to_owned() };
    let done =
        AssertUnwindSafe(cleaning.carry_out()).catch_unwind().await.unwrap_or_else(|_panic| Err(failed()));
    // Everything is stored that was told to the task.
    if cell.drain_and_wait(Some(GRACE)).await.is_err() {
        cell.kill();
    }
    done
}

struct Cleaning {
    id: TaskId,
    task: TaskHandle,
    parts: Arc<Parts>,
    ctx: Ctx,
}

impl Cleaning {
    async fn carry_out(&self) -> Result<Version, EngineError> {
        let open = self.task.now().state.open_run().map(|run| run.id);
        if let Some(run) = open {
            self.end(run).await?;
        }
        let places = self.task.now().state.workspaces.clone();
        for (agent, workspace) in places {
            match workspace.state {
                WorkspaceState::Ready { .. } => {
                    let why = (&self.ctx.actor, "its pod was cleaned up");
                    put_away(&self.task, &self.parts, agent, why)
                        .await
                        .map_err(|error| self.failed(error))?;
                }
                // It may have been made all the same, while its pod went down; the log knows nothing that it holds.
                WorkspaceState::Requested | WorkspaceState::Failed { .. } => {
                    self.parts.workspaces.remove(&self.place(agent)).await?;
                }
                WorkspaceState::Trashed { .. } => {}
            }
        }
        self.parts.workspaces.discard(&self.place(AgentId::check())).await?;
        info!(task.id = %self.id, "nothing of {} runs or lies about any more", self.id);
        Ok(self.task.now().version)
    }

    /// Ends a run as somebody asked, and closes it: by the same way on which a pod does.
    async fn end(&self, run: RunId) -> Result<(), EngineError> {
        let reason = Some("its pod is cleaned up".into());
        let body = TaskCommand::InterruptRun { run, reason };
        let interrupted = self.task.execute(Envelope { ctx: self.ctx.clone(), body }).await;
        interrupted.map_err(|error| self.unsent(error))?;
        let (_stop, asked) = watch::channel(Some(Stop::Now(self.ctx.actor.clone())));
        let drive = Drive::new(self.task.clone(), self.parts.clone(), run, asked);
        let ended = timeout(ENDING, drive.run_to_end()).await;
        let closed = ended.is_ok() && self.task.now().state.open_run().is_none();
        if closed { Ok(()) } else { Err(EngineError::StillRuns(run)) }
    }

    fn place(&self, agent: AgentId) -> WorkspaceId {
        WorkspaceId { task: self.id, agent }
    }

    fn failed(&self, error: NotPutAway) -> EngineError {
        match error {
            NotPutAway::Kept(error) => EngineError::Workspace(error),
            NotPutAway::Unrecorded(error) => self.unsent(error),
        }
    }

    fn unsent(&self, error: SendError) -> EngineError {
        match error {
            SendError::Execute(error) => executing(self.id, error),
            SendError::Ask(_) | SendError::Stale => EngineError::NoAnswer(self.id),
        }
    }
}

/// Says why a task could not be opened. Of one whose record cannot be read, what runs is ended all the same; its
/// checkouts stay, as nothing could be recorded of them.
async fn unopened(parts: &Parts, (ctx, task): (&Ctx, TaskId), error: SpawnErr) -> EngineError {
    let error = match error {
        SpawnErr::StartupFailed(inner) => match inner.downcast::<OpenError>() {
            Ok(error) => opening(task, *error),
            Err(other) => EngineError::Unavailable { task, why: other.to_string() },
        },
        other @ (SpawnErr::ActorAlreadyStarted | SpawnErr::ActorAlreadyRegistered(_)) => {
            EngineError::Unavailable { task, why: other.to_string() }
        }
    };
    if let EngineError::Parked { name, reason } = error {
        let ended = timeout(ENDING, end_all(parts, task, &ctx.actor)).await.is_ok();
        let runs = if ended { "nothing of it runs any more" } else { "what runs of it did not end in time" };
        let reason = format!("{reason}; {runs}, and its checkouts stay where they are");
        return EngineError::Parked { name, reason };
    }
    error
}

/// Ends every run of a task that has a folder, by its host.
async fn end_all(parts: &Parts, task: TaskId, by: &Principal) {
    let Some(any) = parts.runtimes.values().next() else { return };
    let folder = parts.config.runs.join(task.to_string());
    let Ok(mut runs) = tokio::fs::read_dir(&folder).await else { return };
    while let Ok(Some(run)) = runs.next_entry().await {
        let dir = RunDir::new(run.path());
        loop {
            match any.attach(dir.clone()).await {
                Ok(Attach::Live(mut session)) => {
                    let stop = ipa_agent::Stop::Interrupted(by.clone());
                    if let Err(error) = session.control.stop(stop).await {
                        warn!(task.id = %task, error = chain(&error), "a run was not reached; trying again");
                        tokio::time::sleep(PAUSE).await;
                    }
                    while session.events.recv().await.is_some() {}
                }
                Ok(Attach::Unclaimed | Attach::Ended(_) | Attach::Lost(_)) => break,
                Ok(Attach::Starting) | Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}
