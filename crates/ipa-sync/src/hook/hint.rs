//! What to look at because of a webhook.

use std::collections::BTreeSet;

use ipa_events::{BranchName, Oid, RemoteId};

/// What to look at because of a webhook. It says where, never what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// At everything of the connector: the webhook could not be read, or says that something moved and not what.
    Everything,
    /// At these; where there are none, at nothing.
    Named(Named),
}

/// Names of what may be other than it was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Named {
    /// Pull requests and tickets, as the other side calls them.
    pub things: BTreeSet<RemoteId>,
    /// Branches, where nothing else is named.
    pub branches: BTreeSet<BranchName>,
    /// Commits, where nothing else is named.
    pub commits: BTreeSet<Oid>,
}

impl Named {
    /// Tells whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.things.is_empty() && self.branches.is_empty() && self.commits.is_empty()
    }
}
