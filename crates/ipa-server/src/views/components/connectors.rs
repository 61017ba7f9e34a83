//! The connectors: how each is, and the way to pause one or let it go on.

use std::collections::BTreeMap;

use ipa_events::{ConnectorId, Principal};
use ipa_pod::{Closed, Health};
use maud::{Markup, html};

use super::form::Forms;
use super::time::moment;
use crate::render::visible::visible;

/// Shows every connector, if there are any.
pub(crate) fn connectors(all: &BTreeMap<ConnectorId, Health>, forms: Forms<'_>) -> Markup {
    html! {
        @if !all.is_empty() {
            section.connectors aria-labelledby="h-connectors" {
                h2 id="h-connectors" { "Outside" }
                ul.rows { @for (id, health) in all { li { (connector(id, health, forms)) } } }
            }
        }
    }
}

fn connector(id: &ConnectorId, health: &Health, forms: Forms<'_>) -> Markup {
    let action = format!("/connectors/{id}");
    html! {
        span.name { (id) } " " (state(health))
        @if let Some(error) = &health.error { " " span.quiet { (visible(error)) } }
        @match &health.closed {
            Some(Closed::Paused { .. } | Closed::Refused { .. }) => {
                (forms.button(&action, ("resume", "Resume")))
            },
            Some(Closed::Until(_)) | None => details.more {
                summary { "Pause" }
                div.panel { (forms.post(&action, &pause(id))) }
            },
        }
    }
}

fn state(health: &Health) -> Markup {
    html! {
        @match &health.closed {
            Some(Closed::Paused { by, why, since }) => span.evidence.pending {
                "○ paused by " (visible(&person(by))) " " (moment(*since))
                @if !why.is_empty() { ": " (visible(why)) }
            },
            Some(Closed::Refused { since }) => span.evidence.failed {
                "✗ closed " (moment(*since)) ": its credential was refused"
            },
            Some(Closed::Until(until)) => span.evidence.pending {
                "○ waits until " (moment(*until)) ", as the other side asked"
            },
            None if health.error.is_some() => span.evidence.failed { "✗ does not answer" },
            None => span.evidence.passed { "✓ works" },
        }
    }
}

fn pause(id: &ConnectorId) -> Markup {
    html! {
        p { "Nothing is read or written through it until somebody resumes it; what is queued stays." }
        label for={ "why-" (id) } { "Why (optional)" }
        input id={ "why-" (id) } name="text";
        button name="type" value="pause" { "Pause" }
    }
}

/// Names who did something as people do.
fn person(by: &Principal) -> String {
    match by {
        Principal::User(name) => name.clone(),
        Principal::Scheduler | Principal::Agent(_) | Principal::Policy(_) => by.to_string(),
    }
}
