//! Words as wiki markup that shows these words: what would be markup has a backslash before it, a backslash is written
//! by its number, and a bare address is a link to itself, as a backslash in it would break it.

use crate::body::Link;

/// What a piece of text begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begins {
    /// A line, where more is markup.
    Line,
    /// Nothing: text is before it.
    Text,
}

/// What becomes of bare addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    Marked,
    Never,
}

pub(super) fn words(text: &str, begins: Begins, links: Links) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, address, after)) = next_address(rest).filter(|_| links == Links::Marked) {
        escaped(before, begins, &mut out);
        match Link::parse(address) {
            Some(link) => out.extend(["[", link.as_str(), "]"]),
            None => escaped(address, begins, &mut out),
        }
        rest = after;
    }
    escaped(rest, begins, &mut out);
    out
}

/// The first bare address, with what stands before and behind it.
fn next_address(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest, scheme) = text.match_indices("http").find_map(|(at, _)| {
        let (before, rest) = text.split_at_checked(at)?;
        let scheme = ["https://", "http://"].into_iter().find(|scheme| rest.starts_with(scheme))?;
        Some((before, rest, scheme))
    })?;
    let length = rest.find(|c| !Link::may_hold(c)).unwrap_or(rest.len());
    let address = rest.get(..length)?.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', ')', '*']);
    let address = if address.len() > scheme.len() { address } else { scheme };
    Some((before, address, rest.get(address.len()..)?))
}

fn escaped(text: &str, begins: Begins, out: &mut String) {
    let begins_line = begins == Begins::Line && out.is_empty();
    let dot = if begins_line { dot_of_a_block(text) } else { None };
    let mut before = None;
    for (at, c) in text.char_indices() {
        let rest = text.get(at.saturating_add(c.len_utf8())..).unwrap_or_default();
        match c {
            '\\' => out.push_str("&#92;"),
            '&' if rest.starts_with(|c: char| c == '#' || c.is_ascii_alphanumeric()) => out.push_str("&amp;"),
            c if dot == Some(at) || is_markup(c, before, rest) || (begins_line && at == 0 && c == '#') => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
        before = Some(c);
    }
}

fn is_markup(c: char, before: Option<char>, rest: &str) -> bool {
    let after = rest.chars().next();
    let in_word = before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric);
    match c {
        '*' | '+' | '^' | '~' | '{' | '}' | '[' | ']' | '|' | '!' => true,
        '_' | '-' => !in_word,
        '?' => before == Some('?') || after == Some('?'),
        '(' => is_picture(rest),
        ':' | ';' => after.is_some_and(|c| "()-PpDd|".contains(c)),
        _ => false,
    }
}

/// Whether what follows a round bracket makes it a picture, as in `(y)` and `(off)`.
fn is_picture(rest: &str) -> bool {
    rest.chars().take(8).take_while(|c| !c.is_whitespace()).any(|c| c == ')')
}

/// Where the dot stands that makes a line a heading or a quote: `h1.`, `bq.`.
fn dot_of_a_block(text: &str) -> Option<usize> {
    let name = text.get(..2)?;
    let is_heading = name.starts_with('h') && name.ends_with(|c: char| c.is_ascii_digit());
    (text.get(2..)?.starts_with('.') && (is_heading || name == "bq")).then_some(2)
}
