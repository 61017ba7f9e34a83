//! Changes to the outside, as values: what is to be there, and who must agree.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::value::{BranchName, Oid, PayloadHash, RemoteId, RepoSource, words};

/// One change to one thing outside. Texts are Markdown; a connector renders them in its own form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// A branch of the repository points to a commit.
    PushBranch(Push),
    /// A branch is not there any more.
    DeleteBranch {
        /// The repository.
        repo: RepoSource,
        /// The branch.
        branch: BranchName,
        /// What it points to; otherwise it stays.
        commit: Oid,
    },
    /// There is a pull request.
    OpenPull {
        /// The repository.
        repo: RepoSource,
        /// The branch to merge.
        head: BranchName,
        /// The branch to merge into; none: the repository's own choice.
        base: Option<BranchName>,
        /// Its title.
        title: Arc<str>,
        /// Our section of its text.
        section: Arc<str>,
        /// Whether it is not to be reviewed yet.
        draft: bool,
    },
    /// Our section of the pull request's text says this.
    WriteSection {
        /// The section.
        section: Arc<str>,
    },
    /// The pull request has this title.
    Rename {
        /// The title.
        title: Arc<str>,
    },
    /// The one comment that says how it stands says this.
    WriteStatus {
        /// The comment.
        text: Arc<str>,
    },
    /// There is a comment.
    Comment {
        /// The comment.
        text: Arc<str>,
    },
    /// There is an answer in a thread.
    Reply {
        /// The thread.
        thread: RemoteId,
        /// The comment that it answers.
        to: RemoteId,
        /// The answer.
        text: Arc<str>,
    },
    /// The pull request is to be reviewed, or not yet.
    SetDraft {
        /// Whether it is not to be reviewed yet.
        draft: bool,
    },
    /// These people are asked for a review.
    RequestReviewers {
        /// Their names there.
        names: Vec<Arc<str>>,
    },
    /// It has these labels, beside those that it has.
    AddLabels {
        /// The labels.
        names: Vec<Arc<str>>,
    },
    /// A commit shows what ipa's own checks said of it.
    ReportCheck {
        /// The commit.
        commit: Oid,
        /// What they said.
        state: CheckReport,
        /// In one line.
        summary: Arc<str>,
    },
    /// The pull request is merged.
    Merge {
        /// The head that was seen; nothing newer is merged.
        commit: Oid,
        /// How.
        method: MergeMethod,
    },
    /// The pull request is closed, unmerged.
    ClosePull {},
    /// The ticket stands there.
    MoveTicket {
        /// Where.
        to: Category,
    },
    /// The ticket leads to the pull request.
    LinkPull {
        /// Where it is.
        url: Arc<str>,
        /// Its title.
        title: Arc<str>,
        /// Whether it is merged.
        merged: bool,
    },
}

/// A branch on its way to a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    /// The repository.
    pub repo: RepoSource,
    /// The branch there.
    pub branch: BranchName,
    /// What the branch will point to.
    pub commit: Oid,
    /// What it must point to before; none: it must not exist.
    pub expected: Option<Oid>,
}

/// The kind of a change, as policies name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the words say it")]
pub enum ChangeKind {
    PushBranch,
    DeleteBranch,
    OpenPull,
    WriteSection,
    Rename,
    WriteStatus,
    Comment,
    Reply,
    MarkDraft,
    MarkReady,
    RequestReviewers,
    AddLabels,
    ReportCheck,
    Merge,
    ClosePull,
    MoveTicket,
    FinishTicket,
    LinkPull,
}

words!(ChangeKind: "a kind of change, such as push_branch or merge" {
    PushBranch = "push_branch",
    DeleteBranch = "delete_branch",
    OpenPull = "open_pull",
    WriteSection = "write_section",
    Rename = "rename",
    WriteStatus = "write_status",
    Comment = "comment",
    Reply = "reply",
    MarkDraft = "mark_draft",
    MarkReady = "mark_ready",
    RequestReviewers = "request_reviewers",
    AddLabels = "add_labels",
    ReportCheck = "report_check",
    Merge = "merge",
    ClosePull = "close_pull",
    MoveTicket = "move_ticket",
    FinishTicket = "finish_ticket",
    LinkPull = "link_pull",
});

impl Change {
    /// Returns its kind.
    pub const fn kind(&self) -> ChangeKind {
        match self {
            Self::PushBranch(_) => ChangeKind::PushBranch,
            Self::DeleteBranch { .. } => ChangeKind::DeleteBranch,
            Self::OpenPull { .. } => ChangeKind::OpenPull,
            Self::WriteSection { .. } => ChangeKind::WriteSection,
            Self::Rename { .. } => ChangeKind::Rename,
            Self::WriteStatus { .. } => ChangeKind::WriteStatus,
            Self::Comment { .. } => ChangeKind::Comment,
            Self::Reply { .. } => ChangeKind::Reply,
            Self::SetDraft { draft: true } => ChangeKind::MarkDraft,
            Self::SetDraft { draft: false } => ChangeKind::MarkReady,
            Self::RequestReviewers { .. } => ChangeKind::RequestReviewers,
            Self::AddLabels { .. } => ChangeKind::AddLabels,
            Self::ReportCheck { .. } => ChangeKind::ReportCheck,
            Self::Merge { .. } => ChangeKind::Merge,
            Self::ClosePull {} => ChangeKind::ClosePull,
            Self::MoveTicket { to: Category::Done } => ChangeKind::FinishTicket,
            Self::MoveTicket { to: Category::New | Category::Active } => ChangeKind::MoveTicket,
            Self::LinkPull { .. } => ChangeKind::LinkPull,
        }
    }

