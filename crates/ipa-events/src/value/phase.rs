//! Phases of a task, roles of an agent, and what a task is doing just now.

use super::text::words;

/// Where a task stands on its way from a sentence to a reviewed change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Phase {
    /// The request becomes a spec.
    #[default]
    SpecClarification,
    /// The spec becomes a plan.
    Planning,
    /// The plan becomes commits.
    Development,
    /// People look at the commits.
    Review,
    /// The work was accepted.
    Completed,
    /// The work was given up.
    Cancelled,
}

words!(Phase: "a phase (spec_clarification, planning, development, review, completed, cancelled)" {
    SpecClarification = "spec_clarification",
    Planning = "planning",
    Development = "development",
    Review = "review",
    Completed = "completed",
    Cancelled = "cancelled",
});

impl Phase {
    /// Returns the phase that follows when this one's gate is passed; none after the last.
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::SpecClarification => Some(Self::Planning),
            Self::Planning => Some(Self::Development),
            Self::Development => Some(Self::Review),
            Self::Review => Some(Self::Completed),
            Self::Completed | Self::Cancelled => None,
        }
    }

    /// Returns the role of the agent that works in this phase; none once the task is over.
    pub const fn role(self) -> Option<Role> {
        match self {
            Self::SpecClarification => Some(Role::Spec),
            Self::Planning => Some(Role::Plan),
            Self::Development => Some(Role::Develop),
            Self::Review => Some(Role::Review),
            Self::Completed | Self::Cancelled => None,
        }
    }

    /// Tells whether nothing more happens in this phase.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled)
    }
}

/// What an agent is asked to do in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Turns the request into a spec.
    Spec,
    /// Turns the spec into a plan.
    Plan,
    /// Carries the plan out in a workspace.
    Develop,
    /// Answers review comments.
    Review,
    /// Runs one of the repository's checks on an exact commit.
    Check,
}

words!(Role: "a role (spec, plan, develop, review, check)" {
    Spec = "spec",
    Plan = "plan",
    Develop = "develop",
    Review = "review",
    Check = "check",
});

impl Role {
    /// Tells whether this role's product is a document; what it did to the tree is then reset.
    pub const fn writes_document(self) -> bool {
        matches!(self, Self::Spec | Self::Plan)
    }
}

/// What a task is doing just now, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Waits for a slot, a time, a dependency or a usage limit.
    Queued,
    /// Something is being done.
    Running,
    /// Waits for a person.
    Waiting,
    /// Stopped by a person.
    Paused,
    /// Its pod cannot run.
    Parked,
    /// Over, accepted.
    Completed,
    /// Over, given up.
    Cancelled,
}

words!(Status: "a status (queued, running, waiting, paused, parked, completed, cancelled)" {
    Queued = "queued",
    Running = "running",
    Waiting = "waiting",
    Paused = "paused",
    Parked = "parked",
    Completed = "completed",
    Cancelled = "cancelled",
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_follow_one_another_to_the_end() {
        let mut phase = Phase::default();
        let mut seen = vec![phase];
        while let Some(next) = phase.next() {
            phase = next;
            seen.push(phase);
        }
        assert_eq!(seen, Phase::ALL[..5]);
        assert!(phase.is_over() && phase.role().is_none());
    }

    #[test]
    fn words_read_back() {
        for phase in Phase::ALL {
            assert_eq!(phase.as_str().parse(), Ok(*phase));
        }
        assert_eq!(
            "dev".parse::<Phase>().unwrap_err().to_string(),
            "\"dev\" is not a phase (spec_clarification, planning, development, review, completed, cancelled)"
        );
    }
}
