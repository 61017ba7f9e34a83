//! `/inbox`: everything that waits for a person, and how the connectors to the outside are.

use axum::extract::State;
use maud::Markup;

use super::{begin, live_of};
use crate::error::problem::Refusal;
use crate::live::Topic;
use crate::reading;
use crate::security::Viewer;
use crate::state::AppState;
use crate::views::inbox;
use crate::views::layout::{Place, page};

pub(super) async fn show(State(state): State<AppState>, viewer: Viewer) -> Result<Markup, Refusal> {
    let after = begin(&state);
    let tasks = reading::waiting(state.engine()).await?;
    let live = live_of(&state, after, vec![Topic::Inbox]).await?;
    let connectors = state.engine().connectors().await?;
    let main = inbox::page(&tasks, &connectors, viewer.csrf());
    Ok(page("Inbox", Place::Inbox, Some(&live), &main))
}
