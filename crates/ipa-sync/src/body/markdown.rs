//! Reads Markdown into a document.

use pulldown_cmark::{
    Alignment, BlockQuoteKind, CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd,
};

use super::builder::{Builder, Container};
use super::{Block, Column, Inline, Link, Marks, Panel, Table, Task, html};

/// Reads what GitHub reads, but for formulas and bare addresses, which stay text; footnotes become text where they
/// stand.
pub(super) fn read(text: &str) -> Vec<Block> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM;
    let mut reader = Reader::default();
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    Parser::new_ext(&text, options).for_each(|event| reader.event(event));
    reader.end_of_text();
    reader.builder.finish()
}

#[derive(Default)]
struct Reader {
    builder: Builder,
    /// The text of the block that is being read.
    text: Vec<Inline>,
    strong: usize,
    em: usize,
    strike: usize,
    links: Vec<OpenLink>,
    /// Where the words lead: of a link in a link the outer one counts.
    link: Option<Link>,
    /// The code block or HTML block that is being read.
    raw: Option<Raw>,
    table: Table,
    row: Vec<Vec<Inline>>,
}

/// A link or an image that is being read.
struct OpenLink {
    address: String,
    leads: Leads,
    /// How many pieces of text there were before it.
    since: usize,
}

/// What an open link does to its words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leads {
    There,
    /// They lead where the link around it leads.
    Elsewhere,
    /// Its address may not go out.
    Nowhere,
}

struct Raw {
    text: String,
    kind: RawKind,
}

enum RawKind {
    Code { language: String },
    Html,
}

