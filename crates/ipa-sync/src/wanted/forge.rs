//! What is wanted of a forge: the branch, its pull request, and what is written there.

use ipa_events::task::{
    Change, ChangeKind, CheckReport, CiState, Evidence, PublishPolicy, Pull, PullState, TaskState,
};
use ipa_events::{Oid, Phase, Resource};

use super::words;
use super::{Sides, Wanted, branch_of, last, push, pushed, was_sent};
use crate::settings::Settings;

pub(super) fn wants(state: &TaskState, sides: &Sides, settings: &Settings, wanted: &mut Vec<Wanted>) {
    let (Some(branch), Some(pull)) = (state.branch(), sides.pull(state)) else { return };
    let mut list = List { state, settings, wanted };
    let branch_there = branch_of(&settings.id, branch);
    match state.phase {
        Phase::SpecClarification | Phase::Planning => {}
        Phase::Development | Phase::Review => {
            let known = state.outside.pulls.get(&pull);
            if known.is_none_or(|pull| pull.state == PullState::Open) {
                list.add_if(push(state, &branch_there), &branch_there);
            }
            match known {
                None => list.open(&pull, pushed(state, &branch_there)),
                Some(known) if known.state == PullState::Open => list.keep(&pull, known),
                Some(_) => {}
            }
        }
        Phase::Completed => list.tidy(&pull, &branch_there),
        Phase::Cancelled => list.give_up(&pull),
    }
}

struct List<'a> {
    state: &'a TaskState,
    settings: &'a Settings,
    wanted: &'a mut Vec<Wanted>,
}

