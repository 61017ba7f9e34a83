//! Keeps the outside in step with a task: looks at what belongs to it there, and makes what is wanted. What that is,
//! and what is next, is decided by `ipa-sync`, purely; this actor looks at the newest state, takes one step, and looks
//! again.

mod git;

use std::sync::Arc;
use std::time::Duration;

use ipa_events::store::Version;
use ipa_events::task::{Change, OpState};
use ipa_events::{ConnectorId, ExecuteError, OpId, Principal, Resource, TaskCommand};
use ipa_sync::{
    Cx, Debounce, Look, Step, SyncError, carry_out, job, look_for, observe, step, wanted, watched,
};
use jiff::Timestamp;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, RpcReplyPort, SpawnErr};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{debug, warn};

pub(crate) use self::git::Git;
use super::job::Job;
use super::task::{Published, SendError, TaskHandle};
use crate::actor::{AskError, ask, tell};
use crate::parts::Parts;

/// How long this actor waits after the log refused it, or a thing could not be looked at.
const PAUSE: Duration = Duration::from_secs(1);
/// How long it waits before it looks again at a thing that it could not look at.
const AGAIN: Duration = Duration::from_secs(30);

/// What the outside is doing, as the manager must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// Something is looked at, or sent.
    Busy,
    /// Nothing is to be done since the stream was at this version; when it is worth to look again.
    Resting(Version, Option<Timestamp>),
}

/// What others hold of the sync actor.
#[derive(Clone)]
pub(crate) struct SyncHandle {
    actor: ActorRef<Msg>,
}

impl SyncHandle {
    /// Starts a task's sync actor.
    pub(crate) async fn spawn(
        task: TaskHandle,
        parts: Arc<Parts>,
        (outlook, parent): (watch::Sender<Outlook>, ActorCell),
    ) -> Result<(Self, ActorCell), SpawnErr> {
        let (actor, _joined) = Sync::spawn_linked(None, Sync, (task, parts, outlook), parent).await?;
        Ok((Self { actor: actor.clone() }, actor.get_cell()))
    }

    /// Says that something may have changed outside.
    pub(crate) fn hint(&self) {
        tell(&self.actor, Msg::Hint);
    }

    /// Looks outside and makes what is wanted, without waiting for more to come; answers when nothing is left to do
    /// now, with what could not be looked at.
    pub(crate) async fn now(&self) -> Result<Option<String>, AskError> {
        ask(&self.actor, Msg::Now).await
    }
}

struct Sync;

enum Msg {
    /// The task's state changed.
    Changed,
    /// Look what is next.
    Look,
    /// Something may have changed outside.
    Hint,
    /// Somebody wants it now, and waits for it.
    Now(RpcReplyPort<Option<String>>),
    /// The piece of work is done.
    Done(Result<Done, String>),
}

/// How a piece of work ended.
struct Done {
    /// How long to wait before the next.
    pause: Duration,
    /// Whether the outside is to be looked at anew, not before when, and how closely.
    look: Option<(Timestamp, Look)>,
    /// What could not be looked at.
    failed: Option<String>,
}

impl Done {
    const fn now() -> Self {
        Self { pause: Duration::ZERO, look: None, failed: None }
    }
}

struct State {
    task: TaskHandle,
    parts: Arc<Parts>,
    outlook: watch::Sender<Outlook>,
    working: bool,
    /// When the outside is to be looked at next, and how closely.
    look_at: Option<(Timestamp, Look)>,
    /// What could not be looked at the last time.
    failed: Option<String>,
    debounce: Debounce,
    waiting: Vec<RpcReplyPort<Option<String>>>,
    job: Job,
    timer: Job,
    /// Follows the task's state. Ends with the actor.
    _watcher: JoinSet<()>,
}

impl Actor for Sync {
    type Msg = Msg;
    type State = State;
    type Arguments = (TaskHandle, Arc<Parts>, watch::Sender<Outlook>);

