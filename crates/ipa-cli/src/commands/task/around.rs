//! What is around a task: what belongs to it outside and was said there, what is still to go out, and what people decided.

use ipa_events::task::{CiState, ReviewVerdict};
use ipa_server::wire::{Decision, DecisionState, Heard, OutsideRow, SaidRow, SyncOp, SyncState, TaskDetail};

use super::super::sync;

/// Lists it, a line each, under a head for each part.
pub(super) fn lines(detail: &TaskDetail) -> Vec<String> {
    let outside = detail.outside.iter().flat_map(thing).chain(detail.sync.iter().filter_map(open_change));
    let decisions = detail.decisions.iter().map(decision);
    headed("outside", outside).chain(headed("decisions", decisions)).collect()
}

fn headed(name: &str, lines: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    let mut lines = lines.peekable();
    let head = lines.peek().map(|_| format!("\n── {name}"));
    head.into_iter().chain(lines)
}

fn thing(row: &OutsideRow) -> Vec<String> {
    let checks = row.checks.map(|checks| match checks {
        CiState::Pending => "its checks are running",
        CiState::Passed => "its checks passed",
        CiState::Failed => "its checks failed",
    });
    let stands: Vec<&str> = row.state.as_deref().into_iter().chain(checks).collect();
    let parts = [Some(row.name.clone()), Some(stands.join(", ")), row.url.clone()];
    let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    std::iter::once(parts.join("  ")).chain(row.said.iter().map(said)).collect()
}

fn said(row: &SaidRow) -> String {
    let verdict = row.verdict.map_or("", |verdict| match verdict {
        ReviewVerdict::Approved => " approves",
        ReviewVerdict::ChangesRequested => " wants changes",
    });
    let place = row.place.as_ref().map_or_else(String::new, |place| format!(" on {place}"));
    let text: Vec<&str> = row.text.trim().lines().collect();
    let text = if text.is_empty() { String::new() } else { format!(": {}", text.join("\n    ")) };
    let heard = match (row.heard, &row.answered_by) {
        (Heard::Noted, _) => String::new(),
        (Heard::Asked, _) => "  (the next run is told)".to_owned(),
        (Heard::Answered, Some(run)) => format!("  (answered by {run})"),
        (Heard::Answered, None) => "  (answered)".to_owned(),
        (Heard::Settled, _) => "  (settled)".to_owned(),
        (Heard::Untrusted, _) => "  (no agent is told: who said it is no member there)".to_owned(),
    };
    format!("  {} {}{verdict}{place}{text}{heard}", row.at.strftime("%H:%M:%S"), row.by)
}

/// A change that is not there, and not over.
fn open_change(op: &SyncOp) -> Option<String> {
    let detail = op.detail.as_ref().map_or_else(String::new, |detail| format!(": {detail}"));
    let line = || format!("{}  {}  {}{detail}", op.handle, sync::word(op.state), op.title);
    match op.state {
        SyncState::Held | SyncState::Ready | SyncState::InFlight | SyncState::Waiting | SyncState::Dead => {
            Some(line())
        }
        SyncState::Sent | SyncState::Superseded | SyncState::Refused => None,
    }
}

fn decision(it: &Decision) -> String {
    let answered = it.answered.as_ref();
    let by = answered.and_then(|it| it.actor.as_ref()).map_or_else(String::new, |by| format!(" by {by}"));
    let state = match it.state {
        DecisionState::Open => "open",
        DecisionState::Answered => answered.map_or("answered", |it| done(&it.verdict)),
        DecisionState::Withdrawn => "withdrawn",
    };
    let words = answered.and_then(|it| it.text.as_ref()).map_or_else(String::new, |it| format!(": {it}"));
    format!("{}  {state}{by}  {}{words}", it.handle, it.title)
}

/// Says of a verdict that it was given.
fn done(verdict: &str) -> &str {
    match verdict {
        "approve" => "approved",
        "edit" => "approved with changes",
        "reject" => "rejected",
        "answer" => "answered",
        other => other,
    }
}
