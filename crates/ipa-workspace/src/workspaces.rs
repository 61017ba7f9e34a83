//! The seam of this crate: what a pod asks of checkouts, and the plain data that crosses.

use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;
use ipa_events::{BranchName, Handle, Oid, RepoSource, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::config::Identity;
use crate::error::WorkspaceError;
use crate::path::RelPath;
use crate::sandbox::{Needs, SandboxPrefix, Trial};

type Answer<'a, T> = BoxFuture<'a, Result<T, WorkspaceError>>;

/// Makes, keeps safe, reads and removes checkouts. Every operation may be repeated.
pub trait Workspaces: Send + Sync + 'static {
    /// Makes a checkout, whole or not at all. One that is there already is returned as it is; a detached one
    /// is made anew each time.
    fn provision(&self, spec: WorkspaceSpec) -> Answer<'_, Workspace>;

    /// Finds a checkout that is there.
    fn locate(&self, id: &WorkspaceId) -> Answer<'_, Workspace>;

    /// Lists the checkouts that are there.
    fn list(&self) -> Answer<'_, Vec<Workspace>>;

    /// Compares a checkout with the head that was harvested last.
    fn status(&self, id: &WorkspaceId) -> Answer<'_, Status>;

    /// Compares a commit with another one, or with a checkout as it is now. Needs no checkout for the former.
    fn diff(&self, query: DiffQuery) -> Answer<'_, DiffSet>;

    /// Lists a folder.
    fn ls(&self, root: FileRoot, dir: RelPath) -> Answer<'_, Listing>;

    /// Reads a file, at most 1 MiB of it.
    fn read(&self, root: FileRoot, path: RelPath) -> Answer<'_, FileView>;

    /// Writes a file of a checkout, making its folders.
    fn write(&self, id: &WorkspaceId, path: RelPath, contents: Vec<u8>) -> Answer<'_, ()>;

    /// Commits everything that is not ignored, and harvests: what it returns is in the mirror.
    fn commit(&self, id: &WorkspaceId, message: String) -> Answer<'_, Committed>;

    /// Makes the state of a checkout safe, uncommitted and untracked files included, under a ref of the mirror.
    fn checkpoint(&self, id: &WorkspaceId, reason: String) -> Answer<'_, Checkpoint>;

    /// Sets a checkout back to a commit that was harvested, after a checkpoint of what it holds.
    fn reset(&self, id: &WorkspaceId, to: Oid) -> Answer<'_, Checkpoint>;

    /// Moves a checkout to the trash, after a checkpoint that was verified. A failure keeps it.
    fn remove(&self, id: &WorkspaceId) -> Answer<'_, Removed>;

    /// Moves a detached checkout to the trash; it holds nothing that its commit does not.
    fn discard(&self, id: &WorkspaceId) -> Answer<'_, ()>;

    /// Returns what confines a program that works in a checkout.
    fn sandbox(&self, id: &WorkspaceId, needs: Needs) -> Answer<'_, SandboxPrefix>;

    /// Makes a place in which a program that needs this can be tried as it would run in a checkout.
    fn trial(&self, needs: Needs) -> Answer<'_, Trial>;

    /// Describes a repository on this machine, to tell later whether anything in it changed; none for a remote.
    fn fingerprint(&self, repo: RepoSource) -> Answer<'_, Option<Fingerprint>>;

    /// Publishes a harvested commit as a branch of a repository; never forces.
    fn publish(&self, push: Push) -> Answer<'_, ()>;

    /// Tells where a branch of a repository is now; none: it does not exist.
    fn remote_head(&self, repo: RepoSource, branch: BranchName) -> Answer<'_, Option<Oid>>;

    /// Merges a harvested commit into a branch of a repository; never forces. Returns the commit that brought it
    /// there, the same one again when it is there already.
    fn merge(&self, merge: Merge) -> Answer<'_, Oid>;

    /// Tells whether a branch of a repository contains a commit, or says that it was merged in another form. A
    /// branch that does not exist contains nothing.
    fn contains(&self, repo: RepoSource, branch: BranchName, commit: Oid) -> Answer<'_, bool>;

    /// Removes a branch of a repository that points to `commit`; one that is gone already is fine.
    fn delete_branch(&self, repo: RepoSource, branch: BranchName, commit: Oid) -> Answer<'_, ()>;

    /// Tidies up after a crash: what was half made goes to the trash, what is not in `known` to quarantine.
    fn recover(&self, known: Vec<WorkspaceId>) -> Answer<'_, Recovery>;
}