impl List<'_> {
    fn add(&mut self, change: Change, resource: &Resource) {
        let policy = self.settings.policy(change.kind(), self.state.phase);
        self.wanted.push(Wanted { resource: resource.clone(), change, policy });
    }

    fn add_if(&mut self, change: Option<Change>, resource: &Resource) {
        if let Some(change) = change {
            self.add(change, resource);
        }
    }

    /// Wants a change unless exactly this is what was sent last of its kind.
    fn add_new(&mut self, change: Change, resource: &Resource) {
        if last(self.state, resource, change.kind()) != Some(&change) {
            self.add(change, resource);
        }
    }

    /// There is a branch, and no pull request of it that is known.
    fn open(&mut self, pull: &Resource, pushed: Option<&Oid>) {
        let Some(created) = self.state.created.as_ref() else { return };
        let opened = last(self.state, pull, ChangeKind::OpenPull).is_some();
        if opened || pushed.is_none() || pushed != self.state.head.as_ref() {
            return;
        }
        let Some(head) = self.state.branch().cloned() else { return };
        let change = Change::OpenPull {
            repo: created.repo.clone(),
            head,
            base: created.base.clone(),
            title: self.state.title.clone(),
            section: words::section(self.state),
            draft: self.state.phase != Phase::Review,
        };
        self.add(change, pull);
    }

    /// The pull request is open: what it says is kept true, and it goes its way.
    fn keep(&mut self, pull: &Resource, known: &Pull) {
        self.texts(pull, known);
        let (names, labels) = (self.settings.reviewers.clone(), self.settings.labels.clone());
        if !labels.is_empty() {
            self.add_new(Change::AddLabels { names: labels }, pull);
        }
        if self.state.phase == Phase::Review && known.draft {
            self.add(Change::SetDraft { draft: false }, pull);
        }
        if self.state.phase == Phase::Review && !known.draft && !names.is_empty() {
            self.add_new(Change::RequestReviewers { names }, pull);
        }
        if let Some(head) = self.state.head.clone().filter(|head| *head == known.head) {
            let (state, summary) = words::checks(self.state, &head);
            self.add_new(Change::ReportCheck { commit: head, state, summary }, pull);
        }
        for reply in words::replies(self.state, known) {
            if !was_sent(self.state, pull, &reply) {
                self.add(reply, pull);
            }
        }
        self.merge(pull, known);
    }

    fn texts(&mut self, pull: &Resource, known: &Pull) {
        let section = words::section(self.state);
        // What a person took out stays out.
        if known.section.as_ref().is_some_and(|there| *there != Change::version_of(&section)) {
            self.add(Change::WriteSection { section }, pull);
        }
        let ours = sent_title(self.state, pull);
        let title = self.state.title.clone();
        // A title that a person changed there stays as it is.
        if ours.is_some_and(|ours| *ours == *known.title && *ours != *title) {
            self.add(Change::Rename { title }, pull);
        }
        self.add_new(Change::WriteStatus { text: words::status(self.state) }, pull);
    }

    /// Accepted work is merged. What others approved is merged without our own gate only where the policy lets merges go
    /// by themselves: otherwise that gate is where a person is asked, once.
    fn merge(&mut self, pull: &Resource, known: &Pull) {
        let Some(head) = self.state.head.clone().filter(|head| *head == known.head) else { return };
        let ready = self.state.phase == Phase::Review && !known.draft && known.mergeable != Some(false);
        let sound = !matches!(self.state.evidence(&head), Evidence::Failed | Evidence::Pending);
        let opinion = known.opinion_of(&head);
        if !ready || !sound || matches!(opinion.checks, Some(CiState::Pending | CiState::Failed)) {
            return;
        }
        let change = Change::Merge { commit: head.clone(), method: self.settings.merge };
        if was_sent(self.state, pull, &change) {
            return;
        }
        let policy = match self.settings.policy(ChangeKind::Merge, self.state.phase) {
            // Who opened the gate saw exactly this commit.
            PublishPolicy::Ask | PublishPolicy::AskOnce if self.seen_and_accepted(&head) => {
                PublishPolicy::Auto
            }
            policy @ (PublishPolicy::Ask
            | PublishPolicy::AskOnce
            | PublishPolicy::Auto
            | PublishPolicy::Deny) => policy,
        };
        let goes_by_itself = policy == PublishPolicy::Auto && opinion.is_approval();
        if self.state.may_deliver() || goes_by_itself {
            self.wanted.push(Wanted { resource: pull.clone(), change, policy });
        }
    }

    /// Tells whether it was a person who accepted this commit.
    fn seen_and_accepted(&self, head: &Oid) -> bool {
        let gate = self.state.approved.and_then(|(gate, _)| self.state.decision(gate));
        let seen = gate.and_then(|gate| gate.asked.seen_by_person());
        self.state.may_deliver() && seen.is_some_and(|seen| seen.head.as_ref() == Some(head))
    }

    /// The work is merged: what is not needed any more goes.
    fn tidy(&mut self, pull: &Resource, branch: &Resource) {
        let merged = self.state.outside.pulls.get(pull);
        let Some(merged) = merged.filter(|it| matches!(it.state, PullState::Merged { .. })) else { return };
        self.add_new(Change::WriteStatus { text: words::status(self.state) }, pull);
        let (Some(created), Some(name)) = (&self.state.created, self.state.branch()) else { return };
        if last(self.state, branch, ChangeKind::PushBranch).is_some() {
            let (repo, commit) = (created.repo.clone(), merged.head.clone());
            self.add_new(Change::DeleteBranch { repo, branch: name.clone(), commit }, branch);
        }
    }

    /// The task was given up: its pull request says so, and is closed if a person agrees.
    fn give_up(&mut self, pull: &Resource) {
        let known = self.state.outside.pulls.get(pull);
        if known.is_some_and(|known| known.state == PullState::Open) {
            self.add_new(Change::WriteStatus { text: words::status(self.state) }, pull);
            self.add(Change::ClosePull {}, pull);
        }
    }
}

/// Returns the title that we wrote last.
fn sent_title<'a>(state: &'a TaskState, pull: &Resource) -> Option<&'a str> {
    super::sent(state, pull).find_map(|op| {
        let (Change::OpenPull { title, .. } | Change::Rename { title }) = &op.change else { return None };
        Some(&**title)
    })
}

/// Tells what our checks said, as others see it.
pub(super) const fn report(evidence: Evidence) -> CheckReport {
    match evidence {
        Evidence::NoneConfigured => CheckReport::None,
        Evidence::Pending => CheckReport::Pending,
        Evidence::Passed => CheckReport::Passed,
        Evidence::Failed => CheckReport::Failed,
    }
}
