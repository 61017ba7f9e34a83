//! What goes out as text: one document, three written forms. GitHub's Markdown, Jira Cloud's document format and the
//! wiki markup of Jira Server are each a function of the same tree, so what a person approves on one page says the
//! same in all. Pure and total: any text and any tree gives a document, and no document is deeper than [`DEPTH`].

use serde_json::Value;

mod adf;
mod builder;
mod cut;
mod github;
mod html;
pub mod inbound;
mod inline;
mod link;
mod markdown;
mod wiki;

pub use github::Mentions;
pub use inline::{Inline, Marks};
pub use link::Link;

/// How many quotes, panels, lists and list items a block can lie in; what is deeper is taken out of them, one after
/// the other, and keeps its text.
pub const DEPTH: usize = 24;

/// The most characters of a comment or a description in Jira.
pub const JIRA_CHARS: usize = 32_767;

/// The most characters of a body on GitHub: 65,536 there, and room for markers and for what people add.
pub const GITHUB_CHARS: usize = 60_000;

/// A document, made from Markdown or from blocks.
///
/// Either way in one normal form, so that equal documents are equal values: nothing empty, neighbours of one style
/// joined, no text that cannot be written in all three forms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    blocks: Vec<Block>,
}

/// A part of a document that stands on lines of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// Running text.
    Paragraph(Vec<Inline>),
    /// A heading, from the first level to the sixth.
    Heading {
        /// 1 to 6.
        level: u8,
        /// What it says.
        text: Vec<Inline>,
    },
    /// A list.
    List {
        /// The first number; none: bullets.
        start: Option<u64>,
        /// Its items, in order.
        items: Vec<Item>,
    },
    /// Lines that are shown as they are.
    Code {
        /// Letters, digits and `+-#._`; empty when it is not known.
        language: String,
        /// Without the last line's end.
        text: String,
    },
    /// What somebody else said.
    Quote(Vec<Self>),
    /// A box that stands out: on GitHub an alert.
    Panel {
        /// How urgent it is.
        kind: Panel,
        /// What is in it.
        blocks: Vec<Self>,
    },
    /// A table; its cells hold text.
    Table(Table),
    /// A line across.
    Rule,
}

/// One item of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// Its box to tick, if it has one.
    pub task: Option<Task>,
    /// What it holds; may be nothing.
    pub blocks: Vec<Block>,
}

/// The state of an item that can be ticked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Still to do.
    Open,
    /// Ticked.
    Done,
}

/// The kind of a panel, as GitHub names its alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Panel {
    /// Worth knowing.
    Note,
    /// Makes something easier.
    Tip,
    /// Must be known.
    Important,
    /// Asks for attention.
    Warning,
    /// Something can go wrong.
    Caution,
}

/// A table. Every row has as many cells as there are columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// How each column is aligned.
    pub columns: Vec<Column>,
    /// The row of headings.
    pub head: Vec<Vec<Inline>>,
    /// The other rows.
    pub rows: Vec<Vec<Vec<Inline>>>,
}

/// Where the text of a column stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Column {
    /// As the reader's program likes.
    #[default]
    Plain,
    /// At the left.
    Left,
    /// In the middle.
    Center,
    /// At the right.
    Right,
}

impl Task {
    /// A box as a character with a space, where none can be ticked.
    const fn sign(self) -> &'static str {
        match self {
            Self::Open => "☐ ",
            Self::Done => "☑ ",
        }
    }
}

impl Panel {
    /// Its name, as the title of a panel where the kind alone shows no title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Note => "Note",
            Self::Tip => "Tip",
            Self::Important => "Important",
            Self::Warning => "Warning",
            Self::Caution => "Caution",
        }
    }
}

impl Table {
    /// What is left of it where no table may be: a line of text for each row, the first one bold.
    fn lines(&self) -> Vec<Vec<Inline>> {
        let line = |cells: &Vec<Vec<Inline>>| cells.join([Inline::text(" | ")].as_slice());
        let rows = self.rows.iter().map(line);
        [inline::strong(&line(&self.head))].into_iter().chain(rows).collect()
    }
}

impl Body {
    /// Makes a document of blocks, in normal form.
    pub fn new(blocks: Vec<Block>) -> Self {
        Self { blocks: builder::normal(blocks) }
    }

    /// Reads Markdown with GitHub's tables, strikethrough, task lists and alerts. Comments are dropped, other HTML is
    /// text (`<br>` is a line break), an image is a link to it, a lone line end is a space.
    ///
    /// ```
    /// use ipa_sync::{Body, Mentions};
    ///
    /// let body = Body::markdown("fixes #12, *thanks* @ann");
    /// assert_eq!(body.github(Mentions::AsWritten), "fixes #12, _thanks_ @ann");
    /// assert_eq!(body.github(Mentions::Neutral), "fixes #<!-- -->12, _thanks_ @<!-- -->ann");
    /// assert_eq!(body.wiki(), r"fixes #12, _thanks_ @ann");
    /// ```
    pub fn markdown(text: &str) -> Self {
        Self { blocks: markdown::read(text) }
    }

    /// The blocks, in order.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Writes Markdown as GitHub reads it. Read again by [`Body::markdown`] it is the same document.
    pub fn github(&self, mentions: Mentions) -> String {
        github::write(&self.blocks, mentions)
    }

    /// Writes a document of the Atlassian Document Format, version 1, that its schema accepts. What the format does
    /// not allow where it stands is said in what it allows: a table in a list is lines of text.
    pub fn adf(&self) -> Value {
        adf::write(&self.blocks)
    }

    /// Writes Jira's wiki markup, for Server and Data Center. Text of the document never becomes markup.
    pub fn wiki(&self) -> String {
        wiki::write(&self.blocks)
    }

    /// Returns as much of the document, from its beginning, as `measure` puts at no more than `max`, with a last line
    /// that says so when something is left out. It ends between two blocks, unless the first block that does not
    /// fit would not fit alone either. When not even that last line fits, nothing is left.
    ///
    /// `measure` tells the length of what is sent, such as the characters of [`Body::github`]. It is called a number
    /// of times that grows with the logarithm of the length.
    #[must_use]
    pub fn cut(&self, max: usize, measure: impl Fn(&Self) -> usize) -> Self {
        cut::cut(self, max, &measure)
    }
}

#[cfg(test)]
mod tests;
