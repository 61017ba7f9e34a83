//! Writes a document as GitHub's Markdown: lists and quotes by indentation, code in fences, so that what is read again
//! is the same document. Where two neighbours would be read as one, an empty comment stands between them, which
//! shows nowhere.

mod escape;
mod line;
mod mentions;

pub use mentions::Mentions;

use self::line::{Place, line};
use super::{Block, Column, Inline, Item, Table, Task};

/// What keeps neighbours apart.
const GAP: &str = "<!-- -->";

pub(super) fn write(blocks: &[Block], mentions: Mentions) -> String {
    Writer { mentions }.blocks(blocks, "\n\n")
}

struct Writer {
    mentions: Mentions,
}

impl Writer {
    fn blocks(&self, blocks: &[Block], between: &str) -> String {
        let mut out = String::new();
        let mut before: Option<&Block> = None;
        for block in blocks {
            match before {
                None => {}
                Some(before) if one_list(before, block) => {
                    out.push_str("\n\n");
                    out.push_str(GAP);
                    out.push_str("\n\n");
                }
                Some(_) => out.push_str(between),
            }
            out.push_str(&self.block(block));
            before = Some(block);
        }
        out
    }

    fn block(&self, block: &Block) -> String {
        match block {
            Block::Paragraph(text) => line(text, Place::Lines, self.mentions),
            Block::Heading { level, text } => {
                format!("{} {}", "#".repeat((*level).into()), line(text, Place::Heading, self.mentions))
            }
            Block::List { start, items } => self.list(*start, items),
            Block::Code { language, text } => code(language, text),
            Block::Quote(blocks) => indented(&self.blocks(blocks, "\n\n"), "> ", "> "),
            Block::Panel { kind, blocks } => {
                // The name is read as a paragraph, which not every block may end.
                let between = if matches!(blocks.first(), Some(Block::Paragraph(_))) { "\n" } else { "\n\n" };
                let name = kind.title().to_uppercase();
                indented(&format!("[!{name}]{between}{}", self.blocks(blocks, "\n\n")), "> ", "> ")
            }
            Block::Table(table) => self.table(table),
            Block::Rule => "***".to_owned(),
        }
    }

    fn list(&self, start: Option<u64>, items: &[Item]) -> String {
        let between = if items.iter().all(is_tight) { "\n" } else { "\n\n" };
        let mut number = start;
        let mut out = String::new();
        for item in items {
            if !out.is_empty() {
                out.push_str(between);
            }
            let mark = number.map_or_else(|| "- ".to_owned(), |number| format!("{number}. "));
            let tick = match item.task {
                None => "",
                Some(Task::Open) => "[ ] ",
                Some(Task::Done) => "[x] ",
            };
            let inside = if item.blocks.is_empty() {
                GAP.to_owned()
            } else {
                self.blocks(&item.blocks, if is_tight(item) { "\n" } else { "\n\n" })
            };
            out.push_str(&indented(&format!("{tick}{inside}"), &mark, &" ".repeat(mark.len())));
            number = number.map(|number| number.saturating_add(1).min(MOST_NUMBER));
        }
        out
    }

    fn table(&self, Table { columns, head, rows }: &Table) -> String {
        let row = |cells: &[Vec<Inline>]| {
            let cells: Vec<_> = cells.iter().map(|cell| line(cell, Place::Cell, self.mentions)).collect();
            format!("| {} |", cells.join(" | "))
        };
        let under: Vec<_> = columns.iter().map(|column| under(*column)).collect();
        let mut lines = vec![row(head), format!("| {} |", under.join(" | "))];
        lines.extend(rows.iter().map(|cells| row(cells)));
        lines.join("\n")
    }
}

/// The largest number of an item.
const MOST_NUMBER: u64 = 999_999_999;

/// Whether two lists after each other would be read as one.
const fn one_list(before: &Block, after: &Block) -> bool {
    matches!(
        (before, after),
        (Block::List { start: None, .. }, Block::List { start: None, .. })
            | (Block::List { start: Some(_), .. }, Block::List { start: Some(_), .. })
    )
}

/// Whether an item can be written without empty lines: a list may follow its text at once when it has bullets or
/// begins at 1.
fn is_tight(item: &Item) -> bool {
    matches!(
        item.blocks.as_slice(),
        [] | [Block::Paragraph(_)] | [Block::Paragraph(_), Block::List { start: None | Some(1), .. }]
    )
}

fn code(language: &str, text: &str) -> String {
    let fence = "`".repeat(longest_run(text, '`').saturating_add(1).max(3));
    let end = if text.is_empty() { "" } else { "\n" };
    format!("{fence}{language}\n{text}{end}{fence}")
}

fn longest_run(text: &str, of: char) -> usize {
    text.split(|c| c != of).map(str::len).max().unwrap_or(0)
}

const fn under(column: Column) -> &'static str {
    match column {
        Column::Plain => "---",
        Column::Left => ":---",
        Column::Center => ":---:",
        Column::Right => "---:",
    }
}

/// Puts `first` before the first line and `rest` before the others; nothing is left at the end of an empty line.
fn indented(text: &str, first: &str, rest: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_mul(2));
    for (n, line) in text.split('\n').enumerate() {
        let before = if n == 0 { first } else { rest };
        if n > 0 {
            out.push('\n');
        }
        out.push_str(if line.is_empty() { before.trim_end() } else { before });
        out.push_str(line);
    }
    out
}
