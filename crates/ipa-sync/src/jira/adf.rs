//! What a document of the Atlassian Document Format says, as Markdown: for people and agents to read. Pure and total:
//! what is not known is read for the text in it. No longer than a text from outside may be.

use serde_json::Value;

use crate::body::DEPTH;
use crate::body::inbound::MOST_CHARS;

/// Reads a document. A plain text, as Data Center has them, stays as it is.
pub(super) fn text(document: &Value) -> String {
    let plain = document.as_str().map(str::to_owned);
    plain.unwrap_or_else(|| Reader { left: MOST_CHARS }.children(document, 0))
}

struct Reader {
    /// So many characters are still taken.
    left: usize,
}

impl Reader {
    /// Reads what is in a node: a line of pieces, or blocks one below the other.
    fn children(&mut self, node: &Value, depth: usize) -> String {
        let nodes = content(node);
        if nodes.iter().any(is_inline) {
            return nodes.iter().map(|node| self.inline(node, depth)).collect();
        }
        let blocks = nodes.iter().map(|node| self.block(node, depth));
        blocks.filter(|block| !block.is_empty()).collect::<Vec<_>>().join("\n\n")
    }

    fn block(&mut self, node: &Value, depth: usize) -> String {
        // Deeper ones are read for their text.
        let depth = depth.saturating_add(1);
        let kind = if depth > DEPTH { "" } else { kind(node) };
        match kind {
            "heading" => {
                let level = number(node, "level").clamp(1, 6);
                let marks = (0..level).map(|_| '#').collect::<String>();
                self.led(&format!("{marks} "), node, depth)
            }
            "bulletList" | "decisionList" => self.items(node, depth, |_| "- ".to_owned()),
            "orderedList" => {
                let first = number(node, "order");
                self.items(node, depth, |at| format!("{}. ", first.saturating_add(at)))
            }
            "taskList" => self.tasks(node, depth),
            "codeBlock" => self.code(node, depth),
            "blockquote" => prefixed("> ", &self.children(node, depth)),
            "panel" => {
                let kind = alert(attr(node, "panelType"));
                let said = self.children(node, depth);
                if said.is_empty() { said } else { prefixed("> ", &format!("{kind}{said}")) }
            }
            "expand" | "nestedExpand" => {
                let title = self.take(attr(node, "title"));
                let said = self.children(node, depth);
                if title.is_empty() { said } else { format!("**{title}**\n\n{said}") }
            }
            "rule" => "---".to_owned(),
            "table" => self.table(node, depth),
            "blockCard" | "embedCard" | "media" => self.inline(node, depth),
            _ => self.children(node, depth),
        }
    }

    /// A block that begins with a mark, unless there is nothing in it.
    fn led(&mut self, mark: &str, node: &Value, depth: usize) -> String {
        let said = self.children(node, depth);
        if said.is_empty() { said } else { format!("{mark}{said}") }
    }

    fn items(&mut self, list: &Value, depth: usize, mark: impl Fn(u64) -> String) -> String {
        let items = (0..).zip(content(list)).map(|(at, item)| {
            let mark = mark(at);
            indented(&mark, &self.children(item, depth))
        });
        items.collect::<Vec<_>>().join("\n")
    }

    fn tasks(&mut self, list: &Value, depth: usize) -> String {
        let items = content(list).iter().map(|item| {
            if kind(item) == "taskList" {
                return prefixed("  ", &self.block(item, depth));
            }
            let mark = if attr(item, "state") == "DONE" { "- [x] " } else { "- [ ] " };
            indented(mark, &self.children(item, depth))
        });
        items.collect::<Vec<_>>().join("\n")
    }

    fn code(&mut self, node: &Value, depth: usize) -> String {
        let text: String = content(node).iter().map(|node| self.plain(node, depth)).collect();
        let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
        let fence = "`".repeat(longest.saturating_add(1).max(3));
        let language: String =
            attr(node, "language").chars().filter(char::is_ascii_alphanumeric).take(20).collect();
        format!("{fence}{language}\n{text}\n{fence}")
    }

    fn table(&mut self, node: &Value, depth: usize) -> String {
        let mut rows = Vec::new();
        for row in content(node) {
            let cells = content(row).iter().map(|cell| {
                let said = self.children(cell, depth);
                said.replace('|', "\\|")
                    .split('\n')
                    .filter(|line| !line.is_empty())
                    .collect::<Vec<_>>()
                    .join(" ")
            });
            let cells: Vec<_> = cells.collect();
            rows.push(format!("| {} |", cells.join(" | ")));
            if rows.len() == 1 {
                rows.push(format!("|{}", " --- |".repeat(cells.len())));
            }
        }
        rows.join("\n")
    }

