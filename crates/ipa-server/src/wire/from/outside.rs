//! What belongs to a task outside.

use ipa_events::task::{Link, Pull, PullState, Remark, TaskState, Ticket};
use ipa_events::{RemoteId, Resource};

use super::task::handle_of;
use crate::wire::{Heard, OutsideRow, SaidRow};

impl OutsideRow {
    /// Shows everything that belongs to a task outside.
    pub(crate) fn all(state: &TaskState) -> Vec<Self> {
        state.outside.links.iter().map(|(resource, link)| Self::of(state, resource, link)).collect()
    }

    fn of(state: &TaskState, resource: &Resource, link: &Link) -> Self {
        let pull = state.outside.pulls.get(resource);
        let ticket = state.outside.tickets.get(resource);
        let title = pull.map(|pull| &pull.title).or(ticket.map(|ticket| &ticket.title));
        let stands = pull.map(stands).or(ticket.map(|ticket| &*ticket.status));
        let in_pull = pull.into_iter().flat_map(|pull| in_pull(state, pull));
        let in_ticket = ticket.into_iter().flat_map(|ticket| in_ticket(state, ticket));
        let mut said: Vec<SaidRow> = in_pull.chain(in_ticket).collect();
        said.sort_by_key(|said| said.at);
        Self {
            resource: resource.clone(),
            name: link.remote.to_string(),
            url: link.url.as_ref().map(ToString::to_string),
            title: title.map(ToString::to_string),
            state: stands.map(str::to_owned),
            checks: pull.and_then(|pull| Some(pull.ci.as_ref()?.state)),
            said,
        }
    }
}

fn stands(pull: &Pull) -> &'static str {
    match pull.state {
        PullState::Open if pull.draft => "draft",
        PullState::Open => "open",
        PullState::Merged { .. } => "merged",
        PullState::Closed { .. } => "closed",
    }
}

fn in_pull(state: &TaskState, pull: &Pull) -> Vec<SaidRow> {
    let mut all: Vec<SaidRow> = pull.remarks.iter().map(|(id, it)| said(state, id, it)).collect();
    for review in pull.reviews.values() {
        all.push(SaidRow { verdict: Some(review.verdict), ..said(state, &review.id, &review.remark) });
    }
    for thread in pull.threads.values() {
        let line = thread.line.map_or_else(String::new, |line| format!(":{line}"));
        for (id, remark) in &thread.remarks {
            let mut row = said(state, id, remark);
            if thread.resolved && row.heard != Heard::Untrusted {
                row.heard = Heard::Settled;
            }
            all.push(SaidRow { place: Some(format!("{}{line}", thread.path)), ..row });
        }
    }
    all
}

fn in_ticket(state: &TaskState, ticket: &Ticket) -> Vec<SaidRow> {
    ticket.remarks.iter().map(|(id, remark)| said(state, id, remark)).collect()
}

fn said(state: &TaskState, id: &RemoteId, remark: &Remark) -> SaidRow {
    let run = state.answered_by(id);
    let heard = match (remark.trusted, state.outside.asked.contains_key(id), run) {
        (false, ..) => Heard::Untrusted,
        (true, true, Some(_)) => Heard::Answered,
        (true, true, None) => Heard::Asked,
        (true, false, _) => Heard::Noted,
    };
    SaidRow {
        by: remark.by.to_string(),
        at: remark.at,
        place: None,
        verdict: None,
        text: remark.text.to_string(),
        heard,
        answered_by: run.map(|run| handle_of(state, run.id)),
    }
}
