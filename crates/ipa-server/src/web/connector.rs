//! The form that pauses a connector, or lets it go on.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use ipa_events::ConnectorId;
use serde::Deserialize;

use super::reply::{done, text_of};
use crate::api::extract::{Filled, In, invalid};
use crate::error::problem::Refusal;
use crate::security::Viewer;
use crate::state::AppState;

/// The form as it is sent.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Sent {
    /// What is asked.
    #[serde(rename = "type")]
    verb: String,
    /// Why.
    text: String,
}

pub(super) async fn act(
    State(state): State<AppState>,
    viewer: Viewer,
    (In(name), headers): (In<String>, HeaderMap),
    Filled(sent): Filled<Sent>,
) -> Result<Response, Refusal> {
    let engine = state.engine();
    let id: ConnectorId = name.parse().map_err(|error| invalid(format!("{error}")))?;
    match sent.verb.as_str() {
        "pause" => {
            let why = text_of(&sent.text).unwrap_or_default();
            engine.pause_connector(&id, viewer.principal.clone(), why).await?;
        }
        "resume" => engine.resume_connector(&id).await?,
        other => return Err(invalid(format!("{other:?} cannot be asked of a connector"))),
    }
    let position = *engine.head().borrow();
    Ok(done(&state, &headers, (position, "/inbox")).await)
}
