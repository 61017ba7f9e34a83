//! The side of a task's page: where it works, its runs, what was told, what was decided, what goes outside.

use ipa_events::task::{Run, TaskState, WorkspaceState};
use ipa_events::{AgentId, Handle};
use ipa_pod::TaskView;
use maud::{Markup, html};

use crate::render::visible::visible;
use crate::views::components::time::{duration, moment, usage};
use crate::views::components::{answered, log, outside};

/// Runs and messages from here on are folded.
const NEWEST: usize = 8;

/// Shows the side.
pub(crate) fn side(view: &TaskView) -> Markup {
    let (state, handle) = (&*view.state, view.row.summary.handle);
    html! {
        aside.side id={ "side-" (handle) } aria-label="About this task" {
            (outside::there(state))
            (facts(view))
            (runs(state, handle))
            (messages(state, handle))
            (decided(state, handle))
            (outside::changes(view))
        }
    }
}

fn facts(view: &TaskView) -> Markup {
    let state = &*view.state;
    let Some(created) = &state.created else { return html! {} };
    html! {
        dl.facts {
            dt { "Agent" } dd {
                (visible(created.agent.as_str()))
                @for (role, agent) in &created.roles { br; (role) ": " (visible(agent.as_str())) }
            }
            dt { "Repository" } dd { (visible(&created.repo.to_string())) }
            @if let Some(base) = &created.base { dt { "From" } dd { (base) } }
            @if let Some(branch) = state.branch() { dt { "Branch" } dd { code { (branch) } } }
            @if let Some(head) = &state.head { dt { "Commit" } dd { code { (head.short()) } } }
            dt { "Workspace" } dd { (workspace(state)) }
            @if let Some(sandbox) = state.runs.iter().rev().find_map(|run| run.sandbox.as_ref()) {
                dt { "Sandbox" } dd { (bounds(sandbox)) }
            }
            @if let Some(at) = state.created_at { dt { "Created" } dd { (moment(at)) } }
            @if let Some(at) = state.updated_at { dt { "Changed" } dd { (moment(at)) } }
            dt { "Version" } dd { (view.version) }
        }
    }
}

/// Shows what keeps an agent in its place; what does not, folded.
fn bounds(sandbox: &str) -> Markup {
    if let Some((what, gaps)) = sandbox.split_once("; ") {
        html! { details { summary { (visible(what)) ", not for everything" } (visible(gaps)) } }
    } else {
        html! { (visible(sandbox)) }
    }
}

fn workspace(state: &TaskState) -> Markup {
    match state.workspaces.get(&AgentId::main()).map(|workspace| &workspace.state) {
        None => html! { "none yet" },
        Some(WorkspaceState::Requested) => html! { "being made" },
        Some(WorkspaceState::Ready { .. }) => html! { "ready" },
        Some(WorkspaceState::Failed { detail }) => {
            html! { span.evidence.failed { "✗ failed" } ": " (visible(detail)) }
        }
        Some(WorkspaceState::Trashed { .. }) => html! { "in the trash, after a checkpoint" },
    }
}

fn runs(state: &TaskState, handle: Handle) -> Markup {
    html! {
        h2 { "Runs" }
        @if state.runs.is_empty() { p.quiet { "none yet" } }
        ul.rows {
            @for run in state.runs.iter().rev().take(NEWEST) {
                li {
                    a href={ "/tasks/" (handle) "?run=" (run.id.number) } { "r" (run.id.number) } " " (run.role) " "
                    (log::run_state(run))
                    span.quiet {
                        (took(run)) (usage(run.usage))
                        @if let Some(from) = run.takes_over { ", takes over from r" (from.number) }
                    }
                }
            }
        }
        @if state.runs.len() > NEWEST {
            details id={ "runs-" (handle) } {
                summary { (state.runs.len().saturating_sub(NEWEST)) " earlier" }
                @for run in state.runs.iter().rev().skip(NEWEST) {
                    a href={ "/tasks/" (handle) "?run=" (run.id.number) } { "r" (run.id.number) } " "
                }
            }
        }
    }
}

/// Says how long a run took, once it is over.
fn took(run: &Run) -> Markup {
    let (Some(from), Some(to)) = (run.started_at, run.finished_at) else { return html! {} };
    let ms = u64::try_from(to.as_millisecond().saturating_sub(from.as_millisecond())).unwrap_or(0);
    html! { " " (duration(ms)) }
}

fn messages(state: &TaskState, handle: Handle) -> Markup {
    html! {
        @if !state.messages.is_empty() {
            h2 { "Messages" }
            ul.rows {
                @for message in state.messages.iter().rev().take(NEWEST) {
                    li {
                        span.quiet { (message.from) ", " (moment(message.at)) }
                        p { bdi { (visible(&message.text)) } }
                        @match message.delivered {
                            Some(run) => span.evidence.passed { "✓ delivered to " (run.handle(handle)) },
                            None => span.evidence.pending { "○ posted; no agent has it yet" },
                        }
                    }
                }
            }
        }
    }
}

fn decided(state: &TaskState, handle: Handle) -> Markup {
    let over =
        state.decisions.iter().rev().filter_map(|decision| Some((decision, decision.answered.as_ref()?)));
    html! {
        @if state.decisions.iter().any(|decision| decision.answered.is_some()) {
            h2 { "Decided" }
            ul.rows {
                @for (decision, answer) in over.take(NEWEST) { li { (answered::decided(decision, answer, handle)) } }
            }
        }
    }
}
