//! Who is restarted when one fails, and when it was too often. Pure.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Strategy;

/// The first child that no other holds a reference to: those before it never restart alone.
const UNREFERENCED: usize = 3;

/// Returns the children that restart with the one that failed; children are in their order of start.
pub(crate) const fn affected(strategy: Strategy, failed: usize, count: usize) -> Range<usize> {
    match strategy {
        Strategy::OneForOne if failed >= UNREFERENCED => failed..failed.saturating_add(1),
        Strategy::OneForOne | Strategy::RestForOne => failed..count,
        Strategy::OneForAll => 0..count,
    }
}

/// Counts restarts within a span of time.
#[derive(Debug)]
pub(crate) struct Intensity {
    restarts: u32,
    within: Duration,
    recent: VecDeque<Instant>,
}

impl Intensity {
    pub(crate) const fn new(restarts: u32, within: Duration) -> Self {
        Self { restarts, within, recent: VecDeque::new() }
    }

    /// Counts one more; tells whether it is borne.
    pub(crate) fn bears(&mut self, now: Instant) -> bool {
        self.recent.push_back(now);
        self.recent.retain(|at| now.saturating_duration_since(*at) < self.within);
        u32::try_from(self.recent.len()).is_ok_and(|count| count <= self.restarts)
    }
}

/// Returns the pause before a pod that failed is started again: 1 s, 4 s, 16 s; none after that, it is parked.
pub(crate) const fn backoff(failures: u32) -> Option<Duration> {
    match failures {
        0 | 1 => Some(Duration::from_secs(1)),
        2 => Some(Duration::from_secs(4)),
        3 => Some(Duration::from_secs(16)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_strategy_names_whom_it_restarts() {
        assert_eq!(affected(Strategy::OneForOne, 3, 5), 3..4);
        assert_eq!(affected(Strategy::OneForOne, 2, 5), 2..5, "the scheduler holds a reference to it");
        assert_eq!(affected(Strategy::RestForOne, 2, 5), 2..5);
        assert_eq!(affected(Strategy::RestForOne, 0, 5), 0..5);
        assert_eq!(affected(Strategy::OneForAll, 4, 5), 0..5);
    }

    #[tokio::test(start_paused = true)]
    async fn restarts_are_borne_up_to_the_intensity() {
        let mut intensity = Intensity::new(3, Duration::from_secs(5));
        assert!((0..3).all(|_| intensity.bears(Instant::now())));
        assert!(!intensity.bears(Instant::now()));
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!(intensity.bears(Instant::now()));
    }

    #[test]
    fn a_pod_is_parked_after_three_tries() {
        let pauses: Vec<_> = (1..=4).map(|n| backoff(n).map(|pause| pause.as_secs())).collect();
        assert_eq!(pauses, [Some(1), Some(4), Some(16), None]);
    }
}
