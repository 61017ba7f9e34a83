//! The outside of a task: what belongs to it there, what was changed, and what is to be changed.

use ipa_events::task::{Category, CiState, Op, OpState, PullState, ReviewVerdict, TaskState};
use ipa_events::{Handle, OpId, Resource};
use ipa_pod::TaskView;
use ipa_pod::outside::Would;
use maud::{Markup, html};

use super::time::moment;
use crate::render::visible::visible;
use crate::wire::{Heard, OutsideRow, SaidRow};

/// What is said, and what was changed, from here on is folded.
const NEWEST: usize = 8;

/// Longer words than these, in characters, are folded.
const SHORT: usize = 400;

/// What waits for a person to go out: exactly this.
pub(crate) fn card(state: &TaskState, resource: &Resource, ops: &[OpId]) -> Markup {
    html! {
        p { "To " (named(state, resource)) ":" }
        ul.rows {
            @for op in ops.iter().filter_map(|op| state.op(*op)) {
                li { (visible(&op.change.title())) @if let Some(text) = op.change.text() { pre.out { (visible(text)) } } }
            }
        }
    }
}

/// Names a thing as the other side does, with the way there.
fn named(state: &TaskState, resource: &Resource) -> Markup {
    let Some(link) = state.outside.links.get(resource) else {
        return html! { code { (visible(&resource.to_string())) } };
    };
    self::link(link.remote.as_str(), link.url.as_deref())
}

/// Shows a name with the way there, if that is one that a browser may go.
pub(super) fn link(name: &str, url: Option<&str>) -> Markup {
    let url = url.filter(|url| url.starts_with("https://") || url.starts_with("http://"));
    html! {
        @if let Some(url) = url {
            a href=(url) rel="noopener noreferrer" { (visible(name)) }
        } @else {
            code { (visible(name)) }
        }
    }
}

/// What belongs to a task outside, and what people said there, the newest first.
pub(crate) fn there(state: &TaskState) -> Markup {
    html! {
        @if !state.outside.links.is_empty() { h2 { "Outside" } (said(state)) }
    }
}

/// Every change that was or is to be made outside: what is not done yet, then the newest.
pub(crate) fn changes(view: &TaskView) -> Markup {
    let (state, handle) = (&*view.state, view.row.summary.handle);
    html! {
        @if !state.ops.is_empty() || !view.observed.is_empty() {
            h2 { "Changes outside" }
            @if !view.observed.is_empty() {
                p { "Only observed; nothing of this is written:" }
                ul.rows { @for would in &view.observed { li { (observed(state, would)) } } }
            }
            (operations(state, handle))
        }
    }
}

/// What a connector that only observes would write.
fn observed(state: &TaskState, would: &Would) -> Markup {
    html! {
        (named(state, &would.resource)) span.evidence.pending { " ○ would " (visible(&would.change.title())) }
        @if let Some(text) = would.change.text() { pre.out { (visible(text)) } }
    }
}

/// Names in one line what belongs to a task outside, with how it stands there.
pub(crate) fn line(state: &TaskState) -> Markup {
    html! {
        @if !state.outside.links.is_empty() {
            p.outside {
                @for resource in state.outside.links.keys() { span { (thing(state, resource)) } }
            }
        }
    }
}

fn thing(state: &TaskState, resource: &Resource) -> Markup {
    html! {
        (named(state, resource))
        @if let Some(pull) = state.outside.pulls.get(resource) {
            @match &pull.state {
                PullState::Open if pull.draft => span.evidence.pending { " draft" },
                PullState::Open => span.evidence.pending { " open" },
                PullState::Merged { .. } => span.evidence.passed { " ✓ merged" },
                PullState::Closed { .. } => span.evidence.failed { " ✗ closed" },
            }
            @match pull.ci.as_ref().map(|ci| ci.state) {
                Some(CiState::Passed) => span.evidence.passed { " ✓ its checks passed" },
                Some(CiState::Failed) => span.evidence.failed { " ✗ its checks failed" },
                Some(CiState::Pending) => span.evidence.pending { " ○ its checks are running" },
                None => {},
            }
        }
        @if let Some(ticket) = state.outside.tickets.get(resource) {
            span.evidence.(if ticket.category == Category::Done { "passed" } else { "pending" }) {
                " " @if ticket.category == Category::Done { "✓ " } (visible(&ticket.status))
            }
        }
        @if state.outside.is_fused(resource) {
            span.evidence.failed { " ✗ written too often: nothing more is before you say so" }
        }
    }
}

