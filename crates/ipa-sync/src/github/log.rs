//! What of a job's log is worth reading: its end, without colours and times. Pure.

use crate::body::inbound;

/// So many lines of the end.
const LINES: usize = 200;

/// Returns the end of a log in at most so many bytes, in whole lines unless the last one alone is longer.
pub(super) fn tail(log: &str, most: usize) -> String {
    let mut lines: Vec<String> = log.lines().rev().take(LINES).map(plain).collect();
    lines.reverse();
    let text = inbound::clean(&lines.join("\n")).text;
    let text = text.trim_end();
    let from = text.ceil_char_boundary(text.len().saturating_sub(most));
    let end = text.get(from..).unwrap_or_default();
    match end.split_once('\n') {
        Some((_, whole)) if from > 0 => whole.to_owned(),
        Some(_) | None => end.to_owned(),
    }
}

/// A line without the time that stands before it, and without colours.
fn plain(line: &str) -> String {
    let line = line.trim_start_matches('\u{feff}');
    let is_time = |word: &str| word.ends_with('Z') && word.parse::<jiff::Timestamp>().is_ok();
    let line = line.split_once(' ').filter(|(word, _)| is_time(word)).map_or(line, |(_, rest)| rest);
    let mut parts = line.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c.is_ascii_alphabetic()).map_or(part.len(), |at| at + 1);
        plain.push_str(part.get(end..).unwrap_or_default());
    }
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_a_log_its_end_is_kept_without_times_and_colours() {
        let log = "\u{feff}2026-01-02T03:04:05.0000000Z first\n2026-01-02T03:04:06.0Z \u{1b}[31;1mred\u{1b}[0m word\nplain\n";
        assert_eq!(tail(log, 100), "first\nred word\nplain");
        assert_eq!(tail(log, 8), "plain");
        assert_eq!(tail(log, 3), "ain");
        assert_eq!(tail("", 100), "");
        let long = (0..1000).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
        assert_eq!(
            (tail(&long, 1_000_000).lines().count(), tail(&long, 1_000_000).lines().next()),
            (200, Some("line 800"))
        );
    }

    proptest! {
        #[test]
        fn the_end_of_any_log_fits(log in ".{0,200}", most in 0..100_usize) {
            prop_assert!(tail(&log, most).len() <= most);
        }
    }
}
