//! What a repository on the forge holds. Plain data; a pull request is an issue with more, as on GitHub.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::git::Git;
use super::people::Role;

#[derive(Debug)]
pub(crate) struct Repo {
    pub(crate) id: u64,
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) visibility: Visibility,
    pub(crate) git: Git,
    /// The branches as they were when the forge last looked.
    pub(crate) branches: BTreeMap<String, String>,
    pub(crate) roles: BTreeMap<String, Role>,
    pub(crate) issues: BTreeMap<u64, Issue>,
    pub(crate) labels: BTreeMap<String, u64>,
    pub(crate) checks: Vec<Check>,
    pub(crate) statuses: Vec<Status>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) hooks: Vec<Hook>,
    /// How many approvals a merge needs.
    pub(crate) approvals: usize,
}

/// A webhook of a repository.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) id: u64,
    pub(crate) url: String,
    pub(crate) made: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visibility {
    Public,
    Private,
}

#[derive(Debug, Clone)]
pub(crate) struct Issue {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) user: String,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    pub(crate) labels: BTreeSet<String>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) closed: Option<Timestamp>,
    /// Nobody but who may push can comment.
    pub(crate) locked: bool,
    pub(crate) pull: Option<Pull>,
}

#[derive(Debug, Clone)]
pub(crate) struct Pull {
    pub(crate) head: Tip,
    pub(crate) base: Tip,
    pub(crate) stage: Stage,
    pub(crate) merged: Option<Merged>,
    pub(crate) reviewers: BTreeSet<String>,
    pub(crate) reviews: Vec<Review>,
    pub(crate) notes: Vec<Note>,
    /// The first comments of the threads that are resolved, and who did it.
    pub(crate) resolved: BTreeMap<u64, String>,
    /// The commits of head and base whose mergeability was worked out.
    pub(crate) tried: Option<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tip {
    pub(crate) branch: String,
    pub(crate) commit: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Draft,
    Ready,
}

#[derive(Debug, Clone)]
pub(crate) struct Merged {
    pub(crate) commit: String,
    pub(crate) by: String,
    pub(crate) at: Timestamp,
}

/// A comment in the conversation.
#[derive(Debug, Clone)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) user: String,
    pub(crate) body: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) minimized: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Review {
    pub(crate) id: u64,
    pub(crate) user: String,
    pub(crate) verdict: Verdict,
    pub(crate) body: String,
    pub(crate) commit: String,
    pub(crate) submitted: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Approved,
    ChangesRequested,
    Commented,
    Dismissed,
}

/// A comment on a line, of a review; the first of a thread answers none.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub(crate) id: u64,
    pub(crate) review: u64,
    pub(crate) answers: Option<u64>,
    pub(crate) user: String,
    pub(crate) body: String,
    pub(crate) path: String,
    pub(crate) line: u64,
    pub(crate) hunk: String,
    pub(crate) commit: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

#[derive(Debug, Clone)]
pub(crate) struct Check {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) commit: String,
    pub(crate) status: String,
    pub(crate) conclusion: Option<String>,
    pub(crate) external_id: String,
    pub(crate) title: Option<String>,
    pub(crate) summary: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) started: Timestamp,
    pub(crate) completed: Option<Timestamp>,
    pub(crate) app: App,
}

/// Whose check run it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum App {
    Ours,
    Actions,
}

#[derive(Debug, Clone)]
pub(crate) struct Status {
    pub(crate) id: u64,
    pub(crate) commit: String,
    pub(crate) state: String,
    pub(crate) context: String,
    pub(crate) description: Option<String>,
    pub(crate) target: Option<String>,
    pub(crate) user: String,
    pub(crate) at: Timestamp,
}

/// A job of CI; its check run has the same id.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: u64,
    pub(crate) run: u64,
    pub(crate) log: String,
}

impl Repo {
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    pub(crate) fn role(&self, login: &str) -> Option<Role> {
        self.roles.get(login).copied()
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.issues.keys().next_back().map_or(1, |last| last + 1)
    }

    /// The open pull requests of a branch.
    pub(crate) fn open_from(&self, branch: &str) -> impl Iterator<Item = &Issue> {
        self.issues.values().filter(move |issue| {
            issue.closed.is_none() && issue.pull.as_ref().is_some_and(|pull| pull.head.branch == branch)
        })
    }

    /// The newest check run of each name and app on a commit.
    pub(crate) fn latest_checks(&self, commit: &str) -> Vec<&Check> {
        let mut latest: Vec<&Check> = Vec::new();
        for check in self.checks.iter().filter(|check| check.commit == commit) {
            latest.retain(|other| other.name != check.name || other.app != check.app);
            latest.push(check);
        }
        latest.reverse();
        latest
    }

    /// The newest status of each context on a commit.
    pub(crate) fn latest_statuses(&self, commit: &str) -> Vec<&Status> {
        let mut latest: Vec<&Status> = Vec::new();
        for status in self.statuses.iter().filter(|status| status.commit == commit) {
            latest.retain(|other| other.context != status.context);
            latest.push(status);
        }
        latest
    }
}

impl Pull {
    /// What each reviewer last said with weight; comments have none.
    pub(crate) fn verdicts(&self) -> BTreeMap<&str, Verdict> {
        let weighty = self.reviews.iter().filter(|review| review.verdict != Verdict::Commented);
        weighty.map(|review| (review.user.as_str(), review.verdict)).collect()
    }

    pub(crate) fn approvals(&self) -> usize {
        self.verdicts().values().filter(|verdict| **verdict == Verdict::Approved).count()
    }

    pub(crate) fn changes_are_requested(&self) -> bool {
        self.verdicts().values().any(|verdict| *verdict == Verdict::ChangesRequested)
    }
}

impl Verdict {
    /// As REST and GraphQL write it.
    pub(crate) fn written(self) -> &'static str {
        match self {
            Self::Approved => "APPROVED",
            Self::ChangesRequested => "CHANGES_REQUESTED",
            Self::Commented => "COMMENTED",
            Self::Dismissed => "DISMISSED",
        }
    }
}
