//! The page of a task: the source of truth for it. Made of regions that the live stream renders with the very
//! same functions: the head, the open decisions, the sections, the log, the side.

mod controls;
pub(crate) mod now;
mod side;

pub(crate) use now::AtHand;
pub(crate) use side::side;

use std::collections::BTreeSet;

use ipa_events::task::{Decision, Run, TaskState};
use ipa_events::{DecisionId, Handle, PodCondition, Status, title_of};
use ipa_pod::TaskView;
use maud::{Markup, html};

use super::components::decision::{Item, decision, kind_of};
use super::components::form::Forms;
use super::components::log::{LogView, run_log};
use super::components::status::{badge, steps};
use super::components::time::moment;
use super::components::{document, evidence, outside};
use crate::live::{Entry, Figures, Section};
use crate::render::markdown::markdown;
use crate::render::visible::visible;

/// How much a task's work differs from what it began with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    /// Changed files.
    pub(crate) files: usize,
    /// Lines added.
    pub(crate) added: u64,
    /// Lines removed.
    pub(crate) removed: u64,
}

/// A run with the part of its log that is shown.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    /// The run.
    pub(crate) run: Run,
    /// Its entries, or the last of them.
    pub(crate) entries: Vec<Entry>,
    /// How many entries come before these.
    pub(crate) earlier: usize,
    /// What it is at.
    pub(crate) figures: Figures,
    /// Why the log cannot be read, if that is so.
    pub(crate) fault: Option<String>,
}

/// Everything that the page shows.
pub(crate) struct TaskPage<'a> {
    /// The task.
    pub(crate) view: &'a TaskView,
    /// Which section is open.
    pub(crate) section: Section,
    /// The run whose log is shown, in the section `log`.
    pub(crate) shown: Option<&'a Shown>,
    /// What the agent is at.
    pub(crate) at_hand: Option<&'a AtHand>,
    /// The decisions whose form stands in the log that is shown.
    pub(crate) placed: &'a BTreeSet<DecisionId>,
    /// How much the work differs, once there is any.
    pub(crate) stat: Option<Stat>,
}

/// Shows the page.
pub(crate) fn page(task: &TaskPage<'_>, forms: Forms<'_>) -> Markup {
    let view = task.view;
    let handle = view.row.summary.handle;
    html! {
        (head(view, task.at_hand, forms))
        (decisions(&view.state, handle, task.placed, forms))
        div.cols {
            div.main {
                (tabs(view, task.section, task.stat))
                @if task.section == Section::Log { (story(task, forms)) (composer(handle, forms)) }
                @else { (section(view, task.section)) }
            }
            div.beside { (now::panel(&view.state, handle, task.at_hand)) (side(view)) }
        }
    }
}

/// Shows what the task is, what it does, and what can be asked of it.
pub(crate) fn head(view: &TaskView, at_hand: Option<&AtHand>, forms: Forms<'_>) -> Markup {
    let (row, state) = (&view.row, &*view.state);
    let handle = row.summary.handle;
    html! {
        header.task id={ "head-" (handle) } data-version=(view.version) {
            div.line {
                h1 { span.name { (handle) } " " bdi { (visible(&state.title)) } }
                (badge(row.status()))
                @if let Some(run) = state.open_run() {
                    span.quiet { (run.role) ", started " (moment(run.started_at.unwrap_or(run.requested_at))) }
                }
                (now::meter(state, handle, at_hand))
                @if let Some((_, budget)) = state.open_run().and_then(|run| run.budget) {
                    span.quiet { "used: " (budget) }
                }
            }
            (steps(state.phase, state.ended_in))
            (outside::line(state))
            (waiting(view))
            (controls::controls(view, forms))
        }
    }
}

fn waiting(view: &TaskView) -> Markup {
    html! {
        @if let PodCondition::Parked(why) = &view.row.pod {
            div.flash role="alert" {
                p { b { "Parked: " } "the task cannot go on until somebody looks at it. What there was is kept." }
                pre.out { (visible(why)) }
            }
        } @else if view.row.status() != Status::Waiting {
            @if let Some(why) = view.row.waiting_for() { p.why { "Waits for: " (visible(&why)) } }
        } @else if view.state.waiting_for_person().next().is_none() {
            @if let Some(why) = view.row.waiting_for() { p.why { "Waits for " (visible(&why)) } }
        }
        @if let (Some(who), Some(run)) = (&view.state.paused, view.state.open_run()) {
            p.why { "Paused by " (who) ": nothing more starts. The " (run.role) " run goes on to the end of its turn." }
        }
        @if let Some(failure) = &view.state.last_failure {
            details.failure { summary { "What the last failed attempt said" } pre.out { (visible(failure)) } }
        }
    }
}

/// Shows what waits for a person: with its form, or the way to the form where the agent asked.
pub(crate) fn decisions(
    state: &TaskState,
    handle: Handle,
    placed: &BTreeSet<DecisionId>,
    forms: Forms<'_>,
) -> Markup {
    html! {
        div.decisions id={ "decisions-" (handle) } {
            @for open in state.waiting_for_person() {
                @if placed.contains(&open.id) { (elsewhere(handle, open)) }
                @else { (decision(Item { state, handle, decision: open, typed: "" }, forms)) }
            }
        }
    }
}

