//! The protocol of `command:`: any program that reads its prompt from standard input and prints lines.
//!
//! A line is text, unless it begins with `{"ipa":` and is one of the events of `specs/agent/spec.md`.

use std::collections::BTreeSet;
use std::sync::Arc;

use ipa_events::task::Usage;
use ipa_events::{FailureClass, Outcome, Retry, Role};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Line, Out, Protocol, Verdict};
use crate::error::ControlError;
use crate::event::{Asked, Body};
use crate::folder::{Began, ExitRecord, Stdin};
use crate::session::Answer;
use crate::spool::Source;

/// The most of its output that is kept as a document.
const KEPT: usize = 1024 * 1024;
/// The exit code that asks to be tried again (`EX_TEMPFAIL`).
const TRY_AGAIN: i32 = 75;

/// Follows a command.
pub(crate) struct CommandProtocol {
    role: Role,
    stdin: Stdin,
    said: String,
    /// The last line of its standard error.
    complaint: String,
    questions: BTreeSet<String>,
}

impl Default for CommandProtocol {
    fn default() -> Self {
        Self {
            role: Role::Develop,
            stdin: Stdin::Ends,
            said: String::new(),
            complaint: String::new(),
            questions: BTreeSet::new(),
        }
    }
}

#[derive(Deserialize)]
struct Event {
    ipa: Said,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Tool {
        id: String,
        tool: String,
        input: Option<Box<RawValue>>,
    },
    ToolResult {
        id: String,
        output: String,
        #[serde(default)]
        failed: bool,
    },
    Usage(Usage),
    Question {
        key: String,
        text: String,
        #[serde(default)]
        choices: Vec<Arc<str>>,
    },
    Permission {
        key: String,
        tool: String,
        input: Option<Box<RawValue>>,
    },
}

impl Protocol for CommandProtocol {
    fn begin(&mut self, began: &Began, out: &mut Out) {
        self.role = began.role;
        self.stdin = began.stdin;
        out.events.extend([Body::Started { session: None, model: None, version: None }, Body::TurnStarted]);
    }

    fn step(&mut self, line: &Line<'_>, out: &mut Out) {
        let text = line.text;
        if line.source == Source::Err {
            if !text.trim().is_empty() {
                self.complaint = super::complaint(text);
            }
            return out.events.push(Body::Diagnostic { text: text.into() });
        }
        if text.starts_with(r#"{"ipa":"#) {
            return out.events.push(match serde_json::from_str(text) {
                Ok(Event { ipa }) => self.event(ipa),
                Err(_) => Body::Unknown { kind: unknown_kind(text) },
            });
        }
        if self.said.len() + text.len() < KEPT {
            self.said.push_str(text);
            self.said.push('\n');
        }
        out.events.push(Body::Text { text: text.into() });
    }

    fn answer(&self, key: &str, answer: &Answer) -> Result<String, ControlError> {
        let question = self.questions.contains(key);
        let answer = match answer {
            Answer::Text(text) if question => json!({"key": key, "text": &**text}),
            Answer::Deny(why) => json!({"key": key, "deny": &**why}),
            Answer::Allow if !question => json!({"key": key, "allow": true}),
            Answer::AllowWith(input) if !question => {
                json!({"key": key, "allow": true, "input": super::object(input)?})
            }
            Answer::Allow | Answer::AllowWith(_) => {
                return Err(ControlError::NotNow("a question is answered with text"));
            }
            Answer::Text(_) => return Err(ControlError::NotNow("a permission is given or refused")),
        };
        Ok(format!("{}\n", json!({"answer": answer})))
    }

    fn message(&self, text: &str) -> Result<String, ControlError> {
        match self.stdin {
            Stdin::StaysOpen => Ok(format!("{}\n", json!({"message": text}))),
            Stdin::Ends => Err(ControlError::NotNow("its standard input ended after the prompt")),
        }
    }

    fn end(&mut self, exit: &ExitRecord) -> Verdict {
        let failed = |class, detail: String, retry| Outcome::Failed { class, detail, retry };
        let outcome = match (exit.code, exit.signal) {
            (Some(0), _) => Outcome::Completed,
            // Nothing was run: that is no evidence of a check either.
            (Some(code), _) if super::could_not_run(code) => failed(
                FailureClass::Misconfigured,
                super::why_not_run("the command", code, &self.complaint),
                Retry::Human,
            ),
            (Some(_), _) if self.role == Role::Check => Outcome::Completed,
            (Some(TRY_AGAIN), _) => failed(
                FailureClass::AgentError,
                format!("the command asks to be tried again (exit code {TRY_AGAIN})"),
                Retry::Backoff,
            ),
            (Some(code), _) => failed(
                FailureClass::AgentError,
                format!("the command ended with exit code {code}"),
                Retry::Backoff,
            ),
            (None, signal) => failed(
                FailureClass::Crashed,
                format!("the command was ended by signal {}", signal.unwrap_or_default()),
                Retry::Backoff,
            ),
        };
        let text = std::mem::take(&mut self.said);
        Verdict { outcome, text: (!text.trim().is_empty()).then_some(text), usage: None }
    }
}

impl CommandProtocol {
    fn event(&mut self, said: Said) -> Body {
        match said {
            Said::Tool { id, tool, input } => {
                Body::ToolCall { id: id.into(), tool: tool.into(), input: json_text(input) }
            }
            Said::ToolResult { id, output, failed } => {
                Body::ToolResult { id: id.into(), output: output.into(), failed }
            }
            Said::Usage(total) => Body::Usage { total },
            Said::Question { .. } | Said::Permission { .. } if self.stdin == Stdin::Ends => {
                Body::Diagnostic { text: "it asks, but cannot be answered: its standard input has ended (set IPA_STDIN=open in its environment)".into() }
            }
            Said::Question { key, text, choices } => {
                self.questions.insert(key.clone());
                Body::Asked(Asked::Question { key: key.into(), text: text.into(), choices })
            }
            Said::Permission { key, tool, input } => {
                Body::Asked(Asked::Permission { key: key.into(), tool: tool.into(), input: json_text(input) })
            }
        }
    }
}

fn json_text(input: Option<Box<RawValue>>) -> Arc<str> {
    input.map_or_else(|| "{}".into(), |input| input.get().into())
}

fn unknown_kind(text: &str) -> Arc<str> {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let name = value.get("ipa").and_then(Value::as_object).and_then(|it| it.keys().next());
    name.map_or_else(|| "ipa".into(), |name| format!("ipa/{name}").into())
}
