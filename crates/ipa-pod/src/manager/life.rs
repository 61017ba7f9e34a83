//! The life of a pod: it starts, works, rests, fails, is tried again, is parked, goes.

use std::sync::Arc;

use ipa_events::store::Store;
use ipa_events::task::EscalationReason;
use ipa_events::{Envelope, LoadError, OpenError, Principal, TaskCommand, TaskId, TaskWriter, Via};
use ractor::{ActorRef, ActorStatus, RpcReplyPort, SpawnErr};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant};
use tracing::{error, info, warn};

use super::entry::{Entry, Pod, Rest, Starting, Waiter};
use super::state::AT_ONCE;
use super::{Msg, NoPod, State, Then};
use crate::actor::tell;
use crate::error::chain;
use crate::parts::Parts;
use crate::pod::backoff;
use crate::pod::supervisor::{PodArgs, PodHandle};
use crate::pod::sync::Outlook;
use crate::redact;
use crate::scheduler::{Reason, Standing};

/// A pod that worked for this long is not counted among those that failed one after the other.
const PROVEN: Duration = Duration::from_mins(5);

/// Why a pod did not start.
pub(super) enum NotStarted {
    /// Its task cannot be loaded: trying again cannot help.
    Poison(String),
    /// Anything else: it may work a little later.
    Fault(String),
}

impl State {
    pub(super) fn start(
        &mut self,
        myself: &ActorRef<Msg>,
        task: TaskId,
        waiting: Vec<Waiter>,
        failures: u32,
    ) {
        let (depend, dependencies) = watch::channel(self.dependencies_of(task));
        let (stand, standing) = watch::channel(Standing::Looking);
        let (look, outlook) = watch::channel(Outlook::Busy);
        let args = PodArgs {
            id: task,
            store: self.store.clone(),
            parts: self.parts.clone(),
            dependencies,
            draining: self.draining.subscribe(),
            standing: stand,
            outlook: look,
            task: watch::Sender::new(None),
            sync: watch::Sender::new(None),
        };
        let me = myself.clone();
        self.jobs.spawn(async move {
            let started = PodHandle::spawn(args, me.get_cell()).await;
            tell(&me, Msg::Started(task, started.map_err(|error| not_started(&error))));
        });
        let wants_slot = self.entries.get(&task).is_some_and(Entry::waits_for_slot);
        let starting = Starting { waiting, failures, depend, standing, outlook, wants_slot, hinted: false };
        self.entries.insert(task, Entry::Starting(starting));
    }

    pub(super) fn started(
        &mut self,
        myself: &ActorRef<Msg>,
        task: TaskId,
        started: Result<PodHandle, NotStarted>,
    ) {
        let Some(Entry::Starting(starting)) = self.entries.remove(&task) else { return };
        let Starting { waiting, failures, depend, standing, outlook, wants_slot, hinted } = starting;
        match started {
            Ok(handle) => {
                answer(waiting, &Ok(handle.clone()));
                let mut follows = JoinSet::new();
                follows.spawn(follow_standing(task, standing, myself.clone()));
                follows.spawn(follow_outlook(task, outlook, myself.clone()));
                let ended = handle.cell().get_status() >= ActorStatus::Stopping;
                let pod = Pod {
                    handle,
                    depend,
                    standing: Standing::Looking,
                    outlook: Outlook::Busy,
                    wants_slot,
                    failures,
                    since: Instant::now(),
                    _follows: follows,
                    idle: JoinSet::new(),
                };
                self.entries.insert(task, Entry::Running(Box::new(pod)));
                if hinted {
                    self.hint(myself, task);
                }
                if ended {
                    self.failed(myself, task, "it ended as soon as it had begun");
                }
            }
            Err(NotStarted::Poison(why)) => {
                error!(task.id = %task, why, "the task {task} cannot be loaded; it is parked");
                answer(waiting, &Err(NoPod::Parked(why.as_str().into())));
                self.entries.insert(task, Entry::Parked(why.into()));
            }
            Err(NotStarted::Fault(why)) => {
                answer(waiting, &Err(NoPod::Failed(why.as_str().into())));
                self.try_again(myself, task, failures.saturating_add(1), &why);
            }
        }
        // Others may have waited for this one to be started.
        self.wake(myself);
    }

