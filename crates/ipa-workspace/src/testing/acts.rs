//! What the double does for each operation.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ipa_events::{BranchName, Oid, RepoSource, WorkspaceId};

use super::model::{self, Commit, Files, Model, Place};
use super::{FakeOp, FakeWorkspaces};
use crate::error::WorkspaceError;
use crate::files::{current, listing, view};
use crate::fs::private_dir;
use crate::layout::{Layout, Record};
use crate::names::{Prefix, Wanted, branch, hex};
use crate::path::RelPath;
use crate::reclaim::idle;
use crate::workspaces::{
    Change, Checkpoint, Committed, DiffQuery, DiffSet, DiffTo, Entry, EntryKind, FileRoot, FileView,
    Fingerprint, Listing, Push, Recovery, Removed, Start, Status, Workspace, WorkspaceSpec,
};
use crate::worktree::Worktree;

impl FakeWorkspaces {
    pub(super) fn record(&self, id: &WorkspaceId) -> Result<Record, WorkspaceError> {
        self.layout.place(id).read()?.ok_or_else(|| WorkspaceError::NotFound(id.clone()))
    }

    pub(super) fn files(&self, id: &WorkspaceId) -> Result<Files, WorkspaceError> {
        model::read_folder(&self.layout.place(id).checkout(&self.record(id)?.repo))
    }

    pub(super) fn provisioned(&self, spec: &WorkspaceSpec) -> Result<Workspace, WorkspaceError> {
        self.begin(FakeOp::Provision)?;
        let place = self.layout.place(&spec.id);
        if let Some(record) = place.read()? {
            if matches!(spec.start, Start::Detached(_)) {
                self.discarded(&spec.id)?;
            } else if place.has_checkout(&record.repo) {
                return Ok(place.workspace(record));
            } else {
                let _lease = idle(&place, &spec.id)?;
                self.layout.to_trash(&place.dir, &spec.id)?;
            }
        }
        let mut model = self.model();
        let (branch, base, head, files) = match &spec.start {
            Start::Base(wanted) => {
                let base = model.base(&spec.repo, wanted.as_ref())?;
                let names = Wanted {
                    prefix: Prefix::Folder,
                    handle: spec.handle,
                    title: &spec.title,
                    agent: &spec.id.agent,
                };
                (Some(free_branch(&model, &spec.repo, &names)?), base.clone(), base.clone(), base)
            }
            Start::Detached(commit) => (None, commit.clone(), commit.clone(), commit.clone()),
            Start::Restored { branch, base, head, checkpoint } => {
                let files = checkpoint.as_ref().unwrap_or(head).clone();
                (Some(branch.clone()), base.clone(), head.clone(), files)
            }
        };
        let contents = model.commit(&files)?.files.clone();
        model.places.entry(spec.id.clone()).or_default().head = Some(head);
        drop(model);
        let record = Record { id: spec.id.clone(), repo: spec.repo.clone(), branch, base, left_out: 0 };
        for dir in [place.checkout(&spec.repo), place.home(), place.tmp()] {
            private_dir(&dir)?;
        }
        model::write_folder(&place.checkout(&spec.repo), &contents)?;
        crate::fs::write_new(&place.lease(), b"")?;
        place.write(&record)?;
        Ok(place.workspace(record))
    }

    pub(super) fn committed(&self, id: &WorkspaceId, message: &str) -> Result<Committed, WorkspaceError> {
        self.begin(FakeOp::Commit)?;
        let (record, files) = (self.record(id)?, self.files(id)?);
        let mut model = self.model();
        let head = model.head(id, &record);
        if model.commit(&head)?.files == files {
            return Ok(Committed { head });
        }
        let head =
            model.add(Commit { files, parent: Some(head), merged: None, message: message.to_owned() })?;
        model.places.entry(id.clone()).or_default().head = Some(head.clone());
        Ok(Committed { head })
    }

