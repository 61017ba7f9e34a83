//! How a turn ended, from its `result` message. The words are the agent's; exit codes say nothing here.

use ipa_events::{FailureClass, Outcome, Retry};
use jiff::Timestamp;

use super::wire::Head;

/// What is said when the model does not know who asks.
pub(super) const NOT_LOGGED_IN: &str =
    "the agent is not logged in to its model, or its key is wrong; `ipa agent check` says what to do";

/// What is said of an agent whose model answered too often.
pub(super) const MAX_TURNS: &str = "the agent used up the turns it may take";

/// The usage limit of the agent, as far as it said something of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Limit {
    /// It is not reached.
    #[default]
    Open,
    /// It is reached; until when, if it said so.
    Reached(Option<Timestamp>),
}

/// The least number that is milliseconds, where seconds since 1970 are due: as seconds it were the year 5138.
const MILLISECONDS: f64 = 1e11;

/// Reads when a limit is over: seconds since 1970, or milliseconds. What is no time that there can be is none.
pub(super) fn moment(number: f64) -> Option<Timestamp> {
    let seconds = if number.abs() < MILLISECONDS { number } else { number / 1000.0 };
    let seconds = jiff::SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::from_duration(seconds).ok()
}

/// Reads a result. `error` is what the last message said about an error of the model.
pub(super) fn outcome(head: &Head<'_>, error: Option<&str>, limit: Limit) -> Outcome {
    use FailureClass as C;
    let is_error = head.is_error == Some(true);
    match head.subtype() {
        "success" if !is_error => success(head),
        "success" => model_error(head, error, limit),
        "error_max_turns" => failed(C::MaxTurns, MAX_TURNS, Retry::Human),
        "error_max_budget_usd" => failed(C::Budget, "the agent used up its budget", Retry::Human),
        "error_during_execution" => during_execution(head),
        other => {
            failed(C::AgentError, &format!("the agent ended its turn with {}", word(other)), Retry::Backoff)
        }
    }
}

fn success(head: &Head<'_>) -> Outcome {
    if head.stop_reason.is_some() {
        return Outcome::Completed;
    }
    // The stream from the model was cut, and the agent did not notice.
    failed(FailureClass::StreamCut, "the answer of the agent's model was cut off", Retry::Backoff)
}

fn model_error(head: &Head<'_>, error: Option<&str>, limit: Limit) -> Outcome {
    use FailureClass as C;
    let limited = |retry| failed(C::RateLimited, "the agent's usage limit is reached", retry);
    match (limit, error) {
        (Limit::Reached(Some(at)), _) => return limited(Retry::At(at)),
        // So also where its model only says that it is asked too much, and not for how long.
        (Limit::Reached(None), _) | (Limit::Open, Some("rate_limit")) => return limited(Retry::Hold),
        (Limit::Open, _) => {}
    }
    match error {
        Some("billing_error") => failed(C::Billing, "the agent's account has no credit", Retry::Human),
        Some("authentication_failed") => failed(C::AuthRequired, NOT_LOGGED_IN, Retry::Human),
        Some("model_not_found") => {
            failed(C::ModelNotFound, "the agent's model does not exist, or may not be used", Retry::Human)
        }
        Some("invalid_request") if head.terminal_reason.as_deref() == Some("prompt_too_long") => {
            // The next run begins a new one.
            failed(C::ContextTooLong, "the conversation is too long for the agent's model", Retry::Backoff)
        }
        Some(other) => {
            failed(C::ApiUnavailable, &format!("the agent's model failed: {}", word(other)), Retry::Backoff)
        }
        None => failed(C::ApiUnavailable, "the agent's model failed", Retry::Backoff),
    }
}

fn during_execution(head: &Head<'_>) -> Outcome {
    use FailureClass as C;
    if let Some(reason) = head.terminal_reason.as_deref().filter(|it| it.starts_with("aborted")) {
        return failed(C::AgentError, &format!("the agent's turn was {}", word(reason)), Retry::Backoff);
    }
    if head.errors().iter().any(|error| error.starts_with("No conversation found")) {
        let detail = "the agent does not know the conversation that it was to resume";
        return failed(C::SessionLost, detail, Retry::Backoff);
    }
    failed(C::AgentError, "the agent failed while it worked", Retry::Backoff)
}

fn failed(class: FailureClass, detail: &str, retry: Retry) -> Outcome {
    Outcome::Failed { class, detail: detail.to_owned(), retry }
}

/// Makes one harmless word of what an agent printed.
fn word(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_time_is_read_in_seconds_and_in_milliseconds_and_never_fails() {
        let at = |seconds| Timestamp::from_second(seconds).ok();
        for (number, wanted) in [
            (1_795_707_277.0, at(1_795_707_277)),
            (1_795_707_277_000.0, at(1_795_707_277)),
            (0.0, at(0)),
            (-1.0, at(-1)),
            (f64::NAN, None),
            (f64::INFINITY, None),
            (1e18, None),
        ] {
            assert_eq!(moment(number), wanted, "{number}");
        }
    }
}
