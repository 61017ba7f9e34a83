//! Which tasks a hint concerns. Pure: knows rows, no store and no pods.

use std::collections::{BTreeMap, BTreeSet};

use ipa_events::{BranchName, ConnectorId, Oid, RemoteId, TaskId};
use ipa_sync::hook::{Hint, Named};

use crate::engine::TaskRow;

/// What belongs to which task.
#[derive(Default)]
pub(super) struct Owners {
    things: BTreeMap<ConnectorId, BTreeMap<String, BTreeSet<TaskId>>>,
    branches: BTreeMap<BranchName, BTreeSet<TaskId>>,
    commits: BTreeMap<Oid, BTreeSet<TaskId>>,
}

/// Whom a hint concerns, and what of it concerns nobody yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) tasks: BTreeSet<TaskId>,
    pub(super) rest: Named,
}

impl Owners {
    /// Reads what belongs to which task out of the rows of all.
    pub(super) fn of(rows: &[TaskRow]) -> Self {
        let mut owners = Self::default();
        for row in rows.iter().map(|row| &row.summary) {
            owners.add(row.id, &row.links, (row.branch.as_ref(), row.commit.as_ref()));
        }
        owners
    }

    /// Adds what belongs to a task.
    pub(super) fn add(
        &mut self,
        task: TaskId,
        links: &[(ConnectorId, RemoteId)],
        (branch, head): (Option<&BranchName>, Option<&Oid>),
    ) {
        for (connector, remote) in links {
            let things = self.things.entry(connector.clone()).or_default();
            things.entry(key(remote)).or_default().insert(task);
        }
        if let Some(branch) = branch {
            self.branches.entry(branch.clone()).or_default().insert(task);
        }
        if let Some(head) = head {
            self.commits.entry(head.clone()).or_default().insert(task);
        }
    }

    /// Finds whom a hint concerns. Of things each is looked for; of branches and commits, which name one thing in
    /// several ways, one that is found is enough.
    pub(super) fn find(&self, connector: &ConnectorId, hint: &Hint) -> Found {
        let things = self.things.get(connector);
        let Hint::Named(named) = hint else {
            let all = things.into_iter().flat_map(BTreeMap::values).flatten();
            return Found { tasks: all.copied().collect(), rest: Named::default() };
        };
        let mut found = Found::default();
        for thing in &named.things {
            match things.and_then(|things| things.get(&key(thing))) {
                Some(tasks) => found.tasks.extend(tasks),
                None => {
                    found.rest.things.insert(thing.clone());
                }
            }
        }
        let branches = named.branches.iter().filter_map(|branch| self.branches.get(branch));
        let commits = named.commits.iter().filter_map(|commit| self.commits.get(commit));
        let by_git: BTreeSet<TaskId> = branches.chain(commits).flatten().copied().collect();
        if by_git.is_empty() {
            found.rest.branches.clone_from(&named.branches);
            found.rest.commits.clone_from(&named.commits);
        }
        found.tasks.extend(by_git);
        found
    }
}

/// The other side's name of a thing as it is compared: GitHub's names are the same in capitals and not.
fn key(remote: &RemoteId) -> String {
    remote.as_str().to_ascii_lowercase()
}
