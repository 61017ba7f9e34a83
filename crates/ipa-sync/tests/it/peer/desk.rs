//! Where a test plans faults, reads the log, waits for what is under way, and finds what was wrong.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::fault::{Fault, Faults, When};
use super::log::{Entry, Log, Work};

#[derive(Default)]
pub(crate) struct Desk {
    faults: Mutex<Faults>,
    log: Mutex<Log>,
    wrong: Mutex<Vec<String>>,
    /// How often the test has let go what is held.
    pub(super) released: watch::Sender<u64>,
    /// How many requests are done.
    pub(super) done: watch::Sender<u64>,
    /// How many requests are held.
    pub(super) held: watch::Sender<u64>,
}

impl Desk {
    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        locked(&self.faults)
    }

    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        locked(&self.log)
    }

    /// Says what was wrong with a request or an answer; it fails the test.
    pub(crate) fn complain(&self, wrong: impl IntoIterator<Item = String>) {
        locked(&self.wrong).extend(wrong);
    }

    /// Plans a fault for a route. Calls are counted from now.
    pub(crate) fn fail(&self, route: &str, when: When, fault: Fault) {
        self.faults().plan(route, when, fault);
    }

    /// Forgets all faults that are planned.
    pub(crate) fn mend(&self) {
        self.faults().mend();
    }

    /// How often a route was called.
    pub(crate) fn calls(&self, route: &str) -> u64 {
        self.faults().calls(route)
    }

    /// Waits until a request is held.
    pub(crate) async fn until_held(&self) {
        self.held.subscribe().wait_for(|held| *held > 0).await.unwrap();
    }

    /// Lets go what is held and waits until it is done.
    pub(crate) async fn release(&self) {
        self.released.send_modify(|times| *times += 1);
        self.held.subscribe().wait_for(|held| *held == 0).await.unwrap();
    }

    /// Waits until so many calls of a route are done, whether their clients still wait or not.
    pub(crate) async fn until_done(&self, route: &str, times: usize) {
        let is_done = |entry: &&Entry| entry.route == route && entry.work == Work::Done;
        let enough = |_: &u64| self.log().entries().iter().filter(is_done).count() >= times;
        self.done.subscribe().wait_for(enough).await.unwrap();
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Entry> {
        self.log().entries().to_vec()
    }

    /// Takes what was wrong so far, for a test that wants it so.
    pub(crate) fn take_wrong(&self) -> Vec<String> {
        std::mem::take(&mut *locked(&self.wrong))
    }

    /// Fails the test for what was wrong and for faults that never happened, unless it has failed already.
    pub(crate) fn settle(&self, whose: &str) {
        if std::thread::panicking() {
            return;
        }
        let wrong = self.take_wrong();
        assert!(wrong.is_empty(), "what does not fit {whose} description:\n{}", wrong.join("\n"));
        let unmet = self.faults().unmet();
        assert!(unmet.is_empty(), "faults that never happened:\n{}", unmet.join("\n"));
    }
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
