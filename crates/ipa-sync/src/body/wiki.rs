//! Writes a document as the wiki markup of Jira Server and Data Center. Macros do not nest in themselves there, and an
//! item of a list is lines without an empty one: what cannot stand where it is, is said in text.

mod escape;
mod line;

use self::escape::Begins;
use self::line::{End, line};
use super::inline::strong;
use super::{Block, Inline, Item, Panel, Table};

/// What a block stands in.
#[derive(Debug, Clone, Copy, Default)]
struct Place<'a> {
    in_quote: bool,
    in_panel: bool,
    /// The marks of the lists around it, such as `*#`; empty outside of a list.
    marks: &'a str,
}

pub(super) fn write(all: &[Block]) -> String {
    blocks(all, Place::default())
}

fn blocks(blocks: &[Block], place: Place<'_>) -> String {
    let between = if place.marks.is_empty() { "\n\n" } else { "\n" };
    let written: Vec<_> = blocks.iter().map(|one| block(one, place)).collect();
    written.join(between)
}

fn block(block: &Block, place: Place<'_>) -> String {
    let in_list = !place.marks.is_empty();
    match block {
        Block::Paragraph(text) => line(text, Begins::Line, End::Line),
        Block::Heading { text, .. } if in_list => line(&strong(text), Begins::Line, End::Break),
        Block::Heading { level, text } => format!("h{level}. {}", line(text, Begins::Text, End::Break)),
        Block::List { start, items } => list(*start, items, place),
        Block::Code { language, text } => code(language, text, place),
        Block::Quote(inside) if place.in_quote => blocks(inside, place),
        Block::Quote(inside) => {
            let inside = blocks(inside, Place { in_quote: true, marks: "", ..place });
            format!("{{quote}}\n{inside}\n{{quote}}")
        }
        Block::Panel { kind, blocks: inside } => panel(*kind, inside, place),
        Block::Table(table) if in_list => lines(table),
        Block::Table(table) => rows(table),
        Block::Rule if in_list => "———".to_owned(),
        Block::Rule => "----".to_owned(),
    }
}

fn panel(kind: Panel, inside: &[Block], place: Place<'_>) -> String {
    if place.in_panel {
        let title = line(&[Inline::strong(kind.title())], Begins::Line, End::Line);
        let between = if place.marks.is_empty() { "\n\n" } else { "\n" };
        return format!("{title}{between}{}", blocks(inside, place));
    }
    let inside = blocks(inside, Place { in_panel: true, marks: "", ..place });
    format!("{{panel:title={}}}\n{inside}\n{{panel}}", kind.title())
}

fn list(start: Option<u64>, items: &[Item], place: Place<'_>) -> String {
    let marks = format!("{}{}", place.marks, if start.is_some() { '#' } else { '*' });
    let place = Place { marks: &marks, ..place };
    items.iter().map(|one| item(one, place)).collect::<Vec<_>>().join("\n")
}

fn item(Item { task, blocks: inside }: &Item, place: Place<'_>) -> String {
    let sign = task.map_or("", super::Task::sign);
    match inside.first() {
        None => format!("{} {sign}&nbsp;", place.marks),
        Some(Block::List { .. }) => blocks(inside, place),
        Some(_) => format!("{} {sign}{}", place.marks, blocks(inside, place)),
    }
}

fn rows(Table { head, rows, .. }: &Table) -> String {
    let row = |bar: &str, cells: &[Vec<Inline>]| {
        let cells = cells.iter().map(|cell| match line(cell, Begins::Line, End::Break) {
            text if text.is_empty() => " ".to_owned(),
            text => text,
        });
        format!("{bar}{}{bar}", cells.collect::<Vec<_>>().join(bar))
    };
    let rows = rows.iter().map(|cells| row("|", cells));
    [row("||", head)].into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

/// A table where none may be: a line of text for each row.
fn lines(table: &Table) -> String {
    let lines = table.lines().into_iter().map(|text| line(&text, Begins::Line, End::Break));
    lines.collect::<Vec<_>>().join("\n")
}

/// The languages that `{code}` knows; it prints an error for any other.
const LANGUAGES: [&str; 32] = [
    "actionscript",
    "ada",
    "applescript",
    "bash",
    "c",
    "c#",
    "c++",
    "cpp",
    "css",
    "erlang",
    "go",
    "groovy",
    "haskell",
    "html",
    "java",
    "javascript",
    "js",
    "json",
    "lua",
    "objc",
    "perl",
    "php",
    "python",
    "r",
    "ruby",
    "scala",
    "sh",
    "sql",
    "swift",
    "visualbasic",
    "xml",
    "yaml",
];

/// Code goes into a macro that its text cannot end; when it names them all, each line is in a style of its own.
fn code(language: &str, text: &str, place: Place<'_>) -> String {
    let lower = text.to_lowercase();
    let names = |name: &str| lower.contains(&format!("{{{name}"));
    let ends_around = (place.in_quote && names("quote")) || (place.in_panel && names("panel"));
    let language = language.to_lowercase();
    let known = LANGUAGES.contains(&language.as_str());
    match (ends_around, names("code"), names("noformat")) {
        (false, false, _) if known => format!("{{code:{language}}}\n{text}\n{{code}}"),
        (false, _, false) => format!("{{noformat}}\n{text}\n{{noformat}}"),
        (false, false, true) => format!("{{code:none}}\n{text}\n{{code}}"),
        (true, _, _) | (false, true, true) => {
            let lines = text.split('\n').map(line::monospaced);
            lines.collect::<Vec<_>>().join("\n")
        }
    }
}
