//! A change that would go out, as a person reads it: what becomes of it, and what it makes of what is there. Pure.

use std::fmt::Write as _;

use ipa_server::wire::{WantedChange, WantedCourse};

/// Shows a change with the lines that it takes away and puts in.
pub(super) fn text(wanted: &WantedChange) -> String {
    let becomes = match wanted.course {
        WantedCourse::Goes => "goes out",
        WantedCourse::Asks => "asks first",
        WantedCourse::Observed => "would, but the connector only observes",
        WantedCourse::Denied => "never goes out",
    };
    let queued = wanted.op.as_ref().map_or_else(String::new, |op| format!("  queued as {op}"));
    let mut text = format!("{}  {}  ({becomes}, {})\n", wanted.resource, wanted.title, wanted.policy);
    if !queued.is_empty() {
        // Writing to a String does not fail.
        let _ = writeln!(text, "  {}", queued.trim());
    }
    match (&wanted.before, wanted.change.text()) {
        (before, Some(after)) => lines(&mut text, before.as_deref().unwrap_or_default(), after),
        (Some(before), None) => {
            let _ = writeln!(text, "  now: {before}");
        }
        (None, None) => {}
    }
    text
}

/// Writes what differs between two texts; what is the same at both ends is left out.
fn lines(text: &mut String, before: &str, after: &str) {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same = before.iter().zip(&after).take_while(|(old, new)| old == new).count();
    let (old, new) = (before.get(same..).unwrap_or_default(), after.get(same..).unwrap_or_default());
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let cut = |lines: &[&str]| lines.len().saturating_sub(tail);
    for line in old.iter().take(cut(old)) {
        let _ = writeln!(text, "  - {line}");
    }
    for line in new.iter().take(cut(new)) {
        let _ = writeln!(text, "  + {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: &str, after: &str) -> String {
        let mut text = String::new();
        lines(&mut text, before, after);
        text
    }

    #[test]
    fn what_differs_is_shown_and_what_is_the_same_is_not() {
        assert_eq!(shown("", "a\nb"), "  + a\n  + b\n");
        assert_eq!(shown("a\nb\nc", "a\nx\ny\nc"), "  - b\n  + x\n  + y\n");
        assert_eq!(shown("a\na", "a"), "  - a\n");
        assert_eq!(shown("a", "a"), "");
    }
}
