//! What follows from events about documents, messages and places of work.

use std::sync::Arc;

use super::{Fit, is_next};
use crate::envelope::Stamped;
use crate::task::event::{Place, Revision, TaskEvent};
use crate::task::state::{Document, Message, TaskState, Workspace, WorkspaceState};
use crate::value::{BranchName, Oid, RunId};

pub(super) fn revise(document: &mut Document, revision: &Revision) -> Fit {
    if !is_next(revision.version, document.versions.len()) {
        return Err("versions are numbered in order");
    }
    document.versions.push(revision.text.clone());
    Ok(())
}

pub(super) fn post(state: &mut TaskState, event: &Stamped<TaskEvent>, number: u32, text: &Arc<str>) -> Fit {
    if !is_next(number, state.messages.len()) {
        return Err("messages are numbered in order");
    }
    let from = event.actor.clone();
    state.messages.push(Message { from, at: event.at, text: text.clone(), delivered: None });
    Ok(())
}

pub(super) fn deliver(state: &mut TaskState, messages: &[u32], run: RunId) -> Fit {
    for number in messages {
        let index = usize::try_from(*number).ok().and_then(|number| number.checked_sub(1));
        let message =
            index.and_then(|index| state.messages.get_mut(index)).ok_or("there is no such message")?;
        message.delivered = Some(run);
    }
    Ok(())
}

pub(super) fn request(state: &mut TaskState, place: &Place) -> Fit {
    match workspace(state, place) {
        Workspace { state: WorkspaceState::Ready { .. }, .. } => Err("the workspace is there already"),
        workspace => {
            // A trashed one keeps its branch and base until it is ready again.
            if let WorkspaceState::Failed { .. } = workspace.state {
                workspace.state = WorkspaceState::Requested;
            }
            Ok(())
        }
    }
}

pub(super) fn ready(
    state: &mut TaskState,
    place: &Place,
    path: &Arc<str>,
    (branch, base): (&BranchName, &Oid),
) -> Fit {
    let (path, branch, base) = (path.clone(), branch.clone(), base.clone());
    workspace(state, place).state = WorkspaceState::Ready { path, branch, base };
    Ok(())
}

pub(super) fn fail(state: &mut TaskState, place: &Place, detail: &Arc<str>) -> Fit {
    let workspace = workspace(state, place);
    // What cannot be restored just now is still what it was.
    if !matches!(workspace.state, WorkspaceState::Trashed { .. }) {
        workspace.state = WorkspaceState::Failed { detail: detail.clone() };
    }
    state.failures = state.failures.saturating_add(1);
    state.last_failure = Some(detail.clone());
    Ok(())
}

/// Work that is other than what was accepted must be accepted anew.
pub(super) fn harvest(state: &mut TaskState, head: &Oid) -> Fit {
    if state.head.as_ref() != Some(head) {
        state.approved = state.approved.filter(|(_, to)| !to.is_over());
        state.head = Some(head.clone());
    }
    Ok(())
}

pub(super) fn checkpoint(state: &mut TaskState, place: &Place, checkpoint: (u32, Oid)) -> Fit {
    workspace(state, place).checkpoints.push(checkpoint);
    Ok(())
}

pub(super) fn trash(state: &mut TaskState, place: &Place) -> Fit {
    let workspace = workspace(state, place);
    let WorkspaceState::Ready { branch, base, .. } = &workspace.state else {
        return Err("only a ready workspace goes to the trash");
    };
    workspace.state = WorkspaceState::Trashed { branch: branch.clone(), base: base.clone() };
    Ok(())
}

fn workspace<'a>(state: &'a mut TaskState, place: &Place) -> &'a mut Workspace {
    let new = Workspace { state: WorkspaceState::Requested, checkpoints: Vec::new() };
    state.workspaces.entry(place.agent_id.clone()).or_insert(new)
}
