//! The inbox: everything that waits for a person, the oldest first, with exactly what is asked.

use std::collections::BTreeMap;

use ipa_events::ConnectorId;
use ipa_pod::{Health, TaskView};
use maud::{Markup, html};

use super::components::connectors::connectors;
use super::components::decision::{Item, decision};
use super::components::form::Forms;
use super::components::status::phase_name;
use crate::render::visible::visible;

/// Shows the inbox.
pub(crate) fn page(tasks: &[TaskView], outside: &BTreeMap<ConnectorId, Health>, csrf: &str) -> Markup {
    html! {
        h1 { "Inbox" }
        (inbox(tasks, Forms::live(csrf)))
        (connectors(outside, Forms::leaving(csrf)))
    }
}

/// Shows every open decision of some tasks.
pub(crate) fn inbox(tasks: &[TaskView], forms: Forms<'_>) -> Markup {
    let mut items: Vec<(&TaskView, Item<'_>)> = tasks.iter().flat_map(items_of).collect();
    items.sort_by_key(|(_, item)| (item.decision.at, item.handle, item.decision.id.number));
    html! {
        div.inbox id="inbox" {
            @if items.is_empty() { p.empty { "Nothing waits for you." } }
            @for (task, item) in &items {
                section.item id={ "item-" (item.decision.id.handle(item.handle)) } {
                    p.of {
                        a href={ "/tasks/" (item.handle) } {
                            span.name { (item.handle) } " " bdi { (visible(&task.state.title)) }
                        }
                        " " span.quiet { (phase_name(task.state.phase)) }
                    }
                    (decision(*item, forms))
                }
            }
        }
    }
}

fn items_of(task: &TaskView) -> impl Iterator<Item = (&TaskView, Item<'_>)> {
    let handle = task.row.summary.handle;
    let item = move |decision| (task, Item { state: &task.state, handle, decision, typed: "" });
    task.state.waiting_for_person().map(item)
}