    async fn pre_start(
        &self,
        myself: ActorRef<Msg>,
        (task, parts, outlook): Self::Arguments,
    ) -> Result<State, ActorProcessingErr> {
        let mut watcher = JoinSet::new();
        let (me, mut published) = (myself.clone(), task.follow());
        watcher.spawn(async move {
            while published.changed().await.is_ok() {
                tell(&me, Msg::Changed);
            }
        });
        tell(&myself, Msg::Look);
        outlook.send_replace(Outlook::Busy);
        Ok(State {
            look_at: Some((parts.edge.now(), Look::Closely)),
            task,
            parts,
            outlook,
            working: false,
            failed: None,
            debounce: Debounce::default(),
            waiting: Vec::new(),
            job: Job::default(),
            timer: Job::default(),
            _watcher: watcher,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<Msg>,
        message: Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let now = state.parts.edge.now();
        match message {
            Msg::Changed => state.debounce.note(now),
            Msg::Look => {}
            Msg::Hint => state.look_at = Some((now, Look::Closely)),
            Msg::Now(reply) => {
                state.look_at = Some((now, Look::Closely));
                state.waiting.push(reply);
            }
            Msg::Done(done) => {
                let done = done.map_err(ActorProcessingErr::from)?;
                state.working = false;
                state.failed = done.failed.or(state.failed.take().filter(|_| done.look.is_none()));
                // What was said to have changed meanwhile may have changed after it was looked at.
                state.look_at = done.look.into_iter().chain(state.look_at).min_by_key(|(at, _)| *at);
                if !done.pause.is_zero() {
                    state.look_after(done.pause, myself);
                    return Ok(());
                }
            }
        }
        if !state.working {
            state.look(&myself, now);
        }
        Ok(())
    }
}

impl State {
    fn look(&mut self, myself: &ActorRef<Msg>, now: Timestamp) {
        let published = self.task.now();
        let state = &published.state;
        let sides = self.parts.connectors.sides(state.created.as_ref().map(|created| &created.repo));
        let things = watched(state, &sides);
        let due = self.look_at.take_if(|(at, _)| *at <= now);
        if let Some((_, look)) = due.filter(|_| !things.is_empty()) {
            let (task, parts) = (self.task.clone(), self.parts.clone());
            return self.work(myself, async move { look_outside(&task, &parts, (things, look)).await });
        }
        let closed = self.parts.connectors.closed(now);
        let closed = closed.into_iter().map(|(id, closed)| (id, closed.time())).collect();
        match step(state, &wanted(state, &sides), &closed, now) {
            None => self.rest(myself, &published, None, now),
            Some(Step::WaitUntil(at)) => self.rest(myself, &published, Some(at), now),
            Some(Step::Queue(..)) if self.waiting.is_empty() && self.debounce.holds(now) => {
                let pause = self.debounce.until(now);
                self.outlook.send_replace(Outlook::Busy);
                self.look_after(pause, myself.clone());
            }
            Some(next) => {
                let (task, parts) = (self.task.clone(), self.parts.clone());
                self.work(myself, async move { take(&task, &parts, next).await });
            }
        }
    }

    fn work(&mut self, myself: &ActorRef<Msg>, work: impl Future<Output = Done> + Send + 'static) {
        self.working = true;
        self.outlook.send_replace(Outlook::Busy);
        let me = myself.clone();
        self.job.start(work, move |done| tell(&me, Msg::Done(done)));
    }

    /// Nothing is to be done now.
    fn rest(
        &mut self,
        myself: &ActorRef<Msg>,
        published: &Published,
        until: Option<Timestamp>,
        now: Timestamp,
    ) {
        self.debounce = Debounce::default();
        for reply in self.waiting.drain(..) {
            // Whoever asked may have stopped waiting.
            let _answered = reply.send(self.failed.clone());
        }
        // While the pod is there it looks outside now and then; that alone does not keep it.
        if let Some(at) = until.into_iter().chain(self.look_at.map(|(at, _)| at)).min() {
            self.look_after(at.duration_since(now).unsigned_abs(), myself.clone());
        }
        self.outlook.send_replace(Outlook::Resting(published.version, until));
    }

    fn look_after(&mut self, pause: Duration, myself: ActorRef<Msg>) {
        self.timer.start(tokio::time::sleep(pause), move |_over| tell(&myself, Msg::Look));
    }
}

/// Takes one step.
async fn take(task: &TaskHandle, parts: &Parts, next: Step) -> Done {
    match next {
        Step::Withdraw(op) => record(task, parts, TaskCommand::WithdrawOp { op }).await,
        Step::Queue(resource, changes) => {
            record(task, parts, TaskCommand::QueueChanges { resource, changes }).await
        }
        Step::Send(op) => {
            let begun = record(task, parts, TaskCommand::StartAttempt { op }).await;
            if !begun.pause.is_zero() {
                return begun;
            }
            with_job(task, parts, op, Try::Send).await
        }
        Step::Probe(op) => with_job(task, parts, op, Try::LookFor).await,
        Step::Fuse(resource, why) => {
            warn!("nothing more is written to {resource} before a person says so: {why}");
            record(task, parts, TaskCommand::BlowFuse { resource, detail: why.into() }).await
        }
        Step::WaitUntil(_) => Done::now(),
    }
}

#[derive(Clone, Copy)]
enum Try {
    Send,
    LookFor,
}

async fn with_job(task: &TaskHandle, parts: &Parts, op: OpId, what: Try) -> Done {
    let state = task.now().state;
    let Some(op) = state.op(op).filter(|op| matches!(op.state, OpState::InFlight(_))) else {
        return Done::now();
    };
    let Some(job) = job(&state, op) else { return Done::now() };
    let connector = parts.connectors.get(&op.resource.connector);
    let git = Git(parts.workspaces.as_ref());
    let cx = Cx { git: &git, now: parts.edge.now() };
    let connector = connector.map(|connector| &**connector);
    let tried = match what {
        Try::Send => carry_out(connector, cx, &job).await,
        Try::LookFor => look_for(connector, cx, &job).await,
    };
    note(parts, &job.op.resource.connector, tried.error.as_ref()).await;
    let mut done = record(task, parts, tried.command).await;
    // What the other side makes of it is not known here.
    if tried.error.is_none() && changes_more_than_it_says(&job.op.change) {
        done.look = Some((parts.edge.now(), Look::Closely));
    }
    done
}

fn changes_more_than_it_says(change: &Change) -> bool {
    matches!(change, Change::OpenPull { .. } | Change::Merge { .. } | Change::MoveTicket { .. })
}

/// Looks at what belongs to the task outside, and records what is new.
async fn look_outside(task: &TaskHandle, parts: &Parts, (things, look): (Vec<Resource>, Look)) -> Done {
    let git = Git(parts.workspaces.as_ref());
    let mut failed = None;
    let polls = things.iter().filter_map(|thing| {
        let base = parts.connectors.poll(&thing.connector)?;
        Some(parts.pause(&thing.connector, base))
    });
    let poll = polls.min().unwrap_or(AGAIN);
    for resource in things {
        let Some(connector) = parts.connectors.get(&resource.connector) else { continue };
        if let Some(closed) = parts.connectors.closed(parts.edge.now()).get(&resource.connector) {
            failed = Some(format!("{} {closed}", resource.connector));
            continue;
        }
        let state = task.now().state;
        let cx = Cx { git: &git, now: parts.edge.now() };
        match observe(&**connector, cx, &state, (&resource, look)).await {
            Ok(commands) => {
                note(parts, &resource.connector, None).await;
                for command in commands {
                    let recorded = record(task, parts, command).await;
                    if !recorded.pause.is_zero() {
                        return Done { look: Some((parts.edge.now(), look)), ..recorded };
                    }
                }
            }
            Err(error) => {
                debug!(%error, "{resource} could not be looked at");
                note(parts, &resource.connector, Some(&error)).await;
                failed = Some(error.to_string());
            }
        }
    }
    let pause = if failed.is_some() { AGAIN } else { poll };
    let now = parts.edge.now();
    let again = (now.saturating_add(pause).unwrap_or(now), Look::Glance);
    Done { pause: Duration::ZERO, look: Some(again), failed }
}

async fn note(parts: &Parts, connector: &ConnectorId, error: Option<&SyncError>) {
    match error {
        None => parts.connectors.answered(connector, parts.edge.now()),
        Some(error) => parts.connectors.failed(connector, error, parts.edge.now()).await,
    }
}

async fn record(task: &TaskHandle, parts: &Parts, body: TaskCommand) -> Done {
    match task.record(parts, Principal::Scheduler, body).await {
        Ok(_) => Done::now(),
        Err(SendError::Execute(ExecuteError::Refused(error))) => {
            debug!(%error, "the task does not call for this any more");
            Done { pause: PAUSE, ..Done::now() }
        }
        Err(error) => {
            warn!(%error, "what happened outside was not recorded; it is looked into again");
            Done { pause: PAUSE, ..Done::now() }
        }
    }
}