    pub(super) fn saved(&self, id: &WorkspaceId, reason: &str) -> Result<Checkpoint, WorkspaceError> {
        let (record, files) = (self.record(id)?, self.files(id)?);
        let mut model = self.model();
        let head = model.head(id, &record);
        if let Some(last) = model.places.get(id).and_then(|place| place.checkpoints.last()).cloned() {
            let commit = model.commit(&last.commit)?;
            if commit.files == files && commit.parent.as_ref() == Some(&head) {
                return Ok(last);
            }
        }
        let commit =
            model.add(Commit { files, parent: Some(head), merged: None, message: reason.to_owned() })?;
        let Place { checkpoints, .. } = model.places.entry(id.clone()).or_default();
        let number = u32::try_from(checkpoints.len()).unwrap_or(u32::MAX).saturating_add(1);
        let checkpoint = Checkpoint { number, commit };
        checkpoints.push(checkpoint.clone());
        Ok(checkpoint)
    }

    pub(super) fn was_reset(&self, id: &WorkspaceId, to: &Oid) -> Result<Checkpoint, WorkspaceError> {
        self.begin(FakeOp::Reset)?;
        let record = self.record(id)?;
        let files = self.model().commit(to)?.files.clone();
        let checkpoint = self.saved(id, "before the reset")?;
        let folder = self.layout.place(id).checkout(&record.repo);
        model::empty_folder(&folder)?;
        model::write_folder(&folder, &files)?;
        self.model().places.entry(id.clone()).or_default().head = Some(to.clone());
        Ok(checkpoint)
    }

    pub(super) fn removed(&self, id: &WorkspaceId) -> Result<Removed, WorkspaceError> {
        self.begin(FakeOp::Remove)?;
        let place = self.layout.place(id);
        if place.read()?.is_none() {
            return Ok(Removed { checkpoint: None });
        }
        let _lease = idle(&place, id)?;
        let checkpoint = self.saved(id, "before removal")?;
        self.layout.to_trash(&place.dir, id)?;
        Ok(Removed { checkpoint: Some(checkpoint) })
    }

    pub(super) fn discarded(&self, id: &WorkspaceId) -> Result<(), WorkspaceError> {
        let place = self.layout.place(id);
        let Some(record) = place.read()? else { return Ok(()) };
        if record.branch.is_some() {
            return Err(WorkspaceError::Unsupported(format!("workspace {id} is on a branch")));
        }
        let _lease = idle(&place, id)?;
        self.layout.to_trash(&place.dir, id).map(drop)
    }

    pub(super) fn compared(&self, query: &DiffQuery) -> Result<DiffSet, WorkspaceError> {
        self.begin(FakeOp::Diff)?;
        let new = match &query.to {
            DiffTo::Commit(commit) => self.model().commit(commit)?.files.clone(),
            DiffTo::Worktree(id) => self.files(id)?,
        };
        let model = self.model();
        let files = model::compare(&model.commit(&query.from)?.files, &new);
        Ok(DiffSet { files, truncated: false })
    }

    pub(super) fn status_of(&self, id: &WorkspaceId) -> Result<Status, WorkspaceError> {
        self.begin(FakeOp::Status)?;
        let (record, files) = (self.record(id)?, self.files(id)?);
        let model = self.model();
        let head = model.head(id, &record);
        let changes = model::compare(&model.commit(&head)?.files, &files);
        let changes: Vec<Change> = changes.into_iter().map(|file| file.change).collect();
        Ok(Status { head, changes })
    }

    pub(super) fn listed(&self, root: &FileRoot, dir: &RelPath) -> Result<Listing, WorkspaceError> {
        match root {
            FileRoot::Worktree(id) => current::ls(&self.worktree(id)?, dir),
            FileRoot::Commit { commit, .. } => {
                let model = self.model();
                let entries = entries(&model.commit(commit)?.files, dir);
                if entries.is_empty() && !dir.is_root() {
                    return Err(WorkspaceError::NoSuchPath(dir.to_string()));
                }
                Ok(listing(entries))
            }
        }
    }

