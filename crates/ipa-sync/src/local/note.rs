//! A comment or a review, as its file says it is. Pure.

use std::sync::Arc;

use ipa_events::task::{Remark, ReviewVerdict};
use ipa_events::{Oid, RemoteId};
use jiff::Timestamp;
use serde::Deserialize;

use super::front::{Front, Problem, shown};

/// A file of a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) keys: NoteKeys,
    pub(super) file: Front,
    at: Timestamp,
}

/// What stands above its text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoteKeys {
    pub(super) author: Arc<str>,
    /// When it was written; otherwise the file's own time counts.
    at: Option<Timestamp>,
    /// The mark of the change that wrote it: then it is ours.
    pub(super) marker: Option<Arc<str>>,
    /// Whether it is the one that says how it stands.
    #[serde(default)]
    pub(super) status: bool,
    /// What it says, if it is a review.
    pub(super) verdict: Option<ReviewVerdict>,
    /// The commit that was reviewed.
    pub(super) commit: Option<Oid>,
    /// The thread that it answers in.
    pub(super) thread: Option<RemoteId>,
    /// The file that it is about: then it begins a thread.
    pub(super) path: Option<Arc<str>>,
    pub(super) line: Option<u32>,
    /// Whether the thread that it begins is settled.
    #[serde(default)]
    pub(super) resolved: bool,
}

impl Note {
    /// Reads a file that was last written at a time.
    pub(super) fn parse(bytes: &[u8], written: Timestamp) -> Result<Self, Problem> {
        let file = Front::of_markdown(bytes)?;
        let keys: NoteKeys = file.keys()?;
        let at = keys.at.unwrap_or(written);
        Ok(Self { keys, file, at })
    }

    /// Tells whether a change of ours wrote it.
    pub(super) fn is_ours(&self) -> bool {
        self.keys.marker.is_some()
    }

    /// Tells whether this change of ours wrote it, or changed it last.
    pub(super) fn is_of(&self, marker: &str) -> bool {
        self.keys.marker.as_deref() == Some(marker)
    }

    /// Returns what its author wrote. Whoever can write into the folder is trusted.
    pub(super) fn remark(&self) -> Remark {
        let text = shown(self.file.text()).into();
        Remark { by: self.keys.author.clone(), trusted: true, at: self.at, text }
    }
}
