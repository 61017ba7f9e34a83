//! Gathers what changes in quick succession into one write. Pure.

use std::time::Duration;

use jiff::Timestamp;

/// How long nothing must have changed.
const QUIET: Duration = Duration::from_millis(500);
/// How long a change waits at most for others.
const LONGEST: Duration = Duration::from_secs(1);

/// When something changed, since the last time that nothing was left to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Debounce {
    first_and_last: Option<(Timestamp, Timestamp)>,
}

impl Debounce {
    /// Notes that something changed.
    pub fn note(&mut self, now: Timestamp) {
        let first = self.first_and_last.map_or(now, |(first, _)| first);
        self.first_and_last = Some((first, now));
    }

    /// Tells whether more may come that goes out with it.
    pub fn holds(&self, now: Timestamp) -> bool {
        !self.until(now).is_zero()
    }

    /// Returns how long to wait for more: until nothing changed for 500 ms, and at most 1 s since the first change.
    pub fn until(&self, now: Timestamp) -> Duration {
        let Some((first, last)) = self.first_and_last else { return Duration::ZERO };
        let after = |at: Timestamp, pause: Duration| at.saturating_add(pause).unwrap_or(at);
        let due = after(last, QUIET).min(after(first, LONGEST));
        Duration::try_from(due.duration_since(now)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000 + ms).unwrap()
    }

    /// Lists when something goes out, if these are the times of changes and whatever is due goes out at once.
    fn writes(changes: impl IntoIterator<Item = i64>) -> Vec<i64> {
        let (mut debounce, mut writes) = (Debounce::default(), Vec::new());
        for change in changes.into_iter().map(Some).chain([None]) {
            let due =
                |debounce: &Debounce, now| now + i64::try_from(debounce.until(at(now)).as_millis()).unwrap();
            if let Some((_, last)) = debounce.first_and_last {
                let last = last.as_millisecond() - 1_000_000;
                let goes = due(&debounce, last);
                if change.is_none_or(|change| change >= goes) {
                    writes.push(goes);
                    debounce = Debounce::default();
                }
            }
            if let Some(change) = change {
                debounce.note(at(change));
            }
        }
        writes
    }

    #[test]
    fn a_hundred_changes_within_a_second_are_one_write() {
        assert_eq!(writes((0..100).map(|n| n * 9)), [1000]);
        assert_eq!(writes([0]), [500]);
        assert!(!Debounce::default().holds(at(0)), "what nobody changed waits for nothing");
    }

    #[test]
    fn changes_that_never_stop_are_written_each_second() {
        let writes = writes((0..25).map(|n| n * 400));
        // The last one follows no other: nothing more comes.
        assert_eq!(writes, [1000, 2200, 3400, 4600, 5800, 7000, 8200, 9400, 10_100]);
    }
}
