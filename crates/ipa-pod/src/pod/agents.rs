//! Owns the sessions of a task's runs, one at a time; never their processes. When this actor is gone the agents go
//! on, and the next one finds them again.

use std::sync::Arc;

use ipa_events::{RunId, Runtime, SessionId};
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr};
use tokio::sync::watch;
use uuid::Uuid;

use super::drive::Drive;
use super::job::Job;
use super::task::TaskHandle;
use crate::actor::tell;
use crate::parts::Parts;
use crate::scheduler::Stop;
use crate::slots::Permit;

/// What others hold of the agents actor.
#[derive(Clone)]
pub(crate) struct AgentsHandle {
    actor: ActorRef<Msg>,
    driving: watch::Receiver<Option<RunId>>,
    parts: Arc<Parts>,
}

/// Starts a task's agents actor.
pub(crate) async fn spawn(
    task: TaskHandle,
    parts: Arc<Parts>,
    parent: ActorCell,
) -> Result<(AgentsHandle, ActorCell), SpawnErr> {
    let (drives, driving) = watch::channel(None);
    let (actor, _joined) = Agents::spawn_linked(None, Agents, (task, parts.clone(), drives), parent).await?;
    Ok((AgentsHandle { actor: actor.clone(), driving, parts }, actor.get_cell()))
}

impl AgentsHandle {
    /// Drives a run to its end, whatever became of it so far, unless another one is driven.
    pub(crate) fn drive(&self, run: RunId, permit: Option<Permit>) {
        tell(&self.actor, Msg::Drive(run, permit));
    }

    /// Ends a run that is driven.
    pub(crate) fn stop(&self, run: RunId, how: Stop) {
        tell(&self.actor, Msg::Stop(run, how));
    }

    /// Returns the run that is driven.
    pub(crate) fn driving(&self) -> Option<RunId> {
        *self.driving.borrow()
    }

    /// Follows which run is driven.
    pub(crate) fn follow(&self) -> watch::Receiver<Option<RunId>> {
        self.driving.clone()
    }

    /// Names the conversation of a new run, where the agent lets us choose.
    pub(crate) fn new_session(&self, runtime: &Runtime, fresh: Uuid) -> Option<SessionId> {
        let resumes = self.parts.runtime(runtime)?.capabilities().resume;
        fresh.to_string().parse().ok().filter(|_| resumes)
    }
}

struct Agents;

enum Msg {
    Drive(RunId, Option<Permit>),
    Stop(RunId, Stop),
    Over(Result<(), String>),
}

struct State {
    task: TaskHandle,
    parts: Arc<Parts>,
    driving: watch::Sender<Option<RunId>>,
    stop: watch::Sender<Option<Stop>>,
    job: Job,
}

impl Actor for Agents {
    type Msg = Msg;
    type State = State;
    type Arguments = (TaskHandle, Arc<Parts>, watch::Sender<Option<RunId>>);

    async fn pre_start(
        &self,
        _myself: ActorRef<Msg>,
        (task, parts, driving): Self::Arguments,
    ) -> Result<State, ActorProcessingErr> {
        Ok(State { task, parts, driving, stop: watch::Sender::new(None), job: Job::default() })
    }

    async fn handle(
        &self,
        myself: ActorRef<Msg>,
        message: Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let driving = *state.driving.borrow();
        match message {
            Msg::Drive(run, permit) if driving.is_none() => state.drive(myself, run, permit),
            Msg::Stop(run, how) if driving == Some(run) => state.stop(how),
            Msg::Drive(..) | Msg::Stop(..) => {}
            Msg::Over(over) => {
                state.driving.send_replace(None);
                // A panic of the drive is this actor's own.
                over?;
            }
        }
        Ok(())
    }
}

impl State {
    fn drive(&mut self, myself: ActorRef<Msg>, run: RunId, permit: Option<Permit>) {
        self.stop.send_replace(None);
        self.driving.send_replace(Some(run));
        let drive = Drive::new(self.task.clone(), self.parts.clone(), run, self.stop.subscribe());
        let work = async move {
            drive.run_to_end().await;
            drop(permit);
        };
        self.job.start(work, move |over| tell(&myself, Msg::Over(over)));
    }

    fn stop(&self, how: Stop) {
        self.stop.send_if_modified(|known| {
            let news = known.as_ref() != Some(&how);
            *known = Some(how);
            news
        });
    }
}
