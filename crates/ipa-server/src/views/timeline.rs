//! The timeline of a task: what happened to it, and what it was at any version.

use ipa_events::store::{RawRecord, Version};
use ipa_events::task::TaskState;
use ipa_events::{Handle, RunId};
use ipa_pod::TaskView;
use maud::{Markup, html};
use serde_json::Value;

use super::components::status::phase_name;
use super::components::time::{cost, moment};
use super::components::tool::pretty;
use crate::render::told::told;
use crate::render::visible::visible;

/// A part of a task's events.
pub(crate) struct Part {
    /// The events, in order.
    pub(crate) records: Vec<RawRecord>,
    /// The version of the newest event of all.
    pub(crate) newest: Version,
}

/// Shows the events of a task, and, if a version is chosen, its state then.
pub(crate) fn page(task: Handle, title: &str, part: &Part, at: Option<&TaskView>) -> Markup {
    html! {
        p.crumbs { a href={ "/tasks/" (task) } { (task) } " / timeline" }
        h1 { bdi { (visible(title)) } }
        @if let Some(view) = at { (state_at(task, part.newest, view)) }
        ol.events {
            @for record in &part.records { (event(task, record, at.map(|view| view.version))) }
        }
        (more(task, part))
    }
}

fn more(task: Handle, part: &Part) -> Markup {
    let first = part.records.first().map_or(1, |record| record.version.get());
    let last = part.records.last().map_or(0, |record| record.version.get());
    html! {
        p.pager {
            @if first > 1 { a href={ "/tasks/" (task) "/timeline" } { "from the first event" } }
            @if last < part.newest.get() { " " a href={ "/tasks/" (task) "/timeline?after=" (last) } { "later events" } }
        }
    }
}

fn event(task: Handle, raw: &RawRecord, at: Option<Version>) -> Markup {
    let record = &raw.record;
    html! {
        li id={ "v" (raw.version) } aria-current=[(at == Some(raw.version)).then_some("true")] {
            details open[at == Some(raw.version)] {
                summary {
                    span.n { (raw.version) } " " b { (visible(&record.kind)) } " "
                    @if let Some(words) = told_of(&record.kind, &record.payload) { bdi { (visible(&words)) } " " }
                    span.quiet { (visible(&record.actor)) " via " (visible(&record.via)) ", " (moment(record.at)) }
                }
                p.quiet {
                    a href={ "/tasks/" (task) "/timeline?at=" (raw.version) } { "the task at this version" }
                    " · position " (raw.position) " · event " (raw.id) " · form " (record.schema_version)
                    @if let Some(cause) = &record.causation_id { " · caused by " (visible(cause)) }
                    @if let Some(run) = run_of(&record.payload) { " · " a href={ "/tasks/" (task) "?run=" (run.number) } { "log of " (run.handle(task)) } }
                }
                pre.in { (visible(&pretty(&record.payload))) }
            }
        }
    }
}

fn told_of(kind: &str, payload: &str) -> Option<String> {
    told(kind, &serde_json::from_str(payload).ok()?)
}

fn run_of(payload: &str) -> Option<RunId> {
    let value: Value = serde_json::from_str(payload).ok()?;
    value.get("run")?.as_str()?.parse().ok()
}

fn state_at(task: Handle, newest: Version, view: &TaskView) -> Markup {
    let (at, state) = (view.version, &*view.state);
    let to = |version: u64| format!("/tasks/{task}/timeline?at={version}");
    html! {
        section.at aria-label="State at this version" {
            p.pager {
                @if at.get() > 1 { a href=(to(at.get().saturating_sub(1))) rel="prev" { "◀ earlier" } }
                " version " b { (at) } " of " (newest) " "
                @if at < newest { a href=(to(at.get().saturating_add(1))) rel="next" { "later ▶" } }
            }
            (facts(state))
        }
    }
}

fn facts(state: &TaskState) -> Markup {
    let version =
        |version: Option<u32>| version.map_or_else(|| "none".to_owned(), |version| format!("v{version}"));
    let asked = state.open_decisions().count();
    html! {
        dl.facts {
            dt { "Title" } dd { bdi { (visible(&state.title)) } }
            dt { "Phase" } dd { (phase_name(state.phase)) @if let Some(who) = &state.paused { ", paused by " (who) } }
            dt { "Spec" } dd { (version(state.spec.version())) }
            dt { "Plan" } dd { (version(state.plan.version())) }
            dt { "Commit" } dd { @match &state.head { Some(head) => code { (head.short()) }, None => "none" } }
            dt { "Runs" } dd { (state.runs.len()) @if let Some(run) = state.open_run() { ", " (run.role) " at work" } }
            dt { "Decisions open" } dd { (asked) }
            dt { "Messages" } dd { (state.messages.len()) }
            dt { "Cost" } dd { (cost(state.usage.cost_microusd).unwrap_or_else(|| "none".to_owned())) }
        }
        details { summary { "The whole state" } pre.in { (visible(&serde_json::to_string_pretty(state).unwrap_or_default())) } }
    }
}
