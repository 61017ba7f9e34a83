//! Tasks: list, create, show, steer.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use ipa_events::store::Version;
use ipa_events::{Executed, Handle, Phase, Status, TaskId};
use ipa_pod::TaskRow;
use serde::Deserialize;

use crate::api::extract::{self, Asked, In, invalid};
use crate::api::{act, idempotency, reply};
use crate::error::Code;
use crate::error::problem::Refusal;
use crate::security::Viewer;
use crate::state::AppState;
use crate::wire::{Command, CommandReply, CreateTask, Task, TaskDetail, Why};

#[derive(Deserialize)]
pub(super) struct Filter {
    phase: Option<Phase>,
    status: Option<Status>,
    after: Option<String>,
    limit: Option<usize>,
}

/// Lists tasks, the newest first; the cursor is the handle of the last one.
pub(super) async fn list(
    State(state): State<AppState>,
    _viewer: Viewer,
    Asked(filter): Asked<Filter>,
) -> Result<Response, Refusal> {
    let limit = extract::limit(filter.limit);
    let after = extract::handle(filter.after.as_deref())?;
    let fits = |row: &TaskRow| {
        filter.phase.is_none_or(|phase| row.summary.phase == phase)
            && filter.status.is_none_or(|status| row.status() == status)
            && after.is_none_or(|after| row.summary.handle < after)
    };
    let rows = state.engine().tasks().await?;
    let mut fitting = rows.iter().filter(|row| fits(row)).map(Task::of);
    let items: Vec<Task> = fitting.by_ref().take(limit).collect();
    let more = fitting.next().is_some();
    let next = items.last().filter(|_| more).map(|task| task.handle.to_string());
    let phase = filter.phase.map(|phase| format!("phase={phase}&")).unwrap_or_default();
    let status = filter.status.map(|status| format!("status={status}&")).unwrap_or_default();
    Ok(reply::list(&format!("/api/v1/tasks?limit={limit}&{phase}{status}"), items, next))
}

/// Creates a task.
pub(super) async fn create(
    State(state): State<AppState>,
    viewer: Viewer,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let asked: CreateTask = extract::json(&headers, &body)?;
    let key = idempotency::ctx(&state, &viewer, &headers, ("create", &body))?;
    let created = act::create(&state, key.ctx.clone(), asked).await?;
    let view = state.engine().task(created.id).await?;
    let detail = TaskDetail::of(&view).ok_or_else(|| missing(created.id))?;
    let Executed { version, position, repeated: _ } = created.executed;
    let headers = reply::command_headers(version, position, key.replay(&created.executed));
    Ok(reply::created(&format!("/api/v1/tasks/{}", created.handle), headers, detail))
}

fn missing(task: TaskId) -> Refusal {
    Refusal::new(Code::UnknownTask, format!("there is no task {task}"))
}

#[derive(Deserialize)]
pub(super) struct At {
    at: Option<u64>,
}

/// Shows a task, whole, as it is or as it was at a version.
pub(super) async fn show(
    State(state): State<AppState>,
    _viewer: Viewer,
    In(name): In<String>,
    Asked(At { at }): Asked<At>,
) -> Result<Response, Refusal> {
    let task = extract::task(state.engine(), &name).await?;
    let view = match at {
        None => state.engine().task(task).await?,
        Some(0) => return Err(invalid("a task begins at version 1")),
        Some(version) => state.engine().task_at(task, Version::new(version)).await?,
    };
    let detail = TaskDetail::of(&view).ok_or_else(|| missing(task))?;
    Ok(reply::versioned(view.version, detail))
}

/// Says why a task is doing something or not.
pub(super) async fn why(
    State(state): State<AppState>,
    _viewer: Viewer,
    In(name): In<String>,
) -> Result<Response, Refusal> {
    let task = extract::task(state.engine(), &name).await?;
    Ok(reply::single(Why::of(&state.engine().task(task).await?)))
}

/// Carries a command out on a task.
pub(super) async fn command(
    State(state): State<AppState>,
    viewer: Viewer,
    In(name): In<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let task = extract::task(state.engine(), &name).await?;
    let command: Command = extract::json(&headers, &body)?;
    let target = format!("command {task}");
    let key = idempotency::ctx(&state, &viewer, &headers, (&target, &body))?;
    let (handle, seen) = expected(&state, task, &headers).await?;
    let executed = act::command(&state, key.ctx.clone(), (task, seen), command).await?;
    Ok(reply::executed(told(task, handle, executed), key.replay(&executed)))
}

/// Makes the answer to a command.
pub(super) fn told(task_id: TaskId, handle: Handle, executed: Executed) -> CommandReply {
    let Executed { version, position, repeated } = executed;
    CommandReply { task_id, handle, version, position, repeated }
}

/// Returns a task's handle, and the version that the sender of a command saw, if `If-Match` names one.
pub(super) async fn expected(
    state: &AppState,
    task: TaskId,
    headers: &HeaderMap,
) -> Result<(Handle, Option<Version>), Refusal> {
    let handle = state.engine().task(task).await?.row.summary.handle;
    let Some(named) = headers.get(header::IF_MATCH) else { return Ok((handle, None)) };
    let named = named.to_str().unwrap_or_default().trim();
    if named == "*" {
        return Ok((handle, None));
    }
    let version = named.trim_matches('"').strip_prefix('v').and_then(|version| version.parse::<u64>().ok());
    let seen = version.ok_or_else(|| invalid("If-Match is a task's ETag, such as \"v17\""))?;
    Ok((handle, Some(Version::new(seen))))
}
