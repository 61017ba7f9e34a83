//! Claude's stream-json: one JSON message a line, both ways. Spoken by `scripted` too.
//!
//! What the program prints is taken as it was recorded from the real one (`tests/fixtures`). A message of an
//! unknown type becomes `Unknown`, never an error.

mod ask;
mod ledger;
mod result;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use ipa_events::{FailureClass, Outcome, Retry, SessionId};
use serde_json::json;

use self::ask::Pending;
use self::ledger::Ledger;
use self::result::Limit;
use self::wire::{Block, Head, Message, Todo};
use super::{Cut, Line, Out, Progress, Protocol, Verdict, answer_key};
use crate::error::ControlError;
use crate::event::{Body, PlanStep};
use crate::folder::{Began, ExitRecord, Why};
use crate::host::Frame;
use crate::session::Answer;
use crate::spec::{RunLimits, Tools};
use crate::spool::Source;

/// The model that error text is said in the name of.
const SYNTHETIC: &str = "<synthetic>";

/// Follows a program that speaks stream-json.
#[derive(Default)]
pub(crate) struct StreamJson {
    started: Option<Arc<str>>,
    allowed: Tools,
    pending: BTreeMap<String, Pending>,
    ledger: Ledger,
    /// What the last message of the agent says about an error of its model.
    error: Option<String>,
    limit: Limit,
    /// How the last turn ended; none while one goes on.
    last: Option<Outcome>,
    text: Option<String>,
    turn: Turn,
    /// How much it may take.
    max_turns: Option<NonZeroU32>,
    answers: BTreeSet<String>,
    /// The questions for what it used; none when nobody wants to know.
    asks: Option<Asks>,
    /// The last line of its standard error.
    complaint: String,
}

/// How often it was asked what it used, and how often it said so; the first is asked with the prompt.
#[derive(Debug, Clone, Copy)]
struct Asks {
    asked: u32,
    answered: u32,
}

/// Whether the agent said how the turn went that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Turn {
    #[default]
    Open,
    Over,
}

/// Returns what the agent is told first. Where there is a budget, it says before anything else what the conversation
/// that it may go on with has cost by now.
pub(crate) fn first(prompt: &str, limits: &RunLimits) -> Vec<Frame> {
    let prompt = Frame { key: super::PROMPT.to_owned(), data: user_message(prompt) };
    limits.budget.map(|_| ask_usage(0)).into_iter().chain([prompt]).collect()
}

/// Puts a message to the agent into its words.
fn user_message(text: &str) -> String {
    let message = json!({
        "type": "user",
        "message": {"role": "user", "content": text},
        "parent_tool_use_id": null,
        "session_id": "",
    });
    format!("{message}\n")
}

/// What asks the agent to end its turn.
pub(crate) fn interrupt() -> Frame {
    let request =
        json!({"type": "control_request", "request_id": super::STOP, "request": {"subtype": "interrupt"}});
    Frame { key: super::STOP.to_owned(), data: format!("{request}\n") }
}

/// What the keys of the questions for what it used begin with.
const USAGE: &str = "usage-";

/// What asks the agent what it used by now.
fn ask_usage(number: u32) -> Frame {
    let key = format!("{USAGE}{number}");
    let request = json!({"type": "control_request", "request_id": key, "request": {"subtype": "get_usage"}});
    Frame { key, data: format!("{request}\n") }
}

impl Protocol for StreamJson {
    fn begin(&mut self, began: &Began, _out: &mut Out) {
        self.allowed = began.policy.allow.clone();
        self.max_turns = began.limits.max_turns;
        self.asks = began.limits.budget.map(|_| Asks { asked: 1, answered: 0 });
    }

