//! Any Markdown and any document, with a liking for what could go wrong.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::body::{Block, Body, Column, Inline, Item, Link, Marks, Panel, Table, Task};

/// Pieces that are markup somewhere.
const PIECES: &[&str] = &[
    "a",
    "B",
    "1",
    "é",
    "漢",
    "🎉",
    "Ⓐ",
    " ",
    "  ",
    "    ",
    "\t",
    "\u{a0}",
    "\u{3000}",
    "\u{200b}",
    "\0",
    "*",
    "**",
    "***",
    "_",
    "__",
    "~",
    "~~",
    "`",
    "``",
    "```",
    "~~~",
    "\\",
    "\\\n",
    "|",
    "| a | b |",
    "|---|:-:|",
    "\n",
    "\n\n",
    "\r\n",
    "# ",
    "###### ",
    "#",
    "- ",
    "+ ",
    "* ",
    "1. ",
    "7) ",
    "- [ ] ",
    "- [x] ",
    "> ",
    "> [!NOTE]\n> ",
    ">",
    "---",
    "***\n",
    "===",
    "<",
    ">",
    "<b>",
    "</b>",
    "<br>",
    "<!-- x -->",
    "<!--",
    "-->",
    "<div>\n",
    "<https://a.b>",
    "<a@b.c>",
    "[",
    "]",
    "(",
    ")",
    "[a](https://x.y/z?a=1&b;)",
    "[r](docs/a.md)",
    "[j](javascript:x)",
    "![i](https://p.q/i.png)",
    "[a]: https://r.s\n",
    "!",
    "[^1]",
    "[^1]: ",
    "&",
    "&amp;",
    "&#32;",
    "&nbsp;",
    "&copy;",
    "@ann",
    "#12",
    "o/r#1",
    "GH-1",
    "ABC-7",
    "fixes ",
    ":+1:",
    "https://h/o/r/issues/1",
    "{",
    "}",
    "{code}",
    "{noformat}",
    "{quote}",
    "{{",
    "}}",
    "h1. ",
    "bq. ",
    "^",
    "+",
    "-",
    "?",
    "??",
    ":)",
    "(y)",
    "$",
    "=",
    ":",
    ".",
];

pub(super) fn markup() -> impl Strategy<Value = String> {
    vec(proptest::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.concat())
}

fn words() -> impl Strategy<Value = String> {
    vec(proptest::sample::select(PIECES), 0..4).prop_map(|pieces| pieces.concat())
}

fn marks() -> impl Strategy<Value = Marks> {
    let address = proptest::sample::select(vec![
        None,
        None,
        None,
        Link::parse("https://a.b/c_(d)?e=1&lt;f"),
        Link::parse("https://a.b"),
        Link::parse("mailto:a@b.c"),
    ]);
    (any::<bool>(), any::<bool>(), any::<bool>(), address).prop_map(|(strong, em, strike, link)| Marks {
        strong,
        em,
        strike,
        link,
    })
}

fn inlines() -> impl Strategy<Value = Vec<Inline>> {
    let piece = prop_oneof![
        4 => (words(), Just(Marks::default())).prop_map(|(text, marks)| Inline::Text(text, marks)),
        4 => (words(), marks()).prop_map(|(text, marks)| Inline::Text(text, marks)),
        2 => (words(), marks()).prop_map(|(text, marks)| Inline::Code(text, marks)),
        1 => Just(Inline::Break),
    ];
    vec(piece, 0..6)
}

fn leaf() -> impl Strategy<Value = Block> {
    let columns = proptest::sample::select(vec![Column::Plain, Column::Left, Column::Center, Column::Right]);
    let row = || vec(inlines(), 0..3);
    prop_oneof![
        4 => inlines().prop_map(Block::Paragraph),
        1 => (any::<u8>(), inlines()).prop_map(|(level, text)| Block::Heading { level, text }),
        1 => (words(), markup()).prop_map(|(language, text)| Block::Code { language, text }),
        1 => (vec(columns, 0..3), row(), vec(row(), 0..3))
            .prop_map(|(columns, head, rows)| Block::Table(Table { columns, head, rows })),
        1 => Just(Block::Rule),
    ]
}

fn blocks() -> impl Strategy<Value = Vec<Block>> {
    let task = proptest::sample::select(vec![None, None, Some(Task::Open), Some(Task::Done)]);
    let panel = proptest::sample::select(vec![
        Panel::Note,
        Panel::Tip,
        Panel::Important,
        Panel::Warning,
        Panel::Caution,
    ]);
    let start = proptest::sample::select(vec![None, None, Some(0), Some(1), Some(9), Some(u64::MAX)]);
    let block = leaf().prop_recursive(4, 24, 4, move |inside| {
        let items = vec((task.clone(), vec(inside.clone(), 0..3)), 0..4)
            .prop_map(|items| items.into_iter().map(|(task, blocks)| Item { task, blocks }).collect());
        prop_oneof![
            2 => (start.clone(), items).prop_map(|(start, items)| Block::List { start, items }),
            1 => vec(inside.clone(), 0..3).prop_map(Block::Quote),
            1 => (panel.clone(), vec(inside, 0..3)).prop_map(|(kind, blocks)| Block::Panel { kind, blocks }),
        ]
    });
    vec(block, 0..4)
}

pub(super) fn body() -> impl Strategy<Value = Body> {
    prop_oneof![blocks().prop_map(Body::new), markup().prop_map(|text| Body::markdown(&text))]
}

/// All the words of a document, one after the other.
pub(super) fn said(blocks: &[Block]) -> String {
    let pieces = |pieces: &[Inline]| {
        let words = pieces.iter().map(|piece| match piece {
            Inline::Text(text, _) | Inline::Code(text, _) => text.as_str(),
            Inline::Break => "\n",
        });
        words.collect::<String>()
    };
    let block = |block: &Block| match block {
        Block::Paragraph(text) | Block::Heading { text, .. } => pieces(text),
        Block::List { items, .. } => items.iter().map(|item| said(&item.blocks)).collect(),
        Block::Code { text, .. } => text.clone(),
        Block::Quote(blocks) | Block::Panel { blocks, .. } => said(blocks),
        Block::Table(Table { head, rows, .. }) => {
            rows.iter().chain([head]).flatten().map(|cell| pieces(cell)).collect()
        }
        Block::Rule => String::new(),
    };
    blocks.iter().map(block).collect()
}
