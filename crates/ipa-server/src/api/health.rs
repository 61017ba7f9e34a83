//! Whether the server is up, and whether it can work.

use axum::extract::State;
use axum::response::Response;
use ipa_events::store::Position;

use crate::api::reply;
use crate::error::problem::Refusal;
use crate::security::Viewer;
use crate::state::AppState;
use crate::wire::Health;

/// Says that the server is up. Tells nothing else: everybody may ask.
pub(super) async fn alive() -> Response {
    well()
}

/// Says whether the store can be read.
pub(super) async fn ready(State(state): State<AppState>, _viewer: Viewer) -> Result<Response, Refusal> {
    state.engine().events(Position::ZERO, 1).await?;
    Ok(well())
}

fn well() -> Response {
    reply::single(Health { status: "ok".to_owned() })
}
