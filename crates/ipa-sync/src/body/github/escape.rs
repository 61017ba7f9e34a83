//! Words as Markdown that is read as these words: what would be markup has a backslash before it, space that would be
//! trimmed is written by its number.

use super::GAP;
use super::line::Place;
use super::mentions::{Mentions, gaps};

/// Where a piece of text stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around {
    pub(super) place: Place,
    /// Whether a line begins with it.
    pub(super) begins_line: bool,
    /// Whether the mark of a style stands right before it.
    pub(super) after_mark: bool,
    pub(super) before: Before,
}

/// What a piece of text stands before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// The end of the block.
    End,
    /// The mark that closes a style.
    Mark,
    /// Another piece, or what opens its style.
    Piece,
}

pub(super) fn words(text: &str, around: Around, mentions: Mentions) -> String {
    let gaps = match mentions {
        Mentions::Neutral => gaps(text),
        Mentions::AsWritten => Vec::new(),
    };
    let mut gaps = gaps.into_iter().peekable();
    let mut out = String::with_capacity(text.len());
    let number_ends =
        if around.begins_line && around.place == Place::Lines { end_of_number(text) } else { None };
    let mut before = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if gaps.next_if_eq(&at).is_some() {
            out.push_str(GAP);
        }
        let after = chars.peek().map(|(_, c)| *c);
        let at_edge =
            (before.is_none() && around.after_mark) || (after.is_none() && around.before == Before::Mark);
        if c.is_whitespace() && (c != ' ' || at_edge) {
            out.extend(["&#", &u32::from(c).to_string(), ";"]);
        } else {
            let begins = around.begins_line && at == 0;
            let ends = after.is_none() && around.before == Before::Piece;
            if number_ends == Some(at) || is_markup(c, (before, after), around.place, Edge { begins, ends }) {
                out.push('\\');
            }
            out.push(c);
        }
        before = Some(c);
    }
    out
}

#[derive(Clone, Copy)]
struct Edge {
    /// The first character of a line.
    begins: bool,
    /// The last of a piece that another one follows.
    ends: bool,
}

fn is_markup(c: char, (before, after): (Option<char>, Option<char>), place: Place, edge: Edge) -> bool {
    let in_word = |c: Option<char>| c.is_some_and(is_letter);
    match c {
        '\\' | '`' | '*' | '[' | ']' | '<' | '~' => true,
        '_' => !(in_word(before) && in_word(after)),
        '&' => after.is_some_and(|c| c == '#' || c.is_ascii_alphanumeric()),
        '!' => edge.ends || after == Some('['),
        '|' => edge.begins || place == Place::Cell,
        '#' => (edge.begins && place == Place::Lines) || place == Place::Heading,
        '+' | '-' | '=' | '>' | ':' => edge.begins && place == Place::Lines,
        _ => false,
    }
}

/// Where the dot stands that would make a line an item of a numbered list.
fn end_of_number(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let ends = matches!(text.as_bytes().get(digits), Some(b'.' | b')'));
    (digits > 0 && ends).then_some(digits)
}

/// Whether a mark of style beside a character always belongs to it. Symbols that count as letters are left out.
pub(super) fn is_letter(c: char) -> bool {
    c.is_alphanumeric()
        && !('\u{24b6}'..='\u{24e9}').contains(&c)
        && !('\u{1f130}'..='\u{1f189}').contains(&c)
}
