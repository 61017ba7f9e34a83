//! Writes a document in the Atlassian Document Format. Its schema allows each block in some places only; elsewhere
//! what the block says is said in what the place allows.

use serde_json::{Value, json};

use super::inline::strong;
use super::{Block, Column, Inline, Item, Link, Marks, Panel, Table, Task};

/// What a block stands in, which decides what it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Document,
    Quote,
    Panel,
    Item,
}

pub(super) fn write(blocks: &[Block]) -> Value {
    let mut content = Vec::new();
    Writer::default().blocks(blocks, Place::Document, &mut content);
    json!({ "version": 1, "type": "doc", "content": content })
}

/// Gives the boxes and their lists names of their own, as the schema wants.
#[derive(Default)]
struct Writer {
    named: usize,
}

impl Writer {
    fn blocks(&mut self, blocks: &[Block], place: Place, out: &mut Vec<Value>) {
        for block in blocks {
            self.block(block, place, out);
        }
    }

    fn block(&mut self, block: &Block, place: Place, out: &mut Vec<Value>) {
        match block {
            Block::Paragraph(text) => out.push(paragraph(text)),
            Block::Heading { level, text } => match place {
                Place::Document | Place::Panel => out.push(
                    json!({ "type": "heading", "attrs": { "level": level }, "content": inlines(text) }),
                ),
                Place::Quote | Place::Item => out.push(paragraph(&strong(text))),
            },
            Block::List { start, items } => self.list(*start, items, place, out),
            Block::Code { language, text } => out.push(code(language, text)),
            Block::Quote(blocks) => match place {
                Place::Document => {
                    let mut content = Vec::new();
                    self.blocks(blocks, Place::Quote, &mut content);
                    out.push(json!({ "type": "blockquote", "content": content }));
                }
                Place::Quote | Place::Panel | Place::Item => self.blocks(blocks, place, out),
            },
            Block::Panel { kind, blocks } => self.panel(*kind, blocks, place, out),
            Block::Table(table) => match place {
                Place::Document => out.push(rows(table)),
                Place::Quote | Place::Panel | Place::Item => {
                    out.extend(table.lines().iter().map(|line| paragraph(line)));
                }
            },
            Block::Rule => match place {
                Place::Document | Place::Panel => out.push(json!({ "type": "rule" })),
                Place::Quote | Place::Item => out.push(paragraph(&[Inline::text("———")])),
            },
        }
    }

    fn panel(&mut self, kind: Panel, blocks: &[Block], place: Place, out: &mut Vec<Value>) {
        match place {
            Place::Document => {
                let mut content = Vec::new();
                self.blocks(blocks, Place::Panel, &mut content);
                let attrs = json!({ "panelType": panel_type(kind) });
                out.push(json!({ "type": "panel", "attrs": attrs, "content": content }));
            }
            Place::Quote | Place::Panel | Place::Item => {
                out.push(paragraph(&[Inline::strong(kind.title())]));
                self.blocks(blocks, place, out);
            }
        }
    }

    fn list(&mut self, start: Option<u64>, items: &[Item], place: Place, out: &mut Vec<Value>) {
        if place != Place::Quote && is_task_list(start, items) {
            return out.push(self.task_list(items));
        }
        let content: Vec<_> = items.iter().map(|item| self.item(item)).collect();
        out.push(match start {
            None => json!({ "type": "bulletList", "content": content }),
            Some(order) => json!({ "type": "orderedList", "attrs": { "order": order }, "content": content }),
        });
    }

    /// An item among others of which not all have boxes: its box is a character.
    fn item(&mut self, Item { task, blocks }: &Item) -> Value {
        let mut content = Vec::new();
        match (task, blocks.as_slice()) {
            (Some(task), [Block::Paragraph(text), rest @ ..]) => {
                let boxed: Vec<_> =
                    [Inline::text(task.sign())].into_iter().chain(text.iter().cloned()).collect();
                content.push(paragraph(&boxed));
                self.blocks(rest, Place::Item, &mut content);
            }
            (_, blocks) => self.blocks(blocks, Place::Item, &mut content),
        }
        if content.is_empty() {
            content.push(paragraph(&[]));
        }
        json!({ "type": "listItem", "content": content })
    }

