//! Merges harvested commits into branches of their source: in the mirror, without a checkout, then by one push
//! with a lease on what was merged into. No working tree is touched, here or there.

use ipa_events::Oid;

use crate::config::Identity;
use crate::engine::Engine;
use crate::error::WorkspaceError;
use crate::git::GitCall;
use crate::landed::{contains, landed, standing_for, standing_for_none};
use crate::mirror::Mirror;
use crate::objects;
use crate::publish::{Move, move_branch};
use crate::workspaces::{Merge, MergeAs};

impl Engine {
    /// Merges a harvested commit; again is the same.
    pub(crate) fn merge(&self, merge: &Merge) -> Result<Oid, WorkspaceError> {
        let mirror = self.mirror(&merge.repo);
        let _lock = mirror.lock()?;
        let Merge { repo, base, commit, .. } = merge;
        let tip = mirror.remote_tip(base)?;
        let tip = tip.ok_or_else(|| no_branch(merge))?;
        if let Some(landed) = landed(&mirror, &tip, commit)? {
            return Ok(landed);
        }
        mirror.need_locked(commit)?;
        let onto = Onto { mirror: &mirror, merge, tip: &tip };
        let merged = match merge.how {
            MergeAs::Merge => onto.join()?,
            MergeAs::Squash => onto.squash()?,
            MergeAs::Rebase => onto.rebase()?,
        };
        move_branch(&mirror, &Move { repo, branch: base, from: Some(&tip), to: Some(&merged) })?;
        Ok(merged)
    }
}

fn no_branch(merge: &Merge) -> WorkspaceError {
    WorkspaceError::NoBranch { repo: merge.repo.clone(), branch: merge.base.to_string() }
}

/// A merge with the commit that it leads on from.
struct Onto<'a> {
    mirror: &'a Mirror,
    merge: &'a Merge,
    tip: &'a Oid,
}

/// A commit that is to be made.
struct Draft<'a> {
    tree: &'a Oid,
    parents: &'a [&'a Oid],
    author: Option<Author>,
    message: String,
}

/// Whose work a commit is, and since when; without a time it is now.
struct Author {
    who: Identity,
    date: Option<String>,
}