    fn step(&mut self, line: &Line<'_>, out: &mut Out) {
        if line.source == Source::Err {
            if !line.text.trim().is_empty() {
                self.complaint = super::complaint(line.text);
            }
            return out.events.push(Body::Diagnostic { text: line.text.into() });
        }
        if line.text.trim().is_empty() {
            return;
        }
        // What is cut is no JSON; what it was is told by who cut it.
        let Ok(head) = serde_json::from_str::<Head<'_>>(line.text) else {
            let text: Arc<str> = match line.cut {
                Cut::No => line.text.into(),
                Cut::Yes => line.text.chars().take(200).collect::<String>().into(),
            };
            return out.events.push(Body::Diagnostic { text });
        };
        match &*head.kind {
            "system" => self.system(&head, out),
            "assistant" => self.assistant(&head, out),
            "user" => {
                user(&head, out);
                self.ask_usage(out);
            }
            "stream_event" => self.ledger.delta(&head),
            "control_request" => self.control_request(&head, out),
            "control_cancel_request" => self.cancelled(&head, out),
            "result" => self.result(&head, out),
            "control_response" => self.said(&head, out),
            "keep_alive" => out.progress = Progress::Heartbeat,
            "rate_limit_event" => self.rate_limit(&head, out),
            other => out.events.push(Body::Unknown { kind: other.into() }),
        }
    }

    fn answer(&self, key: &str, answer: &Answer) -> Result<String, ControlError> {
        let pending = self.pending.get(key).ok_or_else(|| ControlError::Unknown(key.to_owned()))?;
        let response = pending.answer(answer)?;
        let frame = json!({
            "type": "control_response",
            "response": {"subtype": "success", "request_id": key, "response": response},
        });
        Ok(format!("{frame}\n"))
    }

    fn message(&self, text: &str) -> Result<String, ControlError> {
        Ok(user_message(text))
    }

    fn end(&mut self, exit: &ExitRecord) -> Verdict {
        let failed =
            |class, detail: &str| Outcome::Failed { class, detail: detail.to_owned(), retry: Retry::Backoff };
        let outcome = match (self.turn, self.last.take(), exit.code, exit.signal) {
            (Turn::Over, Some(outcome), _, _) => outcome,
            (_, _, _, Some(signal)) => {
                failed(FailureClass::Crashed, &format!("the agent was ended by signal {signal}"))
            }
            (_, _, Some(code), None) if super::could_not_run(code) => Outcome::Failed {
                class: FailureClass::Misconfigured,
                detail: super::why_not_run("the agent", code, &self.complaint),
                retry: Retry::Human,
            },
            (_, _, Some(_) | None, None) => {
                let detail = "the agent ended without saying how its work went";
                failed(FailureClass::EndedWithoutResult, detail)
            }
        };
        Verdict { outcome, text: self.text.take(), usage: Some(self.ledger.total()) }
    }
}

impl StreamJson {
    fn system(&mut self, head: &Head<'_>, out: &mut Out) {
        match head.subtype() {
            "init" => {
                let session = head.session_id.as_deref().unwrap_or_default();
                if self.started.as_deref() != Some(session) {
                    self.started = Some(session.into());
                    let model = head.model.as_deref().map(Arc::from);
                    let version = head.version.as_deref().map(Arc::from);
                    let session = session.parse::<SessionId>().ok();
                    out.events.push(Body::Started { session, model, version });
                }
                self.turn = Turn::Open;
                out.events.push(Body::TurnStarted);
            }
            "api_retry" => api_retry(head, out),
            "status" | "thinking_tokens" | "task_started" | "task_progress" | "task_notification"
            | "compact_boundary" => out.progress = Progress::Heartbeat,
            other => out.events.push(Body::Unknown { kind: format!("system/{other}").into() }),
        }
    }

    fn assistant(&mut self, head: &Head<'_>, out: &mut Out) {
        let message: Message<'_> = head.message();
        self.error = head.error.as_deref().map(str::to_owned);
        self.ledger.message(&message);
        self.count(head.parent_tool_use_id.as_deref(), &message, out);
        let synthetic = message.model.as_deref() == Some(SYNTHETIC);
        if !synthetic {
            // Its model answers: it went on over the limit.
            self.limit = Limit::Open;
        }
        for block in message.blocks() {
            let Some(block) = block else {
                out.events.push(Body::Unknown { kind: "assistant/?".into() });
                continue;
            };
            match &*block.kind {
                "text" if synthetic => out.events.push(Body::Diagnostic { text: block.text().into() }),
                "text" => out.events.push(Body::Text { text: block.text().into() }),
                "thinking" => out.events.push(Body::Thinking { text: block.thinking().into() }),
                "redacted_thinking" => {}
                "tool_use" => tool_use(&block, out),
                other => out.events.push(Body::Unknown { kind: format!("assistant/{other}").into() }),
            }
        }
    }

    fn control_request(&mut self, head: &Head<'_>, out: &mut Out) {
        let Some(key) = head.request_id.as_deref() else {
            return out.events.push(Body::Unknown { kind: "control_request/?".into() });
        };
        let request = head.request();
        if &*request.subtype != "can_use_tool" {
            // Silence would let it wait for ever.
            let error = format!("{} is not offered", request.subtype);
            out.frames.push(Frame { key: answer_key(key), data: refusal(key, &error) });
            return out.events.push(Body::Diagnostic { text: error.into() });
        }
        let pending = Pending::new(&request);
        if pending.is_permission() && self.allowed.0.contains(&pending.tool) {
            if let Ok(response) = pending.answer(&Answer::Allow) {
                let frame = json!({
                    "type": "control_response",
                    "response": {"subtype": "success", "request_id": key, "response": response},
                });
                out.frames.push(Frame { key: answer_key(key), data: format!("{frame}\n") });
            }
            return;
        }
        out.events.push(Body::Asked(pending.asked(key)));
        self.pending.insert(key.to_owned(), pending);
    }

    fn cancelled(&mut self, head: &Head<'_>, out: &mut Out) {
        let Some(key) = head.request_id.as_deref() else { return };
        self.pending.remove(key);
        out.events.push(Body::Withdrawn { key: key.into(), why: "the agent does not wait any more".into() });
    }

