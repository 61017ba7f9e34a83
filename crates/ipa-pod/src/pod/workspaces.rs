//! Makes, restores and tidies a task's place of work, one thing at a time, beside the actor's mailbox.

use std::sync::Arc;
use std::time::Duration;

use ipa_events::task::{NeedsPerson, TaskState, WorkspaceState};
use ipa_events::{AgentId, Principal, TaskCommand, WorkspaceId};
use ipa_workspace::{Removed, Start, Workspace, WorkspaceError, WorkspaceSpec};
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr};
use tokio::sync::watch;
use tracing::{info, warn};

use super::job::Job;
use super::task::{SendError, TaskHandle};
use crate::actor::tell;
use crate::parts::Parts;

/// How long a workspace that could not be tidied is left alone: at first, and at most; doubling in between.
const KEPT: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(1));

/// How long this actor waits after the log refused it.
const PAUSE: Duration = Duration::from_secs(1);

/// What others hold of the workspaces actor.
#[derive(Clone)]
pub(crate) struct WorkspacesHandle {
    actor: ActorRef<Msg>,
    busy: watch::Receiver<bool>,
}

/// Starts a task's workspaces actor.
pub(crate) async fn spawn(
    task: TaskHandle,
    parts: Arc<Parts>,
    parent: ActorCell,
) -> Result<(WorkspacesHandle, ActorCell), SpawnErr> {
    let (tell_busy, busy) = watch::channel(false);
    let (actor, _joined) =
        Workspaces::spawn_linked(None, Workspaces, (task, parts, tell_busy), parent).await?;
    Ok((WorkspacesHandle { actor: actor.clone(), busy }, actor.get_cell()))
}

impl WorkspacesHandle {
    /// Makes or restores a place of work, unless something is being done already.
    pub(crate) fn provision(&self, agent: AgentId) {
        tell(&self.actor, Msg::Begin(Work::Provision(agent)));
    }

    /// Moves a place of work to the trash, after a checkpoint, unless something is being done already.
    pub(crate) fn trash(&self, agent: AgentId) {
        tell(&self.actor, Msg::Begin(Work::Trash(agent)));
    }

    /// Tells whether something is being done.
    pub(crate) fn is_busy(&self) -> bool {
        *self.busy.borrow()
    }

    /// Follows whether something is being done.
    pub(crate) fn follow(&self) -> watch::Receiver<bool> {
        self.busy.clone()
    }
}

struct Workspaces;

enum Msg {
    Begin(Work),
    Done(Result<(), String>),
}

#[derive(Debug, Clone)]
enum Work {
    Provision(AgentId),
    Trash(AgentId),
}

struct State {
    task: TaskHandle,
    parts: Arc<Parts>,
    busy: watch::Sender<bool>,
    /// Times that something was tidied, or was to be.
    tidied: u32,
    job: Job,
}

impl Actor for Workspaces {
    type Msg = Msg;
    type State = State;
    type Arguments = (TaskHandle, Arc<Parts>, watch::Sender<bool>);

    async fn pre_start(
        &self,
        _myself: ActorRef<Msg>,
        (task, parts, busy): Self::Arguments,
    ) -> Result<State, ActorProcessingErr> {
        Ok(State { task, parts, busy, tidied: 0, job: Job::default() })
    }

    async fn handle(
        &self,
        myself: ActorRef<Msg>,
        message: Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Msg::Begin(work) if !*state.busy.borrow() => {
                state.busy.send_replace(true);
                let doing =
                    Doing { task: state.task.clone(), parts: state.parts.clone(), tidied: state.tidied };
                state.tidied = state.tidied.saturating_add(u32::from(matches!(work, Work::Trash(_))));
                state.job.start(async move { doing.carry_out(work).await }, move |done| {
                    tell(&myself, Msg::Done(done));
                });
                Ok(())
            }
            Msg::Begin(_) => Ok(()),
            Msg::Done(done) => {
                state.busy.send_replace(false);
                // A panic of the work is this actor's own.
                done.map_err(ActorProcessingErr::from)
            }
        }
    }
}

/// What one piece of work needs.
struct Doing {
    task: TaskHandle,
    parts: Arc<Parts>,
    tidied: u32,
}

impl Doing {
    async fn carry_out(&self, work: Work) {
        match work {
            Work::Provision(agent) => self.provision(agent).await,
            Work::Trash(agent) => self.trash(agent).await,
        }
    }

