//! What a kind of agent says and wants to be told: pure, and rebuilt at any time by reading the spool again.

pub(crate) mod command;
pub(crate) mod stream_json;

use ipa_events::Outcome;
use ipa_events::task::Usage;
use serde_json::{Map, Value};

use crate::error::ControlError;
use crate::event::Body;
use crate::folder::{Began, ExitRecord, Why};
use crate::host::Frame;
use crate::session::Answer;
use crate::spool::Source;

/// The key of the first thing that an agent is told.
pub(crate) const PROMPT: &str = "prompt";
/// The key of what asks it to stop.
pub(crate) const STOP: &str = "stop";

/// The most characters of a complaint that are told.
const COMPLAINT: usize = 300;

/// The key of an answer to what was asked under `key`.
pub(crate) fn answer_key(key: &str) -> String {
    format!("answer-{key}")
}

/// What was asked, of the key of its answer.
pub(crate) fn asked_key(key: &str) -> Option<&str> {
    key.strip_prefix("answer-")
}

/// The key of a further message.
pub(crate) fn message_key(key: &str) -> String {
    format!("message-{key}")
}

/// Tells whether a key is a message's.
pub(crate) fn is_message_key(key: &str) -> bool {
    key.starts_with("message-")
}

/// Tells whether an exit code says that the program was not run: it could not be confined (125), it is not
/// executable (126), or it is not there (127).
pub(crate) const fn could_not_run(code: i32) -> bool {
    matches!(code, 125..=127)
}

/// Says in a sentence that a program was not run; `complaint` is the last line of its standard error.
pub(crate) fn why_not_run(program: &str, code: i32, complaint: &str) -> String {
    if complaint.is_empty() {
        format!("{program} could not be run (exit code {code})")
    } else {
        format!("{program} could not be run (exit code {code}): {complaint}")
    }
}

/// Keeps of a line of standard error what a person can read at a glance.
pub(crate) fn complaint(line: &str) -> String {
    line.chars().take(COMPLAINT).collect()
}

/// Reads an input that a person wrote.
pub(crate) fn object(text: &str) -> Result<Map<String, Value>, ControlError> {
    serde_json::from_str(text).map_err(|_other| ControlError::NotNow("the input is no JSON object"))
}

/// A kind of agent's protocol.
pub(crate) trait Protocol: Send {
    /// Takes in what was known before the agent was started.
    fn begin(&mut self, began: &Began, out: &mut Out);

    /// Takes in one line that the agent printed. No bytes make it fail.
    fn step(&mut self, line: &Line<'_>, out: &mut Out);

    /// Puts an answer into the agent's words.
    fn answer(&self, key: &str, answer: &Answer) -> Result<String, ControlError>;

    /// Puts a further message into the agent's words.
    fn message(&self, text: &str) -> Result<String, ControlError>;

    /// Says how the run went, once no process of it is left.
    fn end(&mut self, exit: &ExitRecord) -> Verdict;
}

/// One line that the agent printed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    pub(crate) source: Source,
    pub(crate) text: &'a str,
    pub(crate) cut: Cut,
}

/// Whether a line was too long to be read whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It is whole.
    No,
    /// This is its beginning.
    Yes,
}

/// What follows from a line.
#[derive(Debug, Default)]
pub(crate) struct Out {
    /// What the agent did.
    pub(crate) events: Vec<Body>,
    /// What it is to be told without asking anybody.
    pub(crate) frames: Vec<Frame>,
    /// Why going on makes no sense.
    pub(crate) halt: Option<Why>,
    /// What the line says about the agent's progress.
    pub(crate) progress: Progress,
}

/// What a line says about the agent's progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Progress {
    /// It gets on.
    #[default]
    Made,
    /// It lives; no more.
    Heartbeat,
    /// It took up something that it was told.
    TookUp,
    /// It waits for this many milliseconds, and said so.
    Pauses(u64),
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    /// What it said in the end, in place of a document.
    pub(crate) text: Option<String>,
    /// What it used, if that is known better than from its last word on it.
    pub(crate) usage: Option<Usage>,
}