    /// Asks what it used, after each of its tools: then its model was heard, and it goes on.
    fn ask_usage(&mut self, out: &mut Out) {
        let Some(asks) = self.asks.as_mut().filter(|asks| asks.asked == asks.answered) else { return };
        out.frames.push(ask_usage(asks.asked));
        asks.asked += 1;
    }

    /// Takes in an answer to what it was asked.
    fn said(&mut self, head: &Head<'_>, out: &mut Out) {
        out.progress = Progress::Heartbeat;
        let response = head.response();
        let Some(asks) = self.asks.as_mut().filter(|_| response.request_id.starts_with(USAGE)) else {
            return;
        };
        asks.answered = asks.asked;
        let used = response.cost().and_then(|cost| self.ledger.said(&cost));
        out.events.extend(used.map(|total| Body::Usage { total }));
    }

    /// Counts the answers of its model to one message; those to its own helpers do not count.
    fn count(&mut self, helper: Option<&str>, message: &Message<'_>, out: &mut Out) {
        let (Some(max), Some(id), None) = (self.max_turns, &message.id, helper) else { return };
        self.answers.insert(id.clone());
        if self.answers.len() > usize::try_from(max.get()).unwrap_or(usize::MAX) {
            let (class, detail) = (FailureClass::MaxTurns, result::MAX_TURNS.to_owned());
            out.halt = Some(Why::Hopeless { class, detail, retry: Retry::Human });
        }
    }

    fn rate_limit(&mut self, head: &Head<'_>, out: &mut Out) {
        out.progress = Progress::Heartbeat;
        let limit = head.rate_limit();
        if limit.status.as_deref() != Some("rejected") {
            self.limit = Limit::Open;
            return;
        }
        self.limit = Limit::Reached(limit.resets_at.as_f64().and_then(result::moment));
        out.events.push(Body::Retrying { detail: "the agent's usage limit is reached".into() });
    }

    fn result(&mut self, head: &Head<'_>, out: &mut Out) {
        self.last = Some(result::outcome(head, self.error.take().as_deref(), self.limit));
        // The text of an error is no document.
        let text = head.result.as_deref().filter(|text| !text.trim().is_empty());
        if let (Some(Outcome::Completed), Some(text)) = (&self.last, text) {
            self.text = Some(text.to_owned());
        }
        self.turn = Turn::Over;
        self.answers.clear();
        // What was asked in this turn is of no use to anybody any more.
        for (key, _) in std::mem::take(&mut self.pending) {
            out.events.push(Body::Withdrawn { key: key.into(), why: "the turn is over".into() });
        }
        out.events.push(Body::TurnFinished);
        // After the end of the turn: then nothing is to be done any more about what it cost.
        out.events.push(Body::Usage { total: self.ledger.result(head) });
    }
}

fn api_retry(head: &Head<'_>, out: &mut Out) {
    let error = head.error.as_deref().unwrap_or("unknown");
    if error == "authentication_failed" {
        // It would try ten times, and nothing would change.
        out.halt = Some(Why::Hopeless {
            class: FailureClass::AuthRequired,
            detail: result::NOT_LOGGED_IN.to_owned(),
            retry: Retry::Human,
        });
    }
    out.progress = Progress::Pauses(head.retry_delay_ms.map_or(0, ledger::whole));
    let of = head.max_retries.map_or_else(String::new, |max| format!(" of {max}"));
    let detail = format!("{error}, try {}{of}", head.attempt.unwrap_or_default());
    out.events.push(Body::Retrying { detail: detail.into() });
}

fn tool_use(block: &Block<'_>, out: &mut Out) {
    let (id, tool, input) = (block.id(), block.name(), block.input());
    let steps = (tool == "TodoWrite").then(|| serde_json::from_str::<Todo>(input).ok()).flatten();
    let id: Arc<str> = id.into();
    out.events.push(Body::ToolCall { id: Arc::clone(&id), tool: tool.into(), input: input.into() });
    if let Some(Todo { todos }) = steps {
        let steps =
            todos.into_iter().map(|it| PlanStep { text: it.content.into(), status: it.status.into() });
        out.events.push(Body::Plan { steps: steps.collect(), call: Some(id) });
    }
}

fn user(head: &Head<'_>, out: &mut Out) {
    // It only confirms what it was told.
    if head.is_replay == Some(true) {
        out.progress = Progress::TookUp;
        return;
    }
    let message: Message<'_> = head.message();
    for block in message.blocks() {
        let Some(block) = block else {
            out.events.push(Body::Unknown { kind: "user/?".into() });
            continue;
        };
        match &*block.kind {
            "tool_result" => out.events.push(Body::ToolResult {
                id: block.tool_use_id().into(),
                output: block.content_text().into(),
                failed: block.is_error == Some(true),
            }),
            "text" => out.events.push(Body::Diagnostic { text: block.text().into() }),
            "image" => {}
            other => out.events.push(Body::Unknown { kind: format!("user/{other}").into() }),
        }
    }
}

fn refusal(key: &str, error: &str) -> String {
    let frame = json!({
        "type": "control_response",
        "response": {"subtype": "error", "request_id": key, "error": error},
    });
    format!("{frame}\n")
}
