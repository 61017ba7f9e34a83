//! What is wanted of a tracker: the ticket goes the task's way, and leads to its pull request.

use ipa_events::task::{Category, Change, ChangeKind, PullState, TaskState, Ticket};
use ipa_events::{Phase, Resource, ResourceKind};

use super::{Sides, Wanted, last, was_sent, words};

pub(super) fn wants(state: &TaskState, sides: &Sides, wanted: &mut Vec<Wanted>) {
    let tickets = state.outside.links.keys().filter(|it| it.kind == ResourceKind::Ticket);
    for resource in tickets {
        let Some(settings) = sides.settings.get(&resource.connector) else { continue };
        let Some(ticket) = state.outside.tickets.get(resource) else { continue };
        let moved = moved(state, resource, ticket);
        let changes = moved.into_iter().chain(pull(state, sides, resource)).chain(said(state, resource));
        wanted.extend(changes.map(|change| {
            let policy = settings.policy(change.kind(), state.phase);
            Wanted { resource: resource.clone(), change, policy }
        }));
    }
}

/// Returns where the ticket should stand, never behind where it stands. One that a person moved back after we had
/// moved it stays.
fn moved(state: &TaskState, resource: &Resource, ticket: &Ticket) -> Option<Change> {
    let to = match state.phase {
        Phase::SpecClarification | Phase::Planning | Phase::Cancelled => return None,
        Phase::Development | Phase::Review => Category::Active,
        Phase::Completed => Category::Done,
    };
    let change = Change::MoveTicket { to };
    (ticket.category < to && !was_sent(state, resource, &change)).then_some(change)
}

/// Returns the link from the ticket to the pull request.
fn pull(state: &TaskState, sides: &Sides, resource: &Resource) -> Option<Change> {
    let pull = sides.pull(state)?;
    let url = state.outside.links.get(&pull)?.url.clone()?;
    let known = state.outside.pulls.get(&pull);
    let merged = known.is_some_and(|pull| matches!(pull.state, PullState::Merged { .. }));
    let change = Change::LinkPull { url, title: state.title.clone(), merged };
    (last(state, resource, ChangeKind::LinkPull) != Some(&change)).then_some(change)
}

/// Returns what is said on the ticket when the task is over.
fn said(state: &TaskState, resource: &Resource) -> Option<Change> {
    let change = Change::Comment { text: words::farewell(state)? };
    (!was_sent(state, resource, &change)).then_some(change)
}
