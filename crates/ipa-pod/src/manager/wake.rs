//! Whose pod is to be started now, and when to look again. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use ipa_events::task::Waits;
use ipa_events::{Handle, Phase, Summary, TaskId};
use jiff::Timestamp;

use crate::config::Scope;
use crate::scheduler::Reason;

use super::entry::Rest;

/// What the manager knows of a task that has no pod.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Absent<'a> {
    /// Nothing: it may be started.
    Free,
    /// Its pod rested, and why.
    Rested(&'a Rest),
}

/// What to do next.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Wake {
    /// Pods to start, the most urgent first.
    pub(crate) start: Vec<TaskId>,
    /// When to look again, if nothing else happens before.
    pub(crate) at: Option<Timestamp>,
}

/// Tells whose pod is to be started. `absent` names the tasks that have no pod and may have one; `has_slot`
/// tells whether a task could start a run now.
pub(crate) fn wake(
    rows: &[Summary],
    absent: &BTreeMap<TaskId, Absent<'_>>,
    (scope, has_slot): (Scope, &dyn Fn(&Summary) -> bool),
    now: Timestamp,
) -> Wake {
    let mut due: Vec<&Summary> = Vec::new();
    let mut wake = Wake::default();
    for row in rows {
        let Some(absent) = absent.get(&row.id).filter(|_| scope.covers(row.id)) else { continue };
        let inside = match &row.waits {
            Waits::Person | Waits::Paused | Waits::Over => None,
            Waits::Until(at) | Waits::UsageLimit { until: at, .. } => Some(*at),
            Waits::Nothing => Some(Timestamp::UNIX_EPOCH),
        };
        let (inside, outside) = match *absent {
            Absent::Free => (inside, row.outside_due),
            Absent::Rested(rest) if rest.version != row.version => (inside, row.outside_due),
            Absent::Rested(rest) => {
                let until = inside.and_then(|at| {
                    if let Reason::DayBudget { until, .. } = &rest.reason {
                        return Some(*until);
                    }
                    (at > now || is_over(&rest.reason, rows, &|| has_slot(row))).then_some(at)
                });
                (until, rest.look_at)
            }
        };
        match inside.into_iter().chain(outside).min() {
            Some(at) if at > now => wake.at = Some(wake.at.map_or(at, |least| least.min(at))),
            Some(_) => due.push(row),
            None => {}
        }
    }
    due.sort_by_key(|row| (Reverse(row.priority), row.handle));
    wake.start = due.into_iter().map(|row| row.id).collect();
    wake
}

/// Tells whether what a task rested for has passed.
fn is_over(reason: &Reason, rows: &[Summary], has_slot: &dyn Fn() -> bool) -> bool {
    match reason {
        Reason::NoSlot(_) => has_slot(),
        Reason::Dependency { on, phase } => phase_of(rows, *on) != Some(*phase),
        Reason::Draining
        | Reason::Over
        | Reason::Paused(_)
        | Reason::Person(_)
        | Reason::Outside
        | Reason::Moved
        | Reason::Stopped
        | Reason::Interrupted(_) => false,
        Reason::Asked(_)
        | Reason::Working(_)
        | Reason::Workspace
        | Reason::Delivering
        | Reason::UnknownDependency
        | Reason::Retry { .. }
        | Reason::UsageLimit { .. }
        | Reason::DayBudget { .. }
        | Reason::Cooldown(_) => true,
    }
}

fn phase_of(rows: &[Summary], task: Handle) -> Option<Phase> {
    rows.iter().find(|row| row.handle == task).map(|row| row.phase)
}
