//! What an agent did, for people: one line a thing, tools in a row folded into one. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use ipa_pod::log::{AgentEvent, Asked, Body};
use jiff::Timestamp;

use super::plain;

/// How many lines of a failed tool's output are shown.
const TAIL: usize = 5;

/// Prints the events of one run, in order.
#[derive(Debug)]
pub(crate) struct LogPrinter {
    began: Option<Timestamp>,
    /// Tools that were called and did not come back: name and what they do.
    calls: BTreeMap<String, String>,
    /// Tools that came back well since the last line.
    folded: Vec<String>,
    folded_at: u64,
}

impl LogPrinter {
    /// Makes a printer for a run that began at this time.
    pub(crate) const fn new(began: Option<Timestamp>) -> Self {
        Self { began, calls: BTreeMap::new(), folded: Vec::new(), folded_at: 0 }
    }

    /// Returns the lines that an event adds.
    pub(crate) fn lines(&mut self, event: &AgentEvent) -> Vec<String> {
        let at = event.at_ms;
        match &event.body {
            Body::Text { text } => self.say(at, "", text),
            Body::Thinking { text } => self.say(at, "… ", text),
            Body::ToolCall { id, tool, input } => {
                self.calls.insert(id.to_string(), format!("{tool} {}", brief(input)));
                Vec::new()
            }
            Body::ToolResult { id, output, failed: true } => self.failed(at, id, output),
            Body::ToolResult { id, .. } => {
                self.fold(at, id);
                Vec::new()
            }
            Body::Plan { steps, .. } => {
                let steps = steps.iter().map(|step| format!("{}: {}", step.status, step.text));
                self.say(at, "plan ", &steps.collect::<Vec<_>>().join("; "))
            }
            Body::Asked(Asked::Permission { tool, input, .. }) => {
                self.say(at, "? ", &format!("may I use {tool}? {}", brief(input)))
            }
            Body::Asked(Asked::Question { text, .. }) => self.say(at, "? ", text),
            Body::Withdrawn { why, .. } => {
                self.say(at, "? ", &format!("no answer is needed any more: {why}"))
            }
            Body::Retrying { detail } => self.say(at, "! ", &format!("trying again: {detail}")),
            Body::Diagnostic { text } => self.say(at, "| ", text),
            Body::Unknown { kind } => {
                self.say(at, "| ", &format!("a message of the kind {kind}, unknown here"))
            }
            Body::Finished(finished) => {
                let outcome = match &finished.outcome {
                    ipa_events::Outcome::Completed => "completed".to_owned(),
                    ipa_events::Outcome::Interrupted { by } => format!("interrupted by {by}"),
                    ipa_events::Outcome::Failed { detail, .. } => format!("failed: {detail}"),
                };
                self.say(at, "■ ", &outcome)
            }
            Body::Started { .. }
            | Body::TurnStarted
            | Body::Resolved { .. }
            | Body::Usage { .. }
            | Body::TurnFinished => Vec::new(),
        }
    }

    /// Returns the line of tools that still wait to be told.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        if self.folded.is_empty() {
            return Vec::new();
        }
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for tool in &self.folded {
            *counts.entry(tool.clone()).or_default() += 1;
        }
        let word = if self.folded.len() == 1 { "tool" } else { "tools" };
        let named = counts.iter().map(|(tool, count)| match count {
            1 => tool.clone(),
            count => format!("{tool}×{count}"),
        });
        let line = format!("▸ {} {word}  {}", self.folded.len(), named.collect::<Vec<_>>().join(" "));
        self.folded.clear();
        vec![format!("{} {}", self.clock(self.folded_at), plain(&line))]
    }

    fn say(&mut self, at: u64, sign: &str, text: &str) -> Vec<String> {
        let mut lines = self.rest();
        let clock = self.clock(at);
        for line in plain(text).trim_end().lines() {
            lines.push(format!("{clock} {sign}{line}"));
        }
        lines
    }

    /// A tool came back well: it waits to be told with its neighbours.
    fn fold(&mut self, at: u64, id: &str) {
        let call = self.calls.remove(id).unwrap_or_default();
        self.folded.push(call.split(' ').next().unwrap_or_default().to_owned());
        self.folded_at = at;
    }

    /// A tool failed: what it was to do, and the end of what it said.
    fn failed(&mut self, at: u64, id: &str, output: &str) -> Vec<String> {
        let call = self.calls.remove(id).unwrap_or_default();
        let mut lines = self.say(at, "✗ ", &call);
        let output = plain(output);
        let all: Vec<&str> = output.trim_end().lines().collect();
        let shown = all.iter().skip(all.len().saturating_sub(TAIL));
        lines.extend(shown.map(|line| format!("         | {line}")));
        if all.len() > TAIL {
            lines.push(format!("         | (last {TAIL} of {} lines)", all.len()));
        }
        lines
    }

    fn clock(&self, at_ms: u64) -> String {
        let at = self.began.and_then(|began| began.checked_add(Duration::from_millis(at_ms)).ok());
        at.map_or_else(|| "        ".to_owned(), |at| at.strftime("%H:%M:%S").to_string())
    }
}

/// What a tool is to do, in one short line: the first text in its input.
fn brief(input: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(input).unwrap_or_default();
    let first = value.as_object().and_then(|map| map.values().find_map(serde_json::Value::as_str));
    let line = first.unwrap_or(input).lines().next().unwrap_or_default();
    line.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64, body: Body) -> AgentEvent {
        AgentEvent { seq, at_ms: seq * 1000, body }
    }

    #[test]
    fn tools_in_a_row_are_folded_and_a_failed_one_shows_its_end() {
        let call = |id: &str, tool: &str| Body::ToolCall {
            id: id.into(),
            tool: tool.into(),
            input: r#"{"command":"./test.sh\nmore"}"#.into(),
        };
        let result = |id: &str, failed| Body::ToolResult {
            id: id.into(),
            output: "1\n2\n3\n4\n5\n\u{1b}[31m6".into(),
            failed,
        };
        let bodies = [
            Body::Text { text: "first\nsecond".into() },
            call("a", "Read"),
            result("a", false),
            call("b", "Read"),
            result("b", false),
            call("c", "Bash"),
            result("c", true),
            Body::TurnFinished,
        ];
        let mut printer = LogPrinter::new(Some(Timestamp::UNIX_EPOCH));
        let lines: Vec<String> =
            (1..).zip(bodies).flat_map(|(seq, body)| printer.lines(&event(seq, body))).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        00:00:01 first
        00:00:01 second
        00:00:05 ▸ 2 tools  Read×2
        00:00:07 ✗ Bash ./test.sh
                 | 2
                 | 3
                 | 4
                 | 5
                 | 6
                 | (last 5 of 6 lines)
        ");
    }
}
