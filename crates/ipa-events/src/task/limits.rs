//! What a task may do by itself: its gates' policies and its limits, fixed when it is created.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::value::Phase;

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

/// How often a task tries before it asks a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskLimits {
    /// Attempts at one run before a person is asked.
    pub attempts: NonZeroU32,
    /// Runs that mend failed checks before a person is asked.
    pub check_fixes: u32,
}

impl Default for TaskLimits {
    fn default() -> Self {
        Self { attempts: NonZeroU32::MIN.saturating_add(2), check_fixes: 2 }
    }
}

/// Returns the pause after `failures` failed attempts in a row: 10 s, doubling, at most 5 min.
pub(super) fn pause_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(5);
    Duration::from_secs(10 << doublings).min(Duration::from_mins(5))
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
    fn development_moves_on_by_itself_unless_told_otherwise() {
        assert_eq!(Gates::default().of(Phase::Development), GatePolicy::Auto);
        assert_eq!(Gates::default().of(Phase::Review), GatePolicy::Ask);
        assert_eq!(Gates::auto().of(Phase::Review), GatePolicy::Auto);
    }
}
