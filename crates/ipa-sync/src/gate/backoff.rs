//! When to try again what did not work. Pure: time and chance are given.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// An operation is given up after this many attempts.
pub(super) const ATTEMPTS: u32 = 12;

/// An operation is given up this long after its first attempt.
pub(super) const AGE: Duration = Duration::from_hours(24);

/// The ceiling of the pause after the first attempt; it doubles with each further one.
const FIRST: Duration = Duration::from_secs(2);

/// The highest ceiling.
const CEILING: Duration = Duration::from_mins(15);

/// What was tried so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// How many attempts there were, at least one.
    pub attempts: u32,
    /// When the first one was.
    pub since: Timestamp,
    /// What the other side asked for, if it did: no attempt before.
    pub not_before: Option<Timestamp>,
}

/// What comes after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another one then.
    At(Timestamp),
    /// None: that was the last of twelve.
    TooOften,
    /// None: the first one was a day ago.
    TooOld,
}

/// Says when to try again.
///
/// That is at a random time within a span that doubles from 2 s to 15 min with each attempt, so that what failed
/// together does not come back together, and never before the other side wants it. Each value of `random` is to be as
/// likely as any other.
pub fn backoff(tried: Tried, random: u32, now: Timestamp) -> Next {
    if tried.attempts >= ATTEMPTS {
        return Next::TooOften;
    }
    if now.duration_since(tried.since) >= SignedDuration::try_from(AGE).unwrap_or(SignedDuration::MAX) {
        return Next::TooOld;
    }
    let chosen = now.checked_add(pause(tried.attempts, random)).unwrap_or(Timestamp::MAX);
    Next::At(tried.not_before.map_or(chosen, |asked| asked.max(chosen)))
}

fn pause(attempts: u32, random: u32) -> Duration {
    let doubled = 1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
    let ceiling = FIRST.saturating_mul(doubled).min(CEILING);
    ceiling.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn tried(attempts: u32) -> Tried {
        Tried { attempts, since: at(0), not_before: None }
    }

    #[test]
    fn the_span_of_the_next_attempt_doubles_from_two_seconds_to_fifteen_minutes() {
        let longest = |attempts| backoff(tried(attempts), u32::MAX, at(100));
        let spans = [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900];
        for (attempts, span) in (1..).zip(spans) {
            assert_eq!(longest(attempts), Next::At(at(100 + span)), "{attempts}");
            assert_eq!(backoff(tried(attempts), 0, at(100)), Next::At(at(100)));
        }
        assert_eq!(backoff(tried(1), 1 << 31, at(0)), Next::At(at(1)));
    }

    #[test]
    fn an_operation_is_given_up_after_twelve_attempts_or_a_day() {
        assert_eq!(backoff(tried(12), 0, at(100)), Next::TooOften);
        assert_eq!(backoff(tried(1), 0, at(24 * 3600)), Next::TooOld);
        assert_eq!(backoff(tried(1), 0, at(24 * 3600 - 1)), Next::At(at(24 * 3600 - 1)));
    }

    proptest! {
        #[test]
        fn no_attempt_is_before_now_or_before_what_the_server_said(
            attempts in 0..20_u32, random: u32, now in -377_705_023_201_i64..253_402_207_200, asked: i32,
        ) {
            let tried = Tried { attempts, since: at(0), not_before: Some(at(asked.into())) };
            if let Next::At(next) = backoff(tried, random, at(now)) {
                prop_assert!(next >= at(now).max(at(asked.into())));
                prop_assert!(attempts < 12 && now < 24 * 3600);
            }
        }
    }
}
