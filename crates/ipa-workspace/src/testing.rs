//! A double of [`Workspaces`] for tests of what uses it: real folders, but no git, no sandbox and no process.

mod acts;
mod merges;
mod model;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use ipa_events::{BranchName, Oid, RepoSource, WorkspaceId};

use crate::config::Dirs;
use crate::error::WorkspaceError;
use crate::files::current;
use crate::layout::Layout;
use crate::path::RelPath;
use crate::sandbox::{Needs, SandboxPrefix, Trial, nothing};
use crate::workspaces::{
    Checkpoint, Committed, DiffQuery, DiffSet, FileRoot, FileView, Fingerprint, Listing, Merge, Push,
    Recovery, Removed, Status, Workspace, WorkspaceSpec, Workspaces,
};
use model::Model;

/// A double of [`Workspaces`]: checkouts are real folders, commits lie in memory, ids are hashes of contents.
///
/// A source is any folder; its files are the one commit of its branch `main`. Two changes of one file are a
/// conflict, wherever they are in it. Not modelled: links, modes, ignored files, repositories in repositories. Clones share everything.
#[derive(Debug, Clone)]
pub struct FakeWorkspaces {
    layout: Layout,
    model: Arc<Mutex<Model>>,
}

/// An operation of [`Workspaces`] that can be told to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FakeOp {
    /// `provision`.
    Provision,
    /// `status`.
    Status,
    /// `diff`.
    Diff,
    /// `commit`.
    Commit,
    /// `checkpoint`.
    Checkpoint,
    /// `reset`.
    Reset,
    /// `remove`.
    Remove,
    /// `sandbox`.
    Sandbox,
    /// `fingerprint`.
    Fingerprint,
    /// `publish`.
    Publish,
    /// `remote_head`.
    RemoteHead,
    /// `merge`.
    Merge,
    /// `contains`.
    Contains,
    /// `delete_branch`.
    DeleteBranch,
    /// `recover`.
    Recover,
}

impl FakeWorkspaces {
    /// Makes one that keeps its checkouts below `root`.
    ///
    /// # Errors
    ///
    /// [`WorkspaceError::Io`] when a folder cannot be made.
    pub fn open(root: &Path) -> Result<Self, WorkspaceError> {
        let dirs = Dirs {
            mirrors: root.join("mirrors"),
            shadow: root.join("shadow"),
            root: root.join("workspaces"),
        };
        Ok(Self { layout: Layout::open(&dirs)?, model: Arc::default() })
    }

    /// Makes the next call of an operation fail; several are used up in order.
    pub fn fail_next(&self, op: FakeOp, error: WorkspaceError) {
        self.model().failures.entry(op).or_default().push_back(error);
    }

    /// Moves a branch of a source, as a person outside would; none removes it.
    pub fn move_remote(&self, repo: &RepoSource, branch: &BranchName, to: Option<Oid>) {
        self.model().move_remote(repo, branch, to);
    }

    /// Returns how often an operation was asked for.
    pub fn calls(&self, op: FakeOp) -> u32 {
        self.model().calls.get(&op).copied().unwrap_or_default()
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call, and fails it if a test said so.
    fn begin(&self, op: FakeOp) -> Result<(), WorkspaceError> {
        let mut model = self.model();
        *model.calls.entry(op).or_default() += 1;
        let failure = model.failures.get_mut(&op).and_then(VecDeque::pop_front);
        failure.map_or(Ok(()), Err)
    }
}

type Answer<'a, T> = BoxFuture<'a, Result<T, WorkspaceError>>;

fn answer<'a, T: Send + 'a>(answer: Result<T, WorkspaceError>) -> Answer<'a, T> {
    ready(answer).boxed()
}

impl Workspaces for FakeWorkspaces {
    fn provision(&self, spec: WorkspaceSpec) -> Answer<'_, Workspace> {
        answer(self.provisioned(&spec))
    }

    fn locate(&self, id: &WorkspaceId) -> Answer<'_, Workspace> {
        answer(self.record(id).map(|record| self.layout.place(id).workspace(record)))
    }

    fn list(&self) -> Answer<'_, Vec<Workspace>> {
        answer(self.all())
    }

    fn status(&self, id: &WorkspaceId) -> Answer<'_, Status> {
        answer(self.status_of(id))
    }

    fn diff(&self, query: DiffQuery) -> Answer<'_, DiffSet> {
        answer(self.compared(&query))
    }

    fn ls(&self, root: FileRoot, dir: RelPath) -> Answer<'_, Listing> {
        answer(self.listed(&root, &dir))
    }

    fn read(&self, root: FileRoot, path: RelPath) -> Answer<'_, FileView> {
        answer(self.file(&root, &path))
    }

    fn write(&self, id: &WorkspaceId, path: RelPath, contents: Vec<u8>) -> Answer<'_, ()> {
        answer(self.worktree(id).and_then(|worktree| current::write(&worktree, &path, &contents)))
    }

    fn commit(&self, id: &WorkspaceId, message: String) -> Answer<'_, Committed> {
        answer(self.committed(id, &message))
    }

    fn checkpoint(&self, id: &WorkspaceId, reason: String) -> Answer<'_, Checkpoint> {
        answer(self.begin(FakeOp::Checkpoint).and_then(|()| self.saved(id, &reason)))
    }

    fn reset(&self, id: &WorkspaceId, to: Oid) -> Answer<'_, Checkpoint> {
        answer(self.was_reset(id, &to))
    }

    fn remove(&self, id: &WorkspaceId) -> Answer<'_, Removed> {
        answer(self.removed(id))
    }

    fn discard(&self, id: &WorkspaceId) -> Answer<'_, ()> {
        answer(self.discarded(id))
    }

    fn sandbox(&self, id: &WorkspaceId, _needs: Needs) -> Answer<'_, SandboxPrefix> {
        let made = self.begin(FakeOp::Sandbox).and_then(|()| self.record(id));
        answer(made.map(|_| SandboxPrefix { argv: Vec::new(), enforced: nothing() }))
    }

    fn trial(&self, _needs: Needs) -> Answer<'_, Trial> {
        answer(Ok(Trial::bare("/".into())))
    }

    fn fingerprint(&self, repo: RepoSource) -> Answer<'_, Option<Fingerprint>> {
        answer(self.described(&repo))
    }

    fn publish(&self, push: Push) -> Answer<'_, ()> {
        answer(self.published(&push))
    }

    fn remote_head(&self, repo: RepoSource, branch: BranchName) -> Answer<'_, Option<Oid>> {
        let begun = self.begin(FakeOp::RemoteHead);
        answer(begun.and_then(|()| self.model().remote(&repo, &branch)))
    }

    fn merge(&self, merge: Merge) -> Answer<'_, Oid> {
        answer(self.merged(&merge))
    }

    fn contains(&self, repo: RepoSource, branch: BranchName, commit: Oid) -> Answer<'_, bool> {
        let begun = self.begin(FakeOp::Contains);
        answer(begun.and_then(|()| self.model().contains(&repo, &branch, &commit)))
    }

    fn delete_branch(&self, repo: RepoSource, branch: BranchName, commit: Oid) -> Answer<'_, ()> {
        answer(self.deleted(&repo, &branch, &commit))
    }

    fn recover(&self, known: Vec<WorkspaceId>) -> Answer<'_, Recovery> {
        answer(self.recovered(&known))
    }
}
