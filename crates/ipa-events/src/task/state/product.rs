//! Is a phase's product there, and what do the checks say of it? Pure.

use std::sync::Arc;

use super::super::event::Seen;
use super::{CheckResult, Evidence, RunState, TaskState};
use crate::value::{Oid, Outcome, Phase, Role};

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
