//! What the outside should look like, from what a task is and what is known of the outside. Pure.
//!
//! A want that is fulfilled is none any more: so the outside converges, whatever was lost on the way, and at rest there
//! is nothing to do.

mod forge;
mod tracker;
mod words;

use std::collections::BTreeMap;

use ipa_events::task::{Change, ChangeKind, Op, PublishPolicy, Push, TaskState};
use ipa_events::{BranchName, ConnectorId, Oid, Resource, ResourceKind};

use crate::settings::Settings;

/// The connectors that a task has to do with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sides {
    /// The forge of its repository, if there is one.
    pub forge: Option<ConnectorId>,
    /// What each connector may do.
    pub settings: BTreeMap<ConnectorId, Settings>,
}

impl Sides {
    /// Returns the pull request of a task's branch.
    fn pull(&self, state: &TaskState) -> Option<Resource> {
        Some(resource(self.forge.as_ref()?, ResourceKind::Pull, state.branch()?.as_str()))
    }
}

/// A change that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Of what.
    pub resource: Resource,
    /// Which.
    pub change: Change,
    /// Who must agree.
    pub policy: PublishPolicy,
}

/// Lists what is wanted outside.
pub fn wanted(state: &TaskState, sides: &Sides) -> Vec<Wanted> {
    let mut wanted = all(state, sides);
    wanted.retain(|want| want.policy != PublishPolicy::Deny);
    wanted
}

/// Lists what is wanted outside, and what would be if it were not denied.
pub(crate) fn all(state: &TaskState, sides: &Sides) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    match sides.forge.as_ref().and_then(|forge| sides.settings.get(forge)) {
        Some(settings) => forge::wants(state, sides, settings, &mut wanted),
        None => wanted.extend(delivery(state)),
    }
    tracker::wants(state, sides, &mut wanted);
    wanted
}

/// Names the things outside that belong to a task: what is to be looked at.
pub fn watched(state: &TaskState, sides: &Sides) -> Vec<Resource> {
    let reads = |connector: &ConnectorId| {
        sides.settings.get(connector).is_some_and(|settings| settings.mode != crate::Mode::Off)
    };
    let pull = sides.pull(state).filter(|_| state.head.is_some());
    let linked = state.outside.links.keys().cloned();
    let mut all: Vec<Resource> = pull.into_iter().chain(linked).filter(|it| reads(&it.connector)).collect();
    all.sort();
    all.dedup();
    all
}

/// Without a forge, accepted work goes to the repository that it came from, as a branch.
fn delivery(state: &TaskState) -> Option<Wanted> {
    if !state.may_deliver() {
        return None;
    }
    let resource = resource(&ConnectorId::git(), ResourceKind::Branch, state.branch()?.as_str());
    let change = push(state, &resource)?;
    Some(Wanted { resource, change, policy: PublishPolicy::Auto })
}

/// The branch at the head of the work, unless it is there.
fn push(state: &TaskState, resource: &Resource) -> Option<Change> {
    let (head, branch) = (state.head.as_ref()?, state.branch()?);
    let there = pushed(state, resource);
    if there == Some(head) || state.base() == Some(head) {
        return None;
    }
    let repo = state.created.as_ref()?.repo.clone();
    let (branch, commit, expected) = (branch.clone(), head.clone(), there.cloned());
    Some(Change::PushBranch(Push { repo, branch, commit, expected }))
}

/// Returns what was last pushed there.
fn pushed<'a>(state: &'a TaskState, resource: &Resource) -> Option<&'a Oid> {
    sent(state, resource).find_map(|op| {
        let Change::PushBranch(push) = &op.change else { return None };
        Some(&push.commit)
    })
}

/// Lists what was sent to a thing, the newest first.
fn sent<'a>(state: &'a TaskState, resource: &Resource) -> impl Iterator<Item = &'a Op> {
    let resource = resource.clone();
    state.ops.iter().rev().filter(move |op| op.is_sent() && op.resource == resource)
}

/// Returns the change of a kind that was sent last.
pub(crate) fn last<'a>(state: &'a TaskState, resource: &Resource, kind: ChangeKind) -> Option<&'a Change> {
    sent(state, resource).map(|op| &op.change).find(|change| change.kind() == kind)
}

/// Tells whether exactly this was sent there.
fn was_sent(state: &TaskState, resource: &Resource, change: &Change) -> bool {
    sent(state, resource).any(|op| op.change == *change)
}

fn resource(connector: &ConnectorId, kind: ResourceKind, name: &str) -> Resource {
    Resource { connector: connector.clone(), kind, name: name.to_owned() }
}

/// Names the resource of a branch of a forge.
fn branch_of(forge: &ConnectorId, branch: &BranchName) -> Resource {
    resource(forge, ResourceKind::Branch, branch.as_str())
}

#[cfg(test)]
pub(crate) mod tests;
