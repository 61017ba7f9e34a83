//! What the manager does about its tasks, message by message.

use std::collections::BTreeMap;
use std::sync::Arc;

use ipa_events::store::Store;
use ipa_events::task::EscalationReason;
use ipa_events::{Envelope, Handle, Phase, Principal, Summary, TaskCommand, TaskId, TaskWriter, Via};
use jiff::Timestamp;
use ractor::{ActorRef, RpcReplyPort, SpawnErr};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use super::entry::{self, Entry, Pod};
use super::wake::{Absent, wake};
use super::{Msg, NoPod, State, Then};
use crate::actor::tell;
use crate::config::Scope;
use crate::parts::Parts;
use crate::pod::backoff;
use crate::pod::supervisor::{PodArgs, PodHandle};
use crate::scheduler::{Reason, Standing};
use crate::slots::Claim;

/// Pods that start or stop at a time.
const AT_ONCE: usize = 64;

impl State {
    pub(super) fn publish(&self) {
        let condition = |(task, entry): (&TaskId, &Entry)| Some((*task, entry.condition()?));
        let conditions: BTreeMap<_, _> = self.entries.iter().filter_map(condition).collect();
        self.conditions.send_if_modified(|known| {
            let news = **known != conditions;
            if news {
                *known = Arc::new(conditions);
            }
            news
        });
    }

    fn row(&self, task: TaskId) -> Option<&Summary> {
        self.rows.iter().find(|row| row.id == task)
    }

    fn dependencies_of(&self, row: &Summary) -> Vec<(Handle, Phase)> {
        let on = self.rows.iter().filter(|other| row.depends_on.contains(&other.id));
        on.map(|other| (other.handle, other.phase)).collect()
    }

    /// Tells the slots who waits for one, and how much is in review.
    pub(super) fn note_claims(&self) {
        let in_review = self.rows.iter().filter(|row| row.phase == Phase::Review).count();
        let waits = |row: &&Summary| self.entries.get(&row.id).is_some_and(Entry::waits_for_slot);
        let waiting = self.rows.iter().filter(waits).map(Claim::of).collect();
        self.parts.slots.note(u32::try_from(in_review).unwrap_or(u32::MAX), waiting);
    }

    pub(super) fn note_dependencies(&self) {
        for row in &self.rows {
            if let Some(Entry::Running(pod)) = self.entries.get(&row.id) {
                let dependencies = self.dependencies_of(row);
                pod.dependencies.send_if_modified(|known| {
                    let news = *known != dependencies;
                    *known = dependencies;
                    news
                });
            }
        }
    }

    /// Starts the pods whose turn it is, and sets the timer for the next; none while the engine stops.
    pub(super) fn wake(&mut self, myself: &ActorRef<Msg>) {
        if *self.draining.borrow() {
            return;
        }
        let mut absent: BTreeMap<TaskId, Absent<'_>> = BTreeMap::new();
        for row in &self.rows {
            match self.entries.get(&row.id) {
                None => absent.insert(row.id, Absent::Free),
                Some(Entry::Rested(version, reason)) => {
                    absent.insert(row.id, Absent::Rested(*version, reason))
                }
                Some(_) => None,
            };
        }
        let now = self.parts.edge.now();
        let slots = &self.parts.slots;
        let wake = wake(&self.rows, &absent, (self.scope, &|row| slots.look(&Claim::of(row)).is_ok()), now);
        let starting = self.entries.values().filter(|entry| matches!(entry, Entry::Starting(_))).count();
        for task in wake.start.into_iter().take(AT_ONCE.saturating_sub(starting)) {
            self.start(myself, task, Vec::new(), 0);
        }
        if let Some(at) = wake.at {
            self.tick_at(myself, at);
        }
    }

    fn tick_at(&mut self, myself: &ActorRef<Msg>, at: Timestamp) {
        let pause = at.duration_since(self.parts.edge.now()).unsigned_abs();
        let me = myself.clone();
        self.timer.abort_all();
        self.timer.spawn(async move {
            tokio::time::sleep(pause).await;
            tell(&me, Msg::Look);
        });
    }

    pub(super) fn pod(
        &mut self,
        myself: &ActorRef<Msg>,
        task: TaskId,
        reply: RpcReplyPort<Result<PodHandle, NoPod>>,
    ) {
        match self.entries.get_mut(&task) {
            Some(Entry::Running(pod)) => {
                let _answered = reply.send(Ok(pod.handle.clone()));
            }
            Some(Entry::Starting(starting)) => starting.waiting.push(reply),
            Some(Entry::Stopping { waiting, .. }) => waiting.push(reply),
            Some(Entry::Parked(why)) => {
                let _answered = reply.send(Err(NoPod::Parked(why.clone())));
            }
            Some(Entry::Pausing { failures, .. }) => {
                let failures = *failures;
                self.start(myself, task, vec![reply], failures);
            }
            Some(Entry::Rested(..)) | None => {
                if self.in_scope(task) {
                    self.start(myself, task, vec![reply], 0);
                } else {
                    let _answered = reply.send(Err(NoPod::OutOfScope));
                }
            }
        }
    }

    fn in_scope(&self, task: TaskId) -> bool {
        match self.scope {
            Scope::All => true,
            Scope::Only(only) => only == task,
        }
    }

