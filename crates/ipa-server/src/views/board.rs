//! The board: every task in the column of its phase.

use ipa_events::{Phase, Status};
use ipa_pod::TaskRow;
use maud::{Markup, html};

use super::components::status::{badge, phase_name};
use super::components::time::{cost, moment};
use crate::live::BoardFilter;
use crate::render::visible::visible;

/// Of tasks that are over, the newest are shown.
const OVER: usize = 20;

/// Shows the filter and the board.
pub(crate) fn page(rows: &[TaskRow], filter: BoardFilter) -> Markup {
    html! {
        h1.vh { "Board" }
        (filters(filter))
        (board(rows, filter))
    }
}

fn filters(filter: BoardFilter) -> Markup {
    html! {
        form.filters method="get" action="/" {
            label { "Phase " (select("phase", Phase::ALL.iter().map(|it| (it.as_str(), phase_name(*it))), filter.phase.map(Phase::as_str))) }
            label { "Status " (select("status", Status::ALL.iter().map(|it| (it.as_str(), it.as_str())), filter.status.map(Status::as_str))) }
            button { "Filter" }
            @if filter != BoardFilter::default() { a href="/" { "Show all" } }
        }
    }
}

fn select<'a>(name: &str, words: impl Iterator<Item = (&'a str, &'a str)>, chosen: Option<&str>) -> Markup {
    html! {
        select name=(name) {
            option value="" { "all" }
            @for (word, label) in words { option value=(word) selected[chosen == Some(word)] { (label) } }
        }
    }
}

/// Shows the board itself.
pub(crate) fn board(rows: &[TaskRow], filter: BoardFilter) -> Markup {
    let passes = |row: &&TaskRow| {
        filter.phase.is_none_or(|phase| row.summary.phase == phase)
            && filter.status.is_none_or(|status| row.status() == status)
    };
    let shown: Vec<&TaskRow> = rows.iter().filter(passes).collect();
    html! {
        div.board id="board" {
            @if shown.is_empty() { (nothing(rows)) }
            @for phase in Phase::ALL { (column(*phase, &shown)) }
        }
    }
}

fn nothing(rows: &[TaskRow]) -> Markup {
    html! {
        @if rows.is_empty() {
            p.empty { "No tasks yet. " a href="/new" { "Write the first one" } ": a sentence is enough." }
        } @else { p.empty { "No task passes this filter. " a href="/" { "Show all" } } }
    }
}

fn column(phase: Phase, shown: &[&TaskRow]) -> Markup {
    let tasks: Vec<&&TaskRow> = shown.iter().filter(|row| row.summary.phase == phase).collect();
    let most = if phase.is_over() { OVER } else { usize::MAX };
    html! {
        section.column.vacant[tasks.is_empty()] id={ "column-" (phase) } aria-labelledby={ "h-" (phase) } {
            h2 id={ "h-" (phase) } { (phase_name(phase)) " " span.quiet { (tasks.len()) } }
            @for row in tasks.iter().take(most) { (card(row)) }
            @if tasks.len() > most { p.quiet { (tasks.len().saturating_sub(most)) " older ones are not shown" } }
        }
    }
}

/// Tells whether a task waits for something that is not a person's decision: what for is half a sentence.
const fn held(status: Status) -> bool {
    matches!(status, Status::Queued | Status::Running | Status::Paused)
}

fn card(row: &TaskRow) -> Markup {
    let task = &row.summary;
    html! {
        article.card id={ "card-" (task.handle) } {
            a href={ "/tasks/" (task.handle) } { span.name { (task.handle) } " " bdi { (visible(&task.title)) } }
            p { (badge(row.status())) @if let Some(cost) = cost(task.cost_microusd) { " " span.quiet { (cost) } }
                " " span.age { (moment(task.updated_at)) } }
            @if let Some(why) = row.waiting_for() {
                p.why { @if held(row.status()) { "waits for " } (visible(&why)) }
            }
        }
    }
}
