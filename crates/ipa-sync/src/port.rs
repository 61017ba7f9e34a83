//! What delivering needs of git. Implemented by the pod over its workspaces.

use futures::future::BoxFuture;
use ipa_events::task::{Delivery, NeedsPerson};
use ipa_events::{BranchName, Oid, RepoSource};

/// Publishes commits and looks at branches outside.
pub trait GitPort: Send + Sync {
    /// Makes a branch point to a commit; never forces.
    fn push<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<(), PushError>>;

    /// Tells where a branch is now; none: it does not exist.
    fn head<'a>(
        &'a self,
        repo: &'a RepoSource,
        branch: &'a BranchName,
    ) -> BoxFuture<'a, Result<Option<Oid>, PushError>>;
}

/// Why a branch was not published, or could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct PushError {
    /// What happened, for a person.
    pub detail: String,
    /// Whether only a person can mend it.
    pub needs_person: NeedsPerson,
}
