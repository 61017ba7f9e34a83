//! What waits for a person.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use ipa_pod::TaskView;

use crate::api::extract::{self, In};
use crate::api::tasks::{expected, told};
use crate::api::{act, idempotency, reply};
use crate::error::Code;
use crate::error::problem::Refusal;
use crate::reading;
use crate::security::Viewer;
use crate::state::AppState;
use crate::wire::{Decision, DecisionInput};

/// Lists all that waits for a person, the oldest first.
pub(super) async fn list(State(state): State<AppState>, _viewer: Viewer) -> Result<Response, Refusal> {
    let tasks = reading::waiting(state.engine()).await?;
    let of_task = |view: &TaskView| {
        let open = view.state.waiting_for_person().map(|decision| Decision::of(&view.state, decision));
        open.collect::<Vec<_>>()
    };
    let mut open: Vec<Decision> = tasks.iter().flat_map(of_task).collect();
    open.sort_by_key(|decision| (decision.created_at, decision.id));
    Ok(reply::list("/api/v1/inbox?", open, None))
}

/// Shows a decision, open or not; a task's name means the only one that is open there.
pub(super) async fn show(
    State(state): State<AppState>,
    _viewer: Viewer,
    In(name): In<String>,
) -> Result<Response, Refusal> {
    let id = state.engine().resolve_decision(&name).await?;
    let view = state.engine().task(id.task).await?;
    let found = view.state.decision(id).map(|decision| Decision::of(&view.state, decision));
    let unknown = || {
        Refusal::new(Code::UnknownDecision, format!("there is no decision {name}"))
            .help("`ipa inbox` lists what waits for you")
    };
    Ok(reply::single(found.ok_or_else(unknown)?))
}

/// Decides what waits for a person.
pub(super) async fn decide(
    State(state): State<AppState>,
    viewer: Viewer,
    In(name): In<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let id = state.engine().resolve_decision(&name).await?;
    let input: DecisionInput = extract::json(&headers, &body)?;
    let target = format!("decide {id}");
    let key = idempotency::ctx(&state, &viewer, &headers, (&target, &body))?;
    let (handle, seen) = expected(&state, id.task, &headers).await?;
    let executed = act::decide(&state, key.ctx.clone(), (id, seen), input).await?;
    Ok(reply::executed(told(id.task, handle, executed), key.replay(&executed)))
}
