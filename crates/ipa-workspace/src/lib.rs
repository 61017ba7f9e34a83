//! Private git checkouts for agents, in which nothing is lost and from which nothing leaks.
//!
//! [`Workspaces`] makes a checkout per place of work, reads and diffs it, makes its states safe, and publishes
//! what was accepted. It knows tasks by their ids only; it knows no pods, no agents' protocols, no pages.

mod checkpoint;
mod commit;
mod config;
mod credentials;
mod diff;
mod engine;
mod error;
mod files;
mod fingerprint;
mod fs;
mod git;
mod git_workspaces;
mod harvest;
pub mod helper;
mod landed;
mod layout;
mod merge;
mod mirror;
mod names;
mod nested;
mod objects;
mod path;
mod provision;
mod publish;
mod reclaim;
mod sandbox;
mod shadow;
#[cfg(feature = "testing")]
pub mod testing;
mod workspaces;
mod worktree;

pub use config::{Config, Dirs, EnvMap, Identity, SandboxBackend};
pub use credentials::{GitCredential, Secret};
pub use error::WorkspaceError;
pub use git_workspaces::GitWorkspaces;
pub use path::RelPath;
pub use sandbox::{Enforced, Needs, SandboxPrefix, SharedLogin, Trial, probe_sandbox, try_sandbox};
pub use workspaces::{
    Change, ChangeKind, Checkpoint, Committed, DiffFile, DiffLine, DiffQuery, DiffSet, DiffTo, Entry,
    EntryKind, FileRoot, FileView, Fingerprint, Hunk, Listing, Merge, MergeAs, Push, Recovery, Removed,
    Start, Status, Workspace, WorkspaceSpec, Workspaces,
};
