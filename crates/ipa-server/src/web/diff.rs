//! `/tasks/{id}/diff`: what a task changed.

use axum::extract::State;
use maud::Markup;

use super::task::find;
use super::{begin, live_of};
use crate::api::extract::In;
use crate::error::problem::Refusal;
use crate::state::AppState;
use crate::views::diff;
use crate::views::layout::{Place, page};

pub(super) async fn show(State(state): State<AppState>, In(id): In<String>) -> Result<Markup, Refusal> {
    let after = begin(&state);
    let view = find(&state, &id).await?;
    let (task, handle) = (view.row.summary.id, view.row.summary.handle);
    let found = state.engine().diff(task).await?;
    let live = live_of(&state, after, Vec::new()).await?;
    let main = diff::page(handle, &view.state.title, view.state.head.as_ref(), &found);
    Ok(page(&format!("{handle} diff"), Place::Elsewhere, Some(&live), &main))
}
