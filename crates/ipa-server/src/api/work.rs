//! The work of a task: its checkouts, files, and difference.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::api::extract::{self, Asked, In};
use crate::api::reply;
use crate::error::problem::Refusal;
use crate::security::Viewer;
use crate::state::AppState;
use crate::wire::{FileView, WorkspaceRow};

#[derive(Deserialize)]
pub(super) struct Of {
    task: Option<String>,
}

/// Lists the checkouts that are there, of one task or of all.
pub(super) async fn workspaces(
    State(state): State<AppState>,
    _viewer: Viewer,
    Asked(Of { task }): Asked<Of>,
) -> Result<Response, Refusal> {
    let engine = state.engine();
    let task = match &task {
        Some(name) => Some(extract::task(engine, name).await?),
        None => None,
    };
    let found = engine.workspaces(task).await?;
    let rows = engine.tasks().await?;
    let handles: BTreeMap<_, _> = rows.iter().map(|row| (row.summary.id, row.summary.handle)).collect();
    let items = found.iter().map(|workspace| WorkspaceRow::of(workspace, &handles)).collect();
    Ok(reply::list("/api/v1/workspaces?", items, None))
}

#[derive(Deserialize)]
pub(super) struct Compared {
    since: Option<String>,
}

/// Compares the work of a task with the commit it began at, or with the one that a person last saw.
pub(super) async fn diff(
    State(state): State<AppState>,
    _viewer: Viewer,
    In(name): In<String>,
    Asked(Compared { since }): Asked<Compared>,
) -> Result<Response, Refusal> {
    let since = extract::since(since.as_deref())?;
    let task = extract::task(state.engine(), &name).await?;
    Ok(reply::single(state.engine().diff(task, since).await?))
}

/// Lists the root of a task's work.
pub(super) async fn root(
    State(state): State<AppState>,
    _viewer: Viewer,
    In(name): In<String>,
) -> Result<Response, Refusal> {
    let task = extract::task(state.engine(), &name).await?;
    Ok(reply::single(state.engine().ls(task, "").await?))
}

#[derive(Deserialize)]
pub(super) struct From {
    workspace: Option<String>,
}

/// Shows a file of a task's work, or lists a folder.
pub(super) async fn file(
    State(state): State<AppState>,
    _viewer: Viewer,
    In((name, path)): In<(String, String)>,
    Asked(From { workspace }): Asked<From>,
) -> Result<Response, Refusal> {
    let engine = state.engine();
    let task = extract::task(engine, &name).await?;
    let place = extract::place(workspace.as_deref())?;
    let path = path.trim_end_matches('/');
    let read = engine.read_file(task, &place, path).await;
    if matches!(&read, Ok(file) if *file != FileView::Special) {
        return Ok(reply::single(read?));
    }
    // What is no file may be a folder; if it is neither, what the file's reader said stands.
    match engine.ls(task, path).await {
        Ok(listing) => Ok(reply::single(listing)),
        Err(_no_folder) => Ok(reply::single(read?)),
    }
}
