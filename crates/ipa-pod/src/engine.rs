//! The library's front door: create tasks, send them commands, read them.

mod builder;
mod hooks;
mod inbox;
mod outside;
mod pods;
mod read;
mod work;

pub use builder::EngineBuilder;
pub use hooks::HookError;
pub use outside::ConnectorCheck;
pub use pods::Drain;
pub use read::{TaskRow, TaskView};
pub use work::{RuntimeRow, Since};

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ipa_events::store::{Appended, Store, Version};
use ipa_events::task::{Gates, Link, NewTask};
use ipa_events::{
    BranchName, CommandId, Ctx, Envelope, Executed, Handle, Phase, Principal, Reference, RepoSource,
    Resource, Runtime, TaskCommand, TaskId, TaskWriter, Via,
};
use ipa_workspace::Workspaces;
use tokio::sync::{Notify, OnceCell, watch};
use tokio::task::JoinSet;

use crate::actor::AskError;
use crate::config::EngineConfig;
use crate::error::{EngineError, executing, opening};
use crate::manager::{Conditions, ManagerHandle, NoPod, Then};
use crate::parts::Parts;
use crate::pod::supervisor::PodHandle;
use crate::pod::task::SendError;
use crate::redact;

/// How often a command is sent to a pod that goes or is being healed.
const TRIES: u32 = 10;

