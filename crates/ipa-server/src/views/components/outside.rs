//! The outside of a task: what belongs to it there, what was changed, and what is to be changed.

use ipa_events::task::{Op, OpState, PullState, TaskState};
use ipa_events::{Handle, OpId, Resource};
use ipa_pod::TaskView;
use ipa_pod::outside::Would;
use maud::{Markup, html};

use super::time::moment;
use crate::render::visible::visible;

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

/// What belongs to a task outside, and every change that was or is to be made there, the newest first.
pub(crate) fn overview(view: &TaskView) -> Markup {
    let (state, handle) = (&*view.state, view.row.summary.handle);
    html! {
        @if !state.ops.is_empty() || !state.outside.links.is_empty() || !view.observed.is_empty() {
            h2 { "Outside" }
            ul.rows {
                @for resource in state.outside.links.keys() { li { (thing(state, resource)) } }
            }
            @if !view.observed.is_empty() {
                p { "Only observed; nothing of this is written:" }
                ul.rows { @for would in &view.observed { li { (observed(state, would)) } } }
            }
            ul.rows { @for op in state.ops.iter().rev() { li { (operation(op, handle)) } } }
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
        }
        @if let Some(ticket) = state.outside.tickets.get(resource) {
            " " (visible(&ticket.title)) span.quiet { " " (visible(&ticket.status)) }
        }
        @if state.outside.is_fused(resource) {
            span.evidence.failed { " ✗ written too often: nothing more is before you say so" }
        }
    }
}

fn operation(op: &Op, handle: Handle) -> Markup {
    html! {
        span.quiet { (op.id.handle(handle)) " " }
        (visible(&op.change.title())) ": "
        @match &op.state {
            OpState::Held => span.evidence.pending { "○ waits for a person" },
            OpState::Ready => span.evidence.pending { "○ to be tried" },
            OpState::InFlight(_) => span.evidence.pending { "● under way" },
            OpState::Waiting { until, detail } => {
                span.evidence.pending { "○ tried again at " (moment(*until)) } ": " (visible(detail))
            },
            OpState::Sent { .. } => span.evidence.passed { "✓ there" },
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