    /// A pod gave up.
    pub(super) fn failed(&mut self, myself: &ActorRef<Msg>, task: TaskId, why: &str) {
        let Some(Entry::Running(pod)) = self.entries.remove(&task) else { return };
        let before = if pod.since.elapsed() > PROVEN { 0 } else { pod.failures };
        self.try_again(myself, task, before.saturating_add(1), why);
    }

    /// Tries a pod again after a pause, and parks it when that did not help.
    fn try_again(&mut self, myself: &ActorRef<Msg>, task: TaskId, failures: u32, why: &str) {
        let Some(pause) = backoff(failures) else {
            error!(task.id = %task, why, "the pod of {task} failed {failures} times and is parked");
            let why: Arc<str> = why.into();
            self.entries.insert(task, Entry::Parked(why.clone()));
            self.jobs.spawn(escalate(self.store.clone(), self.parts.clone(), task, why));
            return;
        };
        warn!(task.id = %task, why, ?pause, "the pod of {task} failed; it is tried again");
        let me = myself.clone();
        let mut timer = JoinSet::new();
        timer.spawn(async move {
            tokio::time::sleep(pause).await;
            tell(&me, Msg::Stopped(task));
        });
        self.entries.insert(task, Entry::Pausing { failures, why: why.into(), _timer: timer });
    }

    /// A pod is down, or its pause is over.
    pub(super) fn stopped(&mut self, myself: &ActorRef<Msg>, task: TaskId) {
        match self.entries.remove(&task) {
            Some(Entry::Pausing { failures, .. }) => self.start(myself, task, Vec::new(), failures),
            Some(Entry::Stopping { waiting, then, rested }) => {
                info!(task.id = %task, "the pod of {task} is down");
                if then == Then::Start || !waiting.is_empty() {
                    self.start(myself, task, waiting, 0);
                } else if let Some(rest) = rested {
                    self.entries.insert(task, Entry::Rested(rest));
                    self.wake(myself);
                }
            }
            Some(other) => {
                self.entries.insert(task, other);
            }
            None => {}
        }
    }

    pub(super) fn stands(&mut self, myself: &ActorRef<Msg>, task: TaskId, standing: Standing) {
        let Some(Entry::Running(pod)) = self.entries.get_mut(&task) else { return };
        if let Standing::Resting(_, reason) = &standing {
            pod.wants_slot = matches!(reason, Reason::NoSlot(_));
        }
        pod.standing = standing;
        self.wait_idle(myself, task);
    }

    pub(super) fn looks_out(&mut self, myself: &ActorRef<Msg>, task: TaskId, outlook: Outlook) {
        let Some(Entry::Running(pod)) = self.entries.get_mut(&task) else { return };
        pod.outlook = outlook;
        self.wait_idle(myself, task);
    }

    /// Has a pod with nothing to do go in a while, if nothing happens.
    fn wait_idle(&mut self, myself: &ActorRef<Msg>, task: TaskId) {
        let Some(Entry::Running(pod)) = self.entries.get_mut(&task) else { return };
        pod.idle = JoinSet::new();
        if pod.rests().is_some() {
            let (me, patience) = (myself.clone(), self.parts.config.pod.idle);
            pod.idle.spawn(async move {
                tokio::time::sleep(patience).await;
                tell(&me, Msg::Idle(task));
            });
        }
    }

    /// Lets a pod go that has had nothing to do for a while.
    pub(super) fn idle(&mut self, myself: &ActorRef<Msg>, task: TaskId) {
        let Some(Entry::Running(pod)) = self.entries.get(&task) else { return };
        if let Some(rest) = pod.rests() {
            self.take_down(myself, task, Then::Rest, Some(rest));
        }
    }

    /// Something may have changed outside that belongs to a task.
    pub(super) fn hint(&mut self, myself: &ActorRef<Msg>, task: TaskId) {
        let may_start = self.scope.covers(task) && !*self.draining.borrow();
        match self.entries.get_mut(&task) {
            Some(Entry::Running(pod)) => {
                if let Some(sync) = pod.handle.sync() {
                    sync.hint();
                }
            }
            // It may have looked already.
            Some(Entry::Starting(starting)) => starting.hinted = true,
            // A pod that starts looks outside first.
            Some(Entry::Stopping { then, .. }) if may_start => *then = Then::Start,
            Some(Entry::Rested(_)) | None if may_start => self.start(myself, task, Vec::new(), 0),
            Some(_) | None => {}
        }
    }

