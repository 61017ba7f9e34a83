//! The diff of a task: every changed file, line by line.

use ipa_events::Handle;
use ipa_events::task::TaskState;
use ipa_pod::work::{ChangeKind, DiffFile, DiffSet};
use ipa_pod::{Since, TaskView};
use maud::{Markup, html};

use crate::render::diff::hunk;
use crate::render::visible::visible;

/// Files of a difference from here on are folded.
const OPEN_FILES: usize = 30;

/// Everything that the page shows.
pub(crate) struct DiffPage<'a> {
    /// The task.
    pub(crate) view: &'a TaskView,
    /// What its work is compared with.
    pub(crate) since: Since,
    /// The difference.
    pub(crate) diff: &'a DiffSet,
}

/// Shows a difference.
pub(crate) fn page(page: &DiffPage<'_>) -> Markup {
    let DiffPage { view, since, diff } = page;
    let (state, task) = (&*view.state, view.row.summary.handle);
    let (added, removed) = totals(diff);
    html! {
        p.crumbs { a href={ "/tasks/" (task) } { (task) } " / diff" }
        h1 { bdi { (visible(&state.title)) } }
        (compared(state, task, *since))
        p {
            (diff.files.len()) @if diff.files.len() == 1 { " file, " } @else { " files, " }
             (count(added, removed))
            @if let Some(head) = &state.head { ", up to commit " code { (head.short()) } " and what is not committed yet" }
        }
        @if diff.truncated { p.flash { "There is more than is shown here." } }
        @if diff.files.is_empty() { p.empty { (nothing(state, *since)) } }
        @if diff.files.len() > 1 { (list(diff)) }
        @for (index, file) in diff.files.iter().enumerate() { (one(task, index, file)) }
    }
}

/// Shows what the work is compared with, and the way to the other comparison.
fn compared(state: &TaskState, task: Handle, since: Since) -> Markup {
    let way = |to: Since, word: &str, label: &str| {
        html! {
            a href={ "/tasks/" (task) "/diff?since=" (word) } aria-current=[(to == since).then_some("page")] {
                (label) @if let Some(commit) = to.commit(state) { " " code { (commit.short()) } }
            }
        }
    };
    html! {
        nav.tabs aria-label="Compared with" {
            (way(Since::Base, "base", "Since the base"))
            @if state.reviewed().is_some() { (way(Since::Review, "review", "Since the last review")) }
        }
        @if since == Since::Review && state.reviewed().is_none() {
            p.flash { "Nobody has reviewed this yet: all of it is new." }
        }
    }
}

fn nothing(state: &TaskState, since: Since) -> &'static str {
    match since {
        Since::Review if state.reviewed().is_some() => "Nothing has changed since the last review.",
        Since::Review | Since::Base => "Nothing has changed yet.",
    }
}

/// Adds up the lines of a difference.
pub(crate) fn totals(diff: &DiffSet) -> (u64, u64) {
    let sum = |lines: fn(&DiffFile) -> u32| diff.files.iter().map(|file| u64::from(lines(file))).sum();
    (sum(|file| file.added), sum(|file| file.removed))
}

/// Shows how many lines came and went.
pub(crate) fn count(added: u64, removed: u64) -> Markup {
    html! { span.plus { "+" (added) } " " span.minus { "−" (removed) } }
}

fn list(diff: &DiffSet) -> Markup {
    html! {
        details.files-list open[diff.files.len() <= 12] {
            summary { "Files" }
            ul {
                @for (index, file) in diff.files.iter().enumerate() {
                    li { a href={ "#f" (index) } { (visible(&file.change.path)) } " " (count(file.added.into(), file.removed.into())) }
                }
            }
        }
    }
}

fn one(task: Handle, index: usize, file: &DiffFile) -> Markup {
    let path = visible(&file.change.path);
    html! {
        details.file id={ "f" (index) } open[index < OPEN_FILES] {
            summary {
                (kind(&file.change.kind)) " " code { (path) } " " (count(file.added.into(), file.removed.into()))
            }
            @if let Some(why) = &file.hidden { p.quiet { "Not shown: " (why) } }
            @if file.change.kind != ChangeKind::Deleted {
                p.quiet { a href=(super::files::address(task, &file.change.path)) { "whole file" } }
            }
            div.scroll {
                table.diff aria-label={ "Changes in " (path) } {
                    @for place in &file.hunks {
                        tbody {
                            tr.gap { td colspan="4" { "⋯ line " (place.new_start) } }
                            (hunk(place))
                        }
                    }
                }
            }
        }
    }
}

fn kind(kind: &ChangeKind) -> Markup {
    match kind {
        ChangeKind::Added => html! { span.quiet { "new" } },
        ChangeKind::Deleted => html! { span.quiet { "deleted" } },
        ChangeKind::Modified => html! { span.quiet { "changed" } },
        ChangeKind::Renamed { from } => html! { span.quiet { "moved from " code { (visible(from)) } } },
    }
}
