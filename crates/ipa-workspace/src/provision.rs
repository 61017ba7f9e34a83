//! Makes checkouts: everything in a folder beside, then one rename. So a checkout that exists is complete.

use std::path::Path;

use ipa_events::{BranchName, Oid};

use crate::engine::{Engine, write_home};
use crate::error::WorkspaceError;
use crate::fingerprint;
use crate::fs::{self, failed, free_bytes, new_dir, private_dir, sync_dir, write_new};
use crate::layout::{Layout, Place, Record};
use crate::mirror::Mirror;
use crate::names::{self, Prefix, Refs, Wanted};
use crate::objects;
use crate::reclaim::idle;
use crate::shadow;
use crate::workspaces::{Start, Workspace, WorkspaceSpec};

/// Where a checkout begins, resolved.
struct Beginning {
    branch: Option<BranchName>,
    base: Oid,
    head: Oid,
    files: Option<Oid>,
}

impl Engine {
    /// Makes a checkout, whole or not at all; one that is there is returned as it is, unless it is detached. One
    /// whose folder is gone is made anew.
    pub(crate) fn provision(&self, spec: &WorkspaceSpec) -> Result<Workspace, WorkspaceError> {
        let _lock = self.lock(&spec.id)?;
        let place = self.layout.place(&spec.id);
        if let Some(record) = place.read()? {
            let wants_fresh = matches!(spec.start, Start::Detached(_));
            if wants_fresh {
                self.discard_locked(&place, &record)?;
            } else if place.has_checkout(&record.repo) {
                return Ok(place.workspace(record));
            } else {
                let _lease = idle(&place, &spec.id)?;
                self.layout.to_trash(&place.dir, &spec.id)?;
                tracing::warn!(workspace = %spec.id, "the checkout was gone and is made anew");
            }
        }
        let mirror = self.mirror(&spec.repo);
        let beginning = self.beginning(spec, &mirror)?;
        self.check_space(&mirror, &beginning.head)?;
        let record = Record {
            id: spec.id.clone(),
            repo: spec.repo.clone(),
            branch: beginning.branch.clone(),
            base: beginning.base.clone(),
            left_out: spec.repo.as_path().map_or(0, left_out),
        };
        // Whoever made what is there is gone: we hold its lock.
        for left in fs::names(&self.layout.staging())? {
            if Layout::staged_id(&left).as_ref() == Some(&spec.id) {
                self.layout.to_trash(&left, &spec.id)?;
            }
        }
        let staged = self.layout.staged(&spec.id);
        let made = self.stage(&staged, &record, &beginning, &mirror);
        let made = made.and_then(|()| self.put_in_place(&staged, &place, &record, &beginning.head));
        if made.is_err() {
            self.layout.to_trash(&staged.dir, &spec.id)?;
        }
        made?;
        Ok(place.workspace(record))
    }

    fn beginning(&self, spec: &WorkspaceSpec, mirror: &Mirror) -> Result<Beginning, WorkspaceError> {
        match &spec.start {
            Start::Base(branch) => {
                mirror.update()?;
                let base = mirror.base(branch.as_ref())?;
                let branch = Some(self.free_branch(spec, mirror)?);
                Ok(Beginning { branch, head: base.clone(), base, files: None })
            }
            Start::Detached(commit) => {
                mirror.need(commit)?;
                Ok(Beginning { branch: None, base: commit.clone(), head: commit.clone(), files: None })
            }
            Start::Restored { branch, base, head, checkpoint } => {
                for commit in [Some(base), Some(head), checkpoint.as_ref()].into_iter().flatten() {
                    mirror.need(commit)?;
                }
                Ok(Beginning {
                    branch: Some(branch.clone()),
                    base: base.clone(),
                    head: head.clone(),
                    files: checkpoint.clone(),
                })
            }
        }
    }

    /// Returns the first name that neither the source nor another checkout of it has.
    fn free_branch(&self, spec: &WorkspaceSpec, mirror: &Mirror) -> Result<BranchName, WorkspaceError> {
        let mut taken: Vec<String> = objects::refs(&mirror.open()?, "refs/heads/")?
            .into_iter()
            .map(|(name, _)| name.trim_start_matches("refs/heads/").to_owned())
            .collect();
        let others = self.list()?.into_iter().filter(|other| other.repo == spec.repo && other.id != spec.id);
        taken.extend(others.filter_map(|other| other.branch).map(|branch| branch.to_string()));
        let prefix = if taken.iter().any(|name| name == "ipa") { Prefix::Flat } else { Prefix::Folder };
        let wanted = Wanted { prefix, handle: spec.handle, title: &spec.title, agent: &spec.id.agent };
        let mut attempt = 1;
        loop {
            let branch = names::branch(&wanted, attempt)?;
            let beneath = format!("{branch}/");
            if !taken.iter().any(|name| name == branch.as_str() || name.starts_with(&beneath)) {
                return Ok(branch);
            }
            attempt += 1;
        }
    }

