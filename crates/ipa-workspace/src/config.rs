//! What checkouts of an engine need to be told: folders, programs, environments, limits. Plain values; nothing
//! here is read from the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use ipa_events::Helper;

use crate::credentials::GitCredential;

/// The environment that a program is started with, by name.
pub type EnvMap = BTreeMap<OsString, OsString>;

/// What [`GitWorkspaces`](crate::GitWorkspaces) is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where things lie.
    pub dirs: Dirs,
    /// The program that becomes `sandbox-exec`.
    pub helper: Helper,
    /// The environment of git where nothing of the user's counts; `PATH` at least.
    pub base_env: EnvMap,
    /// The user's environment, for git that talks to remotes: `HOME`, `SSH_AUTH_SOCK`, proxies.
    pub user_env: EnvMap,
    /// What remotes are shown that are reached by https; the longest prefix counts. Without one it is what the
    /// user's own configuration has.
    pub credentials: Vec<GitCredential>,
    /// Whose name commits bear.
    pub identity: Identity,
    /// What confines agents.
    pub sandbox: SandboxBackend,
    /// Folders beside the system's that a confined program may read: toolchains.
    pub read_also: Vec<PathBuf>,
    /// How long the trash is kept.
    pub trash_age: Duration,
    /// What must stay free on the device after a checkout was made.
    pub reserve_bytes: u64,
}

impl Config {
    /// Returns a configuration with the usual limits: a week of trash, 5 GiB free, whatever sandbox works.
    pub fn new(dirs: Dirs, helper: Helper, base_env: EnvMap) -> Self {
        Self {
            dirs,
            helper,
            user_env: base_env.clone(),
            base_env,
            credentials: Vec::new(),
            identity: Identity { name: "ipa".to_owned(), email: "ipa@localhost".to_owned() },
            sandbox: SandboxBackend::Auto,
            read_also: Vec::new(),
            trash_age: Duration::from_hours(7 * 24),
            reserve_bytes: 5 << 30,
        }
    }
}

/// Where things lie. All are made when they are missing, readable by their owner only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirs {
    /// One bare repository per source.
    pub mirrors: PathBuf,
    /// What the host keeps about each checkout, out of the agents' reach.
    pub shadow: PathBuf,
    /// The checkouts.
    pub root: PathBuf,
}

/// Whose name commits bear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
}

/// What confines agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SandboxBackend {
    /// The best that works here; nothing runs when none does.
    #[default]
    Auto,
    /// Landlock, or nothing runs.
    Landlock,
    /// Nothing; only because somebody asked for it.
    None,
}
