//! The JSON API under `/api/v1`, and whether the server is well.
//!
//! A handler parses, asks the engine, and shows what came of it; it decides nothing.

pub(crate) mod act;
mod events;
pub(crate) mod extract;
mod health;
pub(crate) mod hooks;
pub(crate) mod idempotency;
mod inbox;
mod place;
mod reply;
mod run_log;
mod streaming;
mod sync;
mod tasks;
mod work;

use axum::Router;
use axum::routing::{get, post};

use crate::state::AppState;

/// Returns the routes of the API.
pub(crate) fn routes() -> Router<AppState> {
    let v1 = Router::new()
        .route("/tasks", get(tasks::list).post(tasks::create))
        .route("/tasks/{id}", get(tasks::show))
        .route("/tasks/{id}/why", get(tasks::why))
        .route("/tasks/{id}/commands", post(tasks::command))
        .route("/tasks/{id}/events", get(events::of_task))
        .route("/tasks/{id}/diff", get(work::diff))
        .route("/tasks/{id}/files", get(work::root))
        .route("/tasks/{id}/files/", get(work::root))
        .route("/tasks/{id}/files/{*path}", get(work::file))
        .route("/events", get(events::stream))
        .route("/inbox", get(inbox::list))
        .route("/inbox/{id}", get(inbox::show))
        .route("/inbox/{id}/decision", post(inbox::decide))
        .route("/runs/{id}", get(run_log::show))
        .route("/runs/{id}/log", get(run_log::log))
        .route("/runs/{id}/prompt", get(run_log::prompt))
        .route("/pods", get(place::pods))
        .route("/pods/{task}/restart", post(place::restart))
        .route("/pods/{task}/stop", post(place::stop))
        .route("/pods/{task}/cleanup", post(place::cleanup))
        .route("/workspaces", get(work::workspaces))
        .route("/agents", get(place::agents))
        .route("/agents/{name}", get(place::agent))
        .route("/sync", get(sync::sync))
        .route("/sync/{op}", get(sync::show))
        .route("/sync/{op}/{verb}", post(sync::act_on))
        .route("/tasks/{id}/sync", get(sync::would).post(sync::now))
        .route("/connectors", get(sync::connectors))
        .route("/connectors/{id}/pause", post(sync::pause))
        .route("/connectors/{id}/resume", post(sync::resume));
    Router::new()
        .nest("/api/v1", v1)
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
}