impl Reader {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Code(text) => {
                let piece = Inline::Code(text.into_string(), self.marks());
                self.text.push(piece);
            }
            Event::Text(text) | Event::Html(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                match &mut self.raw {
                    Some(raw) => raw.text.push_str(&text),
                    None => self.words(&text),
                }
            }
            Event::FootnoteReference(name) => self.words(&format!("[^{name}]")),
            Event::InlineHtml(text) => self.html(&text),
            Event::SoftBreak => self.words(" "),
            Event::HardBreak => self.text.push(Inline::Break),
            Event::Rule => {
                self.end_of_text();
                self.builder.leaf(Block::Rule);
            }
            Event::TaskListMarker(done) => self.builder.tick(if done { Task::Done } else { Task::Open }),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Strong => self.strong = self.strong.saturating_add(1),
            Tag::Emphasis => self.em = self.em.saturating_add(1),
            Tag::Strikethrough => self.strike = self.strike.saturating_add(1),
            Tag::Link { link_type, dest_url, .. } | Tag::Image { link_type, dest_url, .. } => {
                self.start_link(match link_type {
                    LinkType::Email => format!("mailto:{dest_url}"),
                    LinkType::Inline
                    | LinkType::Reference
                    | LinkType::ReferenceUnknown
                    | LinkType::Collapsed
                    | LinkType::CollapsedUnknown
                    | LinkType::Shortcut
                    | LinkType::ShortcutUnknown
                    | LinkType::Autolink
                    | LinkType::WikiLink { .. } => dest_url.into_string(),
                });
            }
            Tag::BlockQuote(kind) => {
                self.open(kind.map_or(Container::Quote, |kind| Container::Panel(panel(kind))));
            }
            Tag::List(start) => self.open(Container::List(start)),
            Tag::Item => self.open(Container::Item(None)),
            Tag::CodeBlock(CodeBlockKind::Fenced(language)) => {
                self.start_raw(RawKind::Code { language: language.into_string() });
            }
            Tag::CodeBlock(CodeBlockKind::Indented) => {
                self.start_raw(RawKind::Code { language: String::new() });
            }
            Tag::HtmlBlock => self.start_raw(RawKind::Html),
            Tag::Table(columns) => {
                self.end_of_text();
                self.table = Table { columns: columns.into_iter().map(column).collect(), ..Table::default() };
            }
            Tag::FootnoteDefinition(name) => {
                self.end_of_text();
                self.words(&format!("[^{name}]: "));
            }
            Tag::Heading { .. }
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::MetadataBlock(_) => self.end_of_text(),
            // What there is of a paragraph's text before it begins is the name of a footnote.
            Tag::Paragraph
            | Tag::TableHead
            | Tag::TableRow
            | Tag::TableCell
            | Tag::Superscript
            | Tag::Subscript => {}
        }
    }

    fn open(&mut self, container: Container) {
        self.end_of_text();
        self.builder.open(container);
    }

    fn start_raw(&mut self, kind: RawKind) {
        self.end_of_text();
        self.raw = Some(Raw { text: String::new(), kind });
    }

    fn start_link(&mut self, address: String) {
        let leads = match Link::parse(&address) {
            None => Leads::Nowhere,
            Some(_) if self.link.is_some() => Leads::Elsewhere,
            Some(link) => {
                self.link = Some(link);
                Leads::There
            }
        };
        self.links.push(OpenLink { address, leads, since: self.text.len() });
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.strong = self.strong.saturating_sub(1),
            TagEnd::Emphasis => self.em = self.em.saturating_sub(1),
            TagEnd::Strikethrough => self.strike = self.strike.saturating_sub(1),
            TagEnd::Link | TagEnd::Image => self.end_of_link(),
            TagEnd::Heading(level) => {
                let text = std::mem::take(&mut self.text);
                self.builder.leaf(Block::Heading { level: level as u8, text });
            }
            TagEnd::TableCell => self.row.push(std::mem::take(&mut self.text)),
            TagEnd::TableHead => self.table.head = std::mem::take(&mut self.row),
            TagEnd::TableRow => self.table.rows.push(std::mem::take(&mut self.row)),
            TagEnd::Table => self.builder.leaf(Block::Table(std::mem::take(&mut self.table))),
            TagEnd::CodeBlock | TagEnd::HtmlBlock => self.end_of_raw(),
            TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item => {
                self.end_of_text();
                self.builder.close();
            }
            TagEnd::Paragraph
            | TagEnd::FootnoteDefinition
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::MetadataBlock(_) => self.end_of_text(),
            TagEnd::Superscript | TagEnd::Subscript => {}
        }
    }

    /// What was read of a paragraph, which in a tight list nothing announces.
    fn end_of_text(&mut self) {
        let text = std::mem::take(&mut self.text);
        self.builder.leaf(Block::Paragraph(text));
    }

    /// A link without words shows its address; an address that may not be a link stands behind its words.
    fn end_of_link(&mut self) {
        let Some(OpenLink { address, leads, since }) = self.links.pop() else { return };
        let label = self.text.get(since..).unwrap_or_default();
        let unsaid = !matches!(label, [Inline::Text(text, _)] if *text == address);
        if label.is_empty() {
            self.words(&address);
        } else if leads == Leads::Nowhere && unsaid && !address.is_empty() && !address.starts_with('#') {
            self.words(&format!(" ({address})"));
        }
        if leads == Leads::There {
            self.link = None;
        }
    }

    fn end_of_raw(&mut self) {
        let Some(Raw { mut text, kind }) = self.raw.take() else { return };
        match kind {
            RawKind::Code { language } => {
                if text.ends_with('\n') {
                    text.pop();
                }
                self.builder.leaf(Block::Code { language, text });
            }
            RawKind::Html => {
                self.html(&text);
                self.end_of_text();
            }
        }
    }

    fn html(&mut self, html: &str) {
        for (n, line) in html::lines(html).into_iter().enumerate() {
            if n > 0 {
                self.text.push(Inline::Break);
            }
            self.words(&line);
        }
    }

    fn words(&mut self, text: &str) {
        let piece = Inline::Text(text.to_owned(), self.marks());
        self.text.push(piece);
    }

    fn marks(&self) -> Marks {
        Marks { strong: self.strong > 0, em: self.em > 0, strike: self.strike > 0, link: self.link.clone() }
    }
}

const fn panel(kind: BlockQuoteKind) -> Panel {
    match kind {
        BlockQuoteKind::Note => Panel::Note,
        BlockQuoteKind::Tip => Panel::Tip,
        BlockQuoteKind::Important => Panel::Important,
        BlockQuoteKind::Warning => Panel::Warning,
        BlockQuoteKind::Caution => Panel::Caution,
    }
}

const fn column(alignment: Alignment) -> Column {
    match alignment {
        Alignment::None => Column::Plain,
        Alignment::Left => Column::Left,
        Alignment::Center => Column::Center,
        Alignment::Right => Column::Right,
    }
}
