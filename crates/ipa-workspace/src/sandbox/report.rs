//! What would confine agents here, found out without a checkout: in a throw-away folder.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::policy::{Network, Policy};
use super::{Enforced, Needs, Sandbox, SandboxPrefix, nothing};
use crate::config::{Config, SandboxBackend};
use crate::error::WorkspaceError;
use crate::fs::{failed, new_dir};

/// Tells what would confine agents here, and what it would not do, by trying it where checkouts lie or will lie.
///
/// Needs no checkout and none of the configured folders; what it makes for trying is gone when it returns. It starts
/// processes and waits for them.
///
/// # Errors
///
/// [`WorkspaceError::NoSandbox`] when confinement is wanted and none works, [`WorkspaceError::Io`] when there is no
/// place to try it.
pub fn probe_sandbox(config: &Config) -> Result<Enforced, WorkspaceError> {
    if config.sandbox == SandboxBackend::None {
        return Ok(nothing());
    }
    let folder = Folder::near(&config.dirs.root)?;
    Sandbox::new(config, &folder.path).enforced()
}

/// A place in which a program can be tried as it would run in a checkout; gone with this value.
#[derive(Debug)]
pub struct Trial {
    /// What confines the program.
    pub prefix: SandboxPrefix,
    /// Its HOME, which is also where it works.
    pub home: PathBuf,
    _folder: Option<Folder>,
}

#[cfg(feature = "testing")]
impl Trial {
    /// Returns a double of one: nothing confines a program there, and nothing is gone with it.
    pub fn bare(home: PathBuf) -> Self {
        let prefix = SandboxPrefix { argv: Vec::new(), enforced: nothing() };
        Self { prefix, home, _folder: None }
    }
}

/// Makes a place in which a program can be tried that needs this, where checkouts lie or will lie.
///
/// # Errors
///
/// As [`probe_sandbox`].
pub fn try_sandbox(config: &Config, needs: Needs) -> Result<Trial, WorkspaceError> {
    let folder = Folder::near(&config.dirs.root)?;
    let home = folder.path.join("home");
    new_dir(&home)?;
    let mut policy = Policy::system(&config.read_also);
    policy.own = vec![home.clone()];
    policy.network = Network::Host;
    let prefix = Sandbox::new(config, &folder.path).prefix_for(policy, needs)?;
    Ok(Trial { prefix, home, _folder: Some(folder) })
}

/// A folder that is gone with this value.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes one in a folder, or in the nearest one above that there is.
    fn near(path: &Path) -> Result<Self, WorkspaceError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let there = path.ancestors().find(|folder| folder.is_dir()).unwrap_or(path);
        // Without a link on the way, as what is opened for a program has to be.
        let there = there.canonicalize().map_err(failed("resolving", there))?;
        let path = there.join(format!(".ipa-probe.{}.{number}", std::process::id()));
        new_dir(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, "{} stays; it may be deleted", self.path.display());
        }
    }
}
