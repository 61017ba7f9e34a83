//! Compares two texts line by line and cuts out the changed places, three lines around each. Pure.

use std::ops::Range;

use gix::diff::blob::sources::byte_lines;
use gix::diff::blob::{Algorithm, Diff, InternedInput};

use crate::workspaces::{DiffLine, Hunk};

/// How many unchanged lines are shown around a change.
const CONTEXT: u32 = 3;

/// Two texts, compared.
pub(crate) struct Compared<'a> {
    input: InternedInput<&'a [u8]>,
    diff: Diff,
    pub(crate) added: u32,
    pub(crate) removed: u32,
    /// The lines of the longer text.
    pub(crate) lines: u32,
}

/// Compares two texts.
pub(crate) fn compare<'a>(old: &'a [u8], new: &'a [u8]) -> Compared<'a> {
    let input = InternedInput::new(byte_lines(old), byte_lines(new));
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let lines = input.before.len().max(input.after.len());
    Compared {
        added: diff.count_additions(),
        removed: diff.count_removals(),
        lines: u32::try_from(lines).unwrap_or(u32::MAX),
        input,
        diff,
    }
}

/// How much text a changed place holds.
pub(crate) fn text_len(hunk: &Hunk) -> usize {
    let len = |line: &DiffLine| match line {
        DiffLine::Context(text) | DiffLine::Added(text) | DiffLine::Removed(text) => text.len() + 1,
    };
    hunk.lines.iter().map(len).sum()
}

impl Compared<'_> {
    /// Cuts out the changed places; those whose surroundings touch become one.
    pub(crate) fn hunks(&self) -> Vec<Hunk> {
        let mut groups: Vec<Vec<(Range<u32>, Range<u32>)>> = Vec::new();
        for change in self.diff.hunks() {
            let change = (change.before, change.after);
            match groups.last_mut() {
                Some(group)
                    if group.last().is_some_and(|last| change.0.start - last.0.end <= 2 * CONTEXT) =>
                {
                    group.push(change);
                }
                Some(_) | None => groups.push(vec![change]),
            }
        }
        groups.iter().filter_map(|group| self.hunk(group)).collect()
    }

    fn hunk(&self, group: &[(Range<u32>, Range<u32>)]) -> Option<Hunk> {
        let (first, last) = (group.first()?, group.last()?);
        let before = first.0.start.min(CONTEXT);
        let old_len = u32::try_from(self.input.before.len()).unwrap_or(u32::MAX);
        let end = last.0.end.saturating_add(CONTEXT).min(old_len);
        let mut lines = Vec::new();
        let mut at = first.0.start - before;
        for (old, new) in group {
            lines.extend(self.old(at..old.start).map(DiffLine::Context));
            lines.extend(self.old(old.clone()).map(DiffLine::Removed));
            lines.extend(self.new_lines(new.clone()).map(DiffLine::Added));
            at = old.end;
        }
        lines.extend(self.old(at..end).map(DiffLine::Context));
        let has_old = lines.iter().any(|line| !matches!(line, DiffLine::Added(_)));
        let has_new = lines.iter().any(|line| !matches!(line, DiffLine::Removed(_)));
        // As git has it: a side without a line names the line before, which is 0 for an empty file.
        let start = |line: u32, has: bool| if has { line + 1 } else { line };
        Some(Hunk {
            old_start: start(first.0.start - before, has_old),
            new_start: start(first.1.start - before, has_new),
            lines,
        })
    }

    fn old(&self, range: Range<u32>) -> impl Iterator<Item = String> + '_ {
        self.input
            .before
            .get(range.start as usize..range.end as usize)
            .unwrap_or_default()
            .iter()
            .map(|token| line(self.input.interner[*token]))
    }

    fn new_lines(&self, range: Range<u32>) -> impl Iterator<Item = String> + '_ {
        self.input
            .after
            .get(range.start as usize..range.end as usize)
            .unwrap_or_default()
            .iter()
            .map(|token| line(self.input.interner[*token]))
    }
}

/// Returns a line without its break; bytes that are no UTF-8 are replaced.
fn line(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_suffix(b"\n").unwrap_or(bytes)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(old: &str, new: &str) -> String {
        let mut lines = Vec::new();
        for hunk in compare(old.as_bytes(), new.as_bytes()).hunks() {
            lines.push(format!("@@ {} {}", hunk.old_start, hunk.new_start));
            lines.extend(hunk.lines.into_iter().map(|line| match line {
                DiffLine::Context(line) => format!(" {line}"),
                DiffLine::Added(line) => format!("+{line}"),
                DiffLine::Removed(line) => format!("-{line}"),
            }));
        }
        lines.join("\n")
    }

    #[test]
    fn a_changed_place_has_three_lines_around_it_and_near_ones_are_one() {
        let old = (1..=30).map(|n: u32| n.to_string()).collect::<Vec<_>>().join("\n");
        let new = old.replace("\n5\n", "\nfive\n").replace("\n12\n", "\n").replace("\n25\n", "\n25\n25b\n");
        let wanted = "@@ 2 2\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n 9\n 10\n 11\n-12\n 13\n 14\n 15\n\
                      @@ 23 22\n 23\n 24\n 25\n+25b\n 26\n 27\n 28";
        assert_eq!(shown(&old, &new), wanted);
    }

    #[test]
    fn a_side_without_lines_starts_at_nothing() {
        assert_eq!(shown("", "a\nb"), "@@ 0 1\n+a\n+b");
        assert_eq!(shown("a\n", ""), "@@ 1 0\n-a");
        assert_eq!(shown("a\n", "a\n"), "");
    }
}
