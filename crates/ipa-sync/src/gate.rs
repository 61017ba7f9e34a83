//! What stands between connectors and a host: one gate for each base address and credential, shared by all pods.
//!
//! It lets requests through at the pace that the host likes, in turns, and not at all while the host asked for a
//! pause, is down, or does not accept the credential. Short waits are waited for; for a long one it says when to come
//! back, since a retry is state, not a sleeping loop. What decides is in `state`; here is only waiting and waking.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

mod backoff;
mod breaker;
mod guard;
mod health;
mod lanes;
mod limits;
mod pace;
mod shut;
mod state;

use state::{Heard, Now, Settled, State};

pub use backoff::{Next, Tried, backoff};
pub(crate) use guard::complaints;
pub use guard::{Call, Effect, guarded};
pub use health::{Counts, Health, Left, Paused, Trouble, Why};
pub use lanes::{Errand, Lane, Rule, Rules, Who};
pub use limits::{Length, Limit, Quota, Scope, quota, verdict};

/// The wall's clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The gate before one host, for one credential.
pub struct HostGate {
    inner: Mutex<Inner>,
    health: watch::Sender<Health>,
    clock: Clock,
    born: Instant,
}

struct Inner {
    state: State,
    seats: BTreeMap<u64, Seat>,
    /// Who sleeps for all who wait, and until which age of the gate.
    alarm: Option<(u64, Option<Duration>)>,
}

/// Who waits, and what became of it.
#[derive(Default)]
struct Seat {
    outcome: Option<Result<(), Paused>>,
    wake: Arc<Notify>,
}

impl HostGate {
    /// Makes an open gate.
    pub fn new(rules: Rules, clock: Clock) -> Self {
        let inner = Inner { state: State::new(rules), seats: BTreeMap::new(), alarm: None };
        let health = watch::Sender::new(Health::default());
        Self { inner: Mutex::new(inner), health, clock, born: Instant::now() }
    }

    /// Waits for the turn of a request. Who is dropped while waiting leaves the queue.
    ///
    /// # Errors
    ///
    /// [`Paused`] at once when the turn is not soon, and as soon as that is known while waiting.
    pub async fn enter(&self, errand: Errand) -> Result<Permit<'_>, Paused> {
        let (ticket, wake) = self.act(|inner, now| {
            let ticket = inner.state.ask(errand, now)?;
            let seat = inner.seats.entry(ticket).or_default();
            Ok((ticket, Arc::clone(&seat.wake)))
        })?;
        let permit = Permit { gate: self, ticket };
        loop {
            let (outcome, alarm) = self.look(ticket);
            if let Some(outcome) = outcome {
                return outcome.map(|()| permit);
            }
            tokio::select! {
                biased;
                () = wake.notified() => {}
                () = ring(alarm) => self.act(|_, _| ()),
            }
        }
    }

    /// Accepts the credential again, because a person says so or there is a new secret.
    pub fn resume(&self) {
        self.act(|inner, _| inner.state.resume());
    }

    /// Returns how the gate stands.
    pub fn health(&self) -> Health {
        let now = self.now();
        self.lock().state.health(now)
    }

    /// Follows how the gate stands. Nothing is told when a pause is over by its time.
    pub fn watch(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    fn wall(&self) -> Timestamp {
        (self.clock)()
    }

    fn now(&self) -> Now {
        Now { age: self.born.elapsed(), wall: self.wall() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something, and lets go who may go then.
    fn act<T>(&self, change: impl FnOnce(&mut Inner, Now) -> T) -> T {
        let now = self.now();
        let mut inner = self.lock();
        let changed = change(&mut inner, now);
        let settled = inner.state.settle(now);
        inner.tell(settled);
        let health = inner.state.health(now);
        drop(inner);
        self.health.send_if_modified(|last| {
            *last != health && {
                *last = health;
                true
            }
        });
        changed
    }

    /// Takes what became of a request, or says until when it sleeps for all.
    fn look(&self, ticket: u64) -> (Option<Result<(), Paused>>, Option<Instant>) {
        let mut inner = self.lock();
        let outcome = inner.seats.get_mut(&ticket).and_then(|seat| seat.outcome.take());
        let age = inner.alarm.filter(|(sleeper, _)| *sleeper == ticket).and_then(|(_, age)| age);
        (outcome, age.and_then(|age| self.born.checked_add(age)))
    }
}

impl Inner {
    /// Wakes those who have an outcome, and who sleeps for the others if that changed.
    fn tell(&mut self, settled: Settled) {
        for (ticket, outcome) in settled.outcomes {
            if let Some(seat) = self.seats.get_mut(&ticket) {
                seat.outcome = Some(outcome);
                seat.wake.notify_one();
            }
        }
        let sleeper = self.state.first_waiting();
        let alarm = sleeper.map(|ticket| (ticket, settled.next));
        if alarm != self.alarm {
            self.alarm = alarm;
            if let Some(seat) = sleeper.and_then(|ticket| self.seats.get(&ticket)) {
                seat.wake.notify_one();
            }
        }
    }
}

/// A request's leave to go. Its place is free again when this is dropped.
pub struct Permit<'a> {
    gate: &'a HostGate,
    ticket: u64,
}

impl Permit<'_> {
    /// Teaches the gate what was heard of the request, and says until when its like are to wait.
    fn learn(self, heard: Heard) -> Option<Paused> {
        self.gate.act(|inner, now| inner.state.learn(self.ticket, heard, now))
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.gate.act(|inner, now| {
            inner.seats.remove(&self.ticket);
            inner.state.leave(self.ticket, now);
        });
    }
}

async fn ring(alarm: Option<Instant>) {
    match alarm {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