    async fn provision(&self, agent: AgentId) {
        if self.record(TaskCommand::RequestWorkspace { agent: agent.clone() }).await.is_none() {
            return;
        }
        let Some(spec) = spec_of(&self.task.now().state, &agent) else { return };
        let body = match self.parts.workspaces.provision(spec).await {
            Ok(workspace) => ready(agent, &workspace),
            Err(error) => failed(agent, &error),
        };
        self.record(body).await;
    }

    async fn trash(&self, agent: AgentId) {
        let why = (&Principal::Scheduler, "the task is over");
        match put_away(&self.task, &self.parts, agent.clone(), why).await {
            Ok(()) => {}
            Err(NotPutAway::Unrecorded(error)) => not_taken(&error).await,
            Err(NotPutAway::Kept(error)) => {
                // It stays where it is, whole, and is looked at again after a while.
                warn!(%agent, %error, "workspace {agent} was kept: {error}");
                tokio::time::sleep((KEPT.0 * (1 << self.tidied.min(6))).min(KEPT.1)).await;
            }
        }
    }

    async fn record(&self, body: TaskCommand) -> Option<()> {
        match self.task.record(&self.parts, Principal::Scheduler, body).await {
            Ok(_) => Some(()),
            Err(error) => {
                not_taken(&error).await;
                None
            }
        }
    }
}

async fn not_taken(error: &SendError) {
    info!(%error, "the task did not take what became of a workspace");
    tokio::time::sleep(PAUSE).await;
}

/// Why a place of work was not put away.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotPutAway {
    /// It is where it was, whole.
    #[error(transparent)]
    Kept(#[from] WorkspaceError),
    /// The task did not take that it is gone.
    #[error(transparent)]
    Unrecorded(#[from] SendError),
}

/// Moves a place of work to the trash, after a checkpoint, and records both; as whom, and why.
pub(super) async fn put_away(
    task: &TaskHandle,
    parts: &Parts,
    agent: AgentId,
    (by, why): (&Principal, &str),
) -> Result<(), NotPutAway> {
    let Some(id) = task.now().state.id() else { return Ok(()) };
    let removed = parts.workspaces.remove(&WorkspaceId { task: id, agent: agent.clone() }).await?;
    if let Removed { checkpoint: Some(checkpoint) } = removed {
        let (agent, reason) = (agent.clone(), why.into());
        let (checkpoint, commit) = (checkpoint.number, checkpoint.commit);
        let body = TaskCommand::RecordCheckpoint { agent, checkpoint, commit, reason };
        task.record(parts, by.clone(), body).await?;
    }
    task.record(parts, by.clone(), TaskCommand::RecordTrashed { agent }).await?;
    Ok(())
}

/// Says what the checkout of a place of work is to be: a new one, or the one that was there before.
pub(super) fn spec_of(state: &TaskState, agent: &AgentId) -> Option<WorkspaceSpec> {
    let created = state.created.as_ref()?;
    let workspace = state.workspaces.get(agent)?;
    let start = match &workspace.state {
        WorkspaceState::Trashed { branch, base } | WorkspaceState::Ready { branch, base, .. } => {
            Start::Restored {
                branch: branch.clone(),
                base: base.clone(),
                head: state.head.clone().unwrap_or_else(|| base.clone()),
                checkpoint: workspace.checkpoints.last().map(|(_, commit)| commit.clone()),
            }
        }
        WorkspaceState::Requested | WorkspaceState::Failed { .. } => Start::Base(created.base.clone()),
    };
    Some(WorkspaceSpec {
        id: WorkspaceId { task: created.task, agent: agent.clone() },
        handle: state.handle()?,
        title: state.title.clone(),
        repo: created.repo.clone(),
        start,
    })
}

fn ready(agent: AgentId, workspace: &Workspace) -> TaskCommand {
    match &workspace.branch {
        Some(branch) => TaskCommand::RecordWorkspace {
            agent,
            path: workspace.path.display().to_string().into(),
            branch: branch.clone(),
            base: workspace.base.clone(),
        },
        None => TaskCommand::RecordWorkspaceFailed {
            agent,
            detail: "its checkout is on no branch".into(),
            needs_person: NeedsPerson::Yes,
        },
    }
}

fn failed(agent: AgentId, error: &WorkspaceError) -> TaskCommand {
    let needs_person = if error.is_transient() { NeedsPerson::No } else { NeedsPerson::Yes };
    TaskCommand::RecordWorkspaceFailed { agent, detail: crate::error::chain(error).into(), needs_person }
}
