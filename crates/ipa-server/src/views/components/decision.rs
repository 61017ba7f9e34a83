//! Something that waits for a person: exactly what is asked, and the form that answers it.

use ipa_events::task::{Asked, Decision, DecisionKind, Document, PullState, Seen, TaskState};
use ipa_events::{Handle, Phase, title_of};
use maud::{Markup, html};

use super::form::Forms;
use super::time::moment;
use super::tool::pretty;
use super::{document, evidence, outside};
use crate::render::markdown::markdown;
use crate::render::visible::visible;

/// A decision with what it takes to show it.
#[derive(Clone, Copy)]
pub(crate) struct Item<'a> {
    /// The task.
    pub(crate) state: &'a TaskState,
    /// Its short name.
    pub(crate) handle: Handle,
    /// The decision.
    pub(crate) decision: &'a Decision,
    /// What was typed already, when the form comes back.
    pub(crate) typed: &'a str,
}

/// Shows a decision whole. The form carries the hash of what is shown, so that nothing is approved unseen.
pub(crate) fn decision(item: Item<'_>, forms: Forms<'_>) -> Markup {
    let Item { state, handle, decision, typed } = item;
    let name = decision.id.handle(handle);
    let action = format!("/tasks/{handle}/decisions/{}", decision.id.number);
    html! {
        article.decision id={ "decision-" (name) } {
            header {
                span.kind { (kind_of(decision.asked.kind())) }
                " " span.name { (name) } " " span.quiet { "asked " (moment(decision.at)) }
            }
            h3 { (visible(&title_of(&decision.asked))) }
            (payload(state, handle, decision))
            (forms.post(&action, &html! {
                input type="hidden" name="payload_hash" value=(decision.payload_hash);
                (answer(&decision.asked, &name, typed))
            }))
        }
    }
}

/// Returns the word for a kind of decision.
pub(crate) const fn kind_of(kind: DecisionKind) -> &'static str {
    match kind {
        DecisionKind::Gate => "Gate",
        DecisionKind::Permission => "Permission",
        DecisionKind::Question => "Question",
        DecisionKind::Publish => "Publish",
        DecisionKind::Escalation => "Escalation",
    }
}

/// Shows exactly what is asked.
fn payload(state: &TaskState, handle: Handle, decision: &Decision) -> Markup {
    match &decision.asked {
        Asked::Gate { from, seen, .. } => gate(state, (handle, decision), *from, seen),
        // Its input stands in the form, to be changed there.
        Asked::Permission { tool, .. } => html! {
            p { "The agent wants to use " code { (visible(tool)) } ":" }
        },
        // What fits into one line is the title already.
        Asked::Question { text, .. } if *text.trim() == *title_of(&decision.asked) => html! {},
        Asked::Question { text, .. } => html! { div.doc { (markdown(text)) } },
        Asked::Publish { resource, ops, .. } => outside::card(state, resource, ops),
        Asked::Escalation { detail, .. } => html! { pre.out { (visible(detail)) } },
    }
}

fn gate(state: &TaskState, (handle, decision): (Handle, &Decision), from: Phase, seen: &Seen) -> Markup {
    match from {
        Phase::SpecClarification => product(&state.spec, seen.document, seen_before(state, decision, from)),
        Phase::Planning => product(&state.plan, seen.document, seen_before(state, decision, from)),
        Phase::Development | Phase::Review | Phase::Completed | Phase::Cancelled => html! {
            @if let Some(head) = &seen.head {
                p {
                    "Commit " code { (head.short()) } ", " (evidence::evidence(state, head, seen.checks)) ". "
                    a href={ "/tasks/" (handle) "/diff" } { "Read the diff" }
                    @if state.reviewed().is_some_and(|commit| commit != head) {
                        ", or " a href={ "/tasks/" (handle) "/diff?since=review" } { "what changed since the last review" }
                    }
                }
                (evidence::checks(state, head))
                (evidence::criteria(state, head))
                @if from == Phase::Review && state.outside.pulls.values().any(|pull| pull.state == PullState::Open) {
                    p { "Approving lets this commit be merged." }
                }
            } @else { p { "There is no commit: leaving the phase delivers nothing." } }
        },
    }
}

fn product(document: &Document, version: Option<u32>, before: Option<u32>) -> Markup {
    let Some(version) = version else { return html! { p.quiet { "There is no document." } } };
    html! {
        @if let Some(before) = before { (document::change(document, before, version)) }
        (document::text(document, version))
    }
}

/// Finds the version that a person saw at the gate before this one.
fn seen_before(state: &TaskState, decision: &Decision, phase: Phase) -> Option<u32> {
    let earlier = state.decisions.iter().filter(|it| it.id.number < decision.id.number);
    let versions = earlier.filter_map(|it| match &it.asked {
        Asked::Gate { from, seen, .. } if *from == phase => seen.document,
        Asked::Gate { .. }
        | Asked::Permission { .. }
        | Asked::Question { .. }
        | Asked::Publish { .. }
        | Asked::Escalation { .. } => None,
    });
    versions.max()
}

/// The fields and buttons that a kind of decision takes.
fn answer(asked: &Asked, name: &str, typed: &str) -> Markup {
    let field = |label: &str| {
        html! {
            label for={ "text-" (name) } { (label) }
            textarea id={ "text-" (name) } name="text" rows="2" required { (typed) }
        }
    };
    match asked {
        Asked::Gate { .. } => html! {
            (field("Your words (needed to reject; the next agent is told)"))
            (verdicts("Approve", "Reject"))
        },
        Asked::Permission { input, .. } => html! {
            (input_of(name, &pretty(input)))
            (field("Why (needed to deny; the agent is told)"))
            (verdicts("Allow once", "Deny"))
        },
        Asked::Question { choices, .. } => html! {
            @if !choices.is_empty() {
                div.acts {
                    @for choice in choices {
                        button name="choice" value=(choice) formnovalidate { (visible(choice)) }
                    }
                }
            }
            (field("Your answer"))
            div.acts.sticky { button.primary name="verdict" value="answer" { "Answer" } }
        },
        Asked::Publish { .. } => html! {
            (field("Your words (needed to refuse)"))
            (verdicts("Publish", "Refuse"))
        },
        Asked::Escalation { .. } => html! {
            (field("Your words (the next agent is told)"))
            div.acts.sticky {
                button.primary name="verdict" value="approve" formnovalidate { "Try again" }
                button name="verdict" value="answer" { "Try again with your words" }
                button.danger name="verdict" value="reject" { "Leave it, with the reason" }
            }
        },
    }
}

/// Shows what a tool is to do. What a person changes of it is what runs.
fn input_of(name: &str, input: &str) -> Markup {
    let rows = input.lines().count().clamp(2, 16);
    html! {
        label for={ "input-" (name) } { "What it is to do (what you change is what runs)" }
        textarea.out id={ "input-" (name) } name="input" rows=(rows) spellcheck="false" { (input) }
        input type="hidden" name="input_shown" value=(input);
    }
}

fn verdicts(yes: &str, no: &str) -> Markup {
    html! {
        div.acts.sticky {
            button.primary name="verdict" value="approve" formnovalidate { (yes) }
            button.danger name="verdict" value="reject" { (no) }
        }
    }
}
