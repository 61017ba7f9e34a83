//! The requests that came, for tests that count.

use super::wire::Request;

#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The name of what was asked: `pulls/create`, `git/receive-pack`, `addComment`.
    pub(crate) route: String,
    pub(crate) method: String,
    pub(crate) path: String,
    /// What the work came to, whatever the client was told; none: nothing was done.
    pub(crate) status: Option<u16>,
    pub(crate) kind: Repeat,
    pub(crate) work: Work,
}

/// Whether asking twice is asking once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    Idempotent,
    NotIdempotent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    NotDone,
    Done,
}

impl Entry {
    pub(crate) fn new(route: &str, request: &Request, kind: Repeat) -> Self {
        Self {
            route: route.to_owned(),
            method: request.method.clone(),
            path: request.path.clone(),
            status: None,
            kind,
            work: Work::NotDone,
        }
    }
}

impl Log {
    pub(crate) fn begin(&mut self, entry: Entry) -> usize {
        self.entries.push(entry);
        self.entries.len() - 1
    }

    /// An answer was given in place of the work.
    pub(crate) fn answered(&mut self, at: usize, status: u16) {
        self.entries[at].status = Some(status);
    }

    pub(crate) fn done(&mut self, at: usize, status: u16) {
        self.entries[at].status = Some(status);
        self.entries[at].work = Work::Done;
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }
}
