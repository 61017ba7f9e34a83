//! What a task may do by itself: its gates' policies and its limits, fixed when it is created.

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::value::{Money, Phase};

/// Who opens a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GatePolicy {
    /// A person decides.
    Ask,
    /// The product being there is enough.
    Auto,
}

/// The policy of each phase's gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gates {
    /// Spec to planning.
    pub spec_clarification: GatePolicy,
    /// Plan to development.
    pub planning: GatePolicy,
    /// Development to review; passing checks decide by default.
    pub development: GatePolicy,
    /// Review to completed.
    pub review: GatePolicy,
}

impl Default for Gates {
    fn default() -> Self {
        Self {
            spec_clarification: GatePolicy::Ask,
            planning: GatePolicy::Ask,
            development: GatePolicy::Auto,
            review: GatePolicy::Ask,
        }
    }
}

impl Gates {
    /// Makes every gate open by itself.
    pub const fn auto() -> Self {
        let auto = GatePolicy::Auto;
        Self { spec_clarification: auto, planning: auto, development: auto, review: auto }
    }

    /// Returns the policy of the gate at the end of `phase`; a phase without a gate asks.
    pub const fn of(&self, phase: Phase) -> GatePolicy {
        match phase {
            Phase::SpecClarification => self.spec_clarification,
            Phase::Planning => self.planning,
            Phase::Development => self.development,
            Phase::Review => self.review,
            Phase::Completed | Phase::Cancelled => GatePolicy::Ask,
        }
    }
}

/// How often a task tries, and what it may cost, before it asks a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskLimits {
    /// Attempts at one run before a person is asked.
    pub attempts: NonZeroU32,
    /// Runs that mend failed checks before a person is asked.
    pub check_fixes: u32,
    /// What one run may cost; none: whatever it costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_budget: Option<Money>,
    /// What all runs may cost before a person grants as much again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_budget: Option<Money>,
}

impl Default for TaskLimits {
    fn default() -> Self {
        Self {
            attempts: NonZeroU32::MIN.saturating_add(2),
            check_fixes: 2,
            run_budget: None,
            task_budget: None,
        }
    }
}

/// Returns the pause after `failures` failed attempts in a row: 10 s, doubling, at most 5 min.
pub(super) fn pause_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(5);
    Duration::from_secs(10 << doublings).min(Duration::from_mins(5))
}

/// The furthest reset time of a usage limit that is believed.
const BELIEVED: Duration = Duration::from_hours(31 * 24);

/// Returns until when a task is held. `until` is when the limit is said to be over, `before` counts the runs before
/// this one that ended at a limit too, one after the other.
///
/// A time that nobody told, that is over, or that is further away than any limit lasts, is no time: the pause is
/// 5 min then, doubling up to 1 h. A limit that is met again right after it was said to be over is paused for as
/// well, so that no wrong time makes a loop.
pub(super) fn held_until(now: Timestamp, until: Option<Timestamp>, before: u32) -> Timestamp {
    let after = |pause: Duration| now.saturating_add(pause).unwrap_or(now);
    let doubled =
        |doublings: u32| after(Duration::from_mins(5 << doublings.min(4)).min(Duration::from_hours(1)));
    match until.filter(|until| *until > now && *until <= after(BELIEVED)) {
        None => doubled(before),
        Some(until) => until.max(before.checked_sub(1).map_or_else(|| after(pause_after(1)), doubled)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let seconds: Vec<_> = [1, 2, 3, 5, 6, 7, u32::MAX].map(|n| pause_after(n).as_secs()).into();
        assert_eq!(seconds, [10, 20, 40, 160, 300, 300, 300]);
    }

    #[test]
    fn a_hold_lasts_as_long_as_was_said_if_that_can_be_believed() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let held = |until: Option<i64>, before| {
            let until = until.map(|seconds| Timestamp::from_second(1_000_000 + seconds).unwrap());
            held_until(now, until, before).as_second() - 1_000_000
        };
        let (five_hours, month, year) = (5 * 3600, 31 * 86_400, 365 * 86_400);
        for (until, before, wanted) in [
            (Some(five_hours), 0, five_hours),
            (Some(month), 0, month),
            // At least a moment; and longer, if it was said before and was not so.
            (Some(1), 0, 10),
            (Some(1), 1, 300),
            (Some(1), 2, 600),
            (Some(five_hours), 2, five_hours),
            // Over, or too far away.
            (Some(0), 0, 300),
            (Some(-60), 1, 600),
            (Some(year), 0, 300),
            (None, 0, 300),
            (None, 1, 600),
            (None, 3, 2400),
            (None, 4, 3600),
            (None, u32::MAX, 3600),
        ] {
            assert_eq!(held(until, before), wanted, "{until:?} {before}");
        }
        assert_eq!(held_until(Timestamp::MAX, None, 0), Timestamp::MAX);
    }

    #[test]
    fn development_moves_on_by_itself_unless_told_otherwise() {
        assert_eq!(Gates::default().of(Phase::Development), GatePolicy::Auto);
        assert_eq!(Gates::default().of(Phase::Review), GatePolicy::Ask);
        assert_eq!(Gates::auto().of(Phase::Review), GatePolicy::Auto);
    }
}
