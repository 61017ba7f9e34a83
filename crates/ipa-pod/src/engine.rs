//! The library's front door: create tasks, send them commands, read them.

mod builder;
mod pods;
mod read;
mod work;

pub use builder::EngineBuilder;
pub use pods::Drain;
pub use read::{TaskRow, TaskView};
pub use work::RuntimeRow;

use std::sync::{Arc, OnceLock};

use ipa_events::store::Store;
use ipa_events::task::{Gates, NewTask};
use ipa_events::{
    BranchName, CommandId, Ctx, Envelope, ExecuteError, Executed, Handle, Phase, Principal, Reference,
    RepoSource, Runtime, TaskCommand, TaskId, TaskWriter, Via,
};
use ipa_workspace::Workspaces;
use tokio::sync::watch;

use crate::config::EngineConfig;
use crate::error::EngineError;
use crate::manager::{Conditions, ManagerHandle, NoPod};
use crate::parts::Parts;
use crate::pod::supervisor::PodHandle;
use crate::pod::task::SendError;

/// An engine: the pods of one store. Cheap to clone; all clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    parts: Arc<Parts>,
    /// What the pods are doing.
    pods: watch::Sender<Conditions>,
    /// None while this engine runs nothing.
    manager: OnceLock<ManagerHandle>,
}

/// What a person says about a new task. What is left out comes from the engine's defaults.
#[derive(Debug, Clone)]
pub struct TaskDraft {
    /// The request in the author's words.
    pub request: Arc<str>,
    /// One line that names it.
    pub title: Option<Arc<str>>,
    /// The repository to work on.
    pub repo: RepoSource,
    /// The branch to start from.
    pub base: Option<BranchName>,
    /// Which agent works on it.
    pub agent: Option<Runtime>,
    /// Who opens its gates.
    pub gates: Option<Gates>,
    /// The commands that check the work.
    pub checks: Option<Vec<Arc<str>>>,
    /// The phase it begins in.
    pub start_at: Phase,
    /// More urgent tasks have a higher number.
    pub priority: i32,
    /// Tasks that must be completed first.
    pub depends_on: Vec<TaskId>,
}

impl TaskDraft {
    /// Makes a draft of a request on a repository; everything else is left to the engine.
    pub fn new(request: impl Into<Arc<str>>, repo: RepoSource) -> Self {
        Self {
            request: request.into(),
            title: None,
            repo,
            base: None,
            agent: None,
            gates: None,
            checks: None,
            start_at: Phase::SpecClarification,
            priority: 0,
            depends_on: Vec::new(),
        }
    }
}

/// A task that was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreatedTask {
    /// Its id.
    pub id: TaskId,
    /// Its short name.
    pub handle: Handle,
    /// What came of the command.
    pub executed: Executed,
}

impl Engine {
    /// Starts to build an engine over a store, with checkouts made by `workspaces`.
    pub fn builder(store: Store, config: EngineConfig, workspaces: Arc<dyn Workspaces>) -> EngineBuilder {
        EngineBuilder::new(store, config, workspaces)
    }

    /// Makes the context of a command that begins now.
    pub fn ctx(&self, actor: Principal, via: Via) -> Ctx {
        self.inner.parts.edge.ctx(actor, via)
    }

    /// Makes the context of a command that comes with a key of its sender's: the same key from the same sender
    /// is the same command, and is carried out once.
    pub fn keyed_ctx(&self, key: &str, actor: Principal, via: Via) -> Ctx {
        let command = CommandId::from_key(&format!("{actor} {key}"));
        Ctx::new(command, self.inner.parts.edge.now(), actor, via)
    }

    /// Returns what the engine was told when it was made.
    pub fn config(&self) -> &EngineConfig {
        &self.inner.parts.config
    }

