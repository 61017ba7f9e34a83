//! What runs where: pods and agents.

use axum::extract::State;
use axum::response::Response;
use ipa_events::{Executed, PodCondition, Reference, Runtime, TaskId};
use ipa_pod::EngineError;

use crate::api::extract::{self, In, invalid};
use crate::api::reply::{self, Replay};
use crate::api::tasks::told;
use crate::error::Code;
use crate::error::problem::Refusal;
use crate::security::Viewer;
use crate::state::AppState;
use crate::wire::{AgentRow, Pod};

/// Lists the pods that there are, and the tasks whose pod cannot run.
pub(super) async fn pods(State(state): State<AppState>, _viewer: Viewer) -> Result<Response, Refusal> {
    let active = state.engine().active_pods().await;
    let rows = state.engine().tasks().await?;
    let listed = rows
        .iter()
        .filter(|row| active.contains(&row.summary.id) || matches!(row.pod, PodCondition::Parked(_)));
    Ok(reply::list("/api/v1/pods?", listed.filter_map(Pod::of).collect(), None))
}

/// Stops the pod of a task and starts it again; a parked task is parked no more.
pub(super) async fn restart(
    State(state): State<AppState>,
    viewer: Viewer,
    In(name): In<String>,
) -> Result<Response, Refusal> {
    let task = extract::task(state.engine(), &name).await?;
    state.engine().restart_pod(viewer.ctx(&state), task).await?;
    steered(&state, task).await
}

/// Stops the pod of a task; it starts again when something happens to the task.
pub(super) async fn stop(
    State(state): State<AppState>,
    _viewer: Viewer,
    In(name): In<String>,
) -> Result<Response, Refusal> {
    let task = extract::task(state.engine(), &name).await?;
    state.engine().stop_pod(task).await?;
    steered(&state, task).await
}

/// Stops the pod of a task and puts away what it left.
pub(super) async fn cleanup(
    State(state): State<AppState>,
    viewer: Viewer,
    In(name): In<String>,
) -> Result<Response, Refusal> {
    let task = extract::task(state.engine(), &name).await?;
    state.engine().clean_up_pod(viewer.ctx(&state), task).await?;
    steered(&state, task).await
}

/// Answers as to a command: with the version that the task has now, as it is listed, for a parked task may be one
/// that cannot be read.
async fn steered(state: &AppState, task: TaskId) -> Result<Response, Refusal> {
    let rows = state.engine().tasks().await?;
    let row = rows.iter().find(|row| row.summary.id == task);
    let row = row.ok_or(EngineError::UnknownTask(Reference::Id(task)))?;
    let position = *state.engine().head().borrow();
    let executed = Executed { version: row.summary.version, position, repeated: false };
    Ok(reply::executed(told(task, row.summary.handle, executed), Replay::First))
}

/// Lists the kinds of agents, and whether they work here.
pub(super) async fn agents(State(state): State<AppState>, _viewer: Viewer) -> Result<Response, Refusal> {
    let rows = state.engine().runtimes().await;
    Ok(reply::list("/api/v1/agents?", rows.iter().map(AgentRow::of).collect(), None))
}

/// Finds out whether one agent works here, in the sandbox and with its login, with its argument, as in `command:make fix`.
pub(super) async fn agent(
    State(state): State<AppState>,
    _viewer: Viewer,
    In(name): In<String>,
) -> Result<Response, Refusal> {
    let runtime: Runtime = name.parse().map_err(|error| invalid(format!("{error}")))?;
    let row = state.engine().check(&runtime).await?.ok_or_else(|| {
        Refusal::new(Code::NotFound, format!("this server knows no agent of the kind {:?}", runtime.kind()))
            .help("`ipa agent list` lists the kinds it knows")
    })?;
    Ok(reply::single(AgentRow::of(&row)))
}
