//! Who goes next, and who not at all: the whole gate as a state machine. Pure: the time is given in, and what comes
//! of it is a value; `gate.rs` waits and wakes.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};

use super::health::{Counts, Health, Left, Paused, Trouble, Why};
use super::lanes::{Errand, Rules, Who};
use super::limits::{Limit, Quota};
use super::pace::{Pace, Ready};
use super::shut::{Refusal, Shut};

/// Who finds too many waiting comes back after this.
const CROWDED: Duration = Duration::from_secs(30);

/// A moment on two clocks: one that never jumps, to wait by, and the wall's, to say times by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Now {
    /// The gate's age.
    pub(super) age: Duration,
    pub(super) wall: Timestamp,
}

impl Now {
    /// Says a time of the gate as one of the wall, in whole seconds and not too early.
    fn on_wall(self, age: Duration) -> Timestamp {
        let ahead = SignedDuration::try_from(age.saturating_sub(self.age)).unwrap_or(SignedDuration::MAX);
        let exact = self.wall.checked_add(ahead).unwrap_or(Timestamp::MAX);
        let up = TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Ceil);
        exact.round(up).unwrap_or(exact)
    }

    fn paused(self, Refusal { until, why }: Refusal) -> Paused {
        Paused { until: until.map(|age| self.on_wall(age)), why }
    }
}

/// What was heard of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    /// Whether it was an answer of a working host.
    pub(super) works: Works,
    pub(super) limit: Limit,
    pub(super) quota: Option<Quota>,
    /// What went wrong, if something did.
    pub(super) trouble: Option<String>,
}

/// Whether a host works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Works {
    Yes,
    No,
}

/// What became of those who waited.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) outcomes: Vec<(u64, Result<(), Paused>)>,
    /// When somebody may go who now has to wait for a time; others wait for one that goes to end.
    pub(super) next: Option<Duration>,
}

/// A gate.
pub(super) struct State {
    rules: Vec<Pace>,
    patience: Duration,
    room: usize,
    shut: Shut,
    /// Requests that wait, by their ticket.
    waiting: BTreeMap<u64, Errand>,
    /// Requests under way, by their ticket, each with its number in the order of beginning.
    going: BTreeMap<u64, (u64, Errand)>,
    tickets: u64,
    turns: Turns,
    counts: Counts,
    last_error: Option<Trouble>,
}

