//! Looking at the work: files, differences, what an agent said. Needs no pod.

use std::io;

use ipa_agent::{Bench, Probe, ProbeError, RunDir, Secrets, Tail};
use ipa_events::task::Run;
use ipa_events::{AgentId, Oid, RunId, Runtime, TaskId, TaskState, WorkspaceId};
use ipa_workspace::{
    DiffQuery, DiffSet, DiffTo, FileRoot, FileView, Listing, RelPath, Workspace, WorkspaceError,
};

use super::Engine;
use crate::bounds::needs;
use crate::error::EngineError;
use crate::{prompt, redact};

/// A kind of agent, and whether it works here.
pub struct RuntimeRow {
    /// Its name.
    pub kind: String,
    /// What was found out about it.
    pub probe: Result<Probe, ProbeError>,
}

/// What a task's work is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Since {
    /// The commit that it began at.
    #[default]
    Base,
    /// The commit that a person last saw at a gate; before that, the one that it began at.
    Review,
}

impl Since {
    /// Returns the commit to compare with, once there is any work.
    pub fn commit(self, state: &TaskState) -> Option<&Oid> {
        match self {
            Self::Base => state.base(),
            Self::Review => state.base().map(|base| state.reviewed().unwrap_or(base)),
        }
    }
}

impl Engine {
    /// Compares the work of a task with an earlier commit of it: as it lies in the workspace, or, when that is
    /// gone, as it was harvested. Empty before there is any.
    ///
    /// # Errors
    ///
    /// [`EngineError::Workspace`], or why the task could not be read.
    pub async fn diff(&self, task: TaskId, since: Since) -> Result<DiffSet, EngineError> {
        let state = self.task(task).await?.state;
        let (Some(created), Some(from)) = (&state.created, since.commit(&state)) else {
            return Ok(DiffSet::default());
        };
        let to = match self.root(task, &AgentId::main()).await? {
            FileRoot::Worktree(id) => DiffTo::Worktree(id),
            FileRoot::Commit { commit, .. } => DiffTo::Commit(commit),
        };
        let query = DiffQuery { repo: created.repo.clone(), from: from.clone(), to };
        Ok(redact::diff(self.secrets(), self.inner.parts.workspaces.diff(query).await?))
    }

    /// Lists a folder of a task's work.
    ///
    /// # Errors
    ///
    /// [`EngineError::Workspace`] when there is no such folder, or no work yet.
    pub async fn ls(&self, task: TaskId, dir: &str) -> Result<Listing, EngineError> {
        let dir: RelPath = dir.parse().map_err(WorkspaceError::from)?;
        let root = self.root(task, &AgentId::main()).await?;
        Ok(redact::listing(self.secrets(), self.inner.parts.workspaces.ls(root, dir).await?))
    }

    /// Reads a file of a task's work, from the named place of work.
    ///
    /// # Errors
    ///
    /// [`EngineError::Workspace`] when there is no such file, or no work yet.
    pub async fn read_file(
        &self,
        task: TaskId,
        agent: &AgentId,
        path: &str,
    ) -> Result<FileView, EngineError> {
        let path: RelPath = path.parse().map_err(WorkspaceError::from)?;
        let root = self.root(task, agent).await?;
        Ok(redact::file(self.secrets(), self.inner.parts.workspaces.read(root, path).await?))
    }

    /// Names where a task's files lie now: its workspace, or the harvested head when that is gone.
    async fn root(&self, task: TaskId, agent: &AgentId) -> Result<FileRoot, EngineError> {
        let id = WorkspaceId { task, agent: agent.clone() };
        match self.inner.parts.workspaces.locate(&id).await {
            Ok(_) => return Ok(FileRoot::Worktree(id)),
            Err(WorkspaceError::NotFound(_)) if *agent == AgentId::main() => {}
            Err(error) => return Err(error.into()),
        }
        let state = self.task(task).await?.state;
        let commit = state.head.as_ref().or_else(|| state.base());
        match (&state.created, commit) {
            (Some(created), Some(commit)) => {
                Ok(FileRoot::Commit { repo: created.repo.clone(), commit: commit.clone() })
            }
            (_, _) => Err(WorkspaceError::NotFound(id).into()),
        }
    }

