//! Starts a run: its place of work is there, what it was told is kept, and only then does a process exist.

use std::path::Path;
use std::sync::Arc;

use ipa_agent::{AgentRuntime, AgentSession, Policy, RunDir, RunLimits, RunSpec, Session, Tools};
use ipa_events::task::{Run, TaskState};
use ipa_events::{CommandId, FailureClass, Outcome, Principal, Retry, Role, TaskCommand, WorkspaceId};
use ipa_workspace::{Needs, Start, Workspace, WorkspaceError, WorkspaceSpec};

use super::{Drive, Heard};
use crate::bounds::{bounds, needs};
use crate::pod::workspaces::spec_of;
use crate::prompt::prompt;

/// The file in a run's folder that says what confines it.
const SANDBOX: &str = "sandbox.txt";

/// The file in a run's folder that describes the source repository as it was before.
pub(super) const SOURCE: &str = "source.json";

impl Drive {
    /// Starts a run that nobody started.
    pub(super) async fn begin(
        &self,
        run: &Run,
        runtime: &dyn AgentRuntime,
        dir: RunDir,
    ) -> Result<AgentSession, Heard> {
        let state = self.task.now().state;
        if let Some(by) = unwanted(&state, run) {
            return Err(Heard::ended(Outcome::Interrupted { by }));
        }
        let workspace = self.workspace(&state, run).await.map_err(|error| no_workspace(&error))?;
        let spec = self
            .spec(&state, run, (dir.clone(), &workspace), needs(runtime, &run.runtime))
            .await
            .map_err(|error| no_workspace(&error))?;
        let session = runtime.start(spec).await.map_err(|error| {
            let (class, retry) = error.class();
            Heard::failed(class, crate::error::chain(&error), retry)
        })?;
        if let Some(body) = started(run, &session, dir.path()).await {
            self.insist(CommandId::new(self.parts.edge.uuid()), body).await;
        }
        Ok(session)
    }

    /// Returns the place of work, whole: a lost one is restored, and a check gets a new one.
    async fn workspace(&self, state: &TaskState, run: &Run) -> Result<Workspace, WorkspaceError> {
        let id = run.place.workspace_id.clone();
        let spec = match run.role {
            Role::Check => detached(state, run, id.clone()),
            Role::Spec | Role::Plan | Role::Develop | Role::Review => spec_of(state, &run.place.agent_id),
        };
        let spec = spec.ok_or(WorkspaceError::NotFound(id))?;
        self.parts.workspaces.provision(spec).await
    }

    async fn spec(
        &self,
        state: &TaskState,
        run: &Run,
        (dir, workspace): (RunDir, &Workspace),
        needs: Needs,
    ) -> Result<RunSpec, WorkspaceError> {
        let sandbox = self.parts.workspaces.sandbox(&run.place.workspace_id, needs).await?;
        let role = self.parts.config.roles.of(run.role);
        let handover = self.handover(state, run).await;
        let text: Arc<str> = prompt(state, run, handover.as_ref()).into();
        self.keep(dir.path(), SANDBOX, bounds(&sandbox.enforced).as_bytes()).await?;
        let kept = self.parts.config.secrets.redact(&text);
        self.keep(dir.path(), crate::prompt::FILE, kept.as_bytes()).await?;
        self.keep_source(dir.path(), workspace).await?;
        let mut env = self.parts.config.agent_env.clone();
        env.extend(workspace.env().map(|(name, value)| (name.into(), value.into())));
        Ok(RunSpec {
            run: run.id,
            role: run.role,
            runtime: run.runtime.clone(),
            dir,
            cwd: workspace.path.clone(),
            lease: workspace.lease.clone(),
            output: workspace.tmp.join(format!("output-{}.md", run.id.number)),
            prompt: text,
            session: session(run),
            model: role.model.clone(),
            policy: Policy { allow: Tools(role.tools.clone().unwrap_or_else(|| tools(run.role))) },
            limits: limits(run.role, RunLimits { budget: self.left(state), ..self.parts.config.run_limits }),
            env,
            prefix: sandbox.argv,
        })
    }

    /// Describes the source repository, to tell after the run whether anything in it changed.
    async fn keep_source(&self, dir: &Path, workspace: &Workspace) -> Result<(), WorkspaceError> {
        let Some(before) = self.parts.workspaces.fingerprint(workspace.repo.clone()).await? else {
            return Ok(());
        };
        let before = serde_json::to_vec(&before).unwrap_or_default();
        self.keep(dir, SOURCE, &before).await
    }

    /// Keeps a file beside the run's spool.
    async fn keep(&self, dir: &Path, name: &str, contents: &[u8]) -> Result<(), WorkspaceError> {
        let path = dir.join(name);
        let kept = async {
            tokio::fs::create_dir_all(dir).await?;
            tokio::fs::write(&path, contents).await
        };
        kept.await.map_err(|source| WorkspaceError::Io {
            doing: "keeping what a run was told in",
            path: path.clone(),
            source,
        })
    }
}

/// Makes the command that records a started run; none when its host has no identity, as it never had one.
pub(super) async fn started(run: &Run, session: &AgentSession, dir: &Path) -> Option<TaskCommand> {
    let process = session.identity.clone()?;
    let sandbox =
        tokio::fs::read_to_string(dir.join(SANDBOX)).await.unwrap_or_else(|_| "not known".to_owned());
    Some(TaskCommand::RecordStarted {
        run: run.id,
        process,
        session: session.session.clone(),
        sandbox: sandbox.into(),
    })
}

/// Tells who does not want a run any more that was not started yet.
fn unwanted(state: &TaskState, run: &Run) -> Option<Principal> {
    let interrupted = state.run(run.id).and_then(|run| run.interrupted_by.clone());
    let left = (state.phase != run.phase || state.paused.is_some()).then_some(Principal::Scheduler);
    interrupted.or(left)
}

fn detached(state: &TaskState, run: &Run, id: WorkspaceId) -> Option<WorkspaceSpec> {
    Some(WorkspaceSpec {
        id,
        handle: state.handle()?,
        title: state.title.clone(),
        repo: state.created.as_ref()?.repo.clone(),
        start: Start::Detached(run.head.clone()),
    })
}

fn no_workspace(error: &WorkspaceError) -> Heard {
    let retry = if error.is_transient() { Retry::Backoff } else { Retry::Human };
    Heard::failed(FailureClass::Workspace, crate::error::chain(error), retry)
}

/// A check may be silent for as long as it may take.
fn limits(role: Role, limits: RunLimits) -> RunLimits {
    if role == Role::Check { RunLimits { silence: limits.turn, ..limits } } else { limits }
}

fn session(run: &Run) -> Session {
    match (run.session.clone(), run.resumes) {
        (None, _) => Session::Fresh,
        (Some(id), None) => Session::New(id),
        (Some(id), Some(_)) => Session::Resume(id),
    }
}

/// Lists the tools that a role may use unasked.
fn tools(role: Role) -> Vec<String> {
    let read = ["Read", "Glob", "Grep", "LS", "NotebookRead", "TodoWrite"];
    let change = ["Edit", "MultiEdit", "Write", "NotebookEdit", "Bash", "BashOutput", "KillShell"];
    let allowed: &[&[&str]] = match role {
        Role::Spec | Role::Plan => &[&read],
        Role::Develop | Role::Review | Role::Check => &[&read, &change],
    };
    allowed.concat().into_iter().map(str::to_owned).collect()
}
