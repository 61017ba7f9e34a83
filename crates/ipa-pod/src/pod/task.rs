//! The one writer of a task's stream. It takes commands, stores what they lead to, and then tells everybody.

use std::sync::Arc;

use ipa_agent::Secrets;
use ipa_events::store::{AppendError, Store, Version};
use ipa_events::{
    Envelope, ExecuteError, Executed, Principal, TaskCommand, TaskId, TaskState, TaskWriter, Via,
};
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, RpcReplyPort, SpawnErr};
use tokio::sync::watch;

use crate::actor::{AskError, ask};
use crate::parts::Parts;
use crate::redact;

/// A state that is stored.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    pub(crate) version: Version,
    pub(crate) state: Arc<TaskState>,
}

/// What others hold of the task actor.
#[derive(Clone)]
pub(crate) struct TaskHandle {
    actor: ActorRef<Msg>,
    published: watch::Receiver<Published>,
}

/// Why a command had no outcome.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// The task moved on since the state that this was decided on.
    #[error("the task moved on meanwhile")]
    Stale,
}

impl TaskHandle {
    /// Starts the task actor: takes the stream over, loads it, and publishes its first state.
    pub(crate) async fn spawn(
        store: Store,
        task: TaskId,
        secrets: Secrets,
        parent: ActorCell,
    ) -> Result<(Self, ActorCell), SpawnErr> {
        let (publish, published) =
            watch::channel(Published { version: Version::ZERO, state: Arc::default() });
        let (actor, _joined) =
            TaskActor::spawn_linked(None, TaskActor, (store, task, publish, secrets), parent).await?;
        Ok((Self { actor: actor.clone(), published }, actor.get_cell()))
    }

    /// Sends a command; its outcome is stored when the answer is there.
    pub(crate) async fn execute(&self, command: Envelope<TaskCommand>) -> Result<Executed, SendError> {
        self.send(None, command).await
    }

    /// Sends a command that was decided on the state of a version, if it minds: it is not carried out on a newer one.
    pub(crate) async fn send(
        &self,
        seen: Option<Version>,
        command: Envelope<TaskCommand>,
    ) -> Result<Executed, SendError> {
        ask(&self.actor, |reply| Msg::Execute { command: Box::new(command), seen, reply }).await?
    }

    /// Sends a command that begins here and now.
    pub(crate) async fn record(
        &self,
        parts: &Parts,
        actor: Principal,
        body: TaskCommand,
    ) -> Result<Executed, SendError> {
        self.execute(Envelope { ctx: parts.edge.ctx(actor, Via::Engine), body }).await
    }

    /// Returns the newest state.
    pub(crate) fn now(&self) -> Published {
        self.published.borrow().clone()
    }

    /// Follows the newest state.
    pub(crate) fn follow(&self) -> watch::Receiver<Published> {
        self.published.clone()
    }
}

struct TaskActor;

enum Msg {
    Execute {
        command: Box<Envelope<TaskCommand>>,
        /// The version that the sender saw, if it minds that there is a newer one.
        seen: Option<Version>,
        reply: RpcReplyPort<Result<Executed, SendError>>,
    },
}

struct State {
    /// None only while the actor stops.
    writer: Option<TaskWriter>,
    publish: watch::Sender<Published>,
    secrets: Secrets,
}

impl Actor for TaskActor {
    type Msg = Msg;
    type State = State;
    type Arguments = (Store, TaskId, watch::Sender<Published>, Secrets);

    async fn pre_start(
        &self,
        _myself: ActorRef<Msg>,
        (store, task, publish, secrets): Self::Arguments,
    ) -> Result<State, ActorProcessingErr> {
        let writer = TaskWriter::open(store, task).await?;
        let state = State { writer: Some(writer), publish, secrets };
        state.publish();
        Ok(state)
    }

    async fn handle(
        &self,
        _myself: ActorRef<Msg>,
        message: Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let Msg::Execute { command, seen, reply } = message;
        let Some(writer) = &mut state.writer else { return Ok(()) };
        if seen.is_some_and(|seen| seen != writer.version()) {
            let _answered = reply.send(Err(SendError::Stale));
            return Ok(());
        }
        let outcome = redact::execute(writer, &state.secrets, *command).await;
        state.publish();
        let fenced = matches!(outcome, Err(ExecuteError::Append(AppendError::Fenced(_))));
        // The caller may have stopped waiting.
        let _answered = reply.send(outcome.map_err(SendError::Execute));
        if fenced {
            return Err("somebody else took the task's stream over".into());
        }
        if let Some(writer) = &mut state.writer {
            writer.snapshot_if_due().await;
        }
        Ok(())
    }

    async fn post_stop(&self, _myself: ActorRef<Msg>, state: &mut State) -> Result<(), ActorProcessingErr> {
        if let Some(writer) = state.writer.take() {
            writer.close().await?;
        }
        Ok(())
    }
}

impl State {
    fn publish(&self) {
        let Some(writer) = &self.writer else { return };
        let (version, state) = (writer.version(), writer.state().clone());
        self.publish.send_if_modified(|published| {
            let news = published.version != version;
            *published = Published { version, state };
            news
        });
    }
}
