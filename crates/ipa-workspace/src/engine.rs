//! What every operation on checkouts starts from: the parts they share, and a checkout that is locked for one.

use std::path::PathBuf;

use ipa_events::{Oid, RepoSource, WorkspaceId};

use crate::config::{Config, EnvMap};
use crate::error::WorkspaceError;
use crate::fs::{Lock, private_dir, replace, write_new};
use crate::git::{Git, GitCall, config_value};
use crate::layout::{Layout, Place, Record};
use crate::mirror::Mirror;
use crate::names::Refs;
use crate::sandbox::policy::{Network, Policy};
use crate::sandbox::{Needs, Sandbox, SandboxPrefix};
use crate::shadow::Shadow;
use crate::workspaces::Workspace;

/// The parts that all operations share.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) config: Config,
    pub(crate) layout: Layout,
    pub(crate) git: Git,
    pub(crate) sandbox: Sandbox,
}

impl Engine {
    /// Makes the folders that are missing.
    pub(crate) fn open(config: Config) -> Result<Self, WorkspaceError> {
        let layout = Layout::open(&config.dirs)?;
        let global = layout.global_config();
        replace(&global, &git_config(&config))?;
        let git = Git::new(&config, &layout.empty_home(), &global);
        let sandbox = Sandbox::new(&config, &layout.dirs.root);
        Ok(Self { config, layout, git, sandbox })
    }

    /// Names the mirror of a source.
    pub(crate) fn mirror(&self, repo: &RepoSource) -> Mirror {
        Mirror::of(&self.git, &self.layout.dirs.mirrors, repo)
    }

    /// Takes the lock of a workspace, which need not exist.
    pub(crate) fn lock(&self, id: &WorkspaceId) -> Result<Lock, WorkspaceError> {
        let path = self.layout.lock_file(id);
        if let Some(parent) = path.parent() {
            private_dir(parent)?;
        }
        Lock::wait(&path)
    }

    /// Finds a checkout and keeps other operations off it.
    pub(crate) fn checkout(&self, id: &WorkspaceId) -> Result<Checkout<'_>, WorkspaceError> {
        let not_found = || WorkspaceError::NotFound(id.clone());
        if self.layout.place(id).read()?.is_none() {
            // Asked for without the lock first: a name that nobody has makes no lock file.
            return Err(not_found());
        }
        let lock = self.lock(id)?;
        let place = self.layout.place(id);
        let record = place.read()?.ok_or_else(not_found)?;
        self.checkout_of(place, record, lock)
    }

    pub(crate) fn checkout_of(
        &self,
        place: Place,
        record: Record,
        lock: Lock,
    ) -> Result<Checkout<'_>, WorkspaceError> {
        let mirror = self.mirror(&record.repo);
        let refs = Refs::of(&record.id);
        let checkout = Checkout { engine: self, place, record, mirror, refs, _lock: lock };
        checkout.is_in_place()?;
        Ok(checkout)
    }

    /// Finds a checkout that is there.
    pub(crate) fn locate(&self, id: &WorkspaceId) -> Result<Workspace, WorkspaceError> {
        let place = self.layout.place(id);
        let record = place.read()?.ok_or_else(|| WorkspaceError::NotFound(id.clone()))?;
        Ok(place.workspace(record))
    }

    /// Returns what confines a program that works in a checkout.
    pub(crate) fn sandbox_of(&self, id: &WorkspaceId, needs: Needs) -> Result<SandboxPrefix, WorkspaceError> {
        self.sandbox.prefix_for(self.checkout(id)?.policy(), needs)
    }

    /// Lists the checkouts that are there.
    pub(crate) fn list(&self) -> Result<Vec<Workspace>, WorkspaceError> {
        let mut found = Vec::new();
        for id in self.layout.places()?.into_iter().filter_map(|(_, id)| id) {
            let place = self.layout.place(&id);
            found.extend(place.read()?.map(|record| place.workspace(record)));
        }
        Ok(found)
    }
}

/// The only configuration of git that the host counts on, and what an agent begins with. No housekeeping: git would
/// leave it running in the checkout after the command that was asked for.
fn git_config(config: &Config) -> Vec<u8> {
    let mut text = b"[user]\n\tname = ".to_vec();
    text.extend_from_slice(&config_value(config.identity.name.as_ref()));
    text.extend_from_slice(b"\n\temail = ");
    text.extend_from_slice(&config_value(config.identity.email.as_ref()));
    text.extend_from_slice(b"\n[commit]\n\tgpgsign = false\n[tag]\n\tgpgsign = false\n");
    text.extend_from_slice(b"[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n");
    text
}

/// A checkout that is there, locked for one operation.
#[derive(Debug)]
pub(crate) struct Checkout<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) place: Place,
    pub(crate) record: Record,
    pub(crate) mirror: Mirror,
    pub(crate) refs: Refs,
    _lock: Lock,
}

impl Checkout<'_> {
    /// Returns the folder that the agent works in.
    pub(crate) fn path(&self) -> PathBuf {
        self.place.checkout(&self.record.repo)
    }

    /// Returns the head that was harvested last; before the first harvest, where the checkout began.
    pub(crate) fn head(&self) -> Result<Oid, WorkspaceError> {
        Ok(self.mirror.resolve(&self.refs.head())?.unwrap_or_else(|| self.record.base.clone()))
    }

    /// Returns the host's own repository for this checkout.
    pub(crate) fn shadow(&self) -> Shadow<'_> {
        Shadow::of(self)
    }

    /// Starts a call of git inside the checkout, on its own terms, confined like its agent.
    pub(crate) fn git_inside(&self) -> Result<GitCall, WorkspaceError> {
        let prefix = self.engine.sandbox.prefix(&self.policy())?;
        let mut env: EnvMap = self.engine.config.base_env.clone();
        let workspace = self.place.workspace(self.record.clone());
        env.extend(workspace.env().map(|(name, value)| (name.into(), value.into())));
        env.extend(
            [("GIT_TERMINAL_PROMPT", "0"), ("LC_ALL", "C")].map(|(name, value)| (name.into(), value.into())),
        );
        Ok(Git::confined(prefix.argv, env).dir(&self.path()))
    }

    /// Returns what whoever works here may touch: its own folders, and the mirror for reading.
    pub(crate) fn policy(&self) -> Policy {
        let mut policy = Policy::system(&self.engine.config.read_also);
        policy.own = vec![self.place.work(), self.place.home(), self.place.tmp()];
        policy.view = vec![self.mirror.dir().to_owned()];
        policy.network = Network::Host;
        policy
    }

    /// Refuses a checkout that is no folder of ours: a link there would lead the host elsewhere.
    fn is_in_place(&self) -> Result<(), WorkspaceError> {
        let path = self.path();
        if self.place.has_checkout(&self.record.repo) {
            return Ok(());
        }
        let what = "is gone or is no folder any more; restore it from its last checkpoint";
        Err(WorkspaceError::Failed {
            doing: format!("using workspace {}", self.record.id),
            detail: format!("{} {what}", path.display()),
        })
    }
}

/// Writes the configuration of git that an agent finds in its HOME.
pub(crate) fn write_home(engine: &Engine, place: &Place) -> Result<(), WorkspaceError> {
    write_new(&place.home().join(".gitconfig"), &git_config(&engine.config))
}