    fn secrets(&self) -> &Secrets {
        &self.inner.parts.config.secrets
    }

    /// Lists the checkouts that are there, of one task or of all.
    ///
    /// # Errors
    ///
    /// [`EngineError::Workspace`].
    pub async fn workspaces(&self, task: Option<TaskId>) -> Result<Vec<Workspace>, EngineError> {
        let mut all = self.inner.parts.workspaces.list().await?;
        all.retain(|workspace| task.is_none_or(|task| workspace.id.task == task));
        Ok(all)
    }

    /// Reads what the agent of a run did, from its first event on.
    ///
    /// # Errors
    ///
    /// [`EngineError::Unknown`] when there is no such run.
    pub async fn run_log(&self, run: RunId) -> Result<Tail, EngineError> {
        let runtime = self.run(run).await?.runtime;
        let runtime = self.inner.parts.runtime(&runtime).ok_or_else(|| unknown(run))?;
        Ok(runtime.tail(RunDir::new(self.inner.parts.run_dir(run))))
    }

    /// Reads what the agent of a run was told when it was started, Markdown; none when nobody was told anything, as
    /// before it starts, or in a check.
    ///
    /// # Errors
    ///
    /// [`EngineError::Unknown`] when there is no such run, [`EngineError::Workspace`] when it cannot be read.
    pub async fn prompt(&self, run: RunId) -> Result<Option<String>, EngineError> {
        self.run(run).await?;
        let path = self.inner.parts.run_dir(run).join(prompt::FILE);
        match tokio::fs::read_to_string(&path).await {
            Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => {
                let doing = "reading what an agent was told in";
                Err(EngineError::Workspace(WorkspaceError::Io { doing, path, source }))
            }
        }
    }

    async fn run(&self, run: RunId) -> Result<Run, EngineError> {
        let state = self.task(run.task).await?.state;
        state.run(run).cloned().ok_or_else(|| unknown(run))
    }

    /// Lists the kinds of agents, and whether they work here.
    pub async fn runtimes(&self) -> Vec<RuntimeRow> {
        let mut rows = Vec::new();
        for kind in self.inner.parts.runtimes.keys() {
            let Ok(name) = kind.parse::<Runtime>() else { continue };
            if let Some(probe) = self.probe(&name).await {
                rows.push(RuntimeRow { kind: kind.clone(), probe });
            }
        }
        rows
    }

    /// Finds out whether an agent works where its runs work, in the sandbox, and how it is let in at its model; none
    /// when this engine knows no such kind.
    ///
    /// # Errors
    ///
    /// [`EngineError::Workspace`] when there is nothing to try it in.
    pub async fn check(&self, name: &Runtime) -> Result<Option<RuntimeRow>, EngineError> {
        let Some(runtime) = self.inner.parts.runtime(name) else { return Ok(None) };
        let trial = self.inner.parts.workspaces.trial(needs(&**runtime, name)).await?;
        let bench = Bench { prefix: trial.prefix.argv.clone(), home: trial.home.clone() };
        let probe = runtime.check(name, bench).await;
        Ok(Some(RuntimeRow { kind: name.to_string(), probe }))
    }

    /// Finds out at a glance whether an agent works here; none when this engine knows no such kind.
    pub async fn probe(&self, name: &Runtime) -> Option<Result<Probe, ProbeError>> {
        let runtime = self.inner.parts.runtime(name)?;
        Some(runtime.probe(name).await)
    }
}

fn unknown(run: RunId) -> EngineError {
    EngineError::Unknown { what: "run", name: run.to_string() }
}
