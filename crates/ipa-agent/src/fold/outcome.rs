//! How a run ended: what its agent said, unless it was lost or ended before.

use ipa_events::{FailureClass, Outcome, Retry};

use crate::folder::{Ended, ExitRecord, Why};

/// That a run is being ended.
pub(super) struct Stopped {
    pub(super) why: Why,
    /// Whether the agent had done all that it was given before.
    pub(super) idle: bool,
}

/// Returns how a run ended; `verdict` is what its agent said.
pub(super) fn of(exit: &ExitRecord, stop: Option<&Stopped>, verdict: Outcome) -> Outcome {
    match exit.ended {
        Ended::Exited => {}
        Ended::HostLost => {
            let detail = "the process that kept the agent was lost, and the agent with it";
            return failed(FailureClass::HostLost, detail, Retry::Backoff);
        }
        Ended::NeverStarted => {
            return failed(FailureClass::Spawn, "the agent was never started", Retry::Backoff);
        }
    }
    let Some(Stopped { why, idle }) = stop else { return verdict };
    match why {
        // It was stopped, but it had nothing left to do.
        Why::Interrupted { .. } | Why::Total | Why::Alone | Why::Hopeless { .. } if *idle => verdict,
        Why::Interrupted { by } => Outcome::Interrupted { by: by.clone() },
        Why::Startup => failed(FailureClass::Spawn, "the agent printed nothing at all", Retry::Backoff),
        Why::Silence => failed(FailureClass::Stalled, "the agent got on no more", Retry::Backoff),
        Why::Turn => failed(FailureClass::TurnTimeout, "one turn took too long", Retry::Backoff),
        Why::Total => failed(FailureClass::TotalTimeout, "the run took too long", Retry::Backoff),
        Why::Alone => failed(FailureClass::TotalTimeout, "nobody followed the run", Retry::Backoff),
        Why::OutputQuota => failed(FailureClass::OutputQuota, "the agent printed too much", Retry::Human),
        Why::AfterResult => verdict,
        Why::Hopeless { class, detail, retry } => failed(*class, detail, *retry),
    }
}

fn failed(class: FailureClass, detail: &str, retry: Retry) -> Outcome {
    Outcome::Failed { class, detail: detail.to_owned(), retry }
}
