//! What an agent did, for people: one line a thing, tools in a row folded into one. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use ipa_pod::log::{AgentEvent, Asked, Body};
use jiff::Timestamp;

use super::plain;
use crate::cli::ToolsChoice;

/// How many lines of a failed tool's output are shown.
const TAIL: usize = 5;

/// Prints the events of one run, in order.
#[derive(Debug)]
pub(crate) struct LogPrinter {
    began: Option<Timestamp>,
    tools: ToolsChoice,
    /// Tools that were called and did not come back.
    calls: BTreeMap<String, Call>,
    /// Tools that came back well since the last line, and when the last one did.
    folded: Vec<Call>,
    folded_at: u64,
}

/// How a tool came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Back {
    /// With what was wanted.
    Well,
    /// With what went wrong.
    Failed,
}

/// A tool at work.
#[derive(Debug, Default)]
struct Call {
    tool: String,
    /// What it is to do, in a line.
    what: String,
    /// When it was called; none when that was not told.
    since: Option<u64>,
}

impl LogPrinter {
    /// Makes a printer for a run that began at this time.
    pub(crate) const fn new(began: Option<Timestamp>, tools: ToolsChoice) -> Self {
        Self { began, tools, calls: BTreeMap::new(), folded: Vec::new(), folded_at: 0 }
    }

    /// Returns the lines that an event adds.
    pub(crate) fn lines(&mut self, event: &AgentEvent) -> Vec<String> {
        let at = event.at_ms;
        match &event.body {
            Body::Text { text } => self.say(at, "", text),
            Body::Thinking { text } => self.say(at, "… ", text),
            Body::ToolCall { id, tool, input } => {
                let call = Call { tool: tool.to_string(), what: brief(input), since: Some(at) };
                self.calls.insert(id.to_string(), call);
                Vec::new()
            }
            Body::ToolResult { id, output, failed: false } => self.came_back(at, (id, output), Back::Well),
            Body::ToolResult { id, output, failed: true } => self.came_back(at, (id, output), Back::Failed),
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
        let folded = std::mem::take(&mut self.folded);
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for call in &folded {
            match counts.iter_mut().find(|(tool, _)| *tool == call.tool) {
                Some((_, count)) => *count += 1,
                None => counts.push((&call.tool, 1)),
            }
        }
        let named = counts.iter().map(|(tool, count)| match count {
            1 => (*tool).to_owned(),
            count => format!("{tool}×{count}"),
        });
        let named = named.collect::<Vec<_>>().join(" ");
        let word = if folded.len() == 1 { "tool" } else { "tools" };
        let since = folded.iter().filter_map(|call| call.since).min();
        let line = format!("▸ {} {word}  {named}{}", folded.len(), took(since, self.folded_at));
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

    /// A tool came back: told with its neighbours, alone, or not at all.
    fn came_back(&mut self, at: u64, (id, output): (&str, &str), how: Back) -> Vec<String> {
        let call = self.calls.remove(id).unwrap_or_default();
        match (self.tools, how) {
            (ToolsChoice::None, Back::Well | Back::Failed) => Vec::new(),
            (ToolsChoice::Fold, Back::Well) => {
                self.folded.push(call);
                self.folded_at = at;
                Vec::new()
            }
            (ToolsChoice::Fold, Back::Failed) => self.alone(at, (&call, "✗ "), output, TAIL),
            (ToolsChoice::All, Back::Well) => self.alone(at, (&call, "✓ "), output, usize::MAX),
            (ToolsChoice::All, Back::Failed) => self.alone(at, (&call, "✗ "), output, usize::MAX),
        }
    }

    /// What a tool was to do, how long that took, and the end of what it said.
    fn alone(&mut self, at: u64, (call, sign): (&Call, &str), output: &str, most: usize) -> Vec<String> {
        let Call { tool, what, since } = call;
        let mut lines = self.say(at, sign, &format!("{tool} {what}{}", took(*since, at)));
        let output = plain(output);
        let all: Vec<&str> = output.trim_end().lines().collect();
        let shown = all.iter().skip(all.len().saturating_sub(most));
        lines.extend(shown.map(|line| format!("         | {line}")));
        if all.len() > most {
            lines.push(format!("         | (last {most} of {} lines; --tools all)", all.len()));
        }
        lines
    }

    fn clock(&self, at_ms: u64) -> String {
        let at = self.began.and_then(|began| began.checked_add(Duration::from_millis(at_ms)).ok());
        at.map_or_else(|| "        ".to_owned(), |at| at.strftime("%H:%M:%S").to_string())
    }
}

/// How long something took, behind what it was.
fn took(since: Option<u64>, until: u64) -> String {
    since.map_or_else(String::new, |since| {
        let tenths = until.saturating_sub(since) / 100;
        format!("   {}.{}s", tenths / 10, tenths % 10)
    })
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

    /// Prints two tools that came back well, one that did not, and one that nobody called.
    fn printed(tools: ToolsChoice) -> String {
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
            call("b", "Grep"),
            result("a", false),
            result("b", false),
            call("c", "Read"),
            result("c", false),
            call("d", "Bash"),
            result("d", true),
            Body::TurnFinished,
        ];
        let mut printer = LogPrinter::new(Some(Timestamp::UNIX_EPOCH), tools);
        let lines = (1..).zip(bodies).flat_map(|(seq, body)| printer.lines(&event(seq, body)));
        lines.collect::<Vec<String>>().join("\n")
    }

    #[test]
    fn tools_in_a_row_are_folded_and_a_failed_one_shows_its_end() {
        insta::assert_snapshot!(printed(ToolsChoice::Fold), @r"
        00:00:01 first
        00:00:01 second
        00:00:07 ▸ 3 tools  Read×2 Grep   5.0s
        00:00:09 ✗ Bash ./test.sh   1.0s
                 | 2
                 | 3
                 | 4
                 | 5
                 | 6
                 | (last 5 of 6 lines; --tools all)
        ");
    }

    #[test]
    fn tools_are_told_each_with_its_output_or_not_at_all() {
        let all = printed(ToolsChoice::All);
        let heads: Vec<&str> = all.lines().filter(|line| line.contains(['✓', '✗'])).collect();
        let expected = [
            "00:00:04 ✓ Read ./test.sh   2.0s",
            "00:00:05 ✓ Grep ./test.sh   2.0s",
            "00:00:07 ✓ Read ./test.sh   1.0s",
            "00:00:09 ✗ Bash ./test.sh   1.0s",
        ];
        assert_eq!(heads, expected);
        assert_eq!(all.matches("         | ").count(), 4 * 6, "{all}");
        assert_eq!(printed(ToolsChoice::None), "00:00:01 first\n00:00:01 second");
    }
}
