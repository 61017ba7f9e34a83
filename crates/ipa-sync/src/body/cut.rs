//! Cuts a document so that what is written of it fits.

use super::{Block, Body, Inline, Item, Table};

/// As [`Body::cut`] says.
pub(super) fn cut(body: &Body, max: usize, measure: &impl Fn(&Body) -> usize) -> Body {
    let fits = |body: &Body| measure(body) <= max;
    if fits(body) {
        return body.clone();
    }
    let until = |count: usize, part: Option<Block>| {
        let whole = body.blocks.iter().take(count).cloned();
        Body::new(whole.chain(part).chain([notice(max)]).collect())
    };
    let Some((count, whole)) = most(body.blocks.len(), &fits, &|count| until(count, None)) else {
        return Body::default();
    };
    let Some(next) = body.blocks.get(count) else { return whole };
    if fits(&Body::new(vec![next.clone(), notice(max)])) {
        return whole;
    }
    most(weight(next), &fits, &|chars| until(count, head(next, &mut { chars })))
        .map_or(whole, |(_, part)| part)
}

fn notice(max: usize) -> Block {
    Block::Paragraph(vec![Inline::text(format!(
        "… The rest is left out: no more than {max} characters go here."
    ))])
}

/// The largest number up to `most` for which what is made fits, with what is made; none when nothing does.
fn most(most: usize, fits: &impl Fn(&Body) -> bool, make: &impl Fn(usize) -> Body) -> Option<(usize, Body)> {
    let mut found = Some((0, make(0))).filter(|(_, body)| fits(body))?;
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = high.saturating_sub(high.saturating_sub(low) / 2);
        let body = make(middle);
        if fits(&body) {
            found = (middle, body);
            low = middle;
        } else {
            high = middle.saturating_sub(1);
        }
    }
    Some(found)
}

/// The characters of a block, with one more for each part of it, so that a part without any counts too.
fn weight(block: &Block) -> usize {
    let all = |blocks: &[Block]| blocks.iter().map(weight).fold(1, usize::saturating_add);
    match block {
        Block::Paragraph(pieces) | Block::Heading { text: pieces, .. } => text_weight(pieces),
        Block::List { items, .. } => {
            items.iter().map(|item| all(&item.blocks)).fold(1, usize::saturating_add)
        }
        Block::Code { text, .. } => text.chars().count().saturating_add(1),
        Block::Quote(blocks) | Block::Panel { blocks, .. } => all(blocks),
        Block::Table(Table { rows, .. }) => {
            rows.iter().map(|row| row_weight(row)).fold(1, usize::saturating_add)
        }
        Block::Rule => 1,
    }
}

fn row_weight(cells: &[Vec<Inline>]) -> usize {
    cells.iter().map(|cell| text_weight(cell)).fold(0, usize::saturating_add)
}

fn text_weight(pieces: &[Inline]) -> usize {
    pieces.iter().map(length).fold(1, usize::saturating_add)
}

/// The beginning of a block, up to the characters that are left; none when there is room for nothing of it.
fn head(block: &Block, left: &mut usize) -> Option<Block> {
    *left = left.checked_sub(1)?;
    Some(match block {
        Block::Paragraph(text) => Block::Paragraph(pieces(text, left)),
        Block::Heading { level, text } => Block::Heading { level: *level, text: pieces(text, left) },
        Block::List { start, items } => {
            let items = while_left(items, left, |item, left| {
                *left = left.checked_sub(1)?;
                Some(Item { task: item.task, blocks: while_left(&item.blocks, left, head) })
            });
            Block::List { start: *start, items }
        }
        Block::Code { language, text } => Block::Code { language: language.clone(), text: lines(text, left) },
        Block::Quote(blocks) => Block::Quote(while_left(blocks, left, head)),
        Block::Panel { kind, blocks } => Block::Panel { kind: *kind, blocks: while_left(blocks, left, head) },
        Block::Table(Table { columns, head, rows }) => {
            let mut kept = Vec::new();
            for row in rows {
                // A row is not cut, but for the first.
                if *left == 0 || (!kept.is_empty() && row_weight(row) > *left) {
                    break;
                }
                kept.push(while_left(row, left, |cell, left| {
                    *left = left.checked_sub(1)?;
                    Some(pieces(cell, left))
                }));
            }
            Block::Table(Table { columns: columns.clone(), head: head.clone(), rows: kept })
        }
        Block::Rule => Block::Rule,
    })
}

fn while_left<T, U>(all: &[T], left: &mut usize, mut of: impl FnMut(&T, &mut usize) -> Option<U>) -> Vec<U> {
    all.iter().map_while(|one| of(one, left)).collect()
}

/// The first pieces; the last one ends after a word, if it has one that fits.
fn pieces(all: &[Inline], left: &mut usize) -> Vec<Inline> {
    while_left(all, left, |piece, left| {
        let length = length(piece);
        if *left == 0 {
            return None;
        }
        let fits = length <= *left;
        let chars = std::mem::replace(left, left.saturating_sub(length));
        Some(match piece {
            piece if fits => piece.clone(),
            Inline::Text(text, marks) => Inline::Text(until(text, chars, ' ').to_owned(), marks.clone()),
            Inline::Code(text, marks) => Inline::Code(until(text, chars, ' ').to_owned(), marks.clone()),
            Inline::Break => Inline::Break,
        })
    })
}

fn lines(text: &str, left: &mut usize) -> String {
    let chars = std::mem::replace(left, left.saturating_sub(text.chars().count()));
    until(text, chars, '\n').to_owned()
}

/// The first characters of a text, when it has more, up to the last `end` in them.
fn until(text: &str, chars: usize, end: char) -> &str {
    let Some((at, _)) = text.char_indices().nth(chars) else { return text };
    let first = text.get(..at).unwrap_or_default();
    first.rsplit_once(end).map_or(first, |(before, _)| before)
}

fn length(piece: &Inline) -> usize {
    match piece {
        Inline::Text(text, _) | Inline::Code(text, _) => text.chars().count(),
        Inline::Break => 1,
    }
}
