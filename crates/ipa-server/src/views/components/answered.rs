//! How a decision ended: who decided what, when and why, and what was changed of what a tool was to do.

use ipa_events::task::{Answered, Asked, Decision, DecisionKind, Verdict};
use ipa_events::{Handle, title_of};
use maud::{Markup, html};

use super::time::moment;
use super::tool::pretty;
use crate::render::diff::documents;
use crate::render::visible::visible;

/// Says what was decided, of what.
pub(crate) fn decided(decision: &Decision, answer: &Answered, handle: Handle) -> Markup {
    let title = title_of(&decision.asked);
    // A gate asks to approve something; what came of that is said already.
    let gate = decision.asked.kind() == DecisionKind::Gate;
    let what_for = title.strip_prefix("approve ").filter(|_| gate).unwrap_or(&title);
    html! { (verdict(decision, answer)) ": " (visible(what_for)) (by(decision, answer, handle)) }
}

/// Says what was decided, beside what was asked.
pub(crate) fn answered(decision: &Decision, answer: &Answered, handle: Handle) -> Markup {
    html! { (verdict(decision, answer)) (by(decision, answer, handle)) }
}

fn verdict(decision: &Decision, answer: &Answered) -> Markup {
    let permission = decision.asked.kind() == DecisionKind::Permission;
    let (class, sign, what) = match answer {
        Answered::By { verdict: Verdict::Approve { .. }, .. } if permission => ("passed", "✓", "allowed"),
        Answered::By { verdict: Verdict::Approve { .. }, .. } => ("passed", "✓", "approved"),
        Answered::By { verdict: Verdict::Edit { .. }, .. } => ("passed", "✓", "allowed with changes"),
        Answered::By { verdict: Verdict::Reject { .. }, .. } if permission => ("failed", "✗", "denied"),
        Answered::By { verdict: Verdict::Reject { .. }, .. } => ("failed", "✗", "rejected"),
        Answered::By { verdict: Verdict::Answer { .. }, .. } => ("passed", "✓", "answered"),
        Answered::Withdrawn { .. } => ("none", "–", "withdrawn"),
    };
    html! { span.evidence.(class) { span aria-hidden="true" { (sign) } " " (what) } }
}

fn by(decision: &Decision, answer: &Answered, handle: Handle) -> Markup {
    let words = match answer {
        Answered::By { verdict: Verdict::Approve { note } | Verdict::Edit { note, .. }, .. } => note.as_ref(),
        Answered::By {
            verdict: Verdict::Reject { reason: words } | Verdict::Answer { text: words }, ..
        }
        | Answered::Withdrawn { why: words } => Some(words),
    };
    html! {
        @if let Answered::By { who, at, .. } = answer { " " span.quiet { (who) ", " (moment(*at)) } }
        " " span.name { (decision.id.handle(handle)) }
        @if let Some(words) = words { p { bdi { (visible(words)) } } }
        @if let (Asked::Permission { input: asked, .. }, Answered::By { verdict: Verdict::Edit { input: ran, .. }, .. }) = (&decision.asked, answer) {
            details.change {
                summary { "What was changed of it" }
                div.scroll { (documents(&pretty(asked), &pretty(ran))) }
            }
        }
    }
}
