//! How a run is ended: gently at first; each step only if the one before did not do.

use std::time::{Duration, Instant};

use crate::folder::Why;
use crate::spec::Grace;

/// A step of ending a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// Ask for it in the agent's own protocol.
    Frame,
    /// End its standard input.
    Eof,
    /// Send it an interrupt.
    Interrupt,
    /// Send it a request to terminate.
    Terminate,
    /// Kill it.
    Kill,
}

impl Step {
    /// Returns the first step for this reason: there is no point in being gentle with what is over already.
    pub(super) const fn first(why: &Why) -> Self {
        match why {
            Why::AfterResult | Why::OutputQuota => Self::Kill,
            Why::Interrupted { .. }
            | Why::Startup
            | Why::Silence
            | Why::Turn
            | Why::Total
            | Why::Alone
            | Why::Hopeless { .. } => Self::Frame,
        }
    }

    /// Returns the step after this one.
    pub(super) const fn next(self) -> Self {
        match self {
            Self::Frame => Self::Eof,
            Self::Eof => Self::Interrupt,
            Self::Interrupt => Self::Terminate,
            Self::Terminate | Self::Kill => Self::Kill,
        }
    }

    /// Returns how long to wait for it; none for the last.
    pub(super) const fn wait(self, grace: &Grace) -> Option<Duration> {
        match self {
            Self::Frame => Some(grace.protocol),
            Self::Eof => Some(grace.eof),
            Self::Interrupt => Some(grace.interrupt),
            Self::Terminate => Some(grace.terminate),
            Self::Kill => None,
        }
    }
}

/// Where a run stands on the ladder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) step: Step,
    pub(super) until: Option<Instant>,
}