/// Shows what people said there, by thing, the newest first.
fn said(state: &TaskState) -> Markup {
    html! {
        @for row in OutsideRow::all(state) {
            p.thing { (thing(state, &row.resource)) }
            ul.rows.said {
                @for said in row.said.iter().rev().take(NEWEST) { li { (words(said)) } }
            }
            @if row.said.len() > NEWEST {
                details id={ "said-" (row.resource) } {
                    summary { (row.said.len().saturating_sub(NEWEST)) " earlier" }
                    ul.rows.said { @for said in row.said.iter().rev().skip(NEWEST) { li { (words(said)) } } }
                }
            }
        }
    }
}

fn words(said: &SaidRow) -> Markup {
    let text = said.text.trim();
    html! {
        b { bdi { (visible(&said.by)) } }
        @match said.verdict {
            Some(ReviewVerdict::Approved) => span.evidence.passed { " ✓ approves" },
            Some(ReviewVerdict::ChangesRequested) => span.evidence.failed { " ✗ wants changes" },
            None => {},
        }
        span.quiet { @if let Some(place) = &said.place { " on " code { (visible(place)) } } ", " (moment(said.at)) }
        @if text.chars().count() > SHORT {
            details { summary { (visible(&text.chars().take(SHORT).collect::<String>())) "…" } p { bdi { (visible(text)) } } }
        } @else if !text.is_empty() { p { bdi { (visible(text)) } } }
        @match said.heard {
            Heard::Noted => {},
            Heard::Asked => span.evidence.pending { "○ the next run is told" },
            Heard::Answered => span.evidence.passed { "✓ answered" @if let Some(run) = &said.answered_by { " by " (run) } },
            Heard::Settled => span.quiet { "settled" },
            Heard::Untrusted => span.evidence.none { "– no agent is told: who said it is no member there" },
        }
    }
}

fn operations(state: &TaskState, handle: Handle) -> Markup {
    let (over, open): (Vec<&Op>, Vec<&Op>) = state.ops.iter().rev().partition(|op| is_over(op));
    html! {
        ul.rows {
            @for op in open.into_iter().chain(over.iter().copied().take(NEWEST)) { li { (operation(op, handle)) } }
        }
        @if over.len() > NEWEST {
            details id={ "changes-" (handle) } {
                summary { (over.len().saturating_sub(NEWEST)) " earlier" }
                ul.rows { @for op in over.into_iter().skip(NEWEST) { li { (operation(op, handle)) } } }
            }
        }
    }
}

/// Tells whether nothing is left to do about a change.
const fn is_over(op: &Op) -> bool {
    match op.state {
        OpState::Sent { .. } | OpState::Superseded { .. } | OpState::Refused { .. } => true,
        OpState::Held
        | OpState::Ready
        | OpState::InFlight(_)
        | OpState::Waiting { .. }
        | OpState::Dead { .. } => false,
    }
}

fn operation(op: &Op, handle: Handle) -> Markup {
    html! {
        span.quiet { (op.id.handle(handle)) " " }
        (visible(&op.change.title())) " "
        @match &op.state {
            OpState::Held => span.evidence.pending { "○ waits for a person" },
            OpState::Ready => span.evidence.pending { "○ to be tried" },
            OpState::InFlight(_) => span.evidence.pending { "● under way" },
            OpState::Waiting { until, detail } => {
                span.evidence.pending { "○ tried again at " (moment(*until)) } ": " (visible(detail))
            },
            OpState::Sent { at, url, .. } => {
                span.evidence.passed { "✓ " @if url.is_some() { (link("there", url.as_deref())) } @else { "there" } }
                span.quiet { ", " (moment(*at)) }
            },
            OpState::Dead { detail } => { span.evidence.failed { "✗ given up" } ": " (visible(detail)) },
            OpState::Superseded { .. } => span.quiet { "not wanted any more" },
            OpState::Refused { by, reason } => {
                span.evidence.failed { "✗ refused by " (visible(&by.to_string())) }
                @if let Some(reason) = reason { ": " (visible(reason)) }
            },
        }
        @if op.attempts > 1 { span.quiet { ", " (op.attempts) " attempts" } }
    }
}
