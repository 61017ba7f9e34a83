//! What lies in the inbox: webhooks whose tasks were told, and those that fit no task yet. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ipa_events::store::DeliveryNumber;
use ipa_events::{ConnectorId, TaskId};
use ipa_sync::hook::{Hint, Named};
use jiff::Timestamp;

use super::owners::{Found, Owners};

/// How long after a task was told its pod has surely looked: a crash before that and the next engine tells it again.
const LOOKED: Duration = Duration::from_mins(1);

/// A webhook that was read.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) number: DeliveryNumber,
    pub(super) connector: ConnectorId,
    pub(super) came_at: Timestamp,
    pub(super) hint: Hint,
}

/// What lies in the inbox.
#[derive(Debug, Default)]
pub(super) struct Pile {
    /// What concerns nobody yet, by webhook.
    waiting: BTreeMap<DeliveryNumber, Waiting>,
    /// From when on each of the others is done.
    told: BTreeMap<DeliveryNumber, Timestamp>,
}

#[derive(Debug)]
struct Waiting {
    connector: ConnectorId,
    came_at: Timestamp,
    rest: Named,
}

impl Pile {
    /// Takes a webhook on; returns whom to tell.
    pub(super) fn put(&mut self, piece: Piece, owners: &Owners, now: Timestamp) -> BTreeSet<TaskId> {
        let Piece { number, connector, came_at, hint } = piece;
        let Found { tasks, rest } = owners.find(&connector, &hint);
        match hint {
            // What could not be read is kept as it is, for a program that can.
            Hint::Everything => {}
            Hint::Named(_) if rest.is_empty() => {
                self.told.insert(number, if tasks.is_empty() { now } else { soon(now) });
            }
            Hint::Named(_) => {
                self.supersede(&connector, &rest, now);
                self.waiting.insert(number, Waiting { connector, came_at, rest });
            }
        }
        tasks
    }

    /// Lets earlier webhooks wait for nothing that a later one waits for: one is enough to look.
    fn supersede(&mut self, connector: &ConnectorId, newer: &Named, now: Timestamp) {
        for (number, older) in self.waiting.iter_mut().filter(|(_, older)| older.connector == *connector) {
            older.rest.things.retain(|thing| !newer.things.contains(thing));
            older.rest.branches.retain(|branch| !newer.branches.contains(branch));
            older.rest.commits.retain(|commit| !newer.commits.contains(commit));
            if older.rest.is_empty() {
                self.told.insert(*number, now);
            }
        }
        self.waiting.retain(|_, older| !older.rest.is_empty());
    }

    /// Tries again what fitted nothing; returns whom to tell.
    pub(super) fn look_again(&mut self, owners: &Owners, now: Timestamp) -> BTreeSet<TaskId> {
        let mut all = BTreeSet::new();
        for (number, waiting) in &mut self.waiting {
            let hint = Hint::Named(std::mem::take(&mut waiting.rest));
            let Found { tasks, rest } = owners.find(&waiting.connector, &hint);
            waiting.rest = rest;
            if waiting.rest.is_empty() {
                self.told.insert(*number, soon(now));
            }
            all.extend(tasks);
        }
        self.waiting.retain(|_, waiting| !waiting.rest.is_empty());
        all
    }

    /// Tells whether anything waits for a task that it fits.
    pub(super) fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Lists what is done.
    pub(super) fn done(&self, now: Timestamp) -> Vec<DeliveryNumber> {
        self.told.iter().filter(|(_, at)| **at <= now).map(|(number, _)| *number).collect()
    }

    /// Returns when the next is done.
    pub(super) fn next_done(&self) -> Option<Timestamp> {
        self.told.values().min().copied()
    }

    /// Forgets what was noted as done.
    pub(super) fn forget(&mut self, done: &[DeliveryNumber]) {
        for number in done {
            self.told.remove(number);
        }
    }

    /// Forgets what waits since before a time.
    pub(super) fn forget_before(&mut self, before: Timestamp) {
        self.waiting.retain(|_, waiting| waiting.came_at >= before);
    }
}

fn soon(now: Timestamp) -> Timestamp {
    now.saturating_add(LOOKED).unwrap_or(now)
}

#[cfg(test)]
mod tests;
