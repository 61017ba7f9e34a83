//! `/`: the board.

use axum::extract::State;
use maud::Markup;
use serde::Deserialize;

use super::{begin, live_of};
use crate::api::extract::Asked;
use crate::error::problem::Refusal;
use crate::live::{BoardFilter, Topic};
use crate::state::AppState;
use crate::views::board;
use crate::views::layout::{Place, page};

/// The filter as a form sends it: an empty word filters nothing, nor does one that is unknown.
#[derive(Deserialize)]
pub(super) struct Query {
    #[serde(default)]
    phase: String,
    #[serde(default)]
    status: String,
}

pub(super) async fn show(
    State(state): State<AppState>,
    Asked(asked): Asked<Query>,
) -> Result<Markup, Refusal> {
    let filter = BoardFilter { phase: asked.phase.parse().ok(), status: asked.status.parse().ok() };
    let after = begin(&state);
    let rows = state.engine().tasks().await?;
    let live = live_of(&state, after, vec![Topic::Board(filter)]).await?;
    Ok(page("Board", Place::Board, Some(&live), &board::page(&rows, filter)))
}