impl Onto<'_> {
    fn join(&self) -> Result<Oid, WorkspaceError> {
        let tree = self.merged_tree(None, self.tip, &self.merge.commit)?;
        let parents = [self.tip, &self.merge.commit];
        let message = standing_for_none(&self.merge.message);
        self.commit(Draft { tree: &tree, parents: &parents, author: self.author(), message })
    }

    fn squash(&self) -> Result<Oid, WorkspaceError> {
        let tree = self.merged_tree(None, self.tip, &self.merge.commit)?;
        let message = standing_for(&self.merge.message, &self.merge.commit);
        self.commit(Draft { tree: &tree, parents: &[self.tip], author: self.author(), message })
    }

    /// Moves ahead, or makes the commits anew one by one. One that changes nothing there any more is left out,
    /// but for the last, which says for what it stands.
    fn rebase(&self) -> Result<Oid, WorkspaceError> {
        let commits = self.commits()?;
        if contains(self.mirror, &self.merge.commit, self.tip)? && !self.says_otherwise(&commits)? {
            return Ok(self.merge.commit.clone());
        }
        let whole = self.merged_tree(None, self.tip, &self.merge.commit)?;
        let mut head = self.tip.clone();
        let mut tree = self.tree_of(&head)?;
        for (number, commit) in commits.iter().enumerate() {
            let is_last = number + 1 == commits.len();
            let before = format!("{commit}^");
            let next = self.merged_tree(Some(&before), &head, commit)?;
            if next == tree && !is_last {
                continue;
            }
            let (author, message) = self.read(commit)?;
            let message = if is_last {
                standing_for(&message, &self.merge.commit)
            } else {
                standing_for_none(&message)
            };
            head = self.commit(Draft { tree: &next, parents: &[&head], author: Some(author), message })?;
            tree = next;
        }
        if tree == whole {
            return Ok(head);
        }
        let hint = "its commits one by one lead to other files than the whole; merge or squash it";
        Err(WorkspaceError::Unsupported(format!("{} is not rebased: {hint}", self.merge.commit.short())))
    }

    /// Lists what the branch lacks, oldest first, without merges: what they brought in comes by itself.
    fn commits(&self) -> Result<Vec<Oid>, WorkspaceError> {
        let call = self.mirror.call().args(["rev-list", "--reverse", "--topo-order", "--no-merges"]);
        let range = [self.merge.commit.to_string(), format!("^{}", self.tip)];
        let text = self.text(call.args(range))?;
        Ok(text.lines().map(str::parse).collect::<Result<_, _>>()?)
    }

    /// Tells whether one of the commits claims to stand for another: it would be believed on the branch.
    fn says_otherwise(&self, commits: &[Oid]) -> Result<bool, WorkspaceError> {
        for commit in commits {
            let (_, message) = self.read(commit)?;
            if standing_for_none(&message) != message {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Merges two commits; `base` is what they have in common, git's choice if not given.
    fn merged_tree(&self, base: Option<&str>, ours: &Oid, theirs: &Oid) -> Result<Oid, WorkspaceError> {
        let call =
            self.mirror.call().args(["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z"]);
        let call = match base {
            Some(base) => call.arg(format!("--merge-base={base}")),
            None => call,
        };
        let output = call.args([ours.as_str(), theirs.as_str()]).output();
        let output = output.map_err(|error| error.doing(self.doing()))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let mut parts = said.split('\0').filter(|part| !part.is_empty());
        match (output.code, parts.next()) {
            (Some(0), Some(tree)) => Ok(tree.parse()?),
            (Some(1), Some(_)) => Err(self.conflict(parts.map(str::to_owned).collect())),
            (Some(_) | None, _) => Err(WorkspaceError::Failed { doing: self.doing(), detail: output.stderr }),
        }
    }

    fn conflict(&self, paths: Vec<String>) -> WorkspaceError {
        let Merge { repo, base, commit, .. } = self.merge;
        WorkspaceError::Conflict { repo: repo.clone(), branch: base.clone(), commit: commit.clone(), paths }
    }

    fn tree_of(&self, commit: &Oid) -> Result<Oid, WorkspaceError> {
        objects::oid(&objects::commit_tree(&self.mirror.open()?, commit)?.id)
    }

    fn author(&self) -> Option<Author> {
        self.merge.author.clone().map(|who| Author { who, date: None })
    }

    /// Reads whose work a commit is, and its message.
    fn read(&self, commit: &Oid) -> Result<(Author, String), WorkspaceError> {
        let format = "--format=%an%x00%ae%x00%ad%x00%B";
        let call =
            self.mirror.call().args(["show", "--no-patch", "--no-notes", "--no-mailmap", "--date=raw"]);
        let text = self.text(call.args([format, commit.as_str()]))?;
        let mut parts = text.splitn(4, '\0').map(str::to_owned);
        let mut part = || parts.next().unwrap_or_default();
        let who = Identity { name: part(), email: part() };
        Ok((Author { who, date: Some(format!("@{}", part())) }, part()))
    }

    fn commit(&self, draft: Draft<'_>) -> Result<Oid, WorkspaceError> {
        let mut call = self.mirror.call().args(["commit-tree", draft.tree.as_str(), "-F", "-"]);
        for parent in draft.parents {
            call = call.args(["-p", parent.as_str()]);
        }
        if let Some(Author { who, date }) = draft.author {
            call = call.env("GIT_AUTHOR_NAME", who.name).env("GIT_AUTHOR_EMAIL", who.email);
            call = date.into_iter().fold(call, |call, date| call.env("GIT_AUTHOR_DATE", date));
        }
        Ok(self.text(call.stdin(draft.message))?.parse()?)
    }

    fn text(&self, call: GitCall) -> Result<String, WorkspaceError> {
        call.text().map_err(|error| error.doing(self.doing()))
    }

    fn doing(&self) -> String {
        let Merge { repo, base, commit, .. } = self.merge;
        format!("merging {} into {base} of {repo}", commit.short())
    }
}
