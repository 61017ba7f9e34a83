//! A repository on this machine and a folder, as forge and tracker in one: the whole way without an account.
//!
//! The folder is a person's too, who reads and writes it with whatever tool is at hand; `specs/sync/spec.md` says what
//! is where. Git is asked for branches and merges, and nothing else touches the repository.

mod change;
mod check;
mod disk;
mod folder;
mod front;
mod inbox;
mod intake;
mod merge;
mod note;
mod pull;
mod ticket;
mod work;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use ipa_events::{BranchName, ConnectorId, Oid, RepoSource};
use tokio::sync::Mutex;

use self::disk::{Dir, FileError, Print};
use self::folder::PrintOf;
use crate::connector::{Applied, Checked, Connector, Cx, Job, Look, Observed, Probe, Sweep, Swept, Target};
use crate::error::{ErrorClass, SyncError};

/// What a local connector is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalConfig {
    /// Its name.
    pub id: ConnectorId,
    /// Where pull requests, tickets and the inbox are. It is made when it is not there.
    pub folder: PathBuf,
    /// The repository that it is the forge of.
    pub repo: RepoSource,
    /// The branch that pull requests are merged into, unless they name another.
    pub base: BranchName,
    /// The label of a ticket that wants a task.
    pub label: String,
}

/// Leads to a repository on this machine and a folder.
#[derive(Debug)]
pub struct LocalConnector {
    config: LocalConfig,
    /// Held through every look and every change; within: what the last sweep saw.
    seen: Mutex<Seen>,
    /// Held by whoever is at the files, also after nobody waits for it any more.
    files: Arc<std::sync::Mutex<()>>,
}

/// What a sweep saw of each thing: the state of its files, and where the head of a pull request is.
type Seen = BTreeMap<PrintOf, (Vec<Print>, Option<Oid>)>;

impl LocalConnector {
    /// Makes the connector; nothing is read or written yet.
    pub fn new(config: LocalConfig) -> Self {
        Self { config, seen: Mutex::default(), files: Arc::default() }
    }

    /// Does something with the files, where waiting for a disk stops nobody else.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Dir) -> Result<T, FileError> + Send + 'static,
    ) -> Result<Result<T, FileError>, SyncError> {
        let (path, files) = (self.config.folder.clone(), self.files.clone());
        let done = tokio::task::spawn_blocking(move || {
            let _held = files.lock().unwrap_or_else(PoisonError::into_inner);
            work(&Dir::root(&path)?)
        });
        done.await.map_err(|error| {
            SyncError::new(
                ErrorClass::Indeterminate,
                format!("working in {}", self.folder()),
                error.to_string(),
            )
        })
    }

    /// Does something with the files, or says what it was that failed.
    async fn files<T: Send + 'static>(
        &self,
        doing: &str,
        work: impl FnOnce(&Dir) -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, SyncError> {
        let doing = format!("{doing} in {}", self.folder());
        self.on_disk(work).await?.map_err(|error| error.while_doing(&doing))
    }

    fn folder(&self) -> String {
        self.config.folder.display().to_string()
    }
}

impl Connector for LocalConnector {
    fn id(&self) -> &ConnectorId {
        &self.config.id
    }

    fn hosts(&self, repo: &RepoSource) -> bool {
        self.config.repo == *repo
    }

    /// A folder has no credential.
    fn resume(&self) {}

    fn observe<'a>(
        &'a self,
        cx: Cx<'a>,
        at: &'a Target,
        _look: Look,
    ) -> BoxFuture<'a, Result<Observed, SyncError>> {
        async move {
            let _held = self.seen.lock().await;
            self.take_in(cx).await?;
            self.look(cx, at).await
        }
        .boxed()
    }

    fn apply<'a>(&'a self, cx: Cx<'a>, job: &'a Job) -> BoxFuture<'a, Result<Applied, SyncError>> {
        async move {
            let _held = self.seen.lock().await;
            self.make(cx, job).await
        }
        .boxed()
    }

    fn probe<'a>(&'a self, cx: Cx<'a>, job: &'a Job) -> BoxFuture<'a, Result<Probe, SyncError>> {
        async move {
            let _held = self.seen.lock().await;
            self.find(cx, job).await
        }
        .boxed()
    }

    fn sweep<'a>(&'a self, cx: Cx<'a>, sweep: &'a Sweep) -> BoxFuture<'a, Result<Swept, SyncError>> {
        async move {
            let mut seen = self.seen.lock().await;
            if sweep.since.is_none() {
                seen.clear();
            }
            self.take_in(cx).await?;
            self.compare(cx, &mut seen).await
        }
        .boxed()
    }

    fn check<'a>(&'a self, cx: Cx<'a>) -> BoxFuture<'a, Result<Checked, SyncError>> {
        self.look_over(cx).boxed()
    }
}

#[cfg(test)]
mod tests;
