//! How a run ended, and what that means for the next one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::principal::Principal;
use super::text::words;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Outcome {
    /// It said that it was done.
    Completed,
    /// It was stopped because somebody asked for it.
    Interrupted {
        /// Who asked.
        by: Principal,
    },
    /// It ended in any other way.
    Failed {
        /// What kind of failure it was.
        class: FailureClass,
        /// What happened, for a person; one line, no secrets.
        detail: String,
        /// What may be done about it.
        retry: Retry,
    },
}

impl Outcome {
    /// Returns the word for lists and JSON: `completed`, `interrupted` or `failed`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Interrupted { .. } => "interrupted",
            Self::Failed { .. } => "failed",
        }
    }
}

/// What may be done about a failed run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Try again after a pause, as often as the limits allow.
    Backoff,
    /// Hold the task until this time, then try again; no attempt is used up.
    At(Timestamp),
    /// Hold the task for a while, as nobody said until when, then try again; no attempt is used up.
    Hold,
    /// A person must change something first.
    Human,
}

impl Retry {
    /// Tells whether the task is held: it is not the run's fault, and uses up no attempt.
    pub const fn holds(self) -> bool {
        match self {
            Self::At(_) | Self::Hold => true,
            Self::Backoff | Self::Human => false,
        }
    }
}

/// What kind of failure ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureClass {
    /// The agent program could not be started.
    Spawn,
    /// It is not there, or not usable as configured.
    Misconfigured,
    /// It said nothing for too long.
    Stalled,
    /// One turn took too long.
    TurnTimeout,
    /// The whole run took too long.
    TotalTimeout,
    /// It printed more than it may.
    OutputQuota,
    /// It broke its protocol.
    Protocol,
    /// It ended without saying how the work went.
    EndedWithoutResult,
    /// It was killed or died.
    Crashed,
    /// It is not logged in to its model, or its key is wrong.
    AuthRequired,
    /// Its account has no credit.
    Billing,
    /// Its model does not exist, or may not be used.
    ModelNotFound,
    /// The conversation is too long for its model.
    ContextTooLong,
    /// Its model could not be reached, or failed.
    ApiUnavailable,
    /// The answer of its model was cut off, and it did not notice.
    StreamCut,
    /// Its usage limit is reached.
    RateLimited,
    /// It used up the turns that it may take.
    MaxTurns,
    /// It used up its budget.
    Budget,
    /// It does not know the conversation that it was to resume.
    SessionLost,
    /// It said that it failed.
    AgentError,
    /// The process that kept it was lost.
    HostLost,
    /// It finished, but what it was asked for is not there.
    NoProduct,
    /// The workspace could not be made or used.
    Workspace,
}

words!(FailureClass: "a class of failure" {
    Spawn = "spawn",
    Misconfigured = "misconfigured",
    Stalled = "stalled",
    TurnTimeout = "turn_timeout",
    TotalTimeout = "total_timeout",
    OutputQuota = "output_quota",
    Protocol = "protocol",
    EndedWithoutResult = "ended_without_result",
    Crashed = "crashed",
    AuthRequired = "auth_required",
    Billing = "billing",
    ModelNotFound = "model_not_found",
    ContextTooLong = "context_too_long",
    ApiUnavailable = "api_unavailable",
    StreamCut = "stream_cut",
    RateLimited = "rate_limited",
    MaxTurns = "max_turns",
    Budget = "budget",
    SessionLost = "session_lost",
    AgentError = "agent_error",
    HostLost = "host_lost",
    NoProduct = "no_product",
    Workspace = "workspace",
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_keeps_its_json_form() {
        let failed = Outcome::Failed {
            class: FailureClass::HostLost,
            detail: "host gone".to_owned(),
            retry: Retry::Backoff,
        };
        let json = serde_json::to_string(&failed).unwrap();
        assert_eq!(json, r#"{"result":"failed","class":"host_lost","detail":"host gone","retry":"backoff"}"#);
        assert_eq!(serde_json::from_str::<Outcome>(&json).unwrap(), failed);
    }
}
