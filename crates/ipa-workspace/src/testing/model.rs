//! What the double knows instead of git: commits by the hash of their contents, and where branches point.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use ipa_events::{BranchName, Oid, RepoSource, WorkspaceId};
use sha2::{Digest as _, Sha256};

use super::FakeOp;
use crate::diff::hunks;
use crate::error::WorkspaceError;
use crate::fs::{failed, names, private_dir};
use crate::layout::Record;
use crate::names::hex;
use crate::workspaces::{Change, ChangeKind, Checkpoint, DiffFile};

/// Files by path.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

#[derive(Debug, Clone)]
pub(super) struct Commit {
    pub(super) files: Files,
    pub(super) parent: Option<Oid>,
    /// What a merge took in.
    pub(super) merged: Option<Oid>,
    pub(super) message: String,
}

#[derive(Debug, Default)]
pub(super) struct Place {
    pub(super) head: Option<Oid>,
    pub(super) checkpoints: Vec<Checkpoint>,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    commits: BTreeMap<Oid, Commit>,
    remotes: BTreeMap<RepoSource, BTreeMap<BranchName, Oid>>,
    pub(super) places: BTreeMap<WorkspaceId, Place>,
    pub(super) failures: BTreeMap<FakeOp, VecDeque<WorkspaceError>>,
    pub(super) calls: BTreeMap<FakeOp, u32>,
}

impl Model {
    pub(super) fn add(&mut self, commit: Commit) -> Result<Oid, WorkspaceError> {
        let mut hash = Hash::default();
        hash.part(commit.parent.as_ref().map_or("", Oid::as_str).as_bytes());
        hash.part(commit.merged.as_ref().map_or("", Oid::as_str).as_bytes());
        hash.part(commit.message.as_bytes());
        hash.files(&commit.files);
        let text: String = hex(&hash.end()).chars().take(40).collect();
        let oid: Oid = text.parse()?;
        self.commits.insert(oid.clone(), commit);
        Ok(oid)
    }

    pub(super) fn commit(&self, oid: &Oid) -> Result<&Commit, WorkspaceError> {
        self.commits.get(oid).ok_or_else(|| WorkspaceError::Failed {
            doing: format!("reading commit {}", oid.short()),
            detail: "there is no such commit".to_owned(),
        })
    }

    pub(super) fn head(&self, id: &WorkspaceId, record: &Record) -> Oid {
        let head = self.places.get(id).and_then(|place| place.head.clone());
        head.unwrap_or_else(|| record.base.clone())
    }

    /// Returns the tip of a branch; that of `main` is what the folder holds when it is first asked for.
    pub(super) fn base(
        &mut self,
        repo: &RepoSource,
        branch: Option<&BranchName>,
    ) -> Result<Oid, WorkspaceError> {
        let main: BranchName = "main".parse()?;
        let wanted = branch.unwrap_or(&main);
        let found = self.remote(repo, wanted)?;
        found.ok_or_else(|| WorkspaceError::NoBranch { repo: repo.clone(), branch: wanted.to_string() })
    }

    pub(super) fn remote(
        &mut self,
        repo: &RepoSource,
        branch: &BranchName,
    ) -> Result<Option<Oid>, WorkspaceError> {
        if !self.remotes.contains_key(repo) {
            let no_repository =
                || WorkspaceError::NoRepository { repo: repo.clone(), detail: "no such folder".to_owned() };
            let path = repo.as_path().filter(|path| path.is_dir()).ok_or_else(no_repository)?;
            let files = read_folder(path)?;
            let first =
                self.add(Commit { files, parent: None, merged: None, message: "first".to_owned() })?;
            self.move_remote(repo, &"main".parse()?, Some(first));
        }
        Ok(self.remotes.get(repo).and_then(|branches| branches.get(branch)).cloned())
    }

    pub(super) fn remotes(&self, repo: &RepoSource) -> BTreeMap<BranchName, Oid> {
        self.remotes.get(repo).cloned().unwrap_or_default()
    }

    pub(super) fn move_remote(&mut self, repo: &RepoSource, branch: &BranchName, to: Option<Oid>) {
        let branches = self.remotes.entry(repo.clone()).or_default();
        match to {
            Some(to) => branches.insert(branch.clone(), to),
            None => branches.remove(branch),
        };
    }
}

/// A hash of parts that cannot run into each other.
#[derive(Default)]
pub(super) struct Hash(Sha256);

impl Hash {
    pub(super) fn part(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    pub(super) fn files(&mut self, files: &Files) {
        for (path, bytes) in files {
            self.part(path.as_bytes());
            self.part(bytes);
        }
    }

    pub(super) fn end(self) -> Vec<u8> {
        self.0.finalize().to_vec()
    }
}

/// Reads the plain files of a folder, but for `.git`.
pub(super) fn read_folder(root: &Path) -> Result<Files, WorkspaceError> {
    let mut files = Files::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in names(&folder)? {
            if path.file_name().is_some_and(|name| name == ".git") {
                continue;
            }
            let meta = path.symlink_metadata().map_err(failed("looking at", &path))?;
            if meta.is_dir() {
                folders.push(path);
            } else if meta.is_file() {
                let bytes = std::fs::read(&path).map_err(failed("reading", &path))?;
                let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
                files.insert(name, bytes);
            }
        }
    }
    Ok(files)
}

pub(super) fn write_folder(root: &Path, files: &Files) -> Result<(), WorkspaceError> {
    for (name, bytes) in files {
        let path = root.join(name);
        private_dir(path.parent().unwrap_or(root))?;
        std::fs::write(&path, bytes).map_err(failed("writing", &path))?;
    }
    Ok(())
}

pub(super) fn empty_folder(root: &Path) -> Result<(), WorkspaceError> {
    for path in names(root)? {
        let is_dir = path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
        let removed = if is_dir { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        removed.map_err(failed("removing", &path))?;
    }
    Ok(())
}

/// Compares two states; what moved is one file gone and one new.
pub(super) fn compare(old: &Files, new: &Files) -> Vec<DiffFile> {
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changed = paths.into_iter().filter(|path| old.get(*path) != new.get(*path));
    let file = |path: &String| {
        let (before, after) = (old.get(path), new.get(path));
        let kind = match (before, after) {
            (None, _) => ChangeKind::Added,
            (Some(_), None) => ChangeKind::Deleted,
            (Some(_), Some(_)) => ChangeKind::Modified,
        };
        let text = |bytes: Option<&Vec<u8>>| bytes.cloned().unwrap_or_default();
        let (before, after) = (text(before), text(after));
        let compared = hunks::compare(&before, &after);
        DiffFile {
            change: Change { path: path.clone(), kind },
            added: compared.added,
            removed: compared.removed,
            hidden: None,
            hunks: compared.hunks(),
        }
    };
    changed.map(file).collect()
}