/// Shows the way to a decision that stands in the log.
fn elsewhere(handle: Handle, open: &Decision) -> Markup {
    let name = open.id.handle(handle);
    html! {
        p.pointer id={ "pointer-" (name) } {
            span.kind { span aria-hidden="true" { "◆ " } (kind_of(open.asked.kind())) } " " span.name { (name) } " "
            b { (visible(&title_of(&open.asked))) } " "
            a href={ "#decision-" (name) } { "Answer it in the log" }
            span.quiet { " or in the " a href={ "/inbox#decision-" (name) } { "inbox" } }
        }
    }
}

/// Shows the way to the sections of the page and to the pages beside it.
pub(crate) fn tabs(view: &TaskView, open: Section, stat: Option<Stat>) -> Markup {
    let (state, handle) = (&*view.state, view.row.summary.handle);
    let version = |version: Option<u32>| version.map_or_else(String::new, |version| format!(" v{version}"));
    html! {
        nav.tabs id={ "tabs-" (handle) } data-open=(open.as_str()) aria-label="Task" {
            @for section in Section::ALL {
                @let label = match section {
                    Section::Log => "Log".to_owned(),
                    Section::Spec => format!("Spec{}", version(state.spec.version())),
                    Section::Plan => format!("Plan{}", version(state.plan.version())),
                    Section::Checks => "Checks".to_owned(),
                };
                a href={ "/tasks/" (handle) "?section=" (section.as_str()) } aria-current=[(section == open).then_some("page")] { (label) }
            }
            a href={ "/tasks/" (handle) "/diff" } {
                "Diff" @if let Some(stat) = stat.filter(|stat| stat.files > 0) { " (" (stat.files) " " (super::diff::count(stat.added, stat.removed)) ")" }
            }
            a href={ "/tasks/" (handle) "/files" } { "Files" }
            a href={ "/tasks/" (handle) "/timeline" } { "Timeline" }
        }
    }
}

/// Shows a section that is not the log.
pub(crate) fn section(view: &TaskView, section: Section) -> Markup {
    let (state, handle) = (&*view.state, view.row.summary.handle);
    html! {
        section.section id={ "section-" (handle) } {
            @match section {
                Section::Log => {},
                Section::Spec => { (request(state)) (document::versions(&state.spec, "There is no spec yet.")) },
                Section::Plan => (document::versions(&state.plan, "There is no plan yet.")),
                Section::Checks => (checks(state)),
            }
        }
    }
}

fn request(state: &TaskState) -> Markup {
    let text = state.created.as_ref().map_or("", |created| &created.request);
    html! { details.older open[state.spec.version().is_none()] { summary { "The request" } div.doc { (markdown(text)) } } }
}

fn checks(state: &TaskState) -> Markup {
    let Some(head) = &state.head else {
        return html! { p.quiet { "There is no commit to check yet." } (configured(state)) };
    };
    let older: Vec<_> = state.checks.iter().rev().filter(|result| result.commit != *head).collect();
    html! {
        h2 { "Commit " code { (head.short()) } " " (evidence::evidence(state, head, state.evidence(head))) }
        (evidence::checks(state, head))
        (evidence::criteria(state, head))
        @if !older.is_empty() { h2 { "Earlier commits" } }
        ul.listing {
            @for result in older {
                li {
                    (evidence::verdict(result)) " "
                    code { (visible(&result.command)) } " on " code { (result.commit.short()) }
                }
            }
        }
    }
}

fn configured(state: &TaskState) -> Markup {
    let commands = state.created.as_ref().map_or(&[][..], |created| &created.checks);
    html! {
        @if commands.is_empty() { p.evidence.none { "– no checks configured" } }
        ul.listing { @for command in commands { li { code { (visible(command)) } } } }
    }
}

/// Shows what the agents do: the run that is shown, with its log.
fn story(page: &TaskPage<'_>, forms: Forms<'_>) -> Markup {
    let TaskPage { view, shown, placed, .. } = page;
    let (task, state) = (view.row.summary.handle, &*view.state);
    html! {
        div.story id={ "story-" (task) } {
            @match shown {
                Some(shown) => {
                    // Why a parked task cannot be read stands in the head already.
                    @if let Some(fault) = shown.fault.as_ref().filter(|_| !matches!(view.row.pod, PodCondition::Parked(_))) { p.flash role="alert" { (visible(fault)) } }
                    (run_log(LogView { run: &shown.run, task, state, placed, forms }, &shown.entries, shown.earlier, &shown.figures))
                },
                None => p.empty id={ "no-run-" (task) } { "No agent has worked on this yet." },
            }
        }
    }
}

/// Shows the field for a message to the agent. No patch touches it: what is typed there stays.
fn composer(task: Handle, forms: Forms<'_>) -> Markup {
    forms.post(
        &format!("/tasks/{task}/commands"),
        &html! {
            div.composer {
                label.vh for="message" { "Message to the agent" }
                textarea id="message" name="text" rows="2" required
                    placeholder="Tell the agent something: it gets it now, or with its next run" {}
                button name="type" value="message" { "Send" }
            }
        },
    )
}
