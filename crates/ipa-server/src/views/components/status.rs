//! What a task is doing, and where it stands. Never by colour alone: a sign and a word.

use ipa_events::{Phase, Status};
use maud::{Markup, html};

/// Shows what a task is doing.
pub(crate) fn badge(status: Status) -> Markup {
    html! {
        span.badge.(status.as_str()) { span aria-hidden="true" { (sign(status)) } " " (word(status)) }
    }
}

const fn sign(status: Status) -> &'static str {
    match status {
        Status::Queued => "○",
        Status::Running => "●",
        Status::Waiting => "◆",
        Status::Paused => "‖",
        Status::Parked => "▲",
        Status::Completed => "✓",
        Status::Cancelled => "✕",
    }
}

const fn word(status: Status) -> &'static str {
    match status {
        Status::Waiting => "needs you",
        Status::Queued
        | Status::Running
        | Status::Paused
        | Status::Parked
        | Status::Completed
        | Status::Cancelled => status.as_str(),
    }
}

/// Returns the phase in the words of a page.
pub(crate) const fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::SpecClarification => "spec",
        Phase::Planning | Phase::Development | Phase::Review | Phase::Completed | Phase::Cancelled => {
            phase.as_str()
        }
    }
}

/// Shows how far a task has come: what is done, what is being done, what is to come.
pub(crate) fn steps(phase: Phase, ended_in: Option<Phase>) -> Markup {
    let at = if phase == Phase::Cancelled { ended_in.unwrap_or_default() } else { phase };
    let steps = Phase::ALL.iter().copied().filter(|step| *step != Phase::Cancelled);
    html! {
        ol.steps aria-label="Phases" {
            @for step in steps {
                @let (class, sign, says) = step_of(step, at, phase);
                li class=(class) aria-current=[(step == at).then_some("step")] {
                    (phase_name(step)) " " span aria-hidden="true" { (sign) } span.vh { " (" (says) ")" }
                }
            }
        }
    }
}

fn step_of(step: Phase, at: Phase, phase: Phase) -> (&'static str, &'static str, &'static str) {
    if step < at || step == Phase::Completed && phase == Phase::Completed {
        ("past", "✓", "done")
    } else if step > at {
        ("ahead", "○", "to come")
    } else if phase == Phase::Cancelled {
        ("dropped", "✕", "cancelled here")
    } else {
        ("now", "●", "now")
    }
}
