//! The text of one block as Markdown: which marks of style open and close where, and what must stand between them so
//! that they are read as such.

use super::escape::{Around, Before, is_letter, words};
use super::mentions::Mentions;
use super::{GAP, longest_run};
use crate::body::{Inline, Link, Marks};

/// What a text stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Lines,
    Heading,
    Cell,
}

/// A style that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark<'a> {
    Link(&'a Link),
    Strike,
    Strong,
    Em,
}

pub(super) fn line(pieces: &[Inline], place: Place, mentions: Mentions) -> String {
    let ends = ends(pieces);
    let mut out = String::new();
    let mut open: Vec<Mark<'_>> = Vec::new();
    let mut closers = String::new();
    for (n, (piece, ends)) in pieces.iter().zip(ends).enumerate() {
        let opened = opening(piece.marks(), &open, ends);
        let openers: String = opened.iter().map(Mark::opener).collect();
        open.extend(opened);
        let next = pieces.get(n.saturating_add(1));
        let keep = kept(&open, next.and_then(Inline::marks));
        let around = Around {
            place,
            begins_line: openers.is_empty() && (out.is_empty() || out.ends_with('\n')),
            after_mark: !openers.is_empty(),
            before: match next {
                _ if keep < open.len() => Before::Mark,
                Some(_) => Before::Piece,
                None => Before::End,
            },
        };
        let shown = match piece {
            Inline::Text(text, _) => words(text, around, mentions),
            Inline::Code(text, _) => code(text, place),
            Inline::Break if place == Place::Lines && !out.ends_with('\n') => "\\\n".to_owned(),
            Inline::Break => "<br>".to_owned(),
        };
        join(&mut out, &closers, &openers, &shown);
        closers = open.drain(keep..).rev().map(Mark::closer).collect();
    }
    out.push_str(&closers);
    out
}

/// Appends the marks that close, those that open and what they open for, with a gap between the two where one would
/// keep the other from being read as a mark.
fn join(out: &mut String, closers: &str, openers: &str, shown: &str) {
    let follows = openers.chars().next().or_else(|| shown.chars().next());
    let badly_closed = closing_run(closers).is_some_and(|(delimiter, before)| {
        let inside = before.or_else(|| out.chars().next_back());
        openers.starts_with(is_delimiter) || !stands(delimiter, inside, follows)
    });
    let badly_opened = opening_run(openers).is_some_and(|(delimiter, after)| {
        let outside = closers.chars().next_back().or_else(|| out.chars().next_back());
        !stands(delimiter, after.or_else(|| shown.chars().next()), outside)
    });
    out.push_str(closers);
    if badly_closed || badly_opened {
        out.push_str(GAP);
    }
    out.push_str(openers);
    out.push_str(shown);
}

/// When what closes ends with marks of style: their character, and what stands before these, if anything does.
fn closing_run(closers: &str) -> Option<(char, Option<char>)> {
    let last = closers.chars().next_back().filter(|c| is_delimiter(*c))?;
    Some((last, closers.trim_end_matches(last).chars().next_back()))
}

/// When what opens begins with marks of style: their character, and what stands behind these, if anything does.
fn opening_run(openers: &str) -> Option<(char, Option<char>)> {
    let first = openers.chars().next().filter(|c| is_delimiter(*c))?;
    Some((first, openers.trim_start_matches(first).chars().next()))
}

const fn is_delimiter(c: char) -> bool {
    matches!(c, '*' | '_' | '~')
}

/// Whether a mark is one between what it marks and what is outside: with space or a sign outside always, with a
/// letter when there is one inside too and the mark is no underscore.
fn stands(delimiter: char, inside: Option<char>, outside: Option<char>) -> bool {
    outside.is_none_or(|c| c.is_whitespace() || c.is_ascii_punctuation())
        || (delimiter != '_' && inside.is_some_and(is_letter))
}

/// Where each style of a piece ends, as the index of the first piece without it.
#[derive(Debug, Clone, Copy, Default)]
struct Ends {
    link: usize,
    strike: usize,
    strong: usize,
    em: usize,
}

fn ends(pieces: &[Inline]) -> Vec<Ends> {
    let mut found = Vec::with_capacity(pieces.len());
    let mut after = Ends::default();
    let mut link_after: Option<&Link> = None;
    for (n, piece) in pieces.iter().enumerate().rev() {
        let last = n.saturating_add(1);
        let marks = piece.marks();
        let link = marks.and_then(|marks| marks.link.as_ref());
        let end = |has: bool, after: usize| if has { after.max(last) } else { 0 };
        after = Ends {
            link: if link == link_after { end(link.is_some(), after.link) } else { last },
            strike: end(marks.is_some_and(|marks| marks.strike), after.strike),
            strong: end(marks.is_some_and(|marks| marks.strong), after.strong),
            em: end(marks.is_some_and(|marks| marks.em), after.em),
        };
        link_after = link;
        found.push(after);
    }
    found.reverse();
    found
}

/// The marks that a piece needs and that are not open, the one that lasts longest first.
fn opening<'a>(marks: Option<&'a Marks>, open: &[Mark<'a>], ends: Ends) -> Vec<Mark<'a>> {
    let Some(marks) = marks else { return Vec::new() };
    let mut wanted = Vec::new();
    wanted.extend(marks.link.as_ref().map(|link| (Mark::Link(link), ends.link)));
    wanted.extend(marks.strike.then_some((Mark::Strike, ends.strike)));
    wanted.extend(marks.strong.then_some((Mark::Strong, ends.strong)));
    wanted.extend(marks.em.then_some((Mark::Em, ends.em)));
    wanted.retain(|(mark, _)| !open.contains(mark));
    wanted.sort_by_key(|(_, end)| std::cmp::Reverse(*end));
    wanted.into_iter().map(|(mark, _)| mark).collect()
}

/// How many of the open marks, from the outermost, stay open for the next piece.
fn kept(open: &[Mark<'_>], next: Option<&Marks>) -> usize {
    let Some(next) = next else { return 0 };
    open.iter()
        .take_while(|mark| match mark {
            Mark::Link(link) => next.link.as_ref() == Some(*link),
            Mark::Strike => next.strike,
            Mark::Strong => next.strong,
            Mark::Em => next.em,
        })
        .count()
}

/// Each mark has a character of its own, so that one never closes another.
impl Mark<'_> {
    const fn opener(&self) -> &'static str {
        match self {
            Self::Link(_) => "[",
            Self::Strike => "~~",
            Self::Strong => "**",
            Self::Em => "_",
        }
    }

    fn closer(self) -> String {
        match self {
            Self::Link(link) => format!("]({})", address(link)),
            Self::Strike | Self::Strong | Self::Em => self.opener().to_owned(),
        }
    }
}

/// An address as Markdown: in angle brackets when it holds round ones, its ampersands safe from being read as the
/// beginning of a character's name.
fn address(link: &Link) -> String {
    let plain = link.as_str();
    let plain = if plain.contains(';') { plain.replace('&', "&amp;") } else { plain.to_owned() };
    if plain.contains(['(', ')']) { format!("<{plain}>") } else { plain }
}

/// Code between so many backticks as it does not hold, with spaces that are not shown where it begins or ends with
/// one.
fn code(text: &str, place: Place) -> String {
    let fence = "`".repeat(longest_run(text, '`').saturating_add(1));
    let spaced = text.starts_with(' ') && text.ends_with(' ') && text.contains(|c| c != ' ');
    let space = if spaced || text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    let text = if place == Place::Cell { text.replace('|', r"\|") } else { text.to_owned() };
    format!("{fence}{space}{text}{space}{fence}")
}
