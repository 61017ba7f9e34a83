//! The checkouts before the first one: none is there, and none is made. Reading must not make folders.

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use ipa_events::{BranchName, Oid, RepoSource, WorkspaceId};
use ipa_workspace::{
    Checkpoint, Committed, Config, DiffQuery, DiffSet, DiffTo, FileRoot, FileView, Fingerprint, Listing,
    Merge, Needs, Push, Recovery, RelPath, Removed, SandboxPrefix, Status, Trial, Workspace, WorkspaceError,
    WorkspaceSpec, Workspaces, try_sandbox,
};

/// No checkout, and no mirror of anything; what would confine a program can be tried all the same.
pub(super) struct NoWorkspaces(pub(super) Config);

type Answer<'a, T> = BoxFuture<'a, Result<T, WorkspaceError>>;

fn none<T: Send + 'static>(id: &WorkspaceId) -> Answer<'static, T> {
    ready(Err(WorkspaceError::NotFound(id.clone()))).boxed()
}

fn refused<T: Send + 'static>(doing: &str) -> Answer<'static, T> {
    let detail = "no workspace was made in this data directory yet".to_owned();
    ready(Err(WorkspaceError::Failed { doing: doing.to_owned(), detail })).boxed()
}

fn in_none<T: Send + 'static>(root: &FileRoot) -> Answer<'static, T> {
    match root {
        FileRoot::Worktree(id) => none(id),
        FileRoot::Commit { .. } => refused("reading a commit"),
    }
}

impl Workspaces for NoWorkspaces {
    fn provision(&self, _spec: WorkspaceSpec) -> Answer<'_, Workspace> {
        refused("making a workspace")
    }

    fn locate(&self, id: &WorkspaceId) -> Answer<'_, Workspace> {
        none(id)
    }

    fn list(&self) -> Answer<'_, Vec<Workspace>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn status(&self, id: &WorkspaceId) -> Answer<'_, Status> {
        none(id)
    }

    fn diff(&self, query: DiffQuery) -> Answer<'_, DiffSet> {
        match query.to {
            DiffTo::Worktree(id) => none(&id),
            DiffTo::Commit(_) => refused("comparing commits"),
        }
    }

    fn ls(&self, root: FileRoot, _dir: RelPath) -> Answer<'_, Listing> {
        in_none(&root)
    }

    fn read(&self, root: FileRoot, _path: RelPath) -> Answer<'_, FileView> {
        in_none(&root)
    }

    fn write(&self, id: &WorkspaceId, _path: RelPath, _contents: Vec<u8>) -> Answer<'_, ()> {
        none(id)
    }

    fn commit(&self, id: &WorkspaceId, _message: String) -> Answer<'_, Committed> {
        none(id)
    }

    fn checkpoint(&self, id: &WorkspaceId, _reason: String) -> Answer<'_, Checkpoint> {
        none(id)
    }

    fn reset(&self, id: &WorkspaceId, _to: Oid) -> Answer<'_, Checkpoint> {
        none(id)
    }

    fn remove(&self, id: &WorkspaceId) -> Answer<'_, Removed> {
        none(id)
    }

    fn discard(&self, id: &WorkspaceId) -> Answer<'_, ()> {
        none(id)
    }

    fn sandbox(&self, id: &WorkspaceId, _needs: Needs) -> Answer<'_, SandboxPrefix> {
        none(id)
    }

    fn trial(&self, needs: Needs) -> Answer<'_, Trial> {
        let config = self.0.clone();
        let trial = tokio::task::spawn_blocking(move || try_sandbox(&config, needs));
        let lost = |_lost| {
            let detail = "it was given up".to_owned();
            Err(WorkspaceError::Failed { doing: "trying the sandbox".to_owned(), detail })
        };
        async move { trial.await.unwrap_or_else(lost) }.boxed()
    }

    fn fingerprint(&self, _repo: RepoSource) -> Answer<'_, Option<Fingerprint>> {
        ready(Ok(None)).boxed()
    }

    fn publish(&self, _push: Push) -> Answer<'_, ()> {
        refused("publishing a branch")
    }

    fn remote_head(&self, _repo: RepoSource, _branch: BranchName) -> Answer<'_, Option<Oid>> {
        refused("looking at a branch")
    }

    fn merge(&self, _merge: Merge) -> Answer<'_, Oid> {
        refused("merging a branch")
    }

    fn contains(&self, _repo: RepoSource, _branch: BranchName, _commit: Oid) -> Answer<'_, bool> {
        refused("looking at a branch")
    }

    fn delete_branch(&self, _repo: RepoSource, _branch: BranchName, _commit: Oid) -> Answer<'_, ()> {
        refused("removing a branch")
    }

    fn recover(&self, _known: Vec<WorkspaceId>) -> Answer<'_, Recovery> {
        ready(Ok(Recovery::default())).boxed()
    }
}
