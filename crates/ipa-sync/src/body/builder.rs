//! Puts a document together from what opens, closes and stands between, and brings it into normal form. Whoever
//! feeds it needs no recursion, and what it returns is never deeper than [`DEPTH`].

use super::inline::{self, Inline};
use super::{Block, DEPTH, Item, Panel, Table, Task};

/// Something that holds blocks. A list holds items only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    Quote,
    Panel(Panel),
    List(Option<u64>),
    Item(Option<Task>),
}

/// The largest number that begins a list in Markdown has nine digits.
const MOST_START: u64 = 999_999_999;

/// The most columns of a table: rows are filled up, so a wide head over many short rows must not multiply.
const COLUMNS: usize = 64;

struct Frame {
    container: Container,
    blocks: Vec<Block>,
    items: Vec<Item>,
}

/// A document in the making.
#[derive(Default)]
pub(super) struct Builder {
    done: Vec<Block>,
    open: Vec<Frame>,
    /// How many are open that are too deep to be kept; they are the innermost.
    too_deep: usize,
}

impl Builder {
    /// Opens something; what follows goes into it until it is closed.
    pub(super) fn open(&mut self, container: Container) {
        let places = if matches!(container, Container::List(_)) { 2 } else { 1 };
        if self.too_deep > 0 || self.open.len().saturating_add(places) > DEPTH {
            self.too_deep = self.too_deep.saturating_add(1);
        } else {
            self.open.push(Frame { container, blocks: Vec::new(), items: Vec::new() });
        }
    }

    /// Gives the item that was just opened its box.
    pub(super) fn tick(&mut self, task: Task) {
        if let Some(Frame { container: Container::Item(of_item), blocks, .. }) = self.open.last_mut()
            && self.too_deep == 0
            && blocks.is_empty()
        {
            *of_item = Some(task);
        }
    }

    /// Closes what was opened last.
    pub(super) fn close(&mut self) {
        if self.too_deep > 0 {
            self.too_deep = self.too_deep.saturating_sub(1);
            return;
        }
        let Some(Frame { container, blocks, items }) = self.open.pop() else { return };
        match container {
            Container::Quote if !blocks.is_empty() => self.push(Block::Quote(blocks)),
            Container::Panel(kind) if !blocks.is_empty() => self.push(Block::Panel { kind, blocks }),
            Container::Quote | Container::Panel(_) => {}
            Container::List(_) if items.is_empty() => {}
            Container::List(start) => {
                self.push(Block::List { start: start.map(|n| n.min(MOST_START)), items });
            }
            Container::Item(task) => {
                if let Some(list) = self.open.last_mut() {
                    list.items.push(item(task, blocks));
                }
            }
        }
    }

    /// Puts a block that holds no blocks where it belongs, in normal form. One that holds some is for [`normal`].
    pub(super) fn leaf(&mut self, block: Block) {
        let block = match block {
            Block::Paragraph(text) => Block::Paragraph(inline::normal(text)),
            Block::Heading { level, text } => {
                Block::Heading { level: level.clamp(1, 6), text: inline::normal(text) }
            }
            Block::Code { language, text } => Block::Code { language: word(&language), text: lines(&text) },
            Block::Table(one) => Block::Table(table(one)),
            Block::Rule => Block::Rule,
            Block::List { .. } | Block::Quote(_) | Block::Panel { .. } => return,
        };
        let nothing = match &block {
            Block::Paragraph(text) | Block::Heading { text, .. } => text.is_empty(),
            Block::Table(table) => table.columns.is_empty(),
            Block::Code { .. } | Block::Rule | Block::List { .. } | Block::Quote(_) | Block::Panel { .. } => {
                false
            }
        };
        if !nothing {
            self.push(block);
        }
    }

    /// Closes whatever is open and returns the document.
    pub(super) fn finish(mut self) -> Vec<Block> {
        self.too_deep = 0;
        while !self.open.is_empty() {
            self.close();
        }
        self.done
    }

