//! What can go wrong with a checkout, in terms of what was attempted.

use std::path::PathBuf;

use ipa_events::{BranchName, InvalidValue, Oid, RepoSource, WorkspaceId};

/// What can go wrong with a checkout.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// There is no such workspace.
    #[error("there is no workspace {0}")]
    NotFound(WorkspaceId),
    /// There is no such file or folder.
    #[error("there is no {0} in the workspace")]
    NoSuchPath(String),
    /// A path cannot be used.
    #[error(transparent)]
    BadPath(#[from] InvalidValue),
    /// The repository cannot be read.
    #[error("{repo} is not a git repository that can be read: {detail}")]
    NoRepository {
        /// The repository.
        repo: RepoSource,
        /// What git said.
        detail: String,
    },
    /// The host does not let us in, or not with what it was shown.
    #[error(
        "{repo} does not let us in; give it a credential that may read and push there, or look whether it still holds: {detail}"
    )]
    NotAllowed {
        /// The repository.
        repo: RepoSource,
        /// What git said.
        detail: String,
    },
    /// The repository has no such branch, or no commit at all.
    #[error("{repo} has no branch {branch}; give one with --base, or commit something first")]
    NoBranch {
        /// The repository.
        repo: RepoSource,
        /// What was looked for.
        branch: String,
    },
    /// There is too little space.
    #[error("{needed_bytes} bytes are needed for a checkout and {free_bytes} are free; make room")]
    DiskBudget {
        /// What the checkout needs, the reserve included.
        needed_bytes: u64,
        /// What is free.
        free_bytes: u64,
    },
    /// Somebody works there.
    #[error("workspace {0} is in use")]
    Busy(WorkspaceId),
    /// What git, or the file system, did not do.
    #[error("{doing}: {detail}")]
    Failed {
        /// What was attempted, on what.
        doing: String,
        /// What was said.
        detail: String,
    },
    /// A file could not be read or written.
    #[error("{doing} {}", path.display())]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The branch outside is not where it was expected to be; nothing was changed there.
    #[error("branch {branch} of {repo} is at {}, not where it was expected", actual.as_ref().map_or("nothing", Oid::short))]
    Stale {
        /// The repository.
        repo: RepoSource,
        /// The branch.
        branch: BranchName,
        /// Where it is; none: it does not exist.
        actual: Option<Oid>,
    },
    /// A commit does not merge into a branch outside; nothing was changed there.
    #[error(
        "{} does not merge into {branch} of {repo}, both changed {}; bring {branch} into the work, then merge again",
        commit.short(), listed(paths)
    )]
    Conflict {
        /// The repository.
        repo: RepoSource,
        /// The branch.
        branch: BranchName,
        /// What was to be merged.
        commit: Oid,
        /// Where both changed the same, in the order of paths.
        paths: Vec<String>,
    },
    /// The branch outside is checked out, and what is checked out is never changed from here.
    #[error(
        "branch {branch} is checked out in {repo}; switch to another one there, or do it there yourself with git"
    )]
    CheckedOut {
        /// The repository.
        repo: RepoSource,
        /// The branch.
        branch: BranchName,
    },
    /// No way to confine an agent works here.
    #[error("no sandbox works here ({0}); set `[sandbox] backend = \"none\"` to run agents without one")]
    NoSandbox(String),
    /// The checkout holds something that ipa cannot keep safe.
    #[error("{0}")]
    Unsupported(String),
}

/// How many paths a message names.
const NAMED: usize = 10;

/// Names some paths, and says how many more there are.
fn listed(paths: &[String]) -> String {
    let named = paths.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match paths.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

impl WorkspaceError {
    /// Tells whether trying the same again a little later may help.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Io { .. } | Self::Failed { .. })
    }
}
