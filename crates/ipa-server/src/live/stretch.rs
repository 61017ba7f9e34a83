//! Stretches: tools that an agent used one after the other, between two things that it said. A page folds those
//! that went well into one line.
//!
//! Which stretch an entry belongs to is fixed when it comes and never changes. So a page that grows adds to the
//! stretch at its end and changes its line, and nothing is ever moved, taken away or sent again.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::entry::{Entry, EntryBody};

/// The most entries of one stretch: what is in one place of a page stays bounded.
pub(crate) const LONGEST: usize = 100;

/// What the line of a stretch says: the tools that came back well, and the thoughts between them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    /// How often each tool was used.
    pub(crate) tools: BTreeMap<Arc<str>, u32>,
    /// How often the agent thought.
    pub(crate) thoughts: u32,
    /// How long all tools took together.
    pub(crate) took_ms: u64,
}

impl Tally {
    /// Adds up the entries of a stretch.
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let mut tally = Self::default();
        for entry in entries {
            tally.add(&entry.body);
        }
        tally
    }

    /// Adds an entry, if it is one that is folded.
    pub(crate) fn add(&mut self, body: &EntryBody) {
        match body {
            EntryBody::Thought(_) => self.thoughts = self.thoughts.saturating_add(1),
            EntryBody::Tool(tool) => {
                if let Some(result) = tool.went_well() {
                    let name = tool.name.clone().unwrap_or_else(|| "result".into());
                    let count = self.tools.entry(name).or_default();
                    *count = count.saturating_add(1);
                    self.took_ms = self.took_ms.saturating_add(result.took_ms);
                }
            }
            EntryBody::Started { .. }
            | EntryBody::Said(_)
            | EntryBody::Plan(_)
            | EntryBody::Asked(_)
            | EntryBody::Turn(_)
            | EntryBody::Note(_)
            | EntryBody::Printed(_)
            | EntryBody::Over(_) => {}
        }
    }

    /// Counts the tools.
    pub(crate) fn count(&self) -> u32 {
        self.tools.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Tells whether there is enough to fold.
    pub(crate) fn folds(&self) -> bool {
        self.count() > 1
    }

    /// Lists the tools, the most used first.
    pub(crate) fn most_used(&self) -> Vec<(&Arc<str>, u32)> {
        let mut tools: Vec<_> = self.tools.iter().map(|(name, count)| (name, *count)).collect();
        tools.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        tools
    }
}

/// A part of a log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Block<'a> {
    /// One entry.
    One(&'a Entry),
    /// A stretch, with the number of its first entry.
    Stretch(u64, &'a [Entry]),
}

/// Parts a log into its blocks.
pub(crate) fn blocks(entries: &[Entry]) -> impl Iterator<Item = Block<'_>> {
    let together = |one: &Entry, next: &Entry| one.stretch.is_some() && one.stretch == next.stretch;
    entries.chunk_by(together).filter_map(|block| {
        let first = block.first()?;
        Some(first.stretch.map_or(Block::One(first), |number| Block::Stretch(number, block)))
    })
}

/// Which stretch the next entry belongs to.
#[derive(Debug, Default)]
pub(super) struct Stretches {
    /// The one that still grows: the number of its first entry, and how many it has.
    growing: Option<(u64, usize)>,
    /// What the lines of those say that may still change, and how many of their tools are at work.
    open: BTreeMap<u64, (Tally, usize)>,
}

impl Stretches {
    /// Places a new entry: into the stretch that grows, into one that it begins, or between two.
    pub(super) fn place(&mut self, seq: u64, body: &EntryBody) -> Option<u64> {
        let belongs = matches!(body, EntryBody::Tool(_) | EntryBody::Thought(_));
        self.growing = match self.growing {
            _ if !belongs => None,
            Some((first, count)) if count < LONGEST => Some((first, count.saturating_add(1))),
            Some(_) | None => Some((seq, 1)),
        };
        let growing = self.growing.map(|(first, _)| first);
        self.open.retain(|first, (_, at_work)| *at_work > 0 || Some(*first) == growing);
        if let Some(first) = growing {
            self.open.entry(first).or_default();
        }
        growing
    }

    /// A tool of a stretch is at work.
    pub(super) fn began(&mut self, stretch: Option<u64>) {
        if let Some((_, at_work)) = stretch.and_then(|first| self.open.get_mut(&first)) {
            *at_work = at_work.saturating_add(1);
        }
    }

    /// A tool of a stretch is at work no more.
    pub(super) fn ended(&mut self, stretch: Option<u64>) {
        if let Some((_, at_work)) = stretch.and_then(|first| self.open.get_mut(&first)) {
            *at_work = at_work.saturating_sub(1);
        }
    }

    /// Adds an entry to what the line of its stretch says; returns what that says then, if it is something else.
    pub(super) fn add(&mut self, entry: &Entry) -> Option<Tally> {
        let (tally, _) = self.open.get_mut(&entry.stretch?)?;
        let before = tally.clone();
        tally.add(&entry.body);
        (*tally != before).then(|| tally.clone())
    }

    /// The next entry begins a stretch of its own.
    pub(super) fn end(&mut self) {
        self.growing = None;
    }
}
