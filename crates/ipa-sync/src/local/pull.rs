//! A pull request as its files say it is. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use ipa_events::task::{
    CheckReport, Ci, CiState, FailedCheck, Pull, PullState, Review, ReviewVerdict, Thread,
};
use ipa_events::{BranchName, Oid, RemoteId};
use serde::Deserialize;

use super::front::{Front, Problem, shown};
use super::note::Note;
use crate::section;

/// The name of our own check.
pub(super) const OURS: &str = "ipa";
/// How much of what a check says is kept.
const SUMMARY: usize = 4096;

/// All files of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PullFiles {
    pub(super) number: u64,
    pub(super) file: Front,
    pub(super) keys: PullKeys,
    pub(super) body: String,
    pub(super) notes: BTreeMap<RemoteId, Note>,
    pub(super) checks: BTreeMap<String, CheckKeys>,
}

/// What `pull.toml` says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PullKeys {
    pub(super) title: Arc<str>,
    pub(super) head: BranchName,
    pub(super) base: BranchName,
    #[serde(default)]
    pub(super) state: StateWord,
    #[serde(default)]
    pub(super) draft: bool,
    /// The newest commit of the head that was seen.
    pub(super) commit: Option<Oid>,
    #[serde(default)]
    pub(super) author: Arc<str>,
    /// The task that it belongs to.
    pub(super) task: Option<Arc<str>>,
    /// The mark of the change that opened it.
    pub(super) marker: Option<Arc<str>>,
    #[serde(default)]
    pub(super) labels: Vec<Arc<str>>,
    #[serde(default)]
    pub(super) reviewers: Vec<Arc<str>>,
    /// Where the base was when a merge began whose end is not known; empty: there is none.
    #[serde(default)]
    pub(super) merging: Arc<str>,
    /// The commit of the base that it was merged as.
    pub(super) merged: Option<Oid>,
    /// Who merged or closed it.
    pub(super) by: Option<Arc<str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StateWord {
    #[default]
    Open,
    Merged,
    Closed,
}

/// What a file of a check says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckKeys {
    pub(super) state: CheckReport,
    pub(super) commit: Oid,
    #[serde(default)]
    pub(super) summary: Arc<str>,
    pub(super) url: Option<Arc<str>>,
    /// What was dropped into the inbox to say so.
    pub(super) from: Option<RemoteId>,
}

impl PullFiles {
    /// Puts a pull request together from `pull.toml` and the text of `body.md`; notes and checks come after.
    pub(super) fn new(number: u64, file: Front, body: String) -> Result<Self, Problem> {
        let keys = file.keys()?;
        Ok(Self { number, file, keys, body, notes: BTreeMap::new(), checks: BTreeMap::new() })
    }

    /// Returns the pull request with its head at a commit.
    pub(super) fn fold(&self, head: &Oid) -> Pull {
        let theirs = || self.notes.iter().filter(|(_, note)| !note.is_ours());
        let keys = &self.keys;
        let mut pull = Pull::new(keys.title.clone(), head.clone(), section::read(&self.body));
        pull.draft = keys.draft;
        pull.state = match keys.state {
            StateWord::Open => PullState::Open,
            StateWord::Merged => PullState::Merged { commit: keys.merged.clone(), by: keys.by.clone() },
            StateWord::Closed => PullState::Closed { by: keys.by.clone() },
        };
        pull.ci = self.ci(head);
        for (id, note) in theirs() {
            match (&note.keys.path, &note.keys.thread, note.keys.verdict) {
                (Some(path), _, _) => {
                    let (path, line, resolved) = (path.clone(), note.keys.line, note.keys.resolved);
                    let remarks = [(id.clone(), note.remark())].into();
                    pull.threads.insert(id.clone(), Thread { path, line, resolved, remarks });
                }
                (None, Some(_), _) => {}
                (None, None, Some(verdict)) => review(&mut pull, id, note, verdict, head),
                (None, None, None) => {
                    pull.remarks.insert(id.clone(), note.remark());
                }
            }
        }
        // An answer in a thread that is not there any more has gone with it.
        for (id, note) in theirs() {
            if let Some(thread) = note.keys.thread.as_ref().and_then(|it| pull.threads.get_mut(it)) {
                thread.remarks.insert(id.clone(), note.remark());
            }
        }
        pull
    }

    /// Tells whether there is a thread of that name.
    pub(super) fn has_thread(&self, id: &RemoteId) -> bool {
        self.notes.get(id).is_some_and(|note| note.keys.path.is_some())
    }

    fn ci(&self, head: &Oid) -> Option<Ci> {
        let of_head = self.checks.iter().filter(|(name, check)| *name != OURS && check.commit == *head);
        let all: Vec<_> = of_head.filter(|(_, check)| check.state != CheckReport::None).collect();
        let any = |state| all.iter().any(|(_, check)| check.state == state);
        let state = if any(CheckReport::Failed) {
            CiState::Failed
        } else if any(CheckReport::Pending) {
            CiState::Pending
        } else {
            all.first().map(|_| CiState::Passed)?
        };
        let failed = all.iter().filter(|(_, check)| check.state == CheckReport::Failed);
        let failing = failed.map(|(name, check)| FailedCheck {
            name: name.as_str().into(),
            url: check.url.clone(),
            summary: cut(&shown(&check.summary)).into(),
        });
        Some(Ci { commit: head.clone(), state, failing: failing.collect() })
    }
}

/// Of each person's reviews the newest counts.
fn review(pull: &mut Pull, id: &RemoteId, note: &Note, verdict: ReviewVerdict, head: &Oid) {
    let commit = note.keys.commit.clone().unwrap_or_else(|| head.clone());
    let remark = note.remark();
    let older = |there: &Review| (there.remark.at, &there.id) < (remark.at, id);
    if pull.reviews.get(&remark.by).is_none_or(older) {
        pull.reviews.insert(remark.by.clone(), Review { id: id.clone(), verdict, commit, remark });
    }
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(SUMMARY)).unwrap_or(text)
}

#[cfg(test)]
mod tests;
