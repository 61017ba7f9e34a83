//! Differences as rows: of a task's work, and between two versions of a document. Pure; what cannot be seen is
//! made visible, and the words that changed within a line are marked.

use ipa_pod::work::{DiffLine, Hunk};
use maud::{Markup, html};
use similar::{ChangeTag, TextDiff};

use super::visible::visible;

/// Lines longer than this are compared as wholes.
const LONG: usize = 500;
/// Documents are compared up to this many lines.
const MANY: usize = 4_000;

/// A row of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Context,
    Added,
    Removed,
}

impl Kind {
    const fn class(self) -> &'static str {
        match self {
            Self::Context => "c",
            Self::Added => "a",
            Self::Removed => "d",
        }
    }

    const fn sign(self) -> &'static str {
        match self {
            Self::Context => " ",
            Self::Added => "+",
            Self::Removed => "−",
        }
    }
}

struct Row<'a> {
    kind: Kind,
    old: Option<u32>,
    new: Option<u32>,
    text: &'a str,
    /// The line on the other side that this one replaces, or is replaced by.
    pair: Option<&'a str>,
}

/// Renders one changed place of a file as the rows of a table.
pub(crate) fn hunk(hunk: &Hunk) -> Markup {
    let mut rows = number(hunk);
    pair(&mut rows);
    rows_of(&rows)
}

/// Renders what changed between two versions of a document.
pub(crate) fn documents(old: &str, new: &str) -> Markup {
    if old.lines().count().max(new.lines().count()) > MANY {
        return html! { p.quiet { "The documents are too long to compare here." } };
    }
    let diff = TextDiff::from_lines(old, new);
    html! {
        table.diff {
            tbody {
                @for group in diff.grouped_ops(3) {
                    tr.gap { td colspan="4" { "⋯" } }
                    @let mut rows: Vec<Row<'_>> = group.iter().flat_map(|op| diff.iter_changes(op)).map(row).collect();
                    ({ pair(&mut rows); rows_of(&rows) })
                }
            }
        }
    }
}

fn row(change: similar::Change<&str>) -> Row<'_> {
    let kind = match change.tag() {
        ChangeTag::Equal => Kind::Context,
        ChangeTag::Insert => Kind::Added,
        ChangeTag::Delete => Kind::Removed,
    };
    let line = |index: Option<usize>| index.and_then(|n| u32::try_from(n.saturating_add(1)).ok());
    Row {
        kind,
        old: line(change.old_index()),
        new: line(change.new_index()),
        text: change.value().trim_end_matches('\n'),
        pair: None,
    }
}

fn number(hunk: &Hunk) -> Vec<Row<'_>> {
    let (mut old, mut new) = (hunk.old_start, hunk.new_start);
    let step = |line: &mut u32| {
        let at = *line;
        *line = line.saturating_add(1);
        Some(at)
    };
    hunk.lines
        .iter()
        .map(|line| match line {
            DiffLine::Context(text) => {
                Row { kind: Kind::Context, old: step(&mut old), new: step(&mut new), text, pair: None }
            }
            DiffLine::Added(text) => {
                Row { kind: Kind::Added, old: None, new: step(&mut new), text, pair: None }
            }
            DiffLine::Removed(text) => {
                Row { kind: Kind::Removed, old: step(&mut old), new: None, text, pair: None }
            }
        })
        .collect()
}

/// Pairs the removed lines of a block with the added ones that follow, where there are as many.
fn pair(rows: &mut [Row<'_>]) {
    for block in rows.chunk_by_mut(|a, b| (a.kind == Kind::Context) == (b.kind == Kind::Context)) {
        let middle = block.iter().take_while(|row| row.kind == Kind::Removed).count();
        let (removed, added) = block.split_at_mut(middle);
        if removed.len() != added.len() || added.iter().any(|row| row.kind != Kind::Added) {
            continue;
        }
        for (removed, added) in removed.iter_mut().zip(added) {
            (removed.pair, added.pair) = (Some(added.text), Some(removed.text));
        }
    }
}

fn rows_of(rows: &[Row<'_>]) -> Markup {
    let line = |n: Option<u32>| n.map(|n| n.to_string()).unwrap_or_default();
    html! {
        @for row in rows {
            tr class=(row.kind.class()) {
                td.n { (line(row.old)) }
                td.n { (line(row.new)) }
                td.s { (row.kind.sign()) }
                td.t { (words(row)) }
            }
        }
    }
}

/// Marks the words of a line that differ from its pair, where enough of it stayed the same.
fn words(row: &Row<'_>) -> Markup {
    let short = |pair: &&str| pair.len() <= LONG && row.text.len() <= LONG;
    let Some(pair) = row.pair.filter(short) else { return html! { (visible(row.text)) } };
    let diff = TextDiff::from_words(pair, row.text);
    if diff.ratio() < 0.4 {
        return html! { (visible(row.text)) };
    }
    html! {
        @for change in diff.iter_all_changes() {
            @match change.tag() {
                ChangeTag::Equal => (visible(change.value())),
                ChangeTag::Insert => mark { (visible(change.value())) },
                ChangeTag::Delete => {},
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: Vec<DiffLine>) -> String {
        hunk(&Hunk { old_start: 3, new_start: 3, lines }).into_string()
    }

    #[test]
    fn lines_are_numbered_on_their_side() {
        let html = lines(vec![
            DiffLine::Context("a".into()),
            DiffLine::Removed("b".into()),
            DiffLine::Added("c".into()),
            DiffLine::Added("d".into()),
        ]);
        let row = |class, old, new, sign, text| {
            format!(
                r#"<tr class="{class}"><td class="n">{old}</td><td class="n">{new}</td><td class="s">{sign}</td><td class="t">{text}</td></tr>"#
            )
        };
        let wanted = [row("c", "3", "3", " ", "a"), row("d", "4", "", "−", "b"), row("a", "", "4", "+", "c")];
        assert!(html.starts_with(&wanted.concat()), "{html}");
    }

    #[test]
    fn the_words_that_changed_are_marked() {
        let html = lines(vec![
            DiffLine::Removed("let total = sum + 1;".into()),
            DiffLine::Added("let total = sum - 1;".into()),
        ]);
        assert!(html.contains("sum <mark>+</mark> 1;") && html.contains("sum <mark>-</mark> 1;"), "{html}");
    }

    #[test]
    fn what_hides_in_a_line_is_shown_and_markup_stays_text() {
        let html = lines(vec![DiffLine::Added("x\u{202e}<img src=x onerror=alert(1)>".into())]);
        assert!(html.contains("x⟨U+202E⟩&lt;img"), "{html}");
    }

    #[test]
    fn a_document_shows_what_changed_in_it() {
        let html = documents("a\nb\nc\n", "a\nB\nc\n").into_string();
        assert!(html.contains("−") && html.contains(">b<") && html.contains(">B<"), "{html}");
    }
}