/// How long to wait before it is sent again.
const PAUSE: Duration = Duration::from_millis(200);

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
    manager: OnceCell<ManagerHandle>,
    /// Those who ask the connectors what moved, and who reads the webhooks. End with the engine.
    sweepers: Mutex<JoinSet<()>>,
    /// Says that a webhook came.
    arrived: Arc<Notify>,
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
    /// The ticket that it is for.
    pub ticket: Option<(Resource, Link)>,
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
            ticket: None,
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
    /// [`EngineError::NoAgent`], [`EngineError::HoldsSecret`], [`EngineError::Refused`] for an empty request, or why it
    /// was not stored.
    pub async fn create(&self, ctx: Ctx, mut draft: TaskDraft) -> Result<CreatedTask, EngineError> {
        let defaults = &self.inner.parts.config.defaults;
        let (agent, roles) = match draft.agent {
            Some(agent) => (agent, BTreeMap::new()),
            None => defaults.agents().ok_or(EngineError::NoAgent)?,
        };
        for on in &draft.depends_on {
            if !self.has_events(*on).await? {
                return Err(EngineError::UnknownDependency(Reference::Id(*on)));
            }
        }
        // Derived from the command, so that a repeat of it means the same task.
        let id = TaskId::from_key(&format!("create {}", ctx.command_id));
        if let Some(first) = self.created_before(id, ctx.command_id).await? {
            return Ok(first);
        }
        let checks = draft.checks.take().unwrap_or_else(|| defaults.checks.clone());
        let agents = std::iter::once(&agent).chain(roles.values()).map(ToString::to_string);
        let places =
            std::iter::once(draft.repo.to_string()).chain(draft.base.iter().map(ToString::to_string));
        self.hold_no_secret(agents.chain(checks.iter().map(ToString::to_string)).chain(places))?;
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
            roles,
            gates: draft.gates.unwrap_or(defaults.gates),
            checks,
            start_at: draft.start_at,
            priority: draft.priority,
            depends_on: draft.depends_on,
            ticket: draft.ticket,
            limits: defaults.limits,
        };
        let command = Envelope { ctx, body: TaskCommand::Create(Box::new(new)) };
        let executed = self.execute_alone(&mut writer, id, command).await;
        self.give_back(writer).await;
        Ok(CreatedTask { id, handle, executed: executed? })
    }

    /// Refuses what is run or reached as it is: it cannot lose a part, and would be stored with its secret.
    fn hold_no_secret(&self, mut texts: impl Iterator<Item = String>) -> Result<(), EngineError> {
        let secrets = &self.inner.parts.config.secrets;
        if texts.any(|text| secrets.hides(&text)) { Err(EngineError::HoldsSecret) } else { Ok(()) }
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
        self.send(task, None, command).await
    }

    /// Sends a task a command that was given on what was seen at a version; on a newer one it is not carried out,
    /// unless it is the repeat of one that was.
    ///
    /// # Errors
    ///
    /// [`EngineError::Stale`], and those of [`Engine::execute`].
    pub async fn execute_on(
        &self,
        task: TaskId,
        seen: Version,
        command: Envelope<TaskCommand>,
    ) -> Result<Executed, EngineError> {
        let id = command.ctx.command_id;
        match self.send(task, Some(seen), command).await {
            Err(EngineError::Stale(_)) => match self.inner.store.log.outcome(id).await? {
                Some(Appended { version, position }) => Ok(Executed { version, position, repeated: true }),
                None => Err(EngineError::Stale(task)),
            },
            other => other,
        }
    }

    async fn send(
        &self,
        task: TaskId,
        seen: Option<Version>,
        command: Envelope<TaskCommand>,
    ) -> Result<Executed, EngineError> {
        self.exists(task).await?;
        for _ in 0..TRIES {
            let outcome = match self.pod(task).await? {
                Writer::Pod(pod) => execute_in(&pod, seen, command.clone()).await,
                Writer::Nobody => return self.execute_here(task, seen, command).await,
                Writer::Parked(manager) => {
                    let executed = self.execute_here(task, seen, command).await?;
                    self.unpark(manager, task).await;
                    return Ok(executed);
                }
            };
            match outcome {
                Ok(executed) => return Ok(executed),
                Err(SendError::Execute(error)) => return Err(executing(task, error)),
                Err(SendError::Stale) => return Err(EngineError::Stale(task)),
                Err(SendError::Ask(AskError::Silent)) => break,
                // Its pod is going, or being healed: the command has an id, so it may be sent again.
                Err(SendError::Ask(AskError::Gone)) => tokio::time::sleep(PAUSE).await,
            }
        }
        Err(EngineError::NoAnswer(task))
    }

    /// Finds the task that this command created before, if it did.
    async fn created_before(
        &self,
        id: TaskId,
        command: CommandId,
    ) -> Result<Option<CreatedTask>, EngineError> {
        let Some(Appended { version, position }) = self.inner.store.log.outcome(command).await? else {
            return Ok(None);
        };
        let handle = self.task(id).await?.row.summary.handle;
        Ok(Some(CreatedTask { id, handle, executed: Executed { version, position, repeated: true } }))
    }

    /// Finds who writes a task, starting its pod if need be.
    async fn pod(&self, task: TaskId) -> Result<Writer<'_>, EngineError> {
        let Some(manager) = self.inner.manager.get() else { return Ok(Writer::Nobody) };
        match manager.pod(task).await {
            Ok(pod) => Ok(Writer::Pod(pod)),
            Err(NoPod::OutOfScope) => Ok(Writer::Nobody),
            // Its pod is down: nobody else writes.
            Err(NoPod::Parked(_)) => Ok(Writer::Parked(manager)),
            Err(NoPod::Failed(why)) => Err(EngineError::Unavailable { task, why: why.to_string() }),
            Err(NoPod::Ask(_)) => Err(EngineError::Stopping),
        }
    }

    /// Lets a parked pod start again once nothing says any more that it is parked.
    async fn unpark(&self, manager: &ManagerHandle, task: TaskId) {
        let Ok(view) = self.task(task).await else { return };
        if !view.state.open_decisions().any(|open| pods::is_parked(&open.asked))
            && let Err(error) = manager.restart(task, Then::Start).await
        {
            tracing::warn!(task.id = %task, %error, "the pod of {task} was not started again");
        }
    }

    async fn execute_here(
        &self,
        task: TaskId,
        seen: Option<Version>,
        command: Envelope<TaskCommand>,
    ) -> Result<Executed, EngineError> {
        let mut writer = self.open(task).await?;
        let executed = if seen.is_some_and(|seen| seen != writer.version()) {
            Err(EngineError::Stale(task))
        } else {
            self.execute_alone(&mut writer, task, command).await
        };
        self.give_back(writer).await;
        executed
    }

    async fn execute_alone(
        &self,
        writer: &mut TaskWriter,
        task: TaskId,
        command: Envelope<TaskCommand>,
    ) -> Result<Executed, EngineError> {
        let executed = redact::execute(writer, &self.inner.parts.config.secrets, command).await;
        executed.map_err(|error| executing(task, error))
    }

    async fn open(&self, task: TaskId) -> Result<TaskWriter, EngineError> {
        let opened = TaskWriter::open(self.inner.store.clone(), task).await;
        opened.map_err(|error| opening(task, error))
    }

    async fn give_back(&self, writer: TaskWriter) {
        if let Err(error) = writer.close().await {
            tracing::warn!(%error, "a stream was not given back; the next writer takes it over");
        }
    }
}

/// Who writes a task just now.
enum Writer<'a> {
    /// Its pod.
    Pod(PodHandle),
    /// Nobody: this engine runs no pod for it.
    Nobody,
    /// Nobody: its pod cannot run.
    Parked(&'a ManagerHandle),
}

async fn execute_in(
    pod: &PodHandle,
    seen: Option<Version>,
    command: Envelope<TaskCommand>,
) -> Result<Executed, SendError> {
    pod.task().ok_or(SendError::Ask(AskError::Gone))?.send(seen, command).await
}
