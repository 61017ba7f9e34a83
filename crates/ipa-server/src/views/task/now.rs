//! What the agent of a task is at: its list of steps, and its newest run in figures. The run's own log tells it, and
//! the task's record what it came to: a run that is over is counted there, one that goes on by its log, none twice.

use ipa_events::task::{Run, TaskState, Usage};
use ipa_events::{Handle, Role};
use maud::{Markup, html};

use crate::live::Figures;
use crate::render::visible::visible;
use crate::views::components::plan;
use crate::views::components::time::{amount, cost};

/// The newest run of an agent, with what it is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AtHand {
    /// The run.
    pub(crate) run: Run,
    /// What it is at.
    pub(crate) figures: Figures,
}

/// Finds the newest run of an agent. A check is none.
pub(crate) fn run_at_hand(state: &TaskState) -> Option<&Run> {
    state.runs.iter().rev().find(|run| run.role != Role::Check)
}

/// Returns the id of a task's cost in a page.
pub(crate) fn meter_id(task: Handle) -> String {
    format!("cost-{task}")
}

/// Returns the id of what an agent is at in a page.
pub(crate) fn panel_id(task: Handle) -> String {
    format!("now-{task}")
}

/// Shows what the task cost so far, of what it may cost.
pub(crate) fn meter(state: &TaskState, task: Handle, at_hand: Option<&AtHand>) -> Markup {
    let budget = state.task_budget();
    let cost = cost(in_all(state, at_hand).cost_microusd).or(budget.map(|_| "$0.00".to_owned()));
    html! {
        span.quiet id=(meter_id(task)) hidden[cost.is_none()] {
            @if let Some(cost) = cost { (cost) @if let Some(budget) = budget { " of " (budget.limit) } }
        }
    }
}

/// Adds up what all runs of a task used: those that are over, and the one that goes on.
fn in_all(state: &TaskState, at_hand: Option<&AtHand>) -> Usage {
    let open = at_hand.filter(|it| state.run(it.run.id).is_some_and(Run::is_open));
    open.map_or(state.usage, |it| state.usage.plus(it.figures.usage))
}

/// Returns what a run used so far.
fn used(state: &TaskState, it: &AtHand) -> Usage {
    state.run(it.run.id).filter(|run| !run.is_open()).map_or(it.figures.usage, |run| run.usage)
}

/// Shows what the agent is at.
pub(crate) fn panel(state: &TaskState, task: Handle, at_hand: Option<&AtHand>) -> Markup {
    html! {
        div.now id=(panel_id(task)) {
            @if let Some(it) = at_hand {
                @let steps = &it.figures.plan;
                @if !steps.is_empty() {
                    h2 { "Steps " span.quiet { (plan::done(steps)) " of " (steps.len()) " done" } }
                    (plan::list(steps))
                }
                h2 { "Run r" (it.run.id.number) }
                (facts(it, used(state, it), in_all(state, at_hand)))
            }
        }
    }
}

fn facts(it: &AtHand, used: Usage, in_all: Usage) -> Markup {
    let AtHand { run, figures } = it;
    html! {
        dl.facts {
            @if let Some(version) = &figures.version {
                dt { "Program" } dd { (visible(run.runtime.kind())) " " (visible(version)) }
            }
            @if let Some(model) = &figures.model { dt { "Model" } dd { (visible(model)) } }
            @if let Some(session) = run.session.as_ref().or(figures.session.as_ref()) {
                dt { "Session" } dd { code { (visible(&session.to_string())) } }
            }
            @if figures.turns > 0 { dt { "Turns" } dd { (figures.turns) } }
            @if used.input_tokens > 0 || used.output_tokens > 0 {
                dt { "Tokens" } dd { (amount(used.input_tokens)) " in, " (amount(used.output_tokens)) " out" }
            }
            @if let Some(of_run) = cost(used.cost_microusd) { dt { "Cost" } dd { (of_run) } }
            @if let Some(all) = cost(in_all.cost_microusd) { dt { "Task" } dd { (all) " in all" } }
        }
    }
}
