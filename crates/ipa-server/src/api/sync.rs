//! The outside: what was and is to be changed there, who agrees, and how the connectors are.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use ipa_events::task::{OpState, Verdict};
use ipa_events::{ConnectorId, Envelope, OpId, TaskCommand};
use ipa_pod::TaskView;
use serde::Deserialize;

use crate::api::extract::{self, Asked, In, invalid};
use crate::api::tasks::{expected, told};
use crate::api::{act, idempotency, reply};
use crate::error::Code;
use crate::error::problem::Refusal;
use crate::security::Viewer;
use crate::state::AppState;
use crate::wire::{ConnectorRow, SyncInput, SyncOp, WantedChange};

#[derive(Deserialize)]
pub(super) struct OfTask {
    task: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

/// Lists changes to the outside, of one task or of all, the newest task first; the cursor is the handle of
/// the last task that was looked at.
pub(super) async fn sync(
    State(state): State<AppState>,
    _viewer: Viewer,
    Asked(asked): Asked<OfTask>,
) -> Result<Response, Refusal> {
    let engine = state.engine();
    if let Some(name) = &asked.task {
        let view = engine.task(extract::task(engine, name).await?).await?;
        let handle = view.row.summary.handle;
        let ops = view.state.ops.iter().map(|op| SyncOp::of(handle, &view.state, op)).collect();
        return Ok(reply::list("/api/v1/sync?", ops, None));
    }
    let (limit, after) = (extract::limit(asked.limit), extract::handle(asked.after.as_deref())?);
    let rows = engine.tasks().await?;
    let mut rest = rows.iter().filter(|row| after.is_none_or(|after| row.summary.handle < after));
    let (mut ops, mut last) = (Vec::new(), None);
    for row in rest.by_ref().take(limit) {
        // A task that cannot be read hides the others' changes no more than the others do its own.
        if let Ok(view) = engine.task(row.summary.id).await {
            ops.extend(view.state.ops.iter().map(|op| SyncOp::of(row.summary.handle, &view.state, op)));
        }
        last = Some(row.summary.handle.to_string());
    }
    let next = rest.next().and(last);
    Ok(reply::list(&format!("/api/v1/sync?limit={limit}&"), ops, next))
}

/// Shows one change to the outside.
pub(super) async fn show(
    State(state): State<AppState>,
    _viewer: Viewer,
    In(name): In<String>,
) -> Result<Response, Refusal> {
    let (view, op) = find(&state, &name).await?;
    let found = view.state.op(op).map(|op| SyncOp::of(view.row.summary.handle, &view.state, op));
    Ok(reply::single(found.ok_or_else(|| unknown(&name))?))
}

/// Agrees to a change, refuses it, tries it again, or drops it.
pub(super) async fn act_on(
    State(state): State<AppState>,
    viewer: Viewer,
    In((name, verb)): In<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let (view, op) = find(&state, &name).await?;
    let input: SyncInput = extract::json(&headers, &body)?;
    let key = idempotency::ctx(&state, &viewer, &headers, (&format!("{verb} {op}"), &body))?;
    let (handle, seen) = expected(&state, op.task, &headers).await?;
    let text = input.text.filter(|text| !text.trim().is_empty()).map(Into::into);
    let body = match verb.as_str() {
        "approve" => answer(&view, op, Verdict::Approve { note: text })?,
        "reject" => {
            let reason = text.ok_or_else(|| {
                invalid("a rejection needs its reason").help("say in `text` why it is not to go out")
            })?;
            answer(&view, op, Verdict::Reject { reason })?
        }
        "retry" => TaskCommand::RetryOp { op },
        "drop" => TaskCommand::DropOp { op },
        other => {
            return Err(invalid(format!("{other:?} is nothing that can be done with a change"))
                .help("it is `approve`, `reject`, `retry` or `drop`"));
        }
    };
    let command = Envelope { ctx: key.ctx.clone(), body };
    let executed = act::execute(state.engine(), (op.task, seen), command).await?;
    Ok(reply::executed(told(op.task, handle, executed), key.replay(&executed)))
}

/// Decides the card that a change waits on. It binds what the card shows now.
fn answer(view: &TaskView, op: OpId, verdict: Verdict) -> Result<TaskCommand, Refusal> {
    let held = view.state.op(op).filter(|op| op.state == OpState::Held);
    let card = held.and_then(|op| view.state.publish_card(&op.resource));
    let (card, _) = card.ok_or_else(|| {
        Refusal::new(Code::WrongState, "the change does not wait for anybody")
            .help("`ipa sync status` tells how far each change is")
    })?;
    Ok(TaskCommand::Answer { decision: card.id, seen: Some(card.payload_hash.clone()), verdict })
}

/// Lists what would be changed outside for a task now; nothing is looked at, queued or sent.
pub(super) async fn would(
    State(state): State<AppState>,
    _viewer: Viewer,
    In(name): In<String>,
) -> Result<Response, Refusal> {
    let engine = state.engine();
    let task = extract::task(engine, &name).await?;
    let handle = engine.task(task).await?.row.summary.handle;
    let wanted = engine.would_change(task).await?;
    let rows = wanted.into_iter().map(|would| WantedChange::of(handle, would)).collect();
    Ok(reply::list("/api/v1/sync?", rows, None))
}

/// Looks outside now, and makes what is wanted there.
pub(super) async fn now(
    State(state): State<AppState>,
    _viewer: Viewer,
    In(name): In<String>,
) -> Result<Response, Refusal> {
    let engine = state.engine();
    let task = extract::task(engine, &name).await?;
    engine.sync_now(task).await?;
    let view = engine.task(task).await?;
    let handle = view.row.summary.handle;
    let ops = view.state.ops.iter().map(|op| SyncOp::of(handle, &view.state, op)).collect();
    Ok(reply::list("/api/v1/sync?", ops, None))
}

/// Lists the connectors, and how each is.
pub(super) async fn connectors(State(state): State<AppState>, _viewer: Viewer) -> Result<Response, Refusal> {
    let connectors = state.engine().connectors().await?;
    let rows = connectors.iter().map(|(id, health)| ConnectorRow::of(id, health)).collect();
    Ok(reply::list("/api/v1/connectors?", rows, None))
}

/// Pauses a connector: nothing is read or written through it until somebody resumes it.
pub(super) async fn pause(
    State(state): State<AppState>,
    viewer: Viewer,
    In(name): In<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let id: ConnectorId = name.parse().map_err(|error| invalid(format!("{error}")))?;
    let input: SyncInput = extract::json(&headers, &body)?;
    let why = input.text.unwrap_or_default().trim().to_owned();
    state.engine().pause_connector(&id, viewer.principal.clone(), why).await?;
    one(&state, &id).await
}

/// Opens a connector that was paused or closed, after a person saw to it.
pub(super) async fn resume(
    State(state): State<AppState>,
    _viewer: Viewer,
    In(name): In<String>,
) -> Result<Response, Refusal> {
    let id: ConnectorId = name.parse().map_err(|error| invalid(format!("{error}")))?;
    state.engine().resume_connector(&id).await?;
    one(&state, &id).await
}

async fn one(state: &AppState, id: &ConnectorId) -> Result<Response, Refusal> {
    let health = state.engine().connectors().await?.remove(id).unwrap_or_default();
    Ok(reply::single(ConnectorRow::of(id, &health)))
}

async fn find(state: &AppState, name: &str) -> Result<(TaskView, OpId), Refusal> {
    let engine = state.engine();
    let op = engine.resolve_op(name).await?;
    let view = engine.task(op.task).await?;
    if view.state.op(op).is_some() { Ok((view, op)) } else { Err(unknown(name)) }
}

fn unknown(name: &str) -> Refusal {
    Refusal::new(Code::NotFound, format!("there is no change {name}"))
        .help("`ipa sync status` lists the changes to the outside")
}
