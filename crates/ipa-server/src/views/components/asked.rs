//! What an agent asked a person, where it asked: with its form while it waits, then with who decided what, and why.

use ipa_events::task::TaskState;
use ipa_events::{RunId, title_of};
use ipa_pod::log::Asked;
use maud::{Markup, html};

use super::answered::answered;
use super::decision::{Item, decision};
use super::log::LogView;
use super::tool::brief;
use crate::live::{Ask, AskEnd, Entry, EntryBody};
use crate::render::visible::visible;

/// Finds the decision that an entry of a run's log asked for, once it is stored.
pub(crate) fn asked_by<'a>(
    state: &'a TaskState,
    run: RunId,
    entry: &Entry,
) -> Option<&'a ipa_events::task::Decision> {
    let EntryBody::Asked(ask) = &entry.body else { return None };
    state.decisions.iter().rev().find(|decision| decision.asked.run() == Some((run, ask.key())))
}

/// Shows what was asked.
pub(super) fn in_place(view: LogView<'_>, entry: &Entry, ask: &Ask) -> Markup {
    let LogView { run, task: handle, state, placed, forms } = view;
    let Some(found) = asked_by(state, run.id, entry) else { return unknown(ask) };
    match &found.answered {
        None if placed.contains(&found.id) => {
            decision(Item { state, handle, decision: found, typed: "" }, forms)
        }
        None => html! {
            p { "? " (visible(&title_of(&found.asked))) " " a href={ "#decision-" (found.id.handle(handle)) } { "Answer it above" } }
        },
        Some(answer) => html! {
            p.question { span aria-hidden="true" { "? " } (question(&ask.asked)) }
            div.answer {
                (answered(found, answer, handle))
                @if ask.end == AskEnd::Got { p.quiet { "The agent has it." } }
            }
        },
    }
}

/// Shows what is not stored as a decision: not yet, or never.
fn unknown(ask: &Ask) -> Markup {
    html! {
        p.question {
            span aria-hidden="true" { "? " } (question(&ask.asked))
            @match &ask.end {
                AskEnd::Open => {},
                AskEnd::Got => ", and it got its answer",
                AskEnd::Withdrawn(why) => { ", and does not wait any more: " (visible(why)) },
            }
        }
    }
}

fn question(asked: &Asked) -> Markup {
    match asked {
        Asked::Permission { tool, input, .. } => {
            html! { "may it use " b { (visible(tool)) } "? " span.brief { (visible(&brief(input))) } }
        }
        Asked::Question { text, .. } => html! { (visible(text)) },
    }
}
