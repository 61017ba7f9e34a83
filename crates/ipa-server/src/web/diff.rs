//! `/tasks/{id}/diff?since=`: what a task changed, from its beginning or since somebody last looked.

use axum::extract::State;
use maud::Markup;
use serde::Deserialize;

use super::task::find;
use super::{begin, live_of};
use crate::api::extract::{Asked, In, since};
use crate::error::problem::Refusal;
use crate::state::AppState;
use crate::views::diff::{self, DiffPage};
use crate::views::layout::{Place, page};

/// What to compare with.
#[derive(Deserialize)]
pub(super) struct Query {
    since: Option<String>,
}

pub(super) async fn show(
    State(state): State<AppState>,
    In(id): In<String>,
    Asked(asked): Asked<Query>,
) -> Result<Markup, Refusal> {
    let since = since(asked.since.as_deref())?;
    let after = begin(&state);
    let view = find(&state, &id).await?;
    let found = state.engine().diff(view.row.summary.id, since).await?;
    let live = live_of(&state, after, Vec::new()).await?;
    let main = diff::page(&DiffPage { view: &view, since, diff: &found });
    Ok(page(&format!("{} diff", view.row.summary.handle), Place::Elsewhere, Some(&live), &main))
}
