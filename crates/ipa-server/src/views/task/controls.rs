//! What can be asked of a task now: buttons for the usual, forms for what needs a reason.

use ipa_events::task::{OpState, TaskState};
use ipa_events::{Phase, PodCondition};
use ipa_pod::TaskView;
use maud::{Markup, html};

use crate::views::components::form::Forms;
use crate::views::components::status::phase_name;

/// Shows what can be asked of a task now.
pub(super) fn controls(view: &TaskView, forms: Forms<'_>) -> Markup {
    let state = &*view.state;
    let handle = view.row.summary.handle;
    let commands = format!("/tasks/{handle}/commands");
    let parked = matches!(view.row.pod, PodCondition::Parked(_));
    html! {
        div.controls {
            @if parked {
                (forms.button(&format!("/tasks/{handle}/pod"), ("restart", "Restart")))
                (forms.button(&format!("/tasks/{handle}/pod"), ("cleanup", "Clean up")))
            }
            @if state.open_run().is_some_and(|run| run.interrupted_by.is_none()) {
                (forms.button(&commands, ("interrupt", "Interrupt")))
            }
            @if can_retry(state) { (forms.button(&commands, ("retry", "Retry now"))) }
            @if state.phase.is_over() { (forms.button(&commands, ("reopen", "Reopen"))) }
            @else if state.paused.is_some() { (forms.button(&commands, ("resume", "Resume"))) }
            @else { (forms.button(&commands, ("pause", "Pause"))) }
            details.more id={ "more-" (handle) } {
                summary { "More" }
                div.panel { (more(view, &commands, forms)) }
            }
        }
    }
}

/// Tells whether something failed, was interrupted, or waits for its next attempt.
fn can_retry(state: &TaskState) -> bool {
    let waits = |op: &ipa_events::task::Op| matches!(op.state, OpState::Waiting { .. });
    let stopped = state.interrupted.is_some() || state.retry.is_some() || state.ops.iter().any(waits);
    stopped && !state.phase.is_over() && state.open_run().is_none()
}

fn more(view: &TaskView, commands: &str, forms: Forms<'_>) -> Markup {
    let (state, handle) = (&*view.state, view.row.summary.handle);
    let earlier: Vec<Phase> = Phase::ALL.iter().copied().filter(|phase| *phase < state.phase).collect();
    html! {
        @if !state.phase.is_over() {
            @if !earlier.is_empty() { (forms.post(commands, &back(&earlier))) }
            (forms.post(commands, &end(("complete", "Complete as it is"), "A note about it (optional)", "note")))
            (forms.post(commands, &end(("cancel", "Cancel the task"), "Why (optional)", "why")))
        }
        (forms.button(&format!("/tasks/{handle}/pod"), ("restart", "Restart the pod")))
    }
}

fn back(earlier: &[Phase]) -> Markup {
    html! {
        label { "Go back to "
            select name="phase" {
                @for phase in earlier.iter().rev() { option value=(phase) { (phase_name(*phase)) } }
            }
        }
        label for="back-reason" { "Why (the next agent is told)" }
        textarea id="back-reason" name="text" rows="2" required {}
        button name="type" value="back" { "Go back" }
    }
}

fn end((verb, label): (&str, &str), says: &str, id: &str) -> Markup {
    html! {
        label for=(id) { (says) }
        input id=(id) name="text";
        button.danger[verb == "cancel"] name="type" value=(verb) { (label) }
    }
}
