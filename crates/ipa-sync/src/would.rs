//! What would be changed outside just now, whatever a mode holds back: for a person who wants to see it first. Pure.

use ipa_events::task::{Change, ChangeKind, OpState, PublishPolicy, TaskState};
use ipa_events::{OpId, Resource};

use crate::settings::{Mode, Settings};
use crate::wanted::{Sides, Wanted, all, last};

/// A change that is wanted now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Would {
    /// Of what.
    pub resource: Resource,
    /// Which.
    pub change: Change,
    /// Who must agree to it, as things stand.
    pub policy: PublishPolicy,
    /// What becomes of it.
    pub course: Course,
    /// The operation that it is queued as, if it is.
    pub op: Option<OpId>,
    /// What is there now, as far as it is known and the change says it anew.
    pub before: Option<String>,
}

/// What becomes of a change that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// It goes out.
    Goes,
    /// A person is asked first.
    Asks,
    /// The connector only observes: it is written nowhere.
    Observed,
    /// A policy, or a person, says that it never goes out.
    Denied,
}

/// Lists what would be changed outside now. Nothing is queued by it.
pub fn would(state: &TaskState, sides: &Sides) -> Vec<Would> {
    // What a mode only holds back is wanted all the same.
    let open = |settings: &Settings| match settings.mode {
        Mode::Observe => Settings { mode: Mode::Auto, ..settings.clone() },
        Mode::Off | Mode::Ask | Mode::Auto => settings.clone(),
    };
    let settings = sides.settings.iter().map(|(id, settings)| (id.clone(), open(settings))).collect();
    let opened = Sides { forge: sides.forge.clone(), settings };
    let mode = |want: &Wanted| sides.settings.get(&want.resource.connector).map_or(Mode::Auto, |it| it.mode);
    let mut list = all(state, &opened);
    list.retain(|want| mode(want) != Mode::Off);
    list.into_iter().map(|want| one(state, mode(&want), want)).collect()
}

fn one(state: &TaskState, mode: Mode, want: Wanted) -> Would {
    let Wanted { resource, change, policy } = want;
    let policy = state.policy_now(&resource, &change, policy);
    let same = state.ops.iter().rev().find(|op| op.resource == resource && op.change == change);
    let op = same.filter(|op| op.is_unsent() || op.is_under_way());
    let refused = same.is_some_and(|op| matches!(op.state, OpState::Refused { .. }));
    let agreed = op.is_some_and(ipa_events::task::Op::is_under_way);
    let course = if refused || policy == PublishPolicy::Deny {
        Course::Denied
    } else if mode == Mode::Observe {
        Course::Observed
    } else if !state.outside.is_fused(&resource) && (agreed || policy == PublishPolicy::Auto) {
        Course::Goes
    } else {
        Course::Asks
    };
    let before = before(state, &resource, &change);
    Would { op: op.map(|op| op.id), resource, change, policy, course, before }
}

/// Says what is there of what a change says anew.
fn before(state: &TaskState, resource: &Resource, change: &Change) -> Option<String> {
    let pull = || state.outside.pulls.get(resource);
    match change {
        Change::PushBranch(push) => push.expected.as_ref().map(|at| at.short().to_owned()),
        Change::WriteSection { .. } => {
            let written = last(state, resource, ChangeKind::WriteSection)
                .or_else(|| last(state, resource, ChangeKind::OpenPull));
            let written = written.and_then(Change::text);
            let there = pull().and_then(|pull| pull.section.clone());
            let as_written = written.is_some_and(|text| there.as_ref() == Some(&Change::version_of(text)));
            if as_written {
                written.map(str::to_owned)
            } else {
                there.map(|_| "(edited by somebody)".to_owned())
            }
        }
        Change::Rename { .. } => pull().map(|pull| pull.title.to_string()),
        Change::WriteStatus { .. } => {
            last(state, resource, ChangeKind::WriteStatus).and_then(Change::text).map(str::to_owned)
        }
        Change::SetDraft { .. } => {
            pull().map(|pull| if pull.draft { "draft" } else { "ready for review" }.to_owned())
        }
        Change::MoveTicket { .. } => state.outside.tickets.get(resource).map(|it| it.status.to_string()),
        Change::ReportCheck { .. } => last(state, resource, ChangeKind::ReportCheck).map(Change::title),
        Change::LinkPull { .. } => last(state, resource, ChangeKind::LinkPull).map(Change::title),
        Change::DeleteBranch { .. }
        | Change::OpenPull { .. }
        | Change::Comment { .. }
        | Change::Reply { .. }
        | Change::RequestReviewers { .. }
        | Change::AddLabels { .. }
        | Change::Merge { .. }
        | Change::ClosePull {} => None,
    }
}

#[cfg(test)]
mod tests;
