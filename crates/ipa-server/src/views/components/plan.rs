//! An agent's own list of steps.

use ipa_pod::log::PlanStep;
use maud::{Markup, html};

use crate::render::visible::visible;

/// Says in one line of a log how far the list is; the list is behind it.
pub(super) fn plan_line(id: &str, steps: &[PlanStep]) -> Markup {
    html! {
        details.e.plan id=(id) {
            summary {
                span.sign aria-hidden="true" { "☰" } " Plan: " (done(steps)) " of " (steps.len()) " done"
                @if let Some(step) = current(steps) { ", " span.brief { (visible(&step.text)) } }
            }
            (list(steps))
        }
    }
}

/// Shows the list.
pub(crate) fn list(steps: &[PlanStep]) -> Markup {
    html! {
        ol.steps-of-agent {
            @for step in steps {
                @let (class, sign, says) = match &*step.status {
                    "completed" => ("past", "✓", "done"),
                    "in_progress" => ("now", "●", "at work"),
                    _ => ("ahead", "○", "to come"),
                };
                li class=(class) { span aria-hidden="true" { (sign) } " " (visible(&step.text)) span.vh { " (" (says) ")" } }
            }
        }
    }
}

/// Counts the steps that are done.
pub(crate) fn done(steps: &[PlanStep]) -> usize {
    steps.iter().filter(|step| &*step.status == "completed").count()
}

/// Returns the step that is being done.
fn current(steps: &[PlanStep]) -> Option<&PlanStep> {
    steps.iter().find(|step| &*step.status == "in_progress")
}
