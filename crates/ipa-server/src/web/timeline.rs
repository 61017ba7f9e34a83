//! `/tasks/{id}/timeline?at=`: what happened to a task, and what it was at any version.

use axum::extract::State;
use ipa_events::store::Version;
use ipa_events::{Reference, TaskId};
use ipa_pod::{EngineError, TaskView};
use maud::Markup;
use serde::Deserialize;

use super::{begin, live_of};
use crate::api::extract::{Asked, In};
use crate::error::Code;
use crate::error::problem::{Refusal, chain};
use crate::state::AppState;
use crate::views::layout::{Place, page};
use crate::views::timeline::{self, Part};

/// How many events a page shows.
const EVENTS: usize = 200;

/// Which part.
#[derive(Deserialize)]
pub(super) struct Query {
    /// The version at which the task is shown.
    at: Option<u64>,
    /// The events after this version.
    after: Option<u64>,
}

pub(super) async fn show(
    State(state): State<AppState>,
    In(id): In<String>,
    Asked(asked): Asked<Query>,
) -> Result<Markup, Refusal> {
    let position = begin(&state);
    let reference: Reference = id.parse().map_err(|error| Refusal::new(Code::UnknownTask, chain(&error)))?;
    let engine = state.engine();
    let task = engine.resolve(reference).await?;
    // The list shows the page of events that the chosen version is on.
    let after = asked.after.or_else(|| asked.at.map(|at| at.saturating_sub(EVENTS as u64 / 2))).unwrap_or(0);
    let records = engine.task_events(task, Version::new(after), EVENTS).await?;
    let row = engine.tasks().await?.into_iter().find(|row| row.summary.id == task);
    let row = row.ok_or(EngineError::UnknownTask(reference))?;
    let at = match asked.at {
        Some(at) => Some(state_at(&state, task, Version::new(at)).await?),
        None => None,
    };
    let last = records.last().map_or(Version::ZERO, |record| record.version);
    let part = Part { newest: row.summary.version.max(last), records };
    let live = live_of(&state, position, Vec::new()).await?;
    let handle = row.summary.handle;
    let main = timeline::page(handle, &row.summary.title, &part, at.as_ref());
    Ok(page(&format!("{handle} timeline"), Place::Elsewhere, Some(&live), &main))
}

async fn state_at(state: &AppState, task: TaskId, version: Version) -> Result<TaskView, Refusal> {
    if version == Version::ZERO {
        return Err(Refusal::new(
            Code::InvalidRequest,
            "a task has no state before its first event, version 1",
        ));
    }
    Ok(state.engine().task_at(task, version).await?)
}
