//! Is a phase's product there, and what do the checks say of it? Pure.

use std::sync::Arc;

use super::super::event::Seen;
use super::{CheckResult, Evidence, Op, Run, RunState, TaskState};
use crate::task::change::Change;
use crate::task::outside::PullState;
use crate::value::{ConnectorId, Oid, Outcome, Phase, RemoteId, Resource, Role, RunId};

/// Whether the product of the current phase is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// It was never made.
    Missing,
    /// It was made, and must be made again.
    Outdated,
    /// It is there.
    There,
}

impl TaskState {
    /// Tells whether the product of the current phase is there.
    pub fn product(&self) -> Product {
        let made = match self.phase {
            Phase::SpecClarification => self.spec.version().is_some(),
            Phase::Planning => self.plan.version().is_some(),
            Phase::Development | Phase::Review => self.head.is_some() && self.head.as_ref() != self.base(),
            Phase::Completed | Phase::Cancelled => true,
        };
        if !made {
            return Product::Missing;
        }
        if self.rework.is_some() || self.last_run_left_it_unfinished() {
            Product::Outdated
        } else {
            Product::There
        }
    }

    fn last_run_left_it_unfinished(&self) -> bool {
        let last = self.runs.iter().rev().find(|run| run.phase == self.phase && run.role != Role::Check);
        last.is_some_and(|run| match &run.state {
            RunState::Over(Outcome::Completed) => false,
            RunState::Over(Outcome::Interrupted { .. } | Outcome::Failed { .. })
            | RunState::Requested
            | RunState::Running => true,
        })
    }

    /// Tells whether the work was approved for delivery, and nothing came in between.
    pub fn may_deliver(&self) -> bool {
        self.approved.is_some_and(|(_, to)| to == Phase::Completed)
    }

    /// Tells whether the work is where it was to go: as a branch of the repository that it came from.
    pub fn is_delivered(&self) -> bool {
        let git = ConnectorId::git();
        let pushed = |op: &Op| {
            let Change::PushBranch(push) = &op.change else { return false };
            op.resource.connector == git && Some(&push.commit) == self.head.as_ref()
        };
        self.ops.iter().any(|op| op.is_sent() && pushed(op))
    }

    /// Returns an open pull request whose newest commit is not the task's: somebody else pushed it.
    pub fn moved_by_others(&self) -> Option<(&Resource, &Oid)> {
        let pushed = |head: &Oid| {
            let is_it = |op: &Op| matches!(&op.change, Change::PushBranch(push) if push.commit == *head);
            self.head.as_ref() == Some(head) || self.ops.iter().any(is_it)
        };
        let open = self.outside.pulls.iter().filter(|(_, pull)| pull.state == PullState::Open);
        open.map(|(resource, pull)| (resource, &pull.head)).find(|(_, head)| !pushed(head))
    }

    /// Tells what the checks say of a commit.
    pub fn evidence(&self, commit: &Oid) -> Evidence {
        let results: Vec<Option<bool>> =
            self.check_commands().iter().map(|command| self.passed(command, commit)).collect();
        if results.is_empty() {
            Evidence::NoneConfigured
        } else if results.contains(&Some(false)) {
            Evidence::Failed
        } else if results.contains(&None) {
            Evidence::Pending
        } else {
            Evidence::Passed
        }
    }

    /// Tells whether a check failed on a commit: one of ours, or one of the forge's.
    pub fn is_broken(&self, commit: &Oid) -> bool {
        self.evidence(commit) == Evidence::Failed || self.outside.failing(commit).next().is_some()
    }

    /// Returns the run that answered what was asked for outside, if one has.
    pub fn answered_by(&self, asked: &RemoteId) -> Option<&Run> {
        let after = *self.outside.asked.get(asked)?;
        self.work_runs()
            .find(|run| run.id.number > after && matches!(run.state, RunState::Over(Outcome::Completed)))
    }

