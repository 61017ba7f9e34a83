//! A ticket as its files say it is. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use ipa_events::RemoteId;
use ipa_events::task::{Category, Link, Ticket};
use serde::Deserialize;

use super::front::{Front, Problem, shown};
use super::note::Note;
use crate::connector::NewTicket;

/// All files of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TicketFiles {
    pub(super) key: RemoteId,
    pub(super) file: Front,
    pub(super) keys: TicketKeys,
    pub(super) notes: BTreeMap<RemoteId, Note>,
}

/// What stands above its text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TicketKeys {
    title: Arc<str>,
    /// What its category is called there, if that is not the usual word.
    status: Option<Arc<str>>,
    #[serde(default = "new")]
    pub(super) category: Category,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default = "somebody")]
    author: Arc<str>,
    /// Where its pull request is.
    pub(super) pull: Option<Arc<str>>,
}

fn new() -> Category {
    Category::New
}

fn somebody() -> Arc<str> {
    "somebody".into()
}

impl TicketFiles {
    /// Reads a ticket's file; its notes come after.
    pub(super) fn parse(key: RemoteId, bytes: &[u8]) -> Result<Self, Problem> {
        let file = Front::of_markdown(bytes)?;
        let keys = file.keys()?;
        Ok(Self { key, file, keys, notes: BTreeMap::new() })
    }

    /// Returns the ticket.
    pub(super) fn fold(&self) -> Ticket {
        let theirs = self.notes.iter().filter(|(_, note)| !note.is_ours());
        let status = self.keys.status.clone();
        Ticket {
            title: self.keys.title.clone(),
            status: status.unwrap_or_else(|| status_of(self.keys.category).into()),
            category: self.keys.category,
            remarks: theirs.map(|(id, note)| (id.clone(), note.remark())).collect(),
        }
    }

    /// Returns it as one that wants a task, if it has the label and is not over.
    pub(super) fn wanted(&self, label: &str) -> Option<NewTicket> {
        let wanted = self.keys.labels.iter().any(|it| it == label) && self.keys.category != Category::Done;
        wanted.then(|| NewTicket {
            link: Link { remote: self.key.clone(), url: None },
            title: self.keys.title.to_string(),
            text: shown(self.file.text()),
            by: self.keys.author.to_string(),
            trusted: true,
            repo: None,
        })
    }
}

/// What a category is called here.
pub(super) const fn status_of(category: Category) -> &'static str {
    match category {
        Category::New => "To do",
        Category::Active => "In progress",
        Category::Done => "Done",
    }
}

#[cfg(test)]
mod tests;
