//! What was read of tickets lately: while a ticket says that it was not changed, its comments are the same.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use ipa_events::RemoteId;
use ipa_events::task::Remark;

use super::shape::Issue;

/// So many tickets are remembered; then all are forgotten.
const MOST: usize = 1000;

type Remarks = BTreeMap<RemoteId, Remark>;

/// The comments of tickets, with when the ticket was changed last.
#[derive(Debug, Default)]
pub(super) struct Seen {
    tickets: Mutex<BTreeMap<String, (String, Remarks)>>,
}

impl Seen {
    /// Returns the comments of a ticket, if it was not changed since they were read.
    pub(super) fn of(&self, issue: &Issue) -> Option<Remarks> {
        let tickets = self.lock();
        let (updated, remarks) = tickets.get(&issue.key)?;
        (issue.fields.updated.as_ref() == Some(updated)).then(|| remarks.clone())
    }

    /// Remembers the comments that were read after the ticket was.
    pub(super) fn keep(&self, issue: &Issue, remarks: &Remarks) {
        let Some(updated) = &issue.fields.updated else { return };
        let mut tickets = self.lock();
        if tickets.len() >= MOST && !tickets.contains_key(&issue.key) {
            tickets.clear();
        }
        tickets.insert(issue.key.clone(), (updated.clone(), remarks.clone()));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, (String, Remarks)>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