    fn task_list(&mut self, items: &[Item]) -> Value {
        let name = self.name();
        let mut content = Vec::new();
        for Item { task, blocks } in items {
            let state = if *task == Some(Task::Done) { "DONE" } else { "TODO" };
            let attrs = json!({ "localId": self.name(), "state": state });
            let mut blocks = blocks.iter();
            let text = match blocks.next() {
                Some(Block::Paragraph(text)) => inlines(text),
                _ => Vec::new(),
            };
            content.push(json!({ "type": "taskItem", "attrs": attrs, "content": text }));
            for block in blocks {
                if let Block::List { items, .. } = block {
                    content.push(self.task_list(items));
                }
            }
        }
        json!({ "type": "taskList", "attrs": { "localId": name }, "content": content })
    }

    fn name(&mut self) -> String {
        self.named = self.named.saturating_add(1);
        format!("ipa-{}", self.named)
    }
}

/// Whether all items have boxes, and hold nothing but a text and lists of that kind.
fn is_task_list(start: Option<u64>, items: &[Item]) -> bool {
    let is_task = |item: &Item| match (item.task, item.blocks.as_slice()) {
        (Some(_), [Block::Paragraph(_), rest @ ..]) => rest.iter().all(|block| match block {
            Block::List { start, items } => is_task_list(*start, items),
            Block::Paragraph(_)
            | Block::Heading { .. }
            | Block::Code { .. }
            | Block::Quote(_)
            | Block::Panel { .. }
            | Block::Table(_)
            | Block::Rule => false,
        }),
        (Some(_) | None, _) => false,
    };
    start.is_none() && items.iter().all(is_task)
}

fn paragraph(text: &[Inline]) -> Value {
    json!({ "type": "paragraph", "content": inlines(text) })
}

fn code(language: &str, text: &str) -> Value {
    let content = if text.is_empty() { json!([]) } else { json!([{ "type": "text", "text": text }]) };
    let attrs = if language.is_empty() { json!({}) } else { json!({ "language": language }) };
    json!({ "type": "codeBlock", "attrs": attrs, "content": content })
}

fn rows(Table { columns, head, rows }: &Table) -> Value {
    let row = |kind: &str, cells: &[Vec<Inline>]| {
        let cells: Vec<_> = cells
            .iter()
            .zip(columns)
            .map(|(cell, column)| json!({ "type": kind, "content": [aligned(paragraph(cell), *column)] }))
            .collect();
        json!({ "type": "tableRow", "content": cells })
    };
    let content: Vec<_> = [row("tableHeader", head)]
        .into_iter()
        .chain(rows.iter().map(|cells| row("tableCell", cells)))
        .collect();
    json!({ "type": "table", "content": content })
}

fn aligned(mut paragraph: Value, column: Column) -> Value {
    let align = match column {
        Column::Plain | Column::Left => return paragraph,
        Column::Center => "center",
        Column::Right => "end",
    };
    if let Some(fields) = paragraph.as_object_mut() {
        fields.insert("marks".to_owned(), json!([{ "type": "alignment", "attrs": { "align": align } }]));
    }
    paragraph
}

fn inlines(text: &[Inline]) -> Vec<Value> {
    text.iter().map(inline).collect()
}

fn inline(piece: &Inline) -> Value {
    let (text, marks) = match piece {
        Inline::Text(text, marks) => (text, styles(marks)),
        // Code may lead somewhere; no other style goes with it.
        Inline::Code(text, marks) => {
            (text, marks.link.as_ref().map(link).into_iter().chain([json!({ "type": "code" })]).collect())
        }
        Inline::Break => return json!({ "type": "hardBreak" }),
    };
    if marks.is_empty() {
        return json!({ "type": "text", "text": text });
    }
    json!({ "type": "text", "text": text, "marks": marks })
}

fn styles(marks: &Marks) -> Vec<Value> {
    let mut styles: Vec<_> = marks.link.as_ref().map(link).into_iter().collect();
    for (has, name) in [(marks.em, "em"), (marks.strong, "strong"), (marks.strike, "strike")] {
        if has {
            styles.push(json!({ "type": name }));
        }
    }
    styles
}

fn link(link: &Link) -> Value {
    json!({ "type": "link", "attrs": { "href": link.as_str() } })
}

const fn panel_type(kind: Panel) -> &'static str {
    match kind {
        Panel::Note => "info",
        Panel::Tip => "success",
        Panel::Important => "note",
        Panel::Warning => "warning",
        Panel::Caution => "error",
    }
}