/// What a checkout is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceSpec {
    /// Whose it is.
    pub id: WorkspaceId,
    /// The task's short name, for the branch.
    pub handle: Handle,
    /// The task's title, for the branch.
    pub title: Arc<str>,
    /// The repository.
    pub repo: RepoSource,
    /// Where it starts.
    pub start: Start,
}

/// Where a checkout starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// At the tip of a branch (none: the repository's own choice), on a new branch `ipa/<handle>-<slug>`.
    Base(Option<BranchName>),
    /// At exactly this harvested commit, on no branch: for checks.
    Detached(Oid),
    /// As it was when it was removed: its branch at `head`, and over it the files of a checkpoint.
    Restored {
        /// Its branch.
        branch: BranchName,
        /// The commit it began at.
        base: Oid,
        /// The head of its work.
        head: Oid,
        /// The newest checkpoint.
        checkpoint: Option<Oid>,
    },
}

/// A checkout that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Whose it is.
    pub id: WorkspaceId,
    /// The repository that it came from.
    pub repo: RepoSource,
    /// The checkout: where an agent works.
    pub path: PathBuf,
    /// The HOME of what works there.
    pub home: PathBuf,
    /// The folder for temporary files of what works there.
    pub tmp: PathBuf,
    /// The file that is locked by whoever works there.
    pub lease: PathBuf,
    /// Its branch; none for a detached one.
    pub branch: Option<BranchName>,
    /// The commit it began at.
    pub base: Oid,
    /// How many uncommitted changes the user's own checkout had when this one was made; they are left out.
    pub left_out: u32,
}

impl Workspace {
    /// Returns what the environment of a program that works here must say: its HOME, its folder for temporary
    /// files, and that git is not to look for a repository above.
    pub fn env(&self) -> [(&'static str, PathBuf); 3] {
        let above = self.path.parent().unwrap_or(&self.path).to_owned();
        [("HOME", self.home.clone()), ("TMPDIR", self.tmp.clone()), ("GIT_CEILING_DIRECTORIES", above)]
    }
}

/// How a checkout differs from its harvested head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The head that was harvested last.
    pub head: Oid,
    /// What differs from it, in the order of paths.
    pub changes: Vec<Change>,
}

/// One changed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its path.
    pub path: String,
    /// What happened to it.
    pub kind: ChangeKind,
}

/// What happened to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
    /// Its contents or mode changed.
    Modified,
    /// It was moved here.
    Renamed {
        /// From there.
        from: String,
    },
}

/// What to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffQuery {
    /// The repository that the commits were harvested from.
    pub repo: RepoSource,
    /// The commit to start from.
    pub from: Oid,
    /// What to compare it with.
    pub to: DiffTo,
}

/// What a commit is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiffTo {
    /// Another commit.
    Commit(Oid),
    /// A checkout as it is now.
    Worktree(WorkspaceId),
}

/// The difference between two trees, bounded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DiffSet {
    /// The files, in the order of paths.
    pub files: Vec<DiffFile>,
    /// Whether there is more than is shown.
    pub truncated: bool,
}

