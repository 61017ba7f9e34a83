//! What an agent did: one entry at a time, in the same form whether it just happened or is read later.

use ipa_events::task::{Run, RunState, Usage};
use ipa_events::{Handle, Outcome, Role};
use ipa_pod::log::{Asked, Finished, PlanStep};
use maud::{Markup, html};
use serde_json::Value;

use super::status::phase_name;
use super::time::{cost, duration, moment};
use crate::live::{Entry, EntryBody, Tool, ToolResult};
use crate::render::ansi::{ansi, has_escapes};
use crate::render::markdown::markdown;
use crate::render::visible::visible;

/// Of a tool's output, this many bytes at its end are shown.
const OUTPUT: usize = 24 * 1024;
/// Of what a tool was to do, one line of this many characters.
const BRIEF: usize = 120;

/// How what an agent says is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// As Markdown: an agent that talks.
    Markdown,
    /// As lines of a terminal: a program that prints.
    Terminal,
}

impl Voice {
    /// Returns how a run's agent talks.
    pub(crate) fn of(run: &Run) -> Self {
        let prints = run.role == Role::Check || run.runtime.kind() == "command";
        if prints { Self::Terminal } else { Self::Markdown }
    }
}

/// Returns the id of a run's log in a page.
pub(crate) fn log_id(run: &Run, task: Handle) -> String {
    format!("log-{}", run.id.handle(task))
}

/// Shows the heading and the log of a run, with the entries that are there.
pub(crate) fn run_log(run: &Run, task: Handle, entries: &[Entry], earlier: usize) -> Markup {
    let name = run.id.handle(task);
    html! {
        section.run id={ "run-" (name) } aria-label={ "Run " (name) } {
            (run_heading(run, task))
            @if earlier > 0 {
                @let before = entries.first().map_or(0, |entry| entry.seq);
                p.earlier { a href={ "/tasks/" (task) "?run=" (run.id.number) "&before=" (before) } { (earlier) " earlier entries" } }
            }
            div.log.ended[!run.is_open()] id=(log_id(run, task)) role="log" aria-live="off" aria-label={ "Log of " (name) } tabindex="0" {
                @for entry in entries { (self::entry(run, task, entry)) }
            }
        }
    }
}

/// Shows which run it is, in one line.
pub(crate) fn run_heading(run: &Run, task: Handle) -> Markup {
    html! {
        h3.runhead {
            (run.role) " " a href={ "/tasks/" (task) "?run=" (run.id.number) } { (run.id.handle(task)) }
            " " span.quiet {
                (phase_name(run.phase)) ", attempt " (run.attempt) ", "
                @match &run.check {
                    Some(check) => code { (visible(check)) },
                    None => (visible(run.runtime.as_str())),
                }
                ", " (moment(run.started_at.unwrap_or(run.requested_at)))
            }
        }
    }
}

/// Says how far a run is, in a few words.
pub(crate) fn run_state(run: &Run) -> Markup {
    match &run.state {
        RunState::Requested => html! { span.badge.queued { span aria-hidden="true" { "○" } " starting" } },
        RunState::Running if run.interrupted_by.is_some() => {
            html! { span.badge.running { span aria-hidden="true" { "●" } " stopping" } }
        }
        RunState::Running => html! { span.badge.running { span aria-hidden="true" { "●" } " running" } },
        RunState::Over(outcome) => ending(outcome),
    }
}

fn ending(outcome: &Outcome) -> Markup {
    match outcome {
        Outcome::Completed => html! { span.badge.completed { span aria-hidden="true" { "✓" } " completed" } },
        Outcome::Interrupted { by } => {
            html! { span.badge.paused { span aria-hidden="true" { "‖" } " interrupted" } " by " (by) }
        }
        Outcome::Failed { class, detail, .. } => html! {
            span.badge.parked { span aria-hidden="true" { "✗" } " failed" } " " (class) ": " (visible(detail))
        },
    }
}

/// Returns the id of an entry in a page.
pub(crate) fn entry_id(run: &Run, task: Handle, seq: u64) -> String {
    format!("e-{}-{seq}", run.id.handle(task))
}

/// Shows one entry.
pub(crate) fn entry(run: &Run, task: Handle, entry: &Entry) -> Markup {
    let id = entry_id(run, task, entry.seq);
    match &entry.body {
        EntryBody::Tool(tool) => used(&id, tool),
        EntryBody::Said(text) => line(&id, "said", &said(Voice::of(run), text)),
        EntryBody::Thought(text) => html! {
            details.e.thought id=(id) { summary { "thought" } div.doc { (markdown(text)) } }
        },
        EntryBody::Plan(steps) => line(&id, "plan", &plan(steps)),
        EntryBody::Asked(asked) => line(&id, "asked", &question(asked)),
        EntryBody::Printed(text) => line(&id, "printed", &ansi(text)),
        EntryBody::Started(model) => line(&id, "note", &html! { "works with " (visible(model)) }),
        EntryBody::Note(text) => line(&id, "note", &html! { (visible(text)) }),
        EntryBody::Over(finished) => line(&id, "over", &over(finished)),
    }
}

fn line(id: &str, class: &str, what: &Markup) -> Markup {
    html! { div.e.(class) id=(id) { (what) } }
}