    fn inline(&mut self, node: &Value, depth: usize) -> String {
        let said = |key| attr(node, key);
        match kind(node) {
            "text" => {
                let text = self.plain(node, depth);
                styled(text, node["marks"].as_array().map(Vec::as_slice).unwrap_or_default())
            }
            "hardBreak" => self.take("\n"),
            "mention" => {
                let name = said("text");
                let at = if name.starts_with('@') { "" } else { "@" };
                self.take(&format!("{at}{name}"))
            }
            "emoji" => self.take(if said("text").is_empty() { said("shortName") } else { said("text") }),
            "status" => self.take(&format!("[{}]", said("text"))),
            "date" => {
                let day = said("timestamp").parse().ok().and_then(day);
                self.take(&day.unwrap_or_default())
            }
            "inlineCard" | "blockCard" | "embedCard" => self.take(said("url")),
            "media" | "mediaInline" => {
                let name = if said("alt").is_empty() { "file" } else { said("alt") };
                self.take(&format!("[attached: {name}]"))
            }
            _ if depth > DEPTH.saturating_mul(2) => String::new(),
            _ if node["text"].is_string() => self.plain(node, depth),
            _ => self.children(node, depth.saturating_add(1)),
        }
    }

    fn plain(&mut self, node: &Value, depth: usize) -> String {
        match node["text"].as_str() {
            Some(text) => self.take(text),
            None if depth > DEPTH => String::new(),
            None => self.children(node, depth.saturating_add(1)),
        }
    }

    /// Takes a text, as far as there is room.
    fn take(&mut self, text: &str) -> String {
        let taken: String = text.chars().take(self.left).collect();
        self.left = self.left.saturating_sub(taken.chars().count());
        taken
    }
}

fn kind(node: &Value) -> &str {
    node["type"].as_str().unwrap_or_default()
}

fn attr<'a>(node: &'a Value, key: &str) -> &'a str {
    node["attrs"].get(key).and_then(Value::as_str).unwrap_or_default()
}

fn number(node: &Value, key: &str) -> u64 {
    node["attrs"].get(key).and_then(Value::as_u64).unwrap_or(1)
}

fn content(node: &Value) -> &[Value] {
    node["content"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn is_inline(node: &Value) -> bool {
    let inline = [
        "text",
        "hardBreak",
        "mention",
        "emoji",
        "status",
        "date",
        "inlineCard",
        "mediaInline",
        "inlineExtension",
        "placeholder",
    ];
    inline.contains(&kind(node))
}

/// Puts the marks of a text around it, within its spaces.
fn styled(text: String, marks: &[Value]) -> String {
    let core = text.trim();
    if core.is_empty() || marks.is_empty() {
        return text;
    }
    let is = |name: &str| marks.iter().any(|mark| kind(mark) == name);
    let mut styled = core.to_owned();
    if is("code") {
        styled = format!("`{styled}`");
    }
    for (name, sign) in [("strike", "~~"), ("em", "*"), ("strong", "**")] {
        if is(name) {
            styled = format!("{sign}{styled}{sign}");
        }
    }
    let link = marks.iter().find(|mark| kind(mark) == "link");
    if let Some(href) = link.map(|mark| attr(mark, "href")).filter(|href| *href != core) {
        styled = format!("[{styled}]({href})");
    }
    let (before, after) = text.split_once(core).unwrap_or_default();
    format!("{before}{styled}{after}")
}

/// The first line after a mark, the others below it.
fn indented(mark: &str, text: &str) -> String {
    let below = " ".repeat(mark.len());
    let lines = text.split('\n').enumerate().map(|(at, line)| match (at, line) {
        (0, line) => format!("{mark}{line}"),
        (_, "") => String::new(),
        (_, line) => format!("{below}{line}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn prefixed(mark: &str, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let lines = text.split('\n').map(|line| format!("{mark}{line}").trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

/// A panel's kind, as the first line of a quote.
fn alert(panel: &str) -> &'static str {
    match panel {
        "info" => "[!NOTE]\n",
        "success" | "tip" => "[!TIP]\n",
        "note" => "[!IMPORTANT]\n",
        "warning" => "[!WARNING]\n",
        "error" => "[!CAUTION]\n",
        _ => "",
    }
}

fn day(milliseconds: i64) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(milliseconds).ok()?;
    Some(at.strftime("%Y-%m-%d").to_string())
}

#[cfg(test)]
mod tests;