/// The difference of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffFile {
    /// What happened to it.
    #[serde(flatten)]
    pub change: Change,
    /// Lines added.
    pub added: u32,
    /// Lines removed.
    pub removed: u32,
    /// Why its lines are not shown, if they are not: `binary`, `too large`, `submodule`.
    pub hidden: Option<String>,
    /// The changed places.
    pub hunks: Vec<Hunk>,
}

/// One changed place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// The first line in the old file, from 1; 0 when it has none.
    pub old_start: u32,
    /// The first line in the new file, from 1; 0 when it has none.
    pub new_start: u32,
    /// The lines.
    pub lines: Vec<DiffLine>,
}

/// One line of a changed place; without its line break.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", content = "text", rename_all = "snake_case")]
pub enum DiffLine {
    /// In both.
    Context(String),
    /// In the new file only.
    Added(String),
    /// In the old file only.
    Removed(String),
}

/// Where files are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileRoot {
    /// In a checkout as it is now.
    Worktree(WorkspaceId),
    /// In a harvested commit.
    Commit {
        /// The repository that it was harvested from.
        repo: RepoSource,
        /// The commit.
        commit: Oid,
    },
}

/// A folder's entries, folders first, at most 5,000.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Whether there are more than are listed.
    pub truncated: bool,
}

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// Its size, for a file.
    pub size_bytes: Option<u64>,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A folder.
    Dir,
    /// A file.
    File,
    /// A symbolic link; it is never followed.
    Symlink,
    /// Something else: a fifo, a socket, a device, a submodule.
    Special,
}

/// What a file holds, as far as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum FileView {
    /// Text.
    Text {
        /// All of it.
        text: String,
    },
    /// Bytes that are no UTF-8 text.
    Binary {
        /// How many.
        size_bytes: u64,
    },
    /// More than 1 MiB.
    TooLarge {
        /// How much.
        size_bytes: u64,
        /// Its first 64 KiB.
        head: String,
    },
    /// A symbolic link, not followed.
    Symlink {
        /// Where it points.
        target: String,
    },
    /// Neither a file nor a link.
    Special,
}

/// What a commit led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The head, harvested; the old one when there was nothing to commit.
    pub head: Oid,
}

/// A state that was made safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its number in the workspace, from 1.
    pub number: u32,
    /// The commit that holds it, reachable in the mirror.
    pub commit: Oid,
}

/// A checkout that was moved to the trash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// The checkpoint that holds its last state; none when it was gone already.
    pub checkpoint: Option<Checkpoint>,
}

/// What to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The repository.
    pub repo: RepoSource,
    /// The branch there.
    pub branch: BranchName,
    /// What it will point to.
    pub commit: Oid,
    /// What it must point to before; none: it must not exist.
    pub expected: Option<Oid>,
}

/// What to merge where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The repository.
    pub repo: RepoSource,
    /// The branch there that takes it in.
    pub base: BranchName,
    /// What is merged.
    pub commit: Oid,
    /// In which form.
    pub how: MergeAs,
    /// The message of the commit that a merge or a squash makes.
    pub message: String,
    /// Whose work that commit is; none: the committer's.
    pub author: Option<Identity>,
}

/// In which form a commit is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MergeAs {
    /// By a commit with two parents, also where the branch could just move ahead.
    Merge,
    /// By one commit with everything, which says in a line `Ipa-Merged: <commit>` what it stands for.
    Squash,
    /// By moving ahead where possible; else by its commits one by one, their authors kept. The last one of them
    /// says in a line `Ipa-Merged: <commit>` what it stands for.
    Rebase,
}

/// A repository on this machine, described well enough to tell whether anything in it changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Each aspect by name (`HEAD`, `refs`, `index`, `config`, `hooks`, `status`) with its hash or text.
    pub aspects: std::collections::BTreeMap<String, String>,
}

/// What was tidied up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Half-made checkouts that went to the trash.
    pub trashed: Vec<PathBuf>,
    /// Checkouts that the log does not know; moved aside, never deleted.
    pub quarantined: Vec<PathBuf>,
}
