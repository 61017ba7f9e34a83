//! What the outside needs of git. Implemented by the pod over its workspaces.

use futures::future::BoxFuture;
use ipa_events::task::{MergeMethod, Push};
use ipa_events::{BranchName, Oid, RepoSource};

use crate::error::SyncError;

/// Publishes commits and looks at branches outside.
pub trait GitPort: Send + Sync {
    /// Makes a branch point to a commit; never forces.
    fn push<'a>(&'a self, push: &'a Push) -> BoxFuture<'a, Result<(), SyncError>>;

    /// Tells where a branch is now; none: it does not exist.
    fn head<'a>(
        &'a self,
        repo: &'a RepoSource,
        branch: &'a BranchName,
    ) -> BoxFuture<'a, Result<Option<Oid>, SyncError>>;

    /// Merges a commit into a branch; returns what the branch points to then. Nothing is changed when the branch moved
    /// meanwhile, or when the two do not fit together.
    fn merge<'a>(&'a self, merge: &'a GitMerge) -> BoxFuture<'a, Result<Oid, SyncError>>;

    /// Tells whether a commit is part of a branch.
    fn contains<'a>(
        &'a self,
        repo: &'a RepoSource,
        branch: &'a BranchName,
        commit: &'a Oid,
    ) -> BoxFuture<'a, Result<bool, SyncError>>;

    /// Removes a branch, if it points to that commit.
    fn delete<'a>(
        &'a self,
        repo: &'a RepoSource,
        branch: &'a BranchName,
        commit: &'a Oid,
    ) -> BoxFuture<'a, Result<(), SyncError>>;
}

/// A merge in a repository that no forge looks after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitMerge {
    /// The repository.
    pub repo: RepoSource,
    /// The branch to merge into.
    pub base: BranchName,
    /// What to merge.
    pub commit: Oid,
    /// How.
    pub method: MergeMethod,
    /// What the commit says.
    pub message: String,
}