fn said(voice: Voice, text: &str) -> Markup {
    match voice {
        Voice::Markdown if !has_escapes(text) => html! { div.doc { (markdown(text)) } },
        Voice::Markdown | Voice::Terminal => html! { div.term { (ansi(text)) } },
    }
}

fn used(id: &str, tool: &Tool) -> Markup {
    let failed = tool.result.as_ref().is_some_and(|result| result.failed);
    let (class, sign, says) = match &tool.result {
        None => ("busy", "●", "running"),
        Some(result) if result.failed => ("failed", "✗", "failed"),
        Some(_) => ("done", "▸", "done"),
    };
    html! {
        details.e.tool.(class) id=(id) open[failed] {
            summary {
                span.sign aria-hidden="true" { (sign) } " " span.vh { (says) " " }
                b { (tool.name.as_deref().map_or_else(|| "result".into(), visible)) } " "
                span.brief { (visible(&brief(&tool.input))) }
                @if let Some(result) = &tool.result { " " span.took { (duration(result.took_ms)) } }
            }
            @if says_more(&tool.input) { pre.in { (visible(&pretty(&tool.input))) } }
            @if let Some(result) = &tool.result { (output(result)) }
        }
    }
}

fn output(result: &ToolResult) -> Markup {
    let (left_out, end) = tail(&result.output);
    html! {
        @if left_out > 0 { p.quiet { (left_out) " bytes before this are left out" } }
        @if end.is_empty() { p.quiet { "no output" } } @else { pre.out { (ansi(end)) } }
    }
}

/// Returns the end of a long text, from the start of a line, and how many bytes come before it.
fn tail(text: &str) -> (usize, &str) {
    let Some(mut from) = text.len().checked_sub(OUTPUT).filter(|from| *from > 0) else { return (0, text) };
    while !text.is_char_boundary(from) {
        from = from.saturating_add(1);
    }
    let rest = text.get(from..).unwrap_or_default();
    let line = rest.find('\n').filter(|at| *at < OUTPUT / 2).map_or(0, |at| at.saturating_add(1));
    let end = rest.get(line..).unwrap_or_default();
    (text.len().saturating_sub(end.len()), end)
}

fn plan(steps: &[PlanStep]) -> Markup {
    html! {
        ul.steps-of-agent {
            @for step in steps {
                @let sign = match &*step.status { "completed" => "✓", "in_progress" => "●", _ => "○" };
                li { span aria-hidden="true" { (sign) } " " (visible(&step.text)) span.vh { " (" (visible(&step.status)) ")" } }
            }
        }
    }
}

fn question(asked: &Asked) -> Markup {
    match asked {
        Asked::Permission { tool, .. } => html! { "? may it use " code { (visible(tool)) } "?" },
        Asked::Question { text, .. } => html! { "? " (visible(text)) },
    }
}

fn over(finished: &Finished) -> Markup {
    html! {
        (ending(&finished.outcome))
        span.quiet {
            @if let Some(code) = finished.exit_code { " exit " (code) }
            (usage(finished.usage))
        }
    }
}

/// Shows what something cost, after a comma.
pub(crate) fn usage(usage: Usage) -> Markup {
    let tokens = usage.input_tokens.saturating_add(usage.output_tokens);
    html! {
        @if let Some(cost) = cost(usage.cost_microusd) { ", " (cost) }
        @if tokens > 0 { ", " (tokens) " tokens" }
    }
}

/// Lays JSON out; what is none stays as it is.
pub(crate) fn pretty(json: &str) -> String {
    let value: Result<Value, _> = serde_json::from_str(json);
    value.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or_else(|_not_json| json.to_owned())
}

/// What tells most about a call, in this order.
const TELLING: [&str; 7] = ["command", "file_path", "path", "pattern", "query", "url", "description"];

/// Says in one line what a tool was to do: its command, file, pattern, or the whole input.
fn brief(input: &str) -> String {
    let value: Value = serde_json::from_str(input).unwrap_or_default();
    let text = TELLING.iter().find_map(|key| value.get(key)?.as_str()).unwrap_or(input);
    let line = text.trim().lines().next().unwrap_or_default();
    if line.chars().count() <= BRIEF {
        line.to_owned()
    } else {
        line.chars().take(BRIEF).chain(['…']).collect()
    }
}

/// Tells whether an input says more than its brief form.
fn says_more(input: &str) -> bool {
    let Ok(Value::Object(fields)) = serde_json::from_str(input) else { return input != brief(input) };
    let told = brief(input);
    fields.len() > 1 || fields.values().any(|value| value.as_str() != Some(told.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_says_in_one_line_what_it_does() {
        assert_eq!(brief(r#"{"command":"cargo test\n--all"}"#), "cargo test");
        assert_eq!(brief(r#"{"other":1}"#), r#"{"other":1}"#);
        assert_eq!(brief("not json"), "not json");
        assert!(!says_more(r#"{"command":"ls"}"#) && !says_more("not json"));
        assert!(says_more(r#"{"command":"ls","timeout":1}"#) && says_more(r#"{"command":"a\nb"}"#));
    }

    #[test]
    fn of_a_long_output_the_end_is_shown_from_the_start_of_a_line() {
        let text = "grüße\n".repeat(10_000);
        let (left_out, end) = tail(&text);
        assert!(end.starts_with("grüße\n") && end.len() <= OUTPUT, "{}", end.len());
        assert_eq!(left_out + end.len(), text.len());
        assert_eq!(tail("short"), (0, "short"));
    }
}
