//! Carries a task's changes to the outside: intent, effect, outcome. A try whose outcome nobody knows is looked
//! into before anything is tried again.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use ipa_events::task::{Delivery, NeedsPerson};
use ipa_events::{BranchName, Oid, Principal, RepoSource, TaskCommand};
use ipa_sync::{GitPort, PushError, Step, carry_out, step};
use ipa_workspace::{Push, WorkspaceError, Workspaces};
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr};
use tokio::task::JoinSet;
use tracing::warn;

use super::job::Job;
use super::task::{SendError, TaskHandle};
use crate::actor::tell;
use crate::parts::Parts;

/// How long this actor waits after the log refused it.
const PAUSE: Duration = Duration::from_secs(1);

/// Starts a task's sync actor.
pub(crate) async fn spawn(
    task: TaskHandle,
    parts: Arc<Parts>,
    parent: ActorCell,
) -> Result<ActorCell, SpawnErr> {
    let (actor, _joined) = Sync::spawn_linked(None, Sync, (task, parts), parent).await?;
    Ok(actor.get_cell())
}

struct Sync;

enum Msg {
    /// Something changed: look again.
    Look,
    /// The piece of work is done; how long to wait before the next.
    Done(Result<Duration, String>),
}

struct State {
    task: TaskHandle,
    parts: Arc<Parts>,
    working: bool,
    job: Job,
    /// Follows the task's state. Ends with the actor.
    _watcher: JoinSet<()>,
}

impl Actor for Sync {
    type Msg = Msg;
    type State = State;
    type Arguments = (TaskHandle, Arc<Parts>);

    async fn pre_start(
        &self,
        myself: ActorRef<Msg>,
        (task, parts): Self::Arguments,
    ) -> Result<State, ActorProcessingErr> {
        let mut watcher = JoinSet::new();
        let (me, mut published) = (myself.clone(), task.follow());
        watcher.spawn(async move {
            while published.changed().await.is_ok() {
                tell(&me, Msg::Look);
            }
        });
        tell(&myself, Msg::Look);
        Ok(State { task, parts, working: false, job: Job::default(), _watcher: watcher })
    }

    async fn handle(
        &self,
        myself: ActorRef<Msg>,
        message: Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        if let Msg::Done(done) = message {
            state.working = false;
            let pause = done.map_err(ActorProcessingErr::from)?;
            if !pause.is_zero() {
                state.look_after(pause, myself);
                return Ok(());
            }
        }
        if !state.working {
            state.look(myself);
        }
        Ok(())
    }
}

impl State {
    fn look(&mut self, myself: ActorRef<Msg>) {
        let now = self.parts.edge.now();
        match step(&self.task.now().state, now) {
            None => {}
            Some(Step::WaitUntil(at)) => self.look_after(at.duration_since(now).unsigned_abs(), myself),
            Some(next @ (Step::Begin(_) | Step::Send(_))) => {
                self.working = true;
                let (task, parts) = (self.task.clone(), self.parts.clone());
                self.job.start(async move { work(&task, &parts, next).await }, move |done| {
                    tell(&myself, Msg::Done(done));
                });
            }
        }
    }

    fn look_after(&mut self, pause: Duration, myself: ActorRef<Msg>) {
        self.job.start(tokio::time::sleep(pause), move |_over| tell(&myself, Msg::Look));
    }
}

/// Takes one step of one operation; returns how long to wait before the next.
async fn work(task: &TaskHandle, parts: &Parts, next: Step) -> Duration {
    let body = match next {
        Step::Begin(op) => Some(TaskCommand::StartDelivery { op }),
        Step::Send(op) => match task.now().state.op(op) {
            Some(op) => Some(carry_out(&Git(parts.workspaces.as_ref()), op).await),
            None => None,
        },
        Step::WaitUntil(_) => None,
    };
    let Some(body) = body else { return Duration::ZERO };
    match task.record(parts, Principal::Scheduler, body).await {
        Ok(_) => Duration::ZERO,
        Err(SendError::Execute(ipa_events::ExecuteError::Refused(_))) => PAUSE,
        Err(error) => {
            warn!(%error, "the outcome of a delivery was not recorded; it is looked into again");
            PAUSE
        }
    }
}

/// Publishing, by way of the workspaces.
struct Git<'a>(&'a dyn Workspaces);

impl GitPort for Git<'_> {
    fn push<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<(), PushError>> {
        let Delivery { repo, branch, commit, expected } = delivery.clone();
        async move {
            self.0.publish(Push { repo, branch, commit, expected }).await.map_err(|error| push_error(&error))
        }
        .boxed()
    }

    fn head<'a>(
        &'a self,
        repo: &'a RepoSource,
        branch: &'a BranchName,
    ) -> BoxFuture<'a, Result<Option<Oid>, PushError>> {
        async move { self.0.remote_head(repo.clone(), branch.clone()).await.map_err(|error| push_error(&error)) }.boxed()
    }
}

fn push_error(error: &WorkspaceError) -> PushError {
    let needs_person = if error.is_transient() { NeedsPerson::No } else { NeedsPerson::Yes };
    PushError { detail: crate::error::chain(error), needs_person }
}
