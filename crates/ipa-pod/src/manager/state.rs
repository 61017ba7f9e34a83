//! What the manager knows of its tasks, and whose pod it starts.

use std::collections::BTreeMap;
use std::sync::Arc;

use ipa_events::{Phase, Summary, TaskId};
use jiff::Timestamp;
use ractor::{ActorRef, RpcReplyPort};
use tokio::task::JoinSet;

use super::entry::Entry;
use super::wake::{Absent, wake};
use super::{Msg, NoPod, State};
use crate::actor::tell;
use crate::pod::supervisor::PodHandle;
use crate::scheduler::Dependencies;
use crate::slots::Claim;

/// Pods that start or stop at a time.
pub(super) const AT_ONCE: usize = 64;

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

    /// Tells where the tasks stand that a task depends on, as far as the rows know.
    pub(super) fn dependencies_of(&self, task: TaskId) -> Dependencies {
        let Some(row) = self.row(task) else { return Dependencies::new() };
        let on = self.rows.iter().filter(|other| row.depends_on.contains(&other.id));
        on.map(|other| (other.id, (other.handle, other.phase))).collect()
    }

    /// Tells the slots who waits for one, and how much is in review.
    pub(super) fn note_claims(&self) {
        let in_review = self.rows.iter().filter(|row| row.phase == Phase::Review).count();
        let waits = |row: &&Summary| self.entries.get(&row.id).is_some_and(Entry::waits_for_slot);
        let waiting = self.rows.iter().filter(waits).map(Claim::of).collect();
        self.parts.slots.note(u32::try_from(in_review).unwrap_or(u32::MAX), waiting);
    }

    pub(super) fn note_dependencies(&self) {
        for (task, depend) in self.entries.iter().filter_map(|(task, entry)| Some((*task, entry.depend()?))) {
            let dependencies = self.dependencies_of(task);
            depend.send_if_modified(|known| {
                let news = *known != dependencies;
                *known = dependencies;
                news
            });
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
                Some(Entry::Rested(rest)) => absent.insert(row.id, Absent::Rested(rest)),
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
        self.timer = JoinSet::new();
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
            Some(Entry::Stopping { waiting, .. } | Entry::Cleaning { waiting, .. }) => waiting.push(reply),
            Some(Entry::Parked(why)) => {
                let _answered = reply.send(Err(NoPod::Parked(why.clone())));
            }
            Some(Entry::Pausing { failures, .. }) => {
                let failures = *failures;
                self.start(myself, task, vec![reply], failures);
            }
            Some(Entry::Rested(_)) | None => {
                if self.scope.covers(task) {
                    self.start(myself, task, vec![reply], 0);
                } else {
                    let _answered = reply.send(Err(NoPod::OutOfScope));
                }
            }
        }
    }
}
