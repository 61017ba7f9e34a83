//! How long to wait before the outside is asked again. Pure: time and chance are values.

use std::time::Duration;

use jiff::Timestamp;

/// How long a webhook counts as a sign that others will come too.
const TRUSTED: Duration = Duration::from_hours(24);

/// How much less often is asked while webhooks come.
const SLOWER: u32 = 5;

/// While webhooks come, the pause is at least so long after an hour in which nothing moved: two requests at a time, as
/// Jira's two searches, are three an hour then.
const ASIDE: Duration = Duration::from_mins(40);

/// The longest pause that webhooks lead to: they may get lost, and nothing tells.
const LONGEST: Duration = Duration::from_hours(6);

/// After so long a quiet time the pause is at least so long.
const QUIET: [(Duration, Duration); 2] =
    [(Duration::from_hours(24), Duration::from_mins(15)), (Duration::from_hours(1), Duration::from_mins(5))];

/// What is known of how a connector speaks up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signs {
    /// When something last moved, or was first asked for.
    pub moved: Timestamp,
    /// When a webhook last came.
    pub hook: Option<Timestamp>,
}

/// Returns how long to wait, where `base` is the pause while things move and nothing tells that they do.
///
/// It is at least 5 min after an hour in which nothing moved, and 15 min after a day; five times as long while webhooks come
/// (the last within a day), and then at least 40 min after that hour, at most six hours; and longer or shorter by up to a tenth, as `chance` has it, so that not all
/// ask at once.
pub fn pause(base: Duration, signs: Signs, now: Timestamp, chance: u64) -> Duration {
    // A clock that was set back makes nothing quiet.
    let since = |at: Timestamp| Duration::try_from(now.duration_since(at)).unwrap_or_default();
    let quiet = QUIET.iter().find(|(time, _)| since(signs.moved) >= *time);
    let pause = quiet.map_or(base, |(_, at_least)| base.max(*at_least));
    let trusted = signs.hook.is_some_and(|hook| since(hook) <= TRUSTED);
    let least = if quiet.is_some() { ASIDE } else { Duration::ZERO };
    let pause = if trusted { pause.saturating_mul(SLOWER).max(least).min(LONGEST.max(pause)) } else { pause };
    // 900 to 1,100 parts in a thousand.
    let parts = u32::try_from(chance % 201).unwrap_or(100).saturating_add(900);
    pause.saturating_mul(parts) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn now() -> Timestamp {
        "2026-11-27T12:00:00Z".parse().unwrap()
    }

    /// The pause in seconds, so many minutes after something moved and after a webhook came.
    fn seconds(base: Duration, (moved, hook): (u64, Option<u64>), chance: u64) -> u64 {
        let ago = |minutes| now() - Duration::from_mins(minutes);
        pause(base, Signs { moved: ago(moved), hook: hook.map(ago) }, now(), chance).as_secs()
    }

    #[test]
    fn polls_are_rarer_when_nothing_moves_and_while_webhooks_come_and_never_all_at_once() {
        let day = 24 * 60;
        for (base, ago, expected) in [
            (MINUTE, (0, None), 60),
            (MINUTE, (59, None), 60),
            (MINUTE, (60, None), 300),
            (MINUTE, (day, None), 900),
            (10 * MINUTE, (60, None), 600),
            (MINUTE, (0, Some(0)), 300),
            (MINUTE, (60, Some(60)), 2400),
            (MINUTE, (day, Some(day)), 4500),
            (MINUTE, (day, Some(day + 1)), 900),
            (120 * MINUTE, (0, Some(1)), 6 * 3600),
            (540 * MINUTE, (0, Some(1)), 9 * 3600),
            (Duration::ZERO, (0, Some(1)), 0),
        ] {
            assert_eq!(seconds(base, ago, 100), expected, "{base:?} {ago:?}");
        }
        assert_eq!([0, 200, 201].map(|chance| seconds(MINUTE, (0, None), chance)), [54, 66, 54]);
        for chance in 0..1_000 {
            assert!((54..=66).contains(&seconds(MINUTE, (0, None), chance)), "{chance}");
        }
        let back = Signs { moved: now() + MINUTE, hook: Some(now() + MINUTE) };
        assert_eq!(pause(MINUTE, back, now(), 100), 5 * MINUTE, "the clock was set back");
        // No pause is too long to be counted.
        assert!(
            pause(Duration::MAX, Signs { moved: now(), hook: Some(now()) }, now(), 200) > 6 * 60 * MINUTE
        );
    }

    #[test]
    fn at_rest_a_task_costs_few_requests_an_hour() {
        // All of a pull request is read each six hours, which is seven requests.
        let reads = 7.0 / 6.0;
        let hour = |ago| 3600.0 / f64::from(u32::try_from(seconds(MINUTE, ago, 100)).unwrap()) + reads;
        assert!(
            hour((60, None)) <= 60.0 && hour((60, Some(60))) <= 4.0,
            "{} {}",
            hour((60, None)),
            hour((60, Some(60)))
        );
    }
}
