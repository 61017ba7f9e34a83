//! What a scripted agent plays. The format is for people who write tests and demos; it is described in
//! `specs/agent/spec.md`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A whole script: what each role plays.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Script {
    pub(super) roles: BTreeMap<String, Part>,
}

/// What one role plays.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Part {
    /// The same, whatever it is told.
    Steps(Vec<Step>),
    /// The first case that fits what it is told.
    Cases(Vec<Case>),
}

/// What to play when something is said.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// A text that the message contains; without it the case always fits.
    #[serde(default)]
    when: Option<String>,
    steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// Says something. `{prompt}` and `{answer}` stand for what it was told last.
    Say(String),
    /// Thinks aloud.
    Think(String),
    /// Shows its list of steps.
    Plan(Vec<Todo>),
    /// Writes a file in its folder.
    WriteFile {
        path: String,
        content: String,
        #[serde(default)]
        mode: Mode,
    },
    /// Runs a command.
    Run(String),
    /// Asks to use a tool.
    AskPermission {
        tool: String,
        #[serde(default)]
        input: serde_json::Value,
    },
    /// Asks a question.
    AskQuestion {
        question: String,
        #[serde(default)]
        choices: Vec<String>,
    },
    /// Uses tokens.
    Usage {
        #[serde(default)]
        input_tokens: u64,
        #[serde(default)]
        output_tokens: u64,
        #[serde(default)]
        cost_usd: f64,
    },
    /// Says that a request to its model failed and is tried again.
    ApiRetry {
        error: String,
        #[serde(default)]
        delay_ms: u64,
    },
    /// Says that its usage limit is reached until then, in seconds since 1970.
    RateLimit(i64),
    /// Ends the turn with this as its final text.
    Result(String),
    /// Ends the turn with an error of its model.
    Fail(String),
    /// Does nothing for as many milliseconds.
    Wait(u64),
    /// Does what an agent should not do.
    #[serde(untagged)]
    Fault(Fault),
}

/// What an agent should not do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fault {
    /// As the first step: says nothing at all for as many milliseconds.
    SlowStart(u64),
    /// Says nothing any more, but can be interrupted.
    Hang,
    /// Says that it lives, and nothing else, until it is interrupted.
    HeartbeatsOnly,
    /// Takes no notice of the interrupts of its protocol, from here on.
    IgnoreInterrupt,
    /// Takes no notice of the signal SIGINT, from its very start.
    IgnoreSigint,
    /// Takes no notice of the signal SIGTERM, from its very start.
    IgnoreSigterm,
    /// Reads nothing of what it is told, from its very start.
    NeverReadStdin,
    /// Prints one line of this many bytes.
    GiantLine(usize),
    /// Says this many lines.
    Flood(u64),
    /// Prints bytes that are no UTF-8.
    BadUtf8,
    /// Prints the beginning of a line, and ends.
    PartialLine,
    /// Ends with this exit code, without a result.
    ExitWithoutResult(i32),
    /// Ends the turn, and does not end when nothing more is coming.
    HangAfterResult,
    /// Is killed.
    Crash,
    /// Starts processes that try to outlive it.
    DoubleFork,
    /// Prints a message of a type that nobody knows.
    UnknownType,
}

/// What happens to a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    /// It is replaced.
    #[default]
    Replace,
    /// It is added to.
    Append,
}

/// One step of the agent's own list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Todo {
    pub(super) content: String,
    pub(super) status: String,
}

impl Part {
    /// Returns the steps for what is said.
    pub(super) fn steps(&self, said: &str) -> Vec<Step> {
        match self {
            Self::Steps(steps) => steps.clone(),
            Self::Cases(cases) => {
                let fits = |case: &&Case| case.when.as_deref().is_none_or(|when| said.contains(when));
                cases.iter().find(fits).map(|case| case.steps.clone()).unwrap_or_default()
            }
        }
    }

    /// Tells whether a step is anywhere in it.
    pub(super) fn has(&self, fits: impl Fn(&Step) -> bool) -> bool {
        match self {
            Self::Steps(steps) => steps.iter().any(fits),
            Self::Cases(cases) => cases.iter().flat_map(|case| &case.steps).any(fits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_a_list_of_steps_or_of_cases() {
        let script: Script = serde_json::from_str(
            r#"{"roles": {
                "spec": [{"say": "a"}, "hang"],
                "plan": [{"when": "no", "steps": [{"say": "again"}]}, {"steps": []}]
            }}"#,
        )
        .unwrap();
        assert_eq!(script.roles["spec"].steps("x").len(), 2);
        assert_eq!(script.roles["plan"].steps("they said no").len(), 1);
        assert_eq!(script.roles["plan"].steps("yes").len(), 0);
        assert!(script.roles["spec"].has(|step| matches!(step, Step::Fault(Fault::Hang))));
        assert!(serde_json::from_str::<Script>(r#"{"roles": {"spec": [{"sya": "a"}]}}"#).is_err());
    }
}