    /// Refuses a checkout after which too little would be free.
    fn check_space(&self, mirror: &Mirror, commit: &Oid) -> Result<(), WorkspaceError> {
        let call = mirror.call().args(["ls-tree", "-r", "--format=%(objectsize)", commit.as_str()]);
        let sizes = call.text().map_err(|error| error.doing("measuring the checkout"))?;
        let total: u64 = sizes.lines().filter_map(|size| size.trim().parse::<u64>().ok()).sum();
        // A fifth more than the files: folders, index, objects to come.
        let needed_bytes = total.saturating_add(total / 5).saturating_add(self.config.reserve_bytes);
        let free_bytes = free_bytes(&self.layout.dirs.root)?;
        if free_bytes < needed_bytes {
            return Err(WorkspaceError::DiskBudget { needed_bytes, free_bytes });
        }
        Ok(())
    }

    fn stage(
        &self,
        staged: &Place,
        record: &Record,
        beginning: &Beginning,
        mirror: &Mirror,
    ) -> Result<(), WorkspaceError> {
        for dir in [&staged.dir, &staged.work(), &staged.home(), &staged.tmp()] {
            new_dir(dir)?;
        }
        let checkout = staged.checkout(&record.repo);
        let doing = |what: &str| format!("{what} {}", record.repo);
        let clone = self.git.hermetic().args(["clone", "--quiet", "--shared", "--no-checkout"]);
        let clone = clone.args(["--template=", "--origin=origin", "--"]).arg(mirror.dir());
        // Named from its folder: a clone that outlives its program stays in what is moved to the trash.
        let clone = clone.dir(&staged.work()).arg(record.repo.name());
        clone.run().map_err(|error| error.doing(doing("cloning")))?;
        let here = || self.git.hermetic().dir(&checkout).args(["checkout", "--quiet"]);
        let call = match &beginning.branch {
            Some(branch) => here().args(["--no-track", "-B", branch.as_str(), beginning.head.as_str(), "--"]),
            None => here().args(["--detach", beginning.head.as_str(), "--"]),
        };
        call.run().map_err(|error| error.doing(doing("checking out")))?;
        if let Some(files) = &beginning.files {
            let repo = mirror.open()?;
            let trees = [files, &beginning.head].map(|commit| objects::commit_tree(&repo, commit));
            let [files_tree, head_tree] = trees;
            if files_tree?.id != head_tree?.id {
                restore_files(self, &checkout, files)?;
            }
        }
        write_home(self, staged)?;
        write_new(&staged.lease(), b"")?;
        staged.write(record)?;
        sync_dir(&staged.dir)
    }

    /// Makes the host's own repository for the checkout, then the checkout visible.
    fn put_in_place(
        &self,
        staged: &Place,
        place: &Place,
        record: &Record,
        head: &Oid,
    ) -> Result<(), WorkspaceError> {
        let mirror = self.mirror(&record.repo);
        mirror.set(&Refs::of(&record.id).head(), head)?;
        let index = staged.checkout(&record.repo).join(".git/index");
        let shadow = self.layout.shadow(&record.id);
        self.layout.to_trash(&shadow, &record.id)?;
        shadow::make(self, &shadow, &place.checkout(&record.repo), &mirror)?;
        copy_index(&index, &shadow.join("index"))?;
        let parent = place.dir.parent().unwrap_or(&place.dir);
        private_dir(parent)?;
        std::fs::rename(&staged.dir, &place.dir).map_err(failed("putting in place", &place.dir))?;
        sync_dir(parent)
    }
}

/// Counts what of a user's repository no checkout has. For information only: what cannot be read is not counted.
fn left_out(source: &Path) -> u32 {
    fingerprint::uncommitted(source).unwrap_or_else(|error| {
        tracing::warn!(source = %source.display(), %error, "uncommitted changes could not be counted");
        0
    })
}

/// Copies an index with its time: git believes an entry only if the index is younger than the file.
fn copy_index(from: &Path, to: &Path) -> Result<(), WorkspaceError> {
    let copy = || {
        let time = from.metadata()?.modified()?;
        std::fs::copy(from, to)?;
        std::fs::File::options().write(true).open(to)?.set_modified(time)
    };
    copy().map_err(failed("copying", from))
}

/// Lays the files of a checkpoint over a checkout of its parent; what it does not have is removed.
fn restore_files(engine: &Engine, checkout: &Path, files: &Oid) -> Result<(), WorkspaceError> {
    let mut source = std::ffi::OsString::from("--source=");
    source.push(files.as_str());
    let call = engine.git.hermetic().dir(checkout).args(["restore", "--quiet", "--worktree"]);
    let call = call.arg(source).args(["--", ":/"]);
    call.run().map(drop).map_err(|error| error.doing("restoring the files of the checkpoint"))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_copied_index_keeps_its_time() {
        let dir = tempfile::TempDir::new().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        std::fs::write(&from, "index").unwrap();
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_000_000_007);
        std::fs::File::options().write(true).open(&from).unwrap().set_modified(long_ago).unwrap();
        copy_index(&from, &to).unwrap();
        assert_eq!(to.metadata().unwrap().modified().unwrap(), long_ago);
    }
}