    pub(super) fn restart(
        &mut self,
        myself: &ActorRef<Msg>,
        task: TaskId,
        then: Then,
        reply: RpcReplyPort<()>,
    ) {
        match self.entries.get(&task) {
            Some(Entry::Running(pod)) => {
                let version = pod.handle.task().map(|task| task.now().version);
                let rested = version.map(|version| Rest { version, reason: Reason::Stopped, look_at: None });
                self.take_down(myself, task, then, rested);
            }
            Some(Entry::Starting(_) | Entry::Stopping { .. } | Entry::Cleaning { .. }) => {}
            Some(Entry::Parked(_) | Entry::Pausing { .. } | Entry::Rested(_)) | None => {
                if then == Then::Start && self.scope.covers(task) {
                    self.start(myself, task, Vec::new(), 0);
                }
            }
        }
        let _answered = reply.send(());
    }

    fn take_down(&mut self, myself: &ActorRef<Msg>, task: TaskId, then: Then, rested: Option<Rest>) {
        let Some(Entry::Running(pod)) = self.entries.remove(&task) else { return };
        let (me, handle) = (myself.clone(), pod.handle.clone());
        self.jobs.spawn(async move {
            handle.stop().await;
            tell(&me, Msg::Stopped(task));
        });
        self.entries.insert(task, Entry::Stopping { waiting: Vec::new(), then, rested });
    }

    pub(super) async fn stop(&mut self, myself: &ActorRef<Msg>, reply: RpcReplyPort<()>) {
        self.draining.send_replace(true);
        let pods: Vec<PodHandle> = self.entries.values().filter_map(Entry::handle).collect();
        self.entries.clear();
        for some in pods.chunks(AT_ONCE) {
            futures::future::join_all(some.iter().map(PodHandle::stop)).await;
        }
        let _answered = reply.send(());
        myself.stop(None);
    }
}

pub(super) fn answer(waiting: Vec<Waiter>, pod: &Result<PodHandle, NoPod>) {
    for reply in waiting {
        // Whoever asked may have stopped waiting.
        let _answered = reply.send(pod.clone());
    }
}

/// Tells a task that cannot be loaded from a fault that may pass, by what the innermost child said.
fn not_started(error: &SpawnErr) -> NotStarted {
    let SpawnErr::StartupFailed(inner) = error else { return NotStarted::Fault(error.to_string()) };
    if let Some(nested) = inner.downcast_ref() {
        return not_started(nested);
    }
    match inner.downcast_ref() {
        Some(OpenError::Load(
            poison @ (LoadError::Unreadable(_) | LoadError::Illegal { .. } | LoadError::TooLong(_)),
        )) => NotStarted::Poison(chain(poison)),
        Some(error @ (OpenError::Load(LoadError::Read(_)) | OpenError::Acquire(_))) => {
            NotStarted::Fault(chain(error))
        }
        None => NotStarted::Fault(inner.to_string()),
    }
}

async fn follow_standing(task: TaskId, mut standing: watch::Receiver<Standing>, manager: ActorRef<Msg>) {
    loop {
        let now = standing.borrow_and_update().clone();
        tell(&manager, Msg::Standing(task, now));
        if standing.changed().await.is_err() {
            return;
        }
    }
}

async fn follow_outlook(task: TaskId, mut outlook: watch::Receiver<Outlook>, manager: ActorRef<Msg>) {
    loop {
        let now = *outlook.borrow_and_update();
        tell(&manager, Msg::Outlook(task, now));
        if outlook.changed().await.is_err() {
            return;
        }
    }
}

/// Opens an escalation for a parked task; its pod is down, so nobody else writes.
async fn escalate(store: Store, parts: Arc<Parts>, task: TaskId, why: Arc<str>) {
    let ctx = parts.edge.ctx(Principal::Scheduler, Via::Engine);
    let body = TaskCommand::Escalate { reason: EscalationReason::PodParked, detail: why };
    let told = async {
        let mut writer = TaskWriter::open(store, task).await.map_err(|error| error.to_string())?;
        let command = Envelope { ctx, body };
        let executed = redact::execute(&mut writer, &parts.config.secrets, command).await;
        executed.map_err(|error| error.to_string())?;
        writer.close().await.map_err(|error| error.to_string())
    };
    if let Err(why) = told.await {
        error!(task.id = %task, why, "it could not be recorded that {task} is parked");
    }
}