    fn push(&mut self, block: Block) {
        self.open.last_mut().map_or(&mut self.done, |frame| &mut frame.blocks).push(block);
    }
}

/// Brings blocks into normal form, however deep they are.
pub(super) fn normal(blocks: Vec<Block>) -> Vec<Block> {
    enum Step {
        Block(Block),
        Item(Item),
        Close,
    }
    let mut builder = Builder::default();
    let mut steps: Vec<Step> = blocks.into_iter().rev().map(Step::Block).collect();
    while let Some(step) = steps.pop() {
        let (container, inside): (_, Vec<Step>) = match step {
            Step::Close => {
                builder.close();
                continue;
            }
            Step::Item(Item { task, blocks }) => {
                (Container::Item(task), blocks.into_iter().map(Step::Block).collect())
            }
            Step::Block(Block::Quote(blocks)) => {
                (Container::Quote, blocks.into_iter().map(Step::Block).collect())
            }
            Step::Block(Block::Panel { kind, blocks }) => {
                (Container::Panel(kind), blocks.into_iter().map(Step::Block).collect())
            }
            Step::Block(Block::List { start, items }) => {
                (Container::List(start), items.into_iter().map(Step::Item).collect())
            }
            Step::Block(
                leaf @ (Block::Paragraph(_)
                | Block::Heading { .. }
                | Block::Code { .. }
                | Block::Table(_)
                | Block::Rule),
            ) => {
                builder.leaf(leaf);
                continue;
            }
        };
        builder.open(container);
        steps.push(Step::Close);
        steps.extend(inside.into_iter().rev());
    }
    builder.finish()
}

/// A box stands before text; an item that has none to begin with gets its box as text.
fn item(task: Option<Task>, mut blocks: Vec<Block>) -> Item {
    if let Some(task) = task
        && !matches!(blocks.first(), Some(Block::Paragraph(_)))
    {
        let shown = match task {
            Task::Open => "[ ]",
            Task::Done => "[x]",
        };
        blocks.insert(0, Block::Paragraph(vec![Inline::text(shown)]));
        return Item { task: None, blocks };
    }
    Item { task, blocks }
}

fn word(language: &str) -> String {
    language.chars().take_while(|c| c.is_alphanumeric() || "+-#._".contains(*c)).collect()
}

fn lines(text: &str) -> String {
    let readable = |c: char| match c {
        '\n' | '\t' => c,
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.replace("\r\n", "\n").replace('\r', "\n").chars().map(readable).collect()
}

/// As many columns as the longest row has, and every row as long; what is right of the last column that is kept
/// goes into it.
fn table(table: Table) -> Table {
    let Table { mut columns, head, rows } = table;
    let width = rows.iter().chain([&head]).map(Vec::len).max().unwrap_or(0).max(columns.len()).min(COLUMNS);
    columns.resize(width, super::Column::default());
    let row = |mut cells: Vec<Vec<Inline>>| {
        let over = cells.split_off(cells.len().min(COLUMNS));
        if let Some(last) = cells.last_mut() {
            for cell in over {
                last.push(Inline::text(" "));
                last.extend(cell);
            }
        }
        let mut cells: Vec<_> = cells.into_iter().map(cell).collect();
        cells.resize(width, Vec::new());
        cells
    };
    Table { columns, head: row(head), rows: rows.into_iter().map(row).collect() }
}

/// Code with a backslash before a bar cannot be written in a cell of a Markdown table; it becomes text.
fn cell(pieces: Vec<Inline>) -> Vec<Inline> {
    let writable = |piece| match piece {
        Inline::Code(text, marks) if text.contains(r"\|") => Inline::Text(text, marks),
        piece @ (Inline::Text(..) | Inline::Code(..) | Inline::Break) => piece,
    };
    inline::normal(pieces.into_iter().map(writable).collect())
}
