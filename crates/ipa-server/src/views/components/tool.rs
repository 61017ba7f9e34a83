//! The use of a tool: one line, and behind it what it was to do and what came back.

use maud::{Markup, html};
use serde_json::Value;

use super::time::duration;
use crate::live::{Tool, ToolResult, ToolState};
use crate::render::ansi::ansi;
use crate::render::visible::visible;

/// Of a tool's output, this many bytes at its end are shown.
const OUTPUT: usize = 24 * 1024;
/// Of what a tool was to do, one line of this many characters.
const BRIEF: usize = 120;

/// Shows the use of a tool: open while it works, and when it failed.
pub(super) fn used(id: &str, tool: &Tool) -> Markup {
    let (class, sign, says, open) = match &tool.state {
        ToolState::Running => ("busy", "●", "running", true),
        ToolState::Back(result) if result.failed => ("failed", "✗", "failed", true),
        ToolState::Back(_) => ("done", "▸", "done", false),
        ToolState::Lost => ("lost", "–", "did not come back", false),
    };
    html! {
        details.e.tool.(class) id=(id) open[open] {
            summary {
                span.sign aria-hidden="true" { (sign) } " " span.vh { (says) " " }
                b { (tool.name.as_deref().map_or_else(|| "result".into(), visible)) } " "
                span.brief { (visible(&brief(&tool.input))) }
                @match &tool.state {
                    ToolState::Back(result) => { " " span.took { (duration(result.took_ms)) } },
                    ToolState::Running => { " " span.took aria-hidden="true" { "running" } },
                    ToolState::Lost => { " " span.took aria-hidden="true" { "did not come back" } },
                }
            }
            @if says_more(&tool.input) { pre.in { (visible(&pretty(&tool.input))) } }
            @if let ToolState::Back(result) = &tool.state { (output(result)) }
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

/// Lays JSON out; what is none stays as it is.
pub(crate) fn pretty(json: &str) -> String {
    let value: Result<Value, _> = serde_json::from_str(json);
    value.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or_else(|_not_json| json.to_owned())
}

/// What tells most about a call, in this order.
const TELLING: [&str; 7] = ["command", "file_path", "path", "pattern", "query", "url", "description"];

/// Says in one line what a tool was to do: its command, file, pattern, or the whole input.
pub(super) fn brief(input: &str) -> String {
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