    pub(super) fn file(&self, root: &FileRoot, path: &RelPath) -> Result<FileView, WorkspaceError> {
        match root {
            FileRoot::Worktree(id) => current::read(&self.worktree(id)?, path),
            FileRoot::Commit { commit, .. } => {
                let model = self.model();
                let bytes = model.commit(commit)?.files.get(path.as_str()).cloned();
                let bytes = bytes.ok_or_else(|| WorkspaceError::NoSuchPath(path.to_string()))?;
                let size_bytes = bytes.len() as u64;
                Ok(view(bytes, size_bytes))
            }
        }
    }

    pub(super) fn worktree(&self, id: &WorkspaceId) -> Result<Worktree, WorkspaceError> {
        Worktree::open(&self.layout.place(id), &self.record(id)?)
    }

    pub(super) fn published(&self, push: &Push) -> Result<(), WorkspaceError> {
        self.begin(FakeOp::Publish)?;
        let mut model = self.model();
        model.commit(&push.commit)?;
        let actual = model.remote(&push.repo, &push.branch)?;
        if actual.as_ref() == Some(&push.commit) {
            return Ok(());
        }
        if actual != push.expected {
            return Err(WorkspaceError::Stale {
                repo: push.repo.clone(),
                branch: push.branch.clone(),
                actual,
            });
        }
        model.move_remote(&push.repo, &push.branch, Some(push.commit.clone()));
        Ok(())
    }

    pub(super) fn described(&self, repo: &RepoSource) -> Result<Option<Fingerprint>, WorkspaceError> {
        self.begin(FakeOp::Fingerprint)?;
        let Some(path) = repo.as_path() else { return Ok(None) };
        let mut hash = model::Hash::default();
        hash.files(&model::read_folder(path)?);
        let refs = self.model().remotes(repo);
        let others = refs.iter().filter(|(name, _)| !name.as_str().starts_with("ipa/"));
        let refs: Vec<String> = others.map(|(name, oid)| format!("{name} {oid}")).collect();
        let refs = refs.join("\n");
        let aspects = [("status".to_owned(), hex(&hash.end())), ("refs".to_owned(), refs)];
        Ok(Some(Fingerprint { aspects: BTreeMap::from(aspects) }))
    }

    pub(super) fn recovered(&self, known: &[WorkspaceId]) -> Result<Recovery, WorkspaceError> {
        self.begin(FakeOp::Recover)?;
        let mut quarantined: Vec<PathBuf> = Vec::new();
        for (path, id) in self.layout.places()? {
            if !id.is_some_and(|id| known.contains(&id)) {
                quarantined.push(Layout::move_aside(&path, &self.layout.quarantine(), "unknown")?);
            }
        }
        Ok(Recovery { trashed: Vec::new(), quarantined })
    }

    pub(super) fn all(&self) -> Result<Vec<Workspace>, WorkspaceError> {
        let ids = self.layout.places()?.into_iter().filter_map(|(_, id)| id);
        ids.map(|id| Ok(self.layout.place(&id).workspace(self.record(&id)?))).collect()
    }
}

fn free_branch(model: &Model, repo: &RepoSource, names: &Wanted<'_>) -> Result<BranchName, WorkspaceError> {
    let taken = model.remotes(repo);
    let mut attempt = 1;
    loop {
        let name = branch(names, attempt)?;
        if !taken.contains_key(&name) {
            return Ok(name);
        }
        attempt += 1;
    }
}

/// Lists a folder of a commit, which has files only.
fn entries(files: &Files, dir: &RelPath) -> Vec<Entry> {
    let prefix = if dir.is_root() { String::new() } else { format!("{dir}/") };
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    for (path, bytes) in files {
        let Some(rest) = path.strip_prefix(&prefix) else { continue };
        let (name, kind, size_bytes) = match rest.split_once('/') {
            Some((folder, _)) => (folder, EntryKind::Dir, None),
            None => (rest, EntryKind::File, Some(bytes.len() as u64)),
        };
        entries.entry(name.to_owned()).or_insert_with(|| Entry { name: name.to_owned(), kind, size_bytes });
    }
    entries.into_values().collect()
}
