//! The text of one block as wiki markup: each piece in marks of its own.

use super::escape::{Begins, Links, words};
use crate::body::{Inline, Marks};

/// How a line ends within a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// By a line end.
    Line,
    /// By `\\`, as the block is one line.
    Break,
}

pub(super) fn line(pieces: &[Inline], begins: Begins, end: End) -> String {
    let mut out = String::new();
    for (n, piece) in pieces.iter().enumerate() {
        let begins = if out.is_empty() {
            begins
        } else if out.ends_with('\n') {
            Begins::Line
        } else {
            Begins::Text
        };
        match piece {
            Inline::Break if end == End::Line && !out.ends_with('\n') => out.push('\n'),
            Inline::Break => out.push_str(r"\\ "),
            Inline::Text(text, marks) | Inline::Code(text, marks) => {
                let core = text.trim();
                let (lead, trail) = text.split_once(core).filter(|_| !core.is_empty()).unwrap_or((text, ""));
                let before =
                    lead.chars().next_back().or_else(|| n.checked_sub(1).and_then(|n| last(pieces.get(n))));
                let after = trail.chars().next().or_else(|| first(pieces.get(n.saturating_add(1))));
                let form = if stands_alone(before, after) { Form::Plain } else { Form::Braced };
                out.push_str(lead);
                if !core.is_empty() {
                    let begins = if lead.is_empty() { begins } else { Begins::Text };
                    out.push_str(&styled(core, piece, marks, (begins, form)));
                }
                out.push_str(trail);
            }
        }
    }
    out
}

/// A line of code outside of a macro.
pub(super) fn monospaced(text: &str) -> String {
    let core = text.trim();
    if core.is_empty() {
        r"\\ ".to_owned()
    } else {
        format!("{{{{{}}}}}", words(core, Begins::Text, Links::Never))
    }
}

/// How the marks of a style are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    /// In braces, as beside a letter the plain one is none.
    Braced,
}

fn styled(core: &str, piece: &Inline, marks: &Marks, (begins, form): (Begins, Form)) -> String {
    let is_code = matches!(piece, Inline::Code(..));
    let is_plain = !(is_code || marks.strong || marks.em || marks.strike);
    let shown = match &marks.link {
        Some(link) if core == link.as_str() => format!("[{}]", link.as_str()),
        Some(link) => format!("[{}|{}]", words(core, Begins::Text, Links::Never), link.as_str()),
        None if is_plain => words(core, begins, Links::Marked),
        None => words(core, Begins::Text, if is_code { Links::Never } else { Links::Marked }),
    };
    let mut shown = if is_code { format!("{{{{{shown}}}}}") } else { shown };
    for (has, mark) in [(marks.em, '_'), (marks.strike, '-'), (marks.strong, '*')] {
        if has {
            shown = match form {
                Form::Plain => format!("{mark}{shown}{mark}"),
                Form::Braced => format!("{{{mark}}}{shown}{{{mark}}}"),
            };
        }
    }
    shown
}

/// Whether what stands on either side lets a plain mark be one.
fn stands_alone(before: Option<char>, after: Option<char>) -> bool {
    before.is_none_or(|c| c.is_whitespace() || c == '(')
        && after.is_none_or(|c| c.is_whitespace() || ".,;:!?)".contains(c))
}

fn last(piece: Option<&Inline>) -> Option<char> {
    match piece? {
        Inline::Text(text, _) | Inline::Code(text, _) => text.chars().next_back(),
        Inline::Break => None,
    }
}

fn first(piece: Option<&Inline>) -> Option<char> {
    match piece? {
        Inline::Text(text, _) | Inline::Code(text, _) => text.chars().next(),
        Inline::Break => None,
    }
}
