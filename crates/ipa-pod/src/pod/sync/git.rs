//! Git for the outside, by way of the workspaces.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use ipa_events::task::{MergeMethod, Push};
use ipa_events::{BranchName, Oid, RepoSource};
use ipa_sync::{ErrorClass, GitMerge, GitPort, SyncError};
use ipa_workspace::{Merge, MergeAs, WorkspaceError, Workspaces};

use crate::error::chain;

/// Git for the outside.
pub(crate) struct Git<'a>(pub(crate) &'a dyn Workspaces);

impl GitPort for Git<'_> {
    fn push<'a>(&'a self, push: &'a Push) -> BoxFuture<'a, Result<(), SyncError>> {
        let Push { repo, branch, commit, expected } = push.clone();
        async move {
            let doing = format!("publishing {branch} to {repo}");
            let push = ipa_workspace::Push { repo, branch, commit, expected };
            self.0.publish(push).await.map_err(|error| failed(doing, &error))
        }
        .boxed()
    }

    fn head<'a>(
        &'a self,
        repo: &'a RepoSource,
        branch: &'a BranchName,
    ) -> BoxFuture<'a, Result<Option<Oid>, SyncError>> {
        async move {
            let found = self.0.remote_head(repo.clone(), branch.clone()).await;
            found.map_err(|error| failed(format!("looking for {branch} in {repo}"), &error))
        }
        .boxed()
    }

    fn merge<'a>(&'a self, merge: &'a GitMerge) -> BoxFuture<'a, Result<Oid, SyncError>> {
        let GitMerge { repo, base, commit, method, message } = merge.clone();
        async move {
            let doing = format!("merging {} into {base} of {repo}", commit.short());
            let how = match method {
                MergeMethod::Merge => MergeAs::Merge,
                MergeMethod::Squash => MergeAs::Squash,
                MergeMethod::Rebase => MergeAs::Rebase,
            };
            let merged = self.0.merge(Merge { repo, base, commit, how, message, author: None }).await;
            merged.map_err(|error| failed(doing, &error))
        }
        .boxed()
    }

    fn contains<'a>(
        &'a self,
        repo: &'a RepoSource,
        branch: &'a BranchName,
        commit: &'a Oid,
    ) -> BoxFuture<'a, Result<bool, SyncError>> {
        async move {
            let found = self.0.contains(repo.clone(), branch.clone(), commit.clone()).await;
            found.map_err(|error| failed(format!("looking for {} in {branch}", commit.short()), &error))
        }
        .boxed()
    }

    fn delete<'a>(
        &'a self,
        repo: &'a RepoSource,
        branch: &'a BranchName,
        commit: &'a Oid,
    ) -> BoxFuture<'a, Result<(), SyncError>> {
        async move {
            let deleted = self.0.delete_branch(repo.clone(), branch.clone(), commit.clone()).await;
            deleted.map_err(|error| failed(format!("removing {branch} of {repo}"), &error))
        }
        .boxed()
    }
}

/// Git may have done what it does not say: a push whose answer was lost is looked for.
fn failed(doing: String, error: &WorkspaceError) -> SyncError {
    let class = match error {
        WorkspaceError::Stale { .. }
        | WorkspaceError::Conflict { .. }
        | WorkspaceError::CheckedOut { .. } => ErrorClass::Conflict,
        WorkspaceError::NotAllowed { .. } => ErrorClass::Permission,
        WorkspaceError::Busy(_) | WorkspaceError::Io { .. } | WorkspaceError::Failed { .. } => {
            ErrorClass::Transient
        }
        WorkspaceError::NotFound(_)
        | WorkspaceError::NoSuchPath(_)
        | WorkspaceError::BadPath(_)
        | WorkspaceError::NoRepository { .. }
        | WorkspaceError::NoBranch { .. }
        | WorkspaceError::DiskBudget { .. }
        | WorkspaceError::NoSandbox(_)
        | WorkspaceError::Unsupported(_) => ErrorClass::Rejected,
    };
    SyncError::new(class, doing, chain(error))
}
