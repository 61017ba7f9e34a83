//! The outside as a task knows it: what was last seen there, and what changed since.
//!
//! What a connector reads and what the task remembers have one form. [`News`] is the difference of the two, and
//! folding it into what was known gives what was read: so a hint that is lost, doubled or late changes nothing.

mod learn;
mod opinion;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::opinion::Opinion;
use super::change::Category;
use crate::value::{DecisionId, Oid, RemoteId, Resource};

/// What a task knows of the outside.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Outside {
    /// The things that belong to the task, by ipa's name, with the other side's.
    pub links: BTreeMap<Resource, Link>,
    /// Pull requests as last seen.
    pub pulls: BTreeMap<Resource, Pull>,
    /// Tickets as last seen.
    pub tickets: BTreeMap<Resource, Ticket>,
    /// What somebody who is trusted asked for in a pull request, with the number of the run that was the last one then.
    pub asked: BTreeMap<RemoteId, u32>,
    /// Things that were written too often.
    pub fuses: BTreeMap<Resource, Fuse>,
}

/// What keeps a thing that was written too often from being written on and on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fuse {
    /// The escalation that asks a person.
    pub decision: DecisionId,
    /// Since when nothing is written.
    pub blown_at: Timestamp,
    /// When a person let it go on, if one did: what was written before counts no more.
    pub mended_at: Option<Timestamp>,
}

impl Fuse {
    /// Tells whether nothing is written.
    pub const fn is_blown(&self) -> bool {
        self.mended_at.is_none()
    }
}

impl Outside {
    /// Tells whether nothing is written to a thing before a person says so.
    pub fn is_fused(&self, resource: &Resource) -> bool {
        self.fuses.get(resource).is_some_and(Fuse::is_blown)
    }

    /// Lets go on what a person let go on.
    pub(crate) fn mend(&mut self, at: Timestamp, which: impl Fn(&Fuse) -> bool) {
        for fuse in self.fuses.values_mut().filter(|fuse| fuse.is_blown() && which(fuse)) {
            fuse.mended_at = Some(at);
        }
    }

    /// Lists the checks of others that failed on a commit.
    pub fn failing(&self, commit: &Oid) -> impl Iterator<Item = &FailedCheck> {
        let results = self.pulls.values().filter_map(|pull| pull.ci.as_ref());
        results
            .filter(move |ci| ci.commit == *commit && ci.state == CiState::Failed)
            .flat_map(|ci| &ci.failing)
    }
}

/// How the other side knows a thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its name there.
    pub remote: RemoteId,
    /// Where a person finds it.
    pub url: Option<Arc<str>>,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// Its title.
    pub title: Arc<str>,
    /// Whether it is open.
    pub state: PullState,
    /// Whether it is not to be reviewed yet.
    pub draft: bool,
    /// The newest commit of its branch.
    pub head: Oid,
    /// Whether it can be merged; none: the other side does not know yet.
    pub mergeable: Option<bool>,
    /// Which version of our section stands in its text (`Change::version_of`), or `edited` if a person changed it; none
    /// if there is none, or none any more.
    pub section: Option<Arc<str>>,
    /// The review of each person that counts.
    pub reviews: BTreeMap<Arc<str>, Review>,
    /// Comments in the code, by thread.
    pub threads: BTreeMap<RemoteId, Thread>,
    /// Comments below it.
    pub remarks: BTreeMap<RemoteId, Remark>,
    /// What others' checks say of the newest commit.
    pub ci: Option<Ci>,
}

/// Whether a pull request is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullState {
    /// It is.
    Open,
    /// It was merged. That is final.
    Merged {
        /// As this commit of the base.
        commit: Option<Oid>,
        /// By whom.
        by: Option<Arc<str>>,
    },
    /// It was closed.
    Closed {
        /// By whom.
        by: Option<Arc<str>>,
    },
}

/// A review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Its id.
    pub id: RemoteId,
    /// What it says.
    pub verdict: ReviewVerdict,
    /// The commit that was looked at.
    pub commit: Oid,
    /// What was written with it.
    pub remark: Remark,
}

/// What a review says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewVerdict {
    /// It is good.
    Approved,
    /// It is not.
    ChangesRequested,
}

/// A thread of comments in the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// The file.
    pub path: Arc<str>,
    /// The line, if it is still there.
    pub line: Option<u32>,
    /// Whether it is settled.
    pub resolved: bool,
    /// The comments; ipa's own are not among them.
    pub remarks: BTreeMap<RemoteId, Remark>,
}

/// What somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// Who.
    pub by: Arc<str>,
    /// Whether that one's words may reach an agent unasked.
    pub trusted: bool,
    /// When.
    pub at: Timestamp,
    /// What, without what was hidden in it.
    pub text: Arc<str>,
}

/// What others' checks say of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ci {
    /// The commit.
    pub commit: Oid,
    /// What they say.
    pub state: CiState,
    /// The ones that failed.
    pub failing: Vec<FailedCheck>,
}

/// What others' checks say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CiState {
    /// They are not done yet.
    Pending,
    /// All passed.
    Passed,
    /// At least one failed.
    Failed,
}

/// A check of somebody else that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCheck {
    /// Its name.
    pub name: Arc<str>,
    /// Where a person finds it.
    pub url: Option<Arc<str>>,
    /// What it says, at most 4 KiB.
    pub summary: Arc<str>,
}

/// A ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its title.
    pub title: Arc<str>,
    /// What its workflow calls where it stands.
    pub status: Arc<str>,
    /// Where it stands.
    pub category: Category,
    /// Comments; ipa's own are not among them.
    pub remarks: BTreeMap<RemoteId, Remark>,
}

/// One thing that is other than it was known to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is told by its name, each field by its type's documentation")]
pub enum News {
    PullFound { title: Arc<str>, head: Oid, draft: bool, section: Option<Arc<str>> },
    PullRenamed { title: Arc<str> },
    PullPushed { head: Oid },
    PullDraft { draft: bool },
    PullMergeable { mergeable: Option<bool> },
    PullSection { section: Option<Arc<str>> },
    PullOpen {},
    PullMerged { commit: Option<Oid>, by: Option<Arc<str>> },
    PullClosed { by: Option<Arc<str>> },
    Reviewed { review: Review },
    ReviewDismissed { by: Arc<str> },
    ThreadOpened { thread: RemoteId, path: Arc<str>, line: Option<u32> },
    ThreadMoved { thread: RemoteId, line: Option<u32> },
    ThreadResolved { thread: RemoteId, resolved: bool },
    ThreadGone { thread: RemoteId },
    Remarked { thread: Option<RemoteId>, id: RemoteId, remark: Remark },
    RemarkGone { thread: Option<RemoteId>, id: RemoteId },
    CiChanged { ci: Option<Ci> },
    TicketFound { title: Arc<str>, status: Arc<str>, category: Category },
    TicketRenamed { title: Arc<str> },
    TicketMoved { status: Arc<str>, category: Category },
    Gone {},
}
