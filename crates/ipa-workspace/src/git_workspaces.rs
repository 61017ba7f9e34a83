//! [`Workspaces`] over git: each operation runs to its end on a blocking thread, whether or not its caller waits.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use ipa_events::{BranchName, Oid, RepoSource, WorkspaceId};
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::engine::Engine;
use crate::error::WorkspaceError;
use crate::fingerprint;
use crate::path::RelPath;
use crate::sandbox::{Needs, SandboxPrefix, Trial, try_sandbox};
use crate::workspaces::{
    Checkpoint, Committed, DiffQuery, DiffSet, FileRoot, FileView, Fingerprint, Listing, Merge, Push,
    Recovery, Removed, Status, Workspace, WorkspaceSpec, Workspaces,
};

/// Checkouts made, read, kept safe and published with git.
#[derive(Debug, Clone)]
pub struct GitWorkspaces {
    engine: Arc<Engine>,
    slots: Arc<Semaphore>,
}

/// How many operations run at once: one that waits for a lock holds a thread, and there is no end of askers.
const SLOTS: usize = 32;

/// How often, and how soon after one another, a checkout that is in use is looked at again before it is left alone: the
/// host of a run that is over still lives for a moment.
const LEAVING: (u32, Duration) = (40, Duration::from_millis(50));

impl GitWorkspaces {
    /// Opens what lies in the configured folders, making those that are missing.
    ///
    /// # Errors
    ///
    /// [`WorkspaceError::Io`] when a folder cannot be made or written.
    pub fn open(config: Config) -> Result<Self, WorkspaceError> {
        Ok(Self { engine: Arc::new(Engine::open(config)?), slots: Arc::new(Semaphore::new(SLOTS)) })
    }

    /// Runs one operation. A caller that stops waiting does not stop it half-way.
    fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Engine) -> Result<T, WorkspaceError> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, WorkspaceError>> {
        let engine = Arc::clone(&self.engine);
        let slots = Arc::clone(&self.slots);
        let failed = |detail: String| WorkspaceError::Failed {
            doing: "running an operation on a workspace".to_owned(),
            detail,
        };
        let task = async move {
            let slot = slots.acquire_owned().await.map_err(|error| failed(error.to_string()))?;
            let ended = tokio::task::spawn_blocking(move || {
                let _slot = slot;
                operation(&engine)
            });
            ended.await.unwrap_or_else(|error| Err(failed(error.to_string())))
        };
        task.boxed()
    }

    /// Takes a checkout away, after a little patience for who is just leaving it.
    fn take_away<T: Send + 'static>(
        &self,
        id: &WorkspaceId,
        operation: fn(&Engine, &WorkspaceId) -> Result<T, WorkspaceError>,
    ) -> BoxFuture<'_, Result<T, WorkspaceError>> {
        let (id, (looks, pause)) = (id.clone(), LEAVING);
        let once = move |id: WorkspaceId| self.run(move |engine| operation(engine, &id));
        let patient = async move {
            for _ in 0..looks {
                match once(id.clone()).await {
                    Err(WorkspaceError::Busy(_)) => tokio::time::sleep(pause).await,
                    other => return other,
                }
            }
            once(id).await
        };
        patient.boxed()
    }
}

type Answer<'a, T> = BoxFuture<'a, Result<T, WorkspaceError>>;

impl Workspaces for GitWorkspaces {
    fn provision(&self, spec: WorkspaceSpec) -> Answer<'_, Workspace> {
        self.run(move |engine| engine.provision(&spec))
    }

    fn locate(&self, id: &WorkspaceId) -> Answer<'_, Workspace> {
        let id = id.clone();
        self.run(move |engine| engine.locate(&id))
    }

    fn list(&self) -> Answer<'_, Vec<Workspace>> {
        self.run(Engine::list)
    }

    fn status(&self, id: &WorkspaceId) -> Answer<'_, Status> {
        let id = id.clone();
        self.run(move |engine| engine.status(&id))
    }

    fn diff(&self, query: DiffQuery) -> Answer<'_, DiffSet> {
        self.run(move |engine| engine.diff(&query))
    }

    fn ls(&self, root: FileRoot, dir: RelPath) -> Answer<'_, Listing> {
        self.run(move |engine| engine.ls(&root, &dir))
    }

    fn read(&self, root: FileRoot, path: RelPath) -> Answer<'_, FileView> {
        self.run(move |engine| engine.read(&root, &path))
    }

    fn write(&self, id: &WorkspaceId, path: RelPath, contents: Vec<u8>) -> Answer<'_, ()> {
        let id = id.clone();
        self.run(move |engine| engine.write(&id, &path, &contents))
    }

    fn commit(&self, id: &WorkspaceId, message: String) -> Answer<'_, Committed> {
        let id = id.clone();
        self.run(move |engine| engine.commit(&id, &message))
    }

    fn checkpoint(&self, id: &WorkspaceId, reason: String) -> Answer<'_, Checkpoint> {
        let id = id.clone();
        self.run(move |engine| engine.checkpoint(&id, &reason))
    }

    fn reset(&self, id: &WorkspaceId, to: Oid) -> Answer<'_, Checkpoint> {
        let id = id.clone();
        self.run(move |engine| engine.reset(&id, &to))
    }

    fn remove(&self, id: &WorkspaceId) -> Answer<'_, Removed> {
        self.take_away(id, Engine::remove)
    }

    fn discard(&self, id: &WorkspaceId) -> Answer<'_, ()> {
        self.take_away(id, Engine::discard)
    }

    fn sandbox(&self, id: &WorkspaceId, needs: Needs) -> Answer<'_, SandboxPrefix> {
        let id = id.clone();
        self.run(move |engine| engine.sandbox_of(&id, needs))
    }

    fn trial(&self, needs: Needs) -> Answer<'_, Trial> {
        self.run(move |engine| try_sandbox(&engine.config, needs))
    }

    fn fingerprint(&self, repo: RepoSource) -> Answer<'_, Option<Fingerprint>> {
        self.run(move |_| repo.as_path().map(fingerprint::of).transpose())
    }

    fn publish(&self, push: Push) -> Answer<'_, ()> {
        self.run(move |engine| engine.publish(&push))
    }

    fn remote_head(&self, repo: RepoSource, branch: BranchName) -> Answer<'_, Option<Oid>> {
        self.run(move |engine| engine.remote_head(&repo, &branch))
    }

    fn merge(&self, merge: Merge) -> Answer<'_, Oid> {
        self.run(move |engine| engine.merge(&merge))
    }

    fn contains(&self, repo: RepoSource, branch: BranchName, commit: Oid) -> Answer<'_, bool> {
        self.run(move |engine| engine.contains(&repo, &branch, &commit))
    }

    fn delete_branch(&self, repo: RepoSource, branch: BranchName, commit: Oid) -> Answer<'_, ()> {
        self.run(move |engine| engine.delete_branch(&repo, &branch, &commit))
    }

    fn recover(&self, known: Vec<WorkspaceId>) -> Answer<'_, Recovery> {
        self.run(move |engine| engine.recover(&known))
    }
}