    fn start(&mut self, myself: &ActorRef<Msg>, task: TaskId, waiting: Vec<entry::Waiter>, failures: u32) {
        let dependencies = self.row(task).map(|row| self.dependencies_of(row)).unwrap_or_default();
        let (depend, dependencies) = watch::channel(dependencies);
        let (stand, standing) = watch::channel(Standing::Looking);
        let args = PodArgs {
            id: task,
            store: self.store.clone(),
            parts: self.parts.clone(),
            dependencies,
            draining: self.draining.subscribe(),
            standing: stand,
            task: watch::Sender::new(None),
        };
        let me = myself.clone();
        self.jobs.spawn(async move {
            let started = PodHandle::spawn(args, me.get_cell()).await;
            let started = started.map_err(|error| reason(&error));
            tell(&me, Msg::Started(task, started));
        });
        self.entries.insert(task, Entry::Starting(entry::Starting { waiting, failures, depend, standing }));
    }

    pub(super) fn started(
        &mut self,
        myself: &ActorRef<Msg>,
        task: TaskId,
        started: Result<PodHandle, String>,
    ) {
        let Some(Entry::Starting(starting)) = self.entries.remove(&task) else { return };
        let entry::Starting { waiting, failures, depend, standing } = starting;
        match started {
            Ok(handle) => {
                for reply in waiting {
                    let _answered = reply.send(Ok(handle.clone()));
                }
                let mut follows = JoinSet::new();
                follows.spawn(follow_standing(task, standing, myself.clone()));
                let pod = Pod {
                    handle,
                    dependencies: depend,
                    standing: Standing::Looking,
                    failures,
                    _follows: follows,
                    idle: JoinSet::new(),
                };
                self.entries.insert(task, Entry::Running(Box::new(pod)));
            }
            Err(why) => {
                // A pod that cannot even start has a task that cannot be loaded: trying again cannot help.
                error!(task.id = %task, why, "the pod of {task} cannot start; it is parked");
                let why: Arc<str> = why.into();
                for reply in waiting {
                    let _answered = reply.send(Err(NoPod::Parked(why.clone())));
                }
                self.entries.insert(task, Entry::Parked(why));
            }
        }
    }

    /// A pod gave up: it is tried again after a pause, and parked when that did not help.
    pub(super) fn failed(&mut self, myself: &ActorRef<Msg>, task: TaskId, why: &str) {
        let Some(Entry::Running(pod)) = self.entries.remove(&task) else { return };
        let failures = pod.failures.saturating_add(1);
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
                } else if let Some((version, reason)) = rested {
                    self.entries.insert(task, Entry::Rested(version, reason));
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
        pod.idle.abort_all();
        if matches!(&standing, Standing::Resting(reason) if !reason.is_busy()) {
            // A pod that came to rest has proved that it can run.
            pod.failures = 0;
            let (me, patience) = (myself.clone(), self.parts.config.pod.idle);
            pod.idle.spawn(async move {
                tokio::time::sleep(patience).await;
                tell(&me, Msg::Idle(task));
            });
        }
        pod.standing = standing;
    }

    /// Lets a pod go that has had nothing to do for a while.
    pub(super) fn idle(&mut self, myself: &ActorRef<Msg>, task: TaskId) {
        let Some(Entry::Running(pod)) = self.entries.get(&task) else { return };
        let Standing::Resting(reason) = pod.standing.clone() else { return };
        let version = pod.handle.task().map(|task| task.now().version.get());
        let rested = version.map(|version| (version, reason));
        self.take_down(myself, task, Then::Rest, rested);
    }

    pub(super) fn restart(
        &mut self,
        myself: &ActorRef<Msg>,
        task: TaskId,
        then: Then,
        reply: RpcReplyPort<()>,
    ) {
        match self.entries.get(&task) {
            Some(Entry::Running(_)) => self.take_down(myself, task, then, None),
            Some(Entry::Starting(_) | Entry::Stopping { .. }) => {}
            Some(Entry::Parked(_) | Entry::Pausing { .. } | Entry::Rested(..)) | None => {
                self.entries.remove(&task);
                if then == Then::Start && self.in_scope(task) {
                    self.start(myself, task, Vec::new(), 0);
                }
            }
        }
        let _answered = reply.send(());
    }

    fn take_down(&mut self, myself: &ActorRef<Msg>, task: TaskId, then: Then, rested: Option<(u64, Reason)>) {
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

/// Says why a pod did not start: what its innermost child said.
fn reason(error: &SpawnErr) -> String {
    match error {
        SpawnErr::StartupFailed(inner) => inner.downcast_ref().map_or_else(|| inner.to_string(), reason),
        other => other.to_string(),
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

/// Opens an escalation for a parked task; its pod is down, so nobody else writes.
async fn escalate(store: Store, parts: Arc<Parts>, task: TaskId, why: Arc<str>) {
    let ctx = parts.edge.ctx(Principal::Scheduler, Via::Engine);
    let body = TaskCommand::Escalate { reason: EscalationReason::PodParked, detail: why };
    let told = async {
        let mut writer = TaskWriter::open(store, task).await.map_err(|error| error.to_string())?;
        writer.execute(Envelope { ctx, body }).await.map_err(|error| error.to_string())?;
        writer.close().await.map_err(|error| error.to_string())
    };
    if let Err(why) = told.await {
        error!(task.id = %task, why, "it could not be recorded that {task} is parked");
    }
}