    /// Says in one line what is to change.
    pub fn title(&self) -> String {
        let lines = |text: &str| text.trim().lines().next().unwrap_or_default().to_owned();
        match self {
            Self::PushBranch(push) => format!("push {} to {}", push.commit.short(), push.branch),
            Self::DeleteBranch { branch, .. } => format!("remove the branch {branch}"),
            Self::OpenPull { title, draft: true, .. } => format!("open a draft pull request: {title}"),
            Self::OpenPull { title, draft: false, .. } => format!("open a pull request: {title}"),
            Self::WriteSection { .. } => "update the description of the pull request".to_owned(),
            Self::Rename { title } => format!("rename the pull request: {title}"),
            Self::WriteStatus { text } => format!("say how it stands: {}", lines(text)),
            Self::Comment { text } => format!("comment: {}", lines(text)),
            Self::Reply { text, .. } => format!("answer in a thread: {}", lines(text)),
            Self::SetDraft { draft: true } => "turn the pull request into a draft".to_owned(),
            Self::SetDraft { draft: false } => "mark the pull request as ready for review".to_owned(),
            Self::RequestReviewers { names } => format!("ask for a review: {}", names.join(", ")),
            Self::AddLabels { names } => format!("label: {}", names.join(", ")),
            Self::ReportCheck { commit, summary, .. } => {
                format!("report the checks of {}: {summary}", commit.short())
            }
            Self::Merge { commit, method } => format!("merge {} ({method})", commit.short()),
            Self::ClosePull {} => "close the pull request".to_owned(),
            Self::MoveTicket { to } => format!("move the ticket to {to}"),
            Self::LinkPull { url, .. } => format!("link the pull request: {url}"),
        }
    }

    /// Returns the text that a change would write, if it writes one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::OpenPull { section: text, .. }
            | Self::WriteSection { section: text }
            | Self::WriteStatus { text }
            | Self::Comment { text }
            | Self::Reply { text, .. } => Some(text),
            Self::PushBranch(_)
            | Self::DeleteBranch { .. }
            | Self::Rename { .. }
            | Self::SetDraft { .. }
            | Self::RequestReviewers { .. }
            | Self::AddLabels { .. }
            | Self::ReportCheck { .. }
            | Self::Merge { .. }
            | Self::ClosePull {}
            | Self::MoveTicket { .. }
            | Self::LinkPull { .. } => None,
        }
    }

    /// Hashes exactly what is to change: an approval binds this.
    pub fn hash(&self) -> PayloadHash {
        PayloadHash::of(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// Names a version of our section of a text: the first eight digits of its hash.
    pub fn version_of(section: &str) -> Arc<str> {
        PayloadHash::of(section.as_bytes()).as_str().chars().take(8).collect::<String>().into()
    }

    /// Tells whether a newer change of the same kind, to the same thing, stands for this one too. Answers and comments
    /// are each wanted for themselves.
    pub fn gives_way_to(&self, newer: &Self) -> bool {
        match (self, newer) {
            (Self::Comment { .. }, _) => false,
            (Self::Reply { thread, .. }, Self::Reply { thread: newer, .. }) => thread == newer,
            (Self::SetDraft { .. }, Self::SetDraft { .. })
            | (Self::MoveTicket { .. }, Self::MoveTicket { .. }) => true,
            _ => self.kind() == newer.kind(),
        }
    }
}

/// Who must agree before a change goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PublishPolicy {
    /// Nobody.
    Auto,
    /// A person, the first time that something of its kind goes to the same thing.
    AskOnce,
    /// A person, each time.
    Ask,
    /// It never goes out.
    Deny,
}

words!(PublishPolicy: "a policy (auto, ask_once, ask, deny)" {
    Auto = "auto",
    AskOnce = "ask_once",
    Ask = "ask",
    Deny = "deny",
});

/// What ipa's own checks say of a commit, as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckReport {
    /// They are not done yet.
    Pending,
    /// All passed.
    Passed,
    /// At least one failed.
    Failed,
    /// There are none: that is not the same as passed.
    None,
}

/// How a pull request is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MergeMethod {
    /// A commit with two parents.
    Merge,
    /// One commit with all changes.
    #[default]
    Squash,
    /// The commits, on top of the base.
    Rebase,
}

words!(MergeMethod: "a way to merge (merge, squash, rebase)" {
    Merge = "merge",
    Squash = "squash",
    Rebase = "rebase",
});

/// Where a ticket stands, whatever its workflow calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Nobody has begun.
    New,
    /// Somebody is at it.
    Active,
    /// It is over.
    Done,
}

words!(Category: "where a ticket stands (new, active, done)" {
    New = "new",
    Active = "active",
    Done = "done",
});
