//! How long to wait before the outside is asked again. Pure: time and chance are values.

use std::time::Duration;

use jiff::Timestamp;

/// How long a webhook counts as a sign that others will come too.
const TRUSTED: Duration = Duration::from_hours(1);

/// How much less often is asked while webhooks come.
const SLOWER: u32 = 5;

/// The longest pause that webhooks lead to: they may get lost, and nothing tells.
const LONGEST: Duration = Duration::from_hours(6);

/// Returns how long to wait, where `base` is the pause when nothing tells that something moved.
///
/// It is five times as long while webhooks come (the last within the hour), at most six hours, and longer or shorter by
/// up to a tenth, as `chance` has it, so that not all ask at once.
pub fn pause(base: Duration, (hook, now): (Option<Timestamp>, Timestamp), chance: u64) -> Duration {
    let trusted = hook.is_some_and(|hook| now.duration_since(hook).unsigned_abs() <= TRUSTED);
    let pause = if trusted { base.saturating_mul(SLOWER).min(LONGEST.max(base)) } else { base };
    // 900 to 1,100 parts in a thousand.
    let parts = u32::try_from(chance % 201).unwrap_or(100).saturating_add(900);
    pause.saturating_mul(parts) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_are_five_times_slower_while_webhooks_come_and_never_all_at_once() {
        let now: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        let ago = |minutes| Some(now - Duration::from_mins(minutes));
        let minute = Duration::from_mins(1);
        let cases = [
            (minute, None, 100, 60_000),
            (minute, ago(0), 100, 300_000),
            (minute, ago(60), 100, 300_000),
            (minute, ago(61), 100, 60_000),
            (minute, Some(now + minute), 100, 300_000), // the clock was set back
            (minute, None, 0, 54_000),
            (minute, None, 200, 66_000),
            (minute, None, 201, 54_000),
            (minute, ago(1), 0, 270_000),
            (minute, ago(1), 200, 330_000),
            (Duration::from_hours(2), ago(1), 100, 6 * 3_600_000),
            (Duration::from_hours(9), ago(1), 100, 9 * 3_600_000),
            (Duration::ZERO, ago(1), 7, 0),
        ];
        for (base, hook, chance, expected) in cases {
            let pause = pause(base, (hook, now), chance);
            assert_eq!(pause, Duration::from_millis(expected), "{base:?} {hook:?} {chance}");
        }
        for chance in 0..1_000 {
            let pause = pause(minute, (None, now), chance);
            assert!((54_000..=66_000).contains(&pause.as_millis()), "{chance}: {pause:?}");
        }
        // No pause is too long to be counted.
        assert!(pause(Duration::MAX, (ago(1), now), 200) > Duration::from_hours(6));
    }
}
