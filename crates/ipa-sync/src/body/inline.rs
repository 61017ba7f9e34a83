//! Text within a block: pieces one after the other, each with its style. Flat, so that style within style has one
//! form only and takes no depth.

use super::link::Link;

/// A piece of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inline {
    /// Words, on one line.
    Text(String, Marks),
    /// What is shown as it is, on one line.
    Code(String, Marks),
    /// The end of a line.
    Break,
}

/// The style of a piece.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// Bold.
    pub strong: bool,
    /// Italic.
    pub em: bool,
    /// Struck through.
    pub strike: bool,
    /// Where it leads.
    pub link: Option<Link>,
}

impl Inline {
    /// A piece without style.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into(), Marks::default())
    }

    /// A bold piece.
    pub fn strong(text: impl Into<String>) -> Self {
        Self::Text(text.into(), Marks { strong: true, ..Marks::default() })
    }

    /// The style of a piece; a line end has none.
    pub(super) const fn marks(&self) -> Option<&Marks> {
        match self {
            Self::Text(_, marks) | Self::Code(_, marks) => Some(marks),
            Self::Break => None,
        }
    }
}

/// The same pieces, bold: what is left of a heading where none may be.
pub(super) fn strong(pieces: &[Inline]) -> Vec<Inline> {
    let strong = |marks: &Marks| Marks { strong: true, ..marks.clone() };
    let pieces = pieces.iter().map(|piece| match piece {
        Inline::Text(text, marks) => Inline::Text(text.clone(), strong(marks)),
        Inline::Code(text, marks) => Inline::Code(text.clone(), strong(marks)),
        Inline::Break => Inline::Break,
    });
    pieces.collect()
}

/// Brings the pieces of a block into normal form: clean, none empty, neighbours of one kind and style joined, no
/// space and no line end at the ends, no space beside a line end.
pub(super) fn normal(pieces: Vec<Inline>) -> Vec<Inline> {
    let mut kept: Vec<Inline> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        push(&mut kept, clean(piece));
    }
    trim_end(&mut kept);
    while kept.last() == Some(&Inline::Break) {
        kept.pop();
        trim_end(&mut kept);
    }
    kept
}

/// Characters of a piece that no form can hold become a space or the mark of an unreadable character.
fn clean(piece: Inline) -> Inline {
    let on_one_line = |text: String| text.chars().map(readable).collect();
    match piece {
        Inline::Text(text, marks) => Inline::Text(on_one_line(text), marks),
        Inline::Code(text, marks) => Inline::Code(on_one_line(text), marks),
        Inline::Break => Inline::Break,
    }
}

fn readable(c: char) -> char {
    match c {
        '\n' | '\r' | '\t' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

fn push(kept: &mut Vec<Inline>, piece: Inline) {
    let piece = match piece {
        Inline::Break => {
            trim_end(kept);
            if !kept.is_empty() {
                kept.push(Inline::Break);
            }
            return;
        }
        Inline::Text(text, marks) if matches!(kept.last(), None | Some(Inline::Break)) => {
            Inline::Text(text.trim_start_matches(' ').to_owned(), marks)
        }
        piece @ (Inline::Text(..) | Inline::Code(..)) => piece,
    };
    match (kept.last_mut(), piece) {
        (_, Inline::Text(text, _) | Inline::Code(text, _)) if text.is_empty() => {}
        (Some(Inline::Text(before, had)), Inline::Text(text, marks))
        | (Some(Inline::Code(before, had)), Inline::Code(text, marks))
            if *had == marks =>
        {
            before.push_str(&text);
        }
        (_, piece) => kept.push(piece),
    }
}

fn trim_end(kept: &mut Vec<Inline>) {
    while let Some(Inline::Text(text, _)) = kept.last_mut() {
        text.truncate(text.trim_end_matches(' ').len());
        if !text.is_empty() {
            return;
        }
        kept.pop();
    }
}
