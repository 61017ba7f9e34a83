//! How many agents work at a time: one plain struct, shared by all pods of an engine.
//!
//! A permit is taken before a run is requested, and given back when it is dropped. Who got none is held, with
//! the reason; a slot that becomes free goes to the most urgent of those who could use it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipa_events::{Handle, Phase, Summary};
use tokio::sync::watch;

use crate::config::SlotLimits;

/// The slots of one engine.
#[derive(Clone)]
pub(crate) struct Slots {
    limits: SlotLimits,
    taken: Arc<Mutex<Taken>>,
    /// Counts permits given back, and waiters that left, for whoever waits.
    freed: Arc<watch::Sender<u64>>,
}

#[derive(Default)]
struct Taken {
    counts: Counts,
    in_review: u32,
    /// Who was refused and still waits, the most urgent first.
    waiting: Vec<Claim>,
}

#[derive(Default, Clone)]
struct Counts {
    runs: u32,
    per_repo: BTreeMap<String, u32>,
    per_runtime: BTreeMap<String, u32>,
}

/// Who wants a slot, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) task: Handle,
    pub(crate) priority: i32,
    pub(crate) repo: String,
    /// The kind of agent.
    pub(crate) runtime: String,
    pub(crate) new_work: NewWork,
}

/// Whether a run begins new work, or goes on with what is in review already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NewWork {
    Yes,
    No,
}

/// The right to run one agent; dropping it gives the slot back.
pub(crate) struct Permit {
    slots: Slots,
    claim: Claim,
}

/// Why there is no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoSlot {
    pub(crate) what: Limit,
    pub(crate) taken: u32,
    pub(crate) of: u32,
}

/// Which limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    Runs,
    Repository,
    Runtime,
    InReview,
}

impl fmt::Display for NoSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, taken, of } = self;
        match what {
            Limit::Runs => write!(f, "a free slot ({taken} of {of} running or next)"),
            Limit::Repository => {
                write!(f, "a free slot on this repository ({taken} of {of} running or next)")
            }
            Limit::Runtime => write!(f, "a free slot of this agent ({taken} of {of} running or next)"),
            Limit::InReview => write!(f, "work in review to be decided ({taken} of {of} tasks)"),
        }
    }
}

impl Claim {
    /// Makes the claim of a task for its next run.
    pub(crate) fn of(row: &Summary) -> Self {
        Self {
            task: row.handle,
            priority: row.priority,
            repo: row.repo.to_string(),
            runtime: row.agent.kind().to_owned(),
            new_work: new_work(row.phase),
        }
    }

    /// More urgent first, then older first.
    pub(crate) const fn rank(&self) -> (Reverse<i32>, Handle) {
        (Reverse(self.priority), self.task)
    }
}

/// Tells whether a run in this phase begins something that will want a review.
pub(crate) const fn new_work(phase: Phase) -> NewWork {
    match phase {
        Phase::SpecClarification | Phase::Planning | Phase::Development => NewWork::Yes,
        Phase::Review | Phase::Completed | Phase::Cancelled => NewWork::No,
    }
}

impl Counts {
    fn add(&mut self, claim: &Claim) {
        self.runs = self.runs.saturating_add(1);
        for (map, key) in [(&mut self.per_repo, &claim.repo), (&mut self.per_runtime, &claim.runtime)] {
            let count = map.entry(key.clone()).or_default();
            *count = count.saturating_add(1);
        }
    }

    fn sub(&mut self, claim: &Claim) {
        self.runs = self.runs.saturating_sub(1);
        for (map, key) in [(&mut self.per_repo, &claim.repo), (&mut self.per_runtime, &claim.runtime)] {
            if let Some(count) = map.get_mut(key) {
                *count = count.saturating_sub(1);
            }
            map.retain(|_, count| *count > 0);
        }
    }

    fn fits(&self, claim: &Claim, (in_review, limits): (u32, &SlotLimits)) -> Result<(), NoSlot> {
        let count = |map: &BTreeMap<String, u32>, key: &str| map.get(key).copied().unwrap_or(0);
        let in_review = if claim.new_work == NewWork::Yes { in_review } else { 0 };
        let rows = [
            (Limit::Runs, self.runs, limits.runs),
            (Limit::Repository, count(&self.per_repo, &claim.repo), limits.per_repo),
            (Limit::Runtime, count(&self.per_runtime, &claim.runtime), limits.per_runtime),
            (Limit::InReview, in_review, limits.in_review),
        ];
        let full = rows.into_iter().find(|(_, taken, of)| *taken >= of.get());
        full.map_or(Ok(()), |(what, taken, of)| Err(NoSlot { what, taken, of: of.get() }))
    }
}

