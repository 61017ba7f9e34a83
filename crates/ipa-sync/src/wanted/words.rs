//! What is written outside, Markdown: short, and true of the task as it is.

use std::fmt::Write as _;
use std::sync::Arc;

use ipa_events::task::{Asked, Change, CheckReport, Pull, TaskState};
use ipa_events::{Oid, Phase, RemoteId};

use super::forge::report;

/// Our section of a pull request's text: what it is for, and how it is meant.
pub(super) fn section(state: &TaskState) -> Arc<str> {
    let mut text = String::new();
    let named = state.handle().map_or_else(String::new, |handle| format!(" ({handle})"));
    // Writing to a String does not fail.
    let _ = writeln!(text, "**{}**{named}", state.title);
    if let Some(plan) = state.plan.text() {
        let _ = write!(text, "\n{}\n", plan.trim());
    }
    if let Some(created) = &state.created
        && let Some(ticket) = &created.ticket
    {
        let link = state.outside.links.get(ticket);
        let name = link.map_or_else(|| ticket.name.clone(), |link| link.remote.to_string());
        let _ = match link.and_then(|link| link.url.as_ref()) {
            Some(url) => write!(text, "\nFor [{name}]({url}).\n"),
            None => write!(text, "\nFor {name}.\n"),
        };
    }
    text.trim_end().into()
}

/// The one comment that says how it stands.
pub(super) fn status(state: &TaskState) -> Arc<str> {
    let gate = state.open_decisions().find(|open| matches!(open.asked, Asked::Gate { .. }));
    let says = match state.phase {
        Phase::SpecClarification | Phase::Planning => "it is being planned",
        Phase::Development => "it is being worked on",
        Phase::Review if state.rework.is_some() => "review comments are being answered",
        Phase::Review if state.may_deliver() => "it is accepted and will be merged",
        Phase::Review if gate.is_some() => "it waits for a review",
        Phase::Review => "it is in review",
        Phase::Completed => "it is done",
        Phase::Cancelled => "it was given up",
    };
    let handle = state.handle().map_or_else(String::new, |handle| format!("{handle}: "));
    format!("{handle}{says}.").into()
}

/// What our checks said of a commit, in one line.
pub(super) fn checks(state: &TaskState, commit: &Oid) -> (CheckReport, Arc<str>) {
    let report = report(state.evidence(commit));
    let of_commit = || state.checks.iter().filter(|check| check.commit == *commit);
    let summary = match report {
        CheckReport::None => "no checks are configured".to_owned(),
        CheckReport::Pending => "the checks are running".to_owned(),
        CheckReport::Passed => format!("{} passed", of_commit().filter(|check| check.passed).count()),
        CheckReport::Failed => {
            let failed: Vec<&str> =
                of_commit().filter(|check| !check.passed).map(|check| &*check.command).collect();
            format!("failed: {}", failed.join(", "))
        }
    };
    (report, summary.into())
}

/// The answers to threads in which somebody who is trusted said something that a run has answered since.
pub(super) fn replies(state: &TaskState, pull: &Pull) -> Vec<Change> {
    let answer = |remark: &RemoteId| {
        let run = state.answered_by(remark)?;
        let after = state.head_after(run.id)?;
        Some(if run.head == *after {
            format!("Looked at; nothing was changed (`{}`).", after.short())
        } else {
            format!("Changed in `{}`.", after.short())
        })
    };
    let threads = pull.threads.iter().filter(|(_, thread)| !thread.resolved);
    threads
        .filter_map(|(id, thread)| {
            let (newest, _) =
                thread.remarks.iter().filter(|(_, remark)| remark.trusted).max_by_key(|(_, it)| it.at)?;
            Some(Change::Reply { thread: id.clone(), to: newest.clone(), text: answer(newest)?.into() })
        })
        .collect()
}

/// What is said on a ticket when its task is over.
pub(super) fn farewell(state: &TaskState) -> Option<Arc<str>> {
    let handle = state.handle()?;
    match state.phase {
        Phase::Completed => Some(format!("{handle} is done: {}.", state.title).into()),
        Phase::Cancelled => Some(format!("{handle} was given up: {}.", state.title).into()),
        Phase::SpecClarification | Phase::Planning | Phase::Development | Phase::Review => None,
    }
}