impl State {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules: rules.rules.into_iter().map(Pace::new).collect(),
            patience: rules.patience,
            room: rules.waiting,
            shut: Shut::new(),
            waiting: BTreeMap::new(),
            going: BTreeMap::new(),
            tickets: 0,
            turns: Turns::default(),
            counts: Counts::default(),
            last_error: None,
        }
    }

    /// Queues a request, and returns the ticket by which it is told apart.
    ///
    /// # Errors
    ///
    /// [`Paused`] when too many wait already.
    pub(super) fn ask(&mut self, errand: Errand, now: Now) -> Result<u64, Paused> {
        if self.waiting.len() >= self.room {
            self.counts.refused += 1;
            let until = Some(now.age.saturating_add(CROWDED));
            return Err(now.paused(Refusal { until, why: Why::Crowded }));
        }
        self.tickets += 1;
        self.waiting.insert(self.tickets, errand);
        Ok(self.tickets)
    }

    /// Lets go who may, and refuses who has to wait for longer than a moment.
    pub(super) fn settle(&mut self, now: Now) -> Settled {
        let mut settled = Settled::default();
        loop {
            self.refuse(now, &mut settled);
            let Some(ticket) = self.first(now.age) else { break };
            self.begin(ticket, now.age);
            settled.outcomes.push((ticket, Ok(())));
        }
        if self.shut.holds(self.going.len(), now.age) {
            return settled;
        }
        let times = self.waiting.values().map(|errand| self.ready(errand)).filter(|ready| !ready.full);
        settled.next = times.map(|ready| ready.at).min();
        settled
    }

    /// Takes in what was heard of a request, and says until when requests like it are to wait now.
    pub(super) fn learn(&mut self, ticket: u64, heard: Heard, now: Now) -> Option<Paused> {
        let (number, errand) = self.end(ticket)?;
        match heard.works {
            Works::Yes => {
                self.counts.answered += 1;
                self.shut.answered(number);
            }
            Works::No => {
                self.counts.failed += 1;
                self.shut.failed(number, now.age);
            }
        }
        self.counts.limited += u64::from(matches!(heard.limit, Limit::Pause { .. }));
        if heard.works == Works::Yes || heard.limit != Limit::None {
            self.shut.learn(number, &errand, &heard.limit, now.age);
        }
        if let Some(quota) = heard.quota {
            self.shut.count(quota, now.age);
        }
        if let Some(what) = heard.trouble {
            self.last_error = Some(Trouble { at: now.wall, what });
        }
        self.shut.refusal(&errand, now.age).map(|refusal| now.paused(refusal))
    }

    /// Forgets a request of which nothing was or will be heard, waiting or under way.
    pub(super) fn leave(&mut self, ticket: u64, now: Now) {
        self.waiting.remove(&ticket);
        if let Some((number, _)) = self.end(ticket) {
            self.shut.left(number, now.age);
        }
    }

    pub(super) fn resume(&mut self) {
        self.shut.resume();
    }

    pub(super) fn health(&self, now: Now) -> Health {
        let left = |(quota, until): (Quota, Duration)| Left {
            remaining: quota.remaining,
            limit: quota.limit,
            until: now.on_wall(until),
        };
        Health {
            paused: self.shut.all(now.age).map(|refusal| now.paused(refusal)),
            quota: self.shut.quota(now.age).map(left),
            last_error: self.last_error.clone(),
            counts: self.counts,
            waiting: self.waiting.len(),
            going: self.going.len(),
        }
    }

    /// Names the request that has waited longest.
    pub(super) fn first_waiting(&self) -> Option<u64> {
        self.waiting.keys().next().copied()
    }

    fn refuse(&mut self, now: Now, settled: &mut Settled) {
        let refused = self.waiting.iter().filter_map(|(ticket, errand)| {
            let refusal = self.shut.refusal(errand, now.age).or_else(|| self.too_long(errand, now.age))?;
            Some((*ticket, Err(now.paused(refusal))))
        });
        let refused: Vec<_> = refused.collect();
        for (ticket, _) in &refused {
            self.waiting.remove(ticket);
            self.counts.refused += 1;
        }
        settled.outcomes.extend(refused);
    }

    fn too_long(&self, errand: &Errand, now: Duration) -> Option<Refusal> {
        let at = self.ready(errand).at;
        (at > now.saturating_add(self.patience)).then_some(Refusal { until: Some(at), why: Why::Pace })
    }

    /// Picks who may go now: people first, then whose turn it is, then who came first.
    fn first(&self, now: Duration) -> Option<u64> {
        if self.shut.holds(self.going.len(), now) {
            return None;
        }
        let ready = self.waiting.iter().filter(|(_, errand)| {
            let ready = self.ready(errand);
            !ready.full && ready.at <= now
        });
        let next = ready.min_by_key(|(ticket, errand)| {
            (errand.who != Who::Person, self.turns.turn(errand.who), **ticket)
        });
        next.map(|(ticket, _)| *ticket)
    }

    fn ready(&self, errand: &Errand) -> Ready {
        self.rules.iter().map(|rule| rule.ready(errand)).fold(
            Ready { at: Duration::ZERO, full: false },
            |one, other| Ready { at: one.at.max(other.at), full: one.full || other.full },
        )
    }

    fn begin(&mut self, ticket: u64, now: Duration) {
        let Some(errand) = self.waiting.remove(&ticket) else { return };
        self.counts.sent += 1;
        self.rules.iter_mut().for_each(|rule| rule.begin(&errand, now));
        self.shut.begin(self.counts.sent, now);
        self.turns.take(errand.who);
        self.going.insert(ticket, (self.counts.sent, errand));
    }

    fn end(&mut self, ticket: u64) -> Option<(u64, Errand)> {
        let (number, errand) = self.going.remove(&ticket)?;
        self.rules.iter_mut().for_each(|rule| rule.end(&errand));
        Some((number, errand))
    }
}

/// Whose turn it is: each has had as many turns as who had most, or waits before them. Who comes anew starts beside
/// the others, so that neither many requests at once nor many one after the other get more than their share.
#[derive(Default)]
struct Turns {
    now: u64,
    had: BTreeMap<Who, u64>,
}

impl Turns {
    fn turn(&self, who: Who) -> u64 {
        self.had.get(&who).copied().unwrap_or_default().max(self.now)
    }

    fn take(&mut self, who: Who) {
        // People go first without regard to turns, and so take none from anybody.
        if who == Who::Person {
            return;
        }
        let turn = self.turn(who);
        self.now = turn;
        self.had.retain(|_, had| *had > turn);
        self.had.insert(who, turn + 1);
    }
}
