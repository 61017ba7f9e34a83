//! `/tasks/{id}/files/…`: what lies in a task's workspace, or in the harvested head when that is gone.

use axum::extract::State;
use ipa_events::AgentId;
use ipa_pod::EngineError;
use ipa_pod::work::{EntryKind, WorkspaceError};
use maud::Markup;

use super::task::find;
use super::{begin, live_of};
use crate::api::extract::In;
use crate::error::problem::Refusal;
use crate::state::AppState;
use crate::views::files::{self, Found};
use crate::views::layout::{Place, page};

pub(super) async fn root(state: State<AppState>, In(id): In<String>) -> Result<Markup, Refusal> {
    show(state, In((id, String::new()))).await
}

pub(super) async fn show(
    State(state): State<AppState>,
    In((id, path)): In<(String, String)>,
) -> Result<Markup, Refusal> {
    let after = begin(&state);
    let view = find(&state, &id).await?;
    let handle = view.row.summary.handle;
    let path = path.trim_end_matches('/');
    let found = look(&state, &view, path).await?;
    let live = live_of(&state, after, Vec::new()).await?;
    let main = files::page(handle, &view.state.title, path, &found);
    Ok(page(&format!("{handle} {path}"), Place::Elsewhere, Some(&live), &main))
}

/// Finds out whether there is a folder or a file at a path: the folder above says so.
async fn look(state: &AppState, view: &ipa_pod::TaskView, path: &str) -> Result<Found, EngineError> {
    let (engine, task) = (state.engine(), view.row.summary.id);
    if path.is_empty() {
        return Ok(Found::Folder(engine.ls(task, "").await?));
    }
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    let listing = engine.ls(task, above).await?;
    let entry = listing.entries.iter().find(|entry| entry.name == name);
    match entry.map(|entry| entry.kind) {
        Some(EntryKind::Dir) => Ok(Found::Folder(engine.ls(task, path).await?)),
        Some(EntryKind::File | EntryKind::Symlink | EntryKind::Special) => {
            Ok(Found::File(engine.read_file(task, &AgentId::main(), path).await?))
        }
        // A listing is bounded: what it does not name may be there all the same.
        None if listing.truncated => Ok(Found::File(engine.read_file(task, &AgentId::main(), path).await?)),
        None => Err(WorkspaceError::NoSuchPath(path.to_owned()).into()),
    }
}
