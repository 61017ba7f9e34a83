//! Whether what was printed is what a document shows. Pure.
//!
//! In what is shown, `[..]` stands for any part of a line, and a line of `...` for any lines, or none.

const PART: &str = "[..]";
const LINES: &str = "...";

/// Tells whether what was printed is what is shown.
pub(super) fn is_shown(shown: &[String], printed: &[&str]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first == LINES => {
            (0..=printed.len()).any(|skipped| is_shown(rest, &printed[skipped..]))
        }
        Some((first, rest)) => printed
            .split_first()
            .is_some_and(|(line, more)| is_line(first, line.trim_end()) && is_shown(rest, more)),
    }
}

fn is_line(shown: &str, line: &str) -> bool {
    let Some((before, after)) = shown.split_once(PART) else { return shown == line };
    line.strip_prefix(before).is_some_and(|rest| {
        let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
        ends.into_iter().any(|at| is_line(after, &rest[at..]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elisions_stand_for_parts_of_a_line_and_for_lines() {
        let cases = [
            ("a\nb", "a\nb", true),
            ("a\nb", "a", false),
            ("a", "a\nb", false),
            ("", "", true),
            ("...", "", true),
            ("...", "a\nb", true),
            ("a\n...\nd", "a\nb\nc\nd", true),
            ("a\n...\nd", "a\nd", true),
            ("a\n...\nd", "a\nb\nd\ne", false),
            ("a\n...\nd\n...", "a\nb\nd\ne", true),
            ("at [..] in [..]s", "at 12:00 in 3.2s", true),
            ("at [..] in [..]s", "at 12:00 in 3.2", false),
            ("[..]é", "éé", true),
            ("a...b", "axxb", false),
        ];
        for (shown, printed, expected) in cases {
            let shown: Vec<String> = shown.lines().map(str::to_owned).collect();
            let lines: Vec<&str> = printed.lines().collect();
            assert_eq!(is_shown(&shown, &lines), expected, "{shown:?} {printed:?}");
        }
    }
}