    /// Returns the head that a run left.
    pub fn head_after(&self, run: RunId) -> Option<&Oid> {
        let next = self.work_runs().find(|later| later.id.number > run.number);
        next.map(|later| &later.head).or(self.head.as_ref())
    }

    /// Lists the runs that change the work.
    fn work_runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| matches!(run.role, Role::Develop | Role::Review))
    }

    /// Returns the first check that has said nothing of `commit` yet.
    pub fn next_check(&self, commit: &Oid) -> Option<&Arc<str>> {
        self.check_commands().iter().find(|command| self.passed(command, commit).is_none())
    }

    fn check_commands(&self) -> &[Arc<str>] {
        self.created.as_ref().map_or(&[], |created| &created.checks)
    }

    fn passed(&self, command: &str, commit: &Oid) -> Option<bool> {
        let of_this = |result: &&CheckResult| &*result.command == command && result.commit == *commit;
        self.checks.iter().rev().find(of_this).map(|result| result.passed)
    }

    /// Returns the commit that a person last saw at a gate which is closed by now: approved, rejected, or left
    /// behind. What came after it is what they have not seen.
    pub fn reviewed(&self) -> Option<&Oid> {
        let closed = self.decisions.iter().rev().filter(|decision| decision.answered.is_some());
        closed.filter_map(|decision| decision.asked.seen_by_person()).find_map(|seen| seen.head.as_ref())
    }

    /// Returns what a person is to see at the gate of the current phase.
    pub fn seen(&self) -> Seen {
        let head = self.head.clone();
        let checks = head.as_ref().map_or(Evidence::NoneConfigured, |head| self.evidence(head));
        match self.phase {
            Phase::SpecClarification => document_only(self.spec.version()),
            Phase::Planning => document_only(self.plan.version()),
            Phase::Development | Phase::Review | Phase::Completed | Phase::Cancelled => {
                Seen { document: self.plan.version(), head, checks }
            }
        }
    }
}

/// A phase whose product is a document has nothing else to show.
const fn document_only(document: Option<u32>) -> Seen {
    Seen { document, head: None, checks: Evidence::NoneConfigured }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::limits::GatePolicy;
    use crate::task::state::{Answered, Asked, Decision};
    use crate::value::{DecisionId, PayloadHash};

    /// Adds a gate that shows a commit, or a document; closed, or open.
    fn gate(state: &mut TaskState, policy: GatePolicy, head: Option<&Oid>, answered: Option<Answered>) {
        let seen = Seen { document: None, head: head.cloned(), checks: Evidence::NoneConfigured };
        let number = u32::try_from(state.decisions.len()).unwrap() + 1;
        let task = "0193b2f4-5c1e-7000-8000-000000000001".parse().unwrap();
        state.decisions.push(Decision {
            id: DecisionId::new(task, number),
            asked: Asked::Gate { from: Phase::Review, to: Phase::Completed, seen, policy },
            payload_hash: PayloadHash::of(b"seen"),
            at: jiff::Timestamp::UNIX_EPOCH,
            answered,
        });
    }

    #[test]
    fn what_was_reviewed_last_is_what_a_person_saw_at_a_gate() {
        let commits: Vec<Oid> = ["1", "2", "3"].map(|digit| digit.repeat(40).parse().unwrap()).into();
        let closed = Some(Answered::Withdrawn { why: "sent back".into() });
        let mut state = TaskState::default();
        assert_eq!(state.reviewed(), None);
        gate(&mut state, GatePolicy::Ask, None, closed.clone());
        assert_eq!(state.reviewed(), None, "a document is no commit");
        gate(&mut state, GatePolicy::Ask, commits.first(), closed.clone());
        gate(&mut state, GatePolicy::Auto, commits.get(1), closed.clone());
        gate(&mut state, GatePolicy::Ask, commits.get(2), None);
        assert_eq!(
            state.reviewed(),
            commits.first(),
            "neither what a policy passed nor what is open was reviewed"
        );
        gate(&mut state, GatePolicy::Ask, commits.get(2), closed);
        assert_eq!(state.reviewed(), commits.get(2));
    }
}