impl Taken {
    /// Tells whether a claim could have a slot, once everybody who waits and is more urgent had theirs.
    fn look(&self, claim: &Claim, limits: &SlotLimits) -> Result<(), NoSlot> {
        let mut counts = self.counts.clone();
        for better in self.waiting.iter().filter(|waiter| waiter.rank() < claim.rank()) {
            if counts.fits(better, (self.in_review, limits)).is_ok() {
                counts.add(better);
            }
        }
        counts.fits(claim, (self.in_review, limits))
    }
}

impl Slots {
    pub(crate) fn new(limits: SlotLimits) -> Self {
        Self { limits, taken: Arc::default(), freed: Arc::new(watch::Sender::new(0)) }
    }

    /// Tells whether a new run could start now.
    pub(crate) fn look(&self, claim: &Claim) -> Result<(), NoSlot> {
        self.lock().look(claim, &self.limits)
    }

    /// Takes a slot for a new run.
    pub(crate) fn try_take(&self, claim: Claim) -> Result<Permit, NoSlot> {
        let mut taken = self.lock();
        taken.look(&claim, &self.limits)?;
        taken.counts.add(&claim);
        taken.waiting.retain(|waiter| waiter.task != claim.task);
        Ok(Permit { slots: self.clone(), claim })
    }

    /// Takes a slot for a run that lives already, even if that is one too many.
    pub(crate) fn take(&self, claim: Claim) -> Permit {
        self.lock().counts.add(&claim);
        Permit { slots: self.clone(), claim }
    }

    /// Notes how many tasks are in review, and who was refused a slot and still waits.
    pub(crate) fn note(&self, in_review: u32, mut waiting: Vec<Claim>) {
        waiting.sort_by_key(Claim::rank);
        let mut taken = self.lock();
        let left =
            taken.waiting.iter().any(|waiter| !waiting.contains(waiter)) || in_review < taken.in_review;
        taken.in_review = in_review;
        taken.waiting = waiting;
        drop(taken);
        if left {
            self.tell();
        }
    }

    /// Follows how often it became worth to look again.
    pub(crate) fn freed(&self) -> watch::Receiver<u64> {
        self.freed.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.freed.send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.slots.lock().counts.sub(&self.claim);
        self.slots.tell();
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn slots() -> Slots {
        let one = NonZeroU32::MIN;
        let two = one.saturating_add(1);
        Slots::new(SlotLimits { runs: two, per_repo: one, per_runtime: two, in_review: one })
    }

    fn claim(task: u64, repo: &str) -> Claim {
        let (repo, runtime) = (repo.to_owned(), "scripted".to_owned());
        Claim { task: Handle::new(task), priority: 0, repo, runtime, new_work: NewWork::Yes }
    }

    #[test]
    fn a_slot_is_given_back_when_its_permit_is_dropped() {
        let slots = slots();
        let freed = slots.freed();
        let first = slots.try_take(claim(1, "/a")).ok().unwrap();
        let on_repo = slots.look(&claim(2, "/a")).unwrap_err();
        assert_eq!(on_repo.to_string(), "a free slot on this repository (1 of 1 running or next)");
        let second = slots.try_take(claim(2, "/b")).ok().unwrap();
        let in_all = slots.look(&claim(3, "/c")).unwrap_err();
        assert_eq!(in_all.to_string(), "a free slot (2 of 2 running or next)");
        drop((first, second));
        assert!(slots.look(&claim(2, "/a")).is_ok());
        assert_eq!(*freed.borrow(), 2);
    }

    #[test]
    fn a_full_review_holds_back_new_work_only() {
        let slots = slots();
        slots.note(1, Vec::new());
        assert_eq!(slots.look(&claim(1, "/a")).unwrap_err().what, Limit::InReview);
        assert!(slots.look(&Claim { new_work: NewWork::No, ..claim(1, "/a") }).is_ok());
    }

    #[test]
    fn a_free_slot_goes_to_the_most_urgent_and_then_the_oldest() {
        let slots = slots();
        let _taken = slots.try_take(claim(1, "/a")).ok().unwrap();
        let urgent = Claim { priority: 5, ..claim(9, "/b") };
        slots.note(0, vec![claim(3, "/c"), urgent.clone(), claim(4, "/d")]);
        assert!(slots.look(&claim(3, "/c")).is_err() && slots.look(&claim(4, "/d")).is_err());
        assert!(slots.look(&urgent).is_ok());
        slots.note(0, vec![claim(4, "/d"), claim(3, "/c")]);
        assert!(slots.look(&claim(3, "/c")).is_ok() && slots.look(&claim(4, "/d")).is_err());
    }

    #[test]
    fn a_waiter_that_could_not_start_holds_nobody_back() {
        let slots = slots();
        let _taken = slots.try_take(claim(1, "/a")).ok().unwrap();
        slots.note(0, vec![Claim { priority: 5, ..claim(2, "/a") }]);
        assert!(
            slots.look(&claim(3, "/c")).is_ok(),
            "the urgent one waits for its repository, not for this slot"
        );
    }
}
