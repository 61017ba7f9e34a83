//! What all tasks of an engine spend on one day: what the rows say of runs that are over, and what those at work have
//! cost by now. Each run counts once, and on the day on which it ends; while it works, today.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ipa_events::store::Version;
use ipa_events::task::{Budget, BudgetOf, Day};
use ipa_events::{Money, RunId, Summary};
use jiff::Timestamp;
use jiff::civil::Date;

/// What all tasks of an engine spend, and what they may spend on one day.
pub(crate) struct Spending {
    limit: Option<Money>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// What the runs cost that are over.
    over: BTreeMap<Date, Money>,
    /// What a run has cost by now that was open at this version of its task.
    at_work: BTreeMap<RunId, (Version, Money)>,
}

impl Spending {
    pub(crate) fn new(limit: Option<Money>) -> Self {
        Self { limit, known: Mutex::default() }
    }

    /// Takes in the rows. A run that they know to be over is in their sum, and no longer at work.
    pub(crate) fn note(&self, rows: &[Summary]) {
        let mut known = self.lock();
        known.over.clear();
        for row in rows {
            if let Some(Day { date, spent }) = row.day {
                let sum = known.over.entry(date).or_default();
                *sum = sum.plus(spent);
            }
            let open = row.run.as_ref().map(|run| run.id);
            known
                .at_work
                .retain(|run, (since, _)| run.task != row.id || row.version < *since || open == Some(*run));
        }
    }

    /// Takes in what a run has cost by now, in all, that was open at a version of its task.
    pub(crate) fn spends(&self, run: RunId, since: Version, cost: Money) {
        self.lock().at_work.insert(run, (since, cost));
    }

    /// Returns the budget of the day of a moment, if there is one.
    pub(crate) fn day(&self, now: Timestamp) -> Option<Budget> {
        let limit = self.limit?;
        let known = self.lock();
        let over = known.over.get(&Day::of(now)).copied().unwrap_or_default();
        let spent = known.at_work.values().fold(over, |sum, (_, cost)| sum.plus(*cost));
        Some(Budget { of: BudgetOf::Day, spent, limit })
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
