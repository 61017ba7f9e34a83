//! How the double merges: file by file, in memory.

use std::collections::BTreeSet;

use ipa_events::{BranchName, Oid, RepoSource};

use super::model::{Commit, Files, Model};
use super::{FakeOp, FakeWorkspaces};
use crate::error::WorkspaceError;
use crate::landed::{standing_for, standing_for_none};
use crate::workspaces::{Merge, MergeAs};

impl FakeWorkspaces {
    pub(super) fn merged(&self, merge: &Merge) -> Result<Oid, WorkspaceError> {
        self.begin(FakeOp::Merge)?;
        let Merge { repo, base, commit, .. } = merge;
        let mut model = self.model();
        model.commit(commit)?;
        let tip = model.remote(repo, base)?;
        let no_branch = || WorkspaceError::NoBranch { repo: repo.clone(), branch: base.to_string() };
        let tip = tip.ok_or_else(no_branch)?;
        if let Some(landed) = model.landed(&tip, commit)? {
            return Ok(landed);
        }
        let files = model.merge_files(&tip, merge)?;
        let merged = match merge.how {
            MergeAs::Rebase if model.line(commit)?.contains(&tip) => commit.clone(),
            MergeAs::Merge => model.add(Commit {
                files,
                parent: Some(tip),
                merged: Some(commit.clone()),
                message: standing_for_none(&merge.message),
            })?,
            MergeAs::Squash | MergeAs::Rebase => model.add(Commit {
                files,
                parent: Some(tip),
                merged: None,
                message: standing_for(&merge.message, commit),
            })?,
        };
        model.move_remote(repo, base, Some(merged.clone()));
        Ok(merged)
    }

    pub(super) fn deleted(
        &self,
        repo: &RepoSource,
        branch: &BranchName,
        commit: &Oid,
    ) -> Result<(), WorkspaceError> {
        self.begin(FakeOp::DeleteBranch)?;
        let mut model = self.model();
        let Some(actual) = model.remote(repo, branch)? else { return Ok(()) };
        if actual != *commit {
            let (repo, branch) = (repo.clone(), branch.clone());
            return Err(WorkspaceError::Stale { repo, branch, actual: Some(actual) });
        }
        model.move_remote(repo, branch, None);
        Ok(())
    }
}

impl Model {
    pub(super) fn contains(
        &mut self,
        repo: &RepoSource,
        branch: &BranchName,
        commit: &Oid,
    ) -> Result<bool, WorkspaceError> {
        let Some(tip) = self.remote(repo, branch)? else { return Ok(false) };
        self.landed(&tip, commit).map(|found| found.is_some())
    }

    /// Returns the commit of a branch with this tip that brought another one there.
    fn landed(&self, tip: &Oid, commit: &Oid) -> Result<Option<Oid>, WorkspaceError> {
        let line = self.line(tip)?;
        if line.contains(commit) {
            return Ok(Some(commit.clone()));
        }
        let mut found = None;
        for oid in line {
            let of_line = self.commit(&oid)?;
            let stands_for_it = of_line.message == standing_for(&of_line.message, commit);
            let takes_it_in =
                of_line.merged.as_ref().map(|merged| self.landed(merged, commit)).transpose()?;
            if stands_for_it || takes_it_in.flatten().is_some() {
                found = Some(oid);
            }
        }
        Ok(found)
    }

    /// Lists a commit, its parent, and so on.
    fn line(&self, tip: &Oid) -> Result<Vec<Oid>, WorkspaceError> {
        let mut line = Vec::new();
        let mut next = Some(tip);
        while let Some(oid) = next {
            line.push(oid.clone());
            next = self.commit(oid)?.parent.as_ref();
        }
        Ok(line)
    }

    /// Merges the files of a commit into those of a branch with this tip.
    fn merge_files(&self, tip: &Oid, merge: &Merge) -> Result<Files, WorkspaceError> {
        let ours = &self.commit(tip)?.files;
        let theirs = &self.commit(&merge.commit)?.files;
        let line = self.line(tip)?;
        let common = self.line(&merge.commit)?.into_iter().find(|oid| line.contains(oid));
        let before = common.map(|oid| self.commit(&oid)).transpose()?.map(|commit| &commit.files);
        let all: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        let (mut files, mut paths) = (Files::new(), Vec::new());
        for path in all {
            let [was, ours, theirs] =
                [before.and_then(|files| files.get(path)), ours.get(path), theirs.get(path)];
            let now = if theirs == was { ours } else { theirs };
            if ours != was && theirs != was && ours != theirs {
                paths.push(path.clone());
            }
            files.extend(now.map(|bytes| (path.clone(), bytes.clone())));
        }
        if paths.is_empty() {
            return Ok(files);
        }
        let Merge { repo, base, commit, .. } = merge;
        Err(WorkspaceError::Conflict {
            repo: repo.clone(),
            branch: base.clone(),
            commit: commit.clone(),
            paths,
        })
    }
}
