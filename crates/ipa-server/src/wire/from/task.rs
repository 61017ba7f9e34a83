//! Tasks and runs.

use ipa_events::task::{self as domain, Asked, Evidence, RunState, TaskState, WorkspaceState};
use ipa_events::{AgentId, Handle, RunId, WorkspaceId};
use ipa_pod::{TaskRow, TaskView};

use crate::wire::{
    CheckRow, Checks, Decision, DocumentVersions, MessageRow, OutsideRow, Run, RunStatus, SyncOp, Task,
    TaskDetail, TaskWorkspace,
};

impl Task {
    /// Shows a task as it is listed.
    pub(crate) fn of(row: &TaskRow) -> Self {
        let it = &row.summary;
        Self {
            id: it.id,
            handle: it.handle,
            title: it.title.to_string(),
            phase: it.phase,
            status: row.status(),
            version: it.version,
            agent: it.agent.clone(),
            repo: it.repo.clone(),
            branch: it.branch.clone(),
            commit: it.commit.clone(),
            waiting_for: row.waiting_for(),
            cost_usd: dollars(it.cost_microusd),
            budget_usd: it.budget.map(|budget| dollars(budget.as_microusd())),
            created_at: it.created_at,
            updated_at: it.updated_at,
            priority: it.priority,
            depends_on: it.depends_on.clone(),
            run: it.run.as_ref().map(|run| run.id.handle(it.handle)),
            open_decisions: it.decisions.iter().map(|decision| decision.id.handle(it.handle)).collect(),
        }
    }
}

/// Turns millionths of a dollar into dollars.
fn dollars(microusd: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "exact up to nine thousand million dollars")]
    let micro = microusd as f64;
    micro / 1_000_000.0
}

impl TaskDetail {
    /// Shows a task, whole; none before it is created.
    pub(crate) fn of(view: &TaskView) -> Option<Self> {
        let state = &*view.state;
        let created = state.created.as_ref()?;
        let handle = Handle::new(created.number);
        Some(Self {
            task: Task::of(&view.row),
            request: created.request.to_string(),
            base: created.base.clone(),
            base_commit: state.base().cloned(),
            start_at: created.start_at,
            gates: created.gates,
            spec: DocumentVersions::of(&state.spec),
            plan: DocumentVersions::of(&state.plan),
            runs: state.runs.iter().map(|run| Run::of(state, run)).collect(),
            decisions: state.decisions.iter().map(|it| Decision::of(state, it)).collect(),
            checks: Checks::of(state),
            workspaces: workspaces(state),
            messages: (1..).zip(&state.messages).map(|it| message(handle, it)).collect(),
            outside: OutsideRow::all(state),
            sync: state.ops.iter().map(|op| SyncOp::of(handle, state, op)).collect(),
            paused_by: state.paused.clone(),
            interrupted_by: state.interrupted.clone(),
            failures: state.failures,
            last_failure: state.last_failure.as_ref().map(ToString::to_string),
            retry_at: state.retry.as_ref().map(|retry| retry.at),
        })
    }
}

impl DocumentVersions {
    fn of(document: &domain::Document) -> Self {
        let versions = document.versions.iter().map(ToString::to_string).collect();
        Self { version: document.version(), versions }
    }
}

impl Run {
    /// Shows a run of a task.
    pub(crate) fn of(state: &TaskState, run: &domain::Run) -> Self {
        Self {
            id: run.id,
            handle: handle_of(state, run.id),
            task_id: run.id.task,
            agent_id: run.place.agent_id.clone(),
            workspace_id: run.place.workspace_id.clone(),
            role: run.role,
            phase: run.phase,
            attempt: run.attempt,
            runtime: run.runtime.clone(),
            session_id: run.session.clone(),
            resumes: run.resumes.map(|run| handle_of(state, run)),
            takes_over: run.takes_over.map(|run| handle_of(state, run)),
            budget: run.budget.map(|(_, budget)| budget.to_string()),
            status: status(state, run),
            outcome: match &run.state {
                RunState::Over(outcome) => Some(outcome.clone()),
                RunState::Requested | RunState::Running => None,
            },
            pid: run.process.as_ref().map(|process| process.pid),
            head: run.head.clone(),
            sandbox: run.sandbox.as_ref().map(ToString::to_string),
            check: run.check.as_ref().map(ToString::to_string),
            requested_at: run.requested_at,
            started_at: run.started_at,
            finished_at: run.finished_at,
            usage: run.usage,
        }
    }
}

pub(super) fn handle_of(state: &TaskState, run: RunId) -> String {
    state.handle().map_or_else(|| run.to_string(), |handle| run.handle(handle))
}

fn status(state: &TaskState, run: &domain::Run) -> RunStatus {
    let asks = |asked: &Asked| asked.run().is_some_and(|(asking, _key)| asking == run.id);
    match &run.state {
        RunState::Requested => RunStatus::Requested,
        RunState::Running if state.open_decisions().any(|open| asks(&open.asked)) => RunStatus::Waiting,
        RunState::Running => RunStatus::Running,
        RunState::Over(_) => RunStatus::Finished,
    }
}

impl Checks {
    fn of(state: &TaskState) -> Self {
        let commands = state.created.as_ref().map_or(&[][..], |created| &created.checks);
        Self {
            commands: commands.iter().map(ToString::to_string).collect(),
            evidence: match (&state.head, commands) {
                (Some(head), _) => state.evidence(head),
                (None, []) => Evidence::NoneConfigured,
                (None, _) => Evidence::Pending,
            },
            results: state.checks.iter().map(|result| CheckRow::of(state, result)).collect(),
        }
    }
}

impl CheckRow {
    /// Shows what a check said.
    pub(crate) fn of(state: &TaskState, result: &domain::CheckResult) -> Self {
        Self {
            run: handle_of(state, result.run),
            command: result.command.to_string(),
            commit: result.commit.clone(),
            exit_code: result.exit_code,
            passed: result.passed,
            tail: result.tail.to_string(),
        }
    }
}

fn workspaces(state: &TaskState) -> Vec<TaskWorkspace> {
    let Some(task) = state.id() else { return Vec::new() };
    let row = |(agent, workspace): (&AgentId, &domain::Workspace)| {
        let (word, path, branch, base, detail) = match &workspace.state {
            WorkspaceState::Requested => ("requested", None, None, None, None),
            WorkspaceState::Ready { path, branch, base } => {
                ("ready", Some(path.to_string()), Some(branch.clone()), Some(base.clone()), None)
            }
            WorkspaceState::Failed { detail } => ("failed", None, None, None, Some(detail.to_string())),
            WorkspaceState::Trashed { branch, base } => {
                ("trashed", None, Some(branch.clone()), Some(base.clone()), None)
            }
        };
        TaskWorkspace {
            id: WorkspaceId { task, agent: agent.clone() },
            agent_id: agent.clone(),
            state: word.to_owned(),
            path,
            branch,
            base,
            detail,
            checkpoints: workspace.checkpoints.len(),
        }
    };
    state.workspaces.iter().map(row).collect()
}

fn message(handle: Handle, (number, message): (u32, &domain::Message)) -> MessageRow {
    MessageRow {
        number,
        actor: message.from.clone(),
        at: message.at,
        text: message.text.to_string(),
        delivered: message.delivered.map(|run| run.handle(handle)),
    }
}
