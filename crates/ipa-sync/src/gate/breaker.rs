//! Whether a host is worth a request at all. Pure; times are the gate's age, requests go by their number.

use std::collections::VecDeque;
use std::time::Duration;

/// So many failures within [`WITHIN`] open the breaker.
const FAILURES: usize = 5;
const WITHIN: Duration = Duration::from_mins(1);

/// So long nothing is sent; then one request is, and if it fails, twice as long nothing.
const FIRST: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_mins(10);

/// Lets requests to a host, to one that is down only a probe now and then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Breaker {
    /// The host answers, or did so last; these were its last failures.
    Closed { failures: VecDeque<Duration>, last: Last },
    /// Nothing is sent before `until`, and then one request, of whoever comes first.
    Open { until: Duration, length: Duration },
    /// That one is under way.
    Probing { probe: u64, since: Duration, length: Duration },
}

/// What the last request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    Answered,
    Failed,
}

impl Breaker {
    /// Makes a breaker for a host of which nothing bad is known.
    pub(super) fn closed() -> Self {
        Self::Closed { failures: VecDeque::new(), last: Last::Answered }
    }

    /// Says whether one more request has to wait for one of those that are going. After a failure there are no more
    /// of them than it takes to know.
    pub(super) fn holds(&self, going: usize, now: Duration) -> bool {
        match self {
            Self::Closed { failures, last: Last::Failed } => {
                let recent = failures.iter().filter(|at| now.saturating_sub(**at) < WITHIN).count();
                going > 0 && going.saturating_add(recent) >= FAILURES
            }
            Self::Closed { last: Last::Answered, .. } | Self::Open { .. } | Self::Probing { .. } => false,
        }
    }

    /// Says until when nothing may be sent; none: now.
    pub(super) fn shut_until(&self, now: Duration) -> Option<Duration> {
        match self {
            Self::Open { until, .. } if now < *until => Some(*until),
            Self::Closed { .. } | Self::Open { .. } => None,
            Self::Probing { since, .. } => {
                Some(since.saturating_add(FIRST).max(now + Duration::from_secs(1)))
            }
        }
    }

    /// A request begins.
    pub(super) fn begin(&mut self, request: u64, now: Duration) {
        if let Self::Open { length, .. } = *self {
            *self = Self::Probing { probe: request, since: now, length };
        }
    }

    /// A request had an answer.
    pub(super) fn answered(&mut self, request: u64) {
        match self {
            Self::Closed { last, .. } => *last = Last::Answered,
            Self::Probing { probe, .. } if *probe == request => *self = Self::closed(),
            Self::Open { .. } | Self::Probing { .. } => {}
        }
    }

    /// A request had none, or one that says that the host does not work.
    pub(super) fn failed(&mut self, request: u64, now: Duration) {
        match self {
            Self::Closed { failures, last } => {
                *last = Last::Failed;
                failures.push_back(now);
                failures.retain(|at| now.saturating_sub(*at) < WITHIN);
                if failures.len() >= FAILURES {
                    *self = Self::Open { until: now.saturating_add(FIRST), length: FIRST };
                }
            }
            Self::Probing { probe, length, .. } if *probe == request => {
                let length = length.saturating_mul(2).min(LONGEST);
                *self = Self::Open { until: now.saturating_add(length), length };
            }
            // It began before the host was known to be down, which is nothing new.
            Self::Open { .. } | Self::Probing { .. } => {}
        }
    }

    /// A request was given up by who sent it: if it was the probe, the next is.
    pub(super) fn left(&mut self, request: u64, now: Duration) {
        if let Self::Probing { probe, length, .. } = *self
            && probe == request
        {
            *self = Self::Open { until: now, length };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn open() -> Breaker {
        let mut breaker = Breaker::closed();
        (1..=5).for_each(|n| breaker.failed(n, s(n)));
        breaker
    }

    #[test]
    fn five_failures_in_a_minute_open_the_breaker_and_five_in_more_do_not() {
        let mut breaker = Breaker::closed();
        for n in 1..=30 {
            breaker.failed(n, s(15 * n));
            assert_eq!(breaker.shut_until(s(15 * n)), None);
        }
        assert_eq!(open().shut_until(s(5)), Some(s(35)));
        assert_eq!(open().shut_until(s(35)), None);
    }

    #[test]
    fn one_probe_goes_and_the_pause_doubles_to_ten_minutes_until_one_is_answered() {
        let mut breaker = open();
        let mut now = s(35);
        for (n, pause) in (100..).zip([60, 120, 240, 480, 600, 600]) {
            breaker.begin(n, now);
            assert!(breaker.shut_until(now).is_some(), "a second probe");
            breaker.failed(3, now);
            breaker.answered(4);
            assert!(breaker.shut_until(now).is_some(), "what began earlier decided");
            breaker.failed(n, now);
            assert_eq!(breaker.shut_until(now), Some(now + s(pause)));
            now += s(pause);
        }
        breaker.begin(200, now);
        breaker.answered(200);
        assert_eq!(breaker, Breaker::closed());
    }

    #[test]
    fn after_a_failure_no_more_are_under_way_than_it_takes_to_know() {
        let mut breaker = Breaker::closed();
        assert!(!breaker.holds(8, s(0)));
        breaker.failed(1, s(0));
        for (going, holds) in [(0, false), (3, false), (4, true), (8, true)] {
            assert_eq!(breaker.holds(going, s(0)), holds, "{going}");
        }
        assert!(!breaker.holds(4, s(60)));
        breaker.answered(2);
        assert!(!breaker.holds(8, s(0)));
    }

    #[test]
    fn the_next_request_probes_when_the_probe_was_given_up() {
        let mut breaker = open();
        breaker.begin(7, s(40));
        breaker.left(6, s(41));
        assert!(breaker.shut_until(s(41)).is_some());
        breaker.left(7, s(41));
        assert_eq!(breaker.shut_until(s(41)), None);
    }
}