    /// Creates a task. The same command again finds the task that it created first.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoAgent`], [`EngineError::Refused`] for an empty request, or why it was not stored.
    pub async fn create(&self, ctx: Ctx, draft: TaskDraft) -> Result<CreatedTask, EngineError> {
        let defaults = &self.inner.parts.config.defaults;
        let agent = draft.agent.or_else(|| defaults.agent.clone()).ok_or(EngineError::NoAgent)?;
        for on in &draft.depends_on {
            if !self.has_events(*on).await? {
                return Err(EngineError::UnknownDependency(Reference::Id(*on)));
            }
        }
        // Derived from the command, so that a repeat of it means the same task.
        let id = TaskId::from_key(&format!("create {}", ctx.command_id));
        let mut writer = self.open(id).await?;
        let handle = writer.handle();
        let new = NewTask {
            task: id,
            handle,
            request: draft.request,
            title: draft.title,
            repo: draft.repo,
            base: draft.base,
            agent,
            gates: draft.gates.unwrap_or(defaults.gates),
            checks: draft.checks.unwrap_or_else(|| defaults.checks.clone()),
            start_at: draft.start_at,
            priority: draft.priority,
            depends_on: draft.depends_on,
            limits: defaults.limits,
        };
        let executed =
            execute_alone(&mut writer, id, Envelope { ctx, body: TaskCommand::Create(Box::new(new)) }).await;
        self.give_back(writer).await;
        Ok(CreatedTask { id, handle, executed: executed? })
    }

    /// Sends a task a command, starting its pod if this engine runs pods.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownTask`], [`EngineError::Refused`] with what a person can do, or why it was not
    /// stored.
    pub async fn execute(
        &self,
        task: TaskId,
        command: Envelope<TaskCommand>,
    ) -> Result<Executed, EngineError> {
        self.exists(task).await?;
        if let Some(pod) = self.pod(task).await? {
            return execute_in(&pod, task, command).await;
        }
        let mut writer = self.open(task).await?;
        let executed = execute_alone(&mut writer, task, command).await;
        self.give_back(writer).await;
        executed
    }

    /// Finds the pod that writes a task, starting it if need be; none when this engine runs none for it.
    async fn pod(&self, task: TaskId) -> Result<Option<PodHandle>, EngineError> {
        let Some(manager) = self.inner.manager.get() else { return Ok(None) };
        match manager.pod(task).await {
            Ok(pod) => Ok(Some(pod)),
            Err(NoPod::OutOfScope) => Ok(None),
            Err(NoPod::Parked(reason)) => {
                let rows = self.tasks().await?;
                let name =
                    rows.iter().find(|row| row.summary.id == task).map(|row| row.summary.handle.to_string());
                let name = name.unwrap_or_else(|| task.to_string());
                Err(EngineError::Parked { name, reason: reason.to_string() })
            }
            Err(NoPod::Ask(_)) => Err(EngineError::Stopping),
        }
    }

    async fn open(&self, task: TaskId) -> Result<TaskWriter, EngineError> {
        let opened = TaskWriter::open(self.inner.store.clone(), task).await;
        opened.map_err(|source| EngineError::Open { task, source })
    }

    async fn give_back(&self, writer: TaskWriter) {
        if let Err(error) = writer.close().await {
            tracing::warn!(%error, "a stream was not given back; the next writer takes it over");
        }
    }
}

async fn execute_in(
    pod: &PodHandle,
    task: TaskId,
    command: Envelope<TaskCommand>,
) -> Result<Executed, EngineError> {
    let writer = pod.task().ok_or(EngineError::NoAnswer(task))?;
    writer.execute(command).await.map_err(|error| match error {
        SendError::Ask(_) => EngineError::NoAnswer(task),
        SendError::Execute(error) => executing(task, error),
    })
}

async fn execute_alone(
    writer: &mut TaskWriter,
    task: TaskId,
    command: Envelope<TaskCommand>,
) -> Result<Executed, EngineError> {
    writer.execute(command).await.map_err(|error| executing(task, error))
}

fn executing(task: TaskId, error: ExecuteError) -> EngineError {
    match error {
        ExecuteError::Refused(refused) => EngineError::Refused(refused),
        source @ (ExecuteError::Append(_)
        | ExecuteError::Reload(_)
        | ExecuteError::Lookup(_)
        | ExecuteError::Illegal(_)
        | ExecuteError::Encode(_)
        | ExecuteError::Full) => EngineError::Execute { task, source },
    }
}
