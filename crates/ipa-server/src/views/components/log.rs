//! What an agent did: one entry at a time, in the same form whether it just happened or is read later.

use std::collections::BTreeSet;

use ipa_events::task::{Run, RunState, TaskState, Usage};
use ipa_events::{DecisionId, Handle, Outcome, Role};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::asked;
use super::form::Forms;
use super::plan::plan_line;
use super::status::phase_name;
use super::time::{duration, moment, usage};
use super::tool::used;
use crate::live::{Block, Entry, EntryBody, Figures, Now, Over, Tally, Turn, blocks};
use crate::render::ansi::{ansi, has_escapes};
use crate::render::markdown::markdown;
use crate::render::visible::visible;

/// The most tools that the line of a stretch names.
const NAMED: usize = 8;

/// What it takes to show the log of a run.
#[derive(Clone, Copy)]
pub(crate) struct LogView<'a> {
    /// The run.
    pub(crate) run: &'a Run,
    /// The task's short name.
    pub(crate) task: Handle,
    /// The task: it knows what became of what the agent asked.
    pub(crate) state: &'a TaskState,
    /// The decisions whose form stands in the log. The form of any other stands above it.
    pub(crate) placed: &'a BTreeSet<DecisionId>,
    /// What the forms need.
    pub(crate) forms: Forms<'a>,
}

/// How what an agent says is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Voice {
    /// As Markdown: an agent that talks.
    Markdown,
    /// As lines of a terminal: a program that prints.
    Terminal,
}

impl Voice {
    /// Returns how a run's agent talks.
    fn of(run: &Run) -> Self {
        let prints = run.role == Role::Check || run.runtime.kind() == "command";
        if prints { Self::Terminal } else { Self::Markdown }
    }
}

/// Returns the id of a run's log in a page.
pub(crate) fn log_id(run: &Run, task: Handle) -> String {
    format!("log-{}", run.id.handle(task))
}

/// Returns the id of an entry in a page.
pub(crate) fn entry_id(run: &Run, task: Handle, seq: u64) -> String {
    format!("e-{}-{seq}", run.id.handle(task))
}

/// Returns the id of a stretch in a page.
pub(crate) fn stretch_id(run: &Run, task: Handle, first: u64) -> String {
    format!("s-{}-{first}", run.id.handle(task))
}

/// Returns the id of the line of a stretch in a page.
pub(crate) fn stretch_line_id(run: &Run, task: Handle, first: u64) -> String {
    format!("g-{}-{first}", run.id.handle(task))
}

/// Returns the id of what says what a run is at.
pub(crate) fn doing_id(run: &Run, task: Handle) -> String {
    format!("doing-{}", run.id.handle(task))
}

/// Shows the heading and the log of a run, with the entries that are there.
pub(crate) fn run_log(view: LogView<'_>, entries: &[Entry], earlier: usize, figures: &Figures) -> Markup {
    let LogView { run, task, .. } = view;
    let name = run.id.handle(task);
    html! {
        section.run id={ "run-" (name) } aria-label={ "Run " (name) } {
            (run_heading(run, task))
            @if earlier > 0 {
                @let before = entries.first().map_or(0, |entry| entry.seq);
                p.earlier { a href={ "/tasks/" (task) "?run=" (run.id.number) "&before=" (before) } { (earlier) " earlier entries" } }
            }
            div.log.ended[!run.is_open()] id=(log_id(run, task)) role="log" aria-live="off" aria-label={ "Log of " (name) } tabindex="0" {
                @for block in blocks(entries) {
                    @match block {
                        Block::One(it) => (entry(view, it)),
                        Block::Stretch(first, all) => (stretch(view, first, all)),
                    }
                }
            }
            (doing(run, task, figures))
        }
    }
}

/// Shows which run it is, in one line.
pub(crate) fn run_heading(run: &Run, task: Handle) -> Markup {
    html! {
        h3.runhead {
            (run.role) " " a href={ "/tasks/" (task) "?run=" (run.id.number) } { (run.id.handle(task)) }
            " " span.quiet {
                (phase_name(run.phase)) ", attempt " (run.attempt) ", "
                @match &run.check {
                    Some(check) => code { (visible(check)) },
                    None => (visible(run.runtime.as_str())),
                }
                ", " (moment(began(run)))
            }
        }
    }
}

/// Returns when a run began.
pub(crate) fn began(run: &Run) -> Timestamp {
    run.started_at.unwrap_or(run.requested_at)
}

/// Returns when something in a run happened.
fn when(run: &Run, at_ms: u64) -> Timestamp {
    let after = SignedDuration::from_millis(i64::try_from(at_ms).unwrap_or(i64::MAX));
    began(run).saturating_add(after).unwrap_or(Timestamp::MAX)
}

/// Says how far a run is, in a few words.
pub(crate) fn run_state(run: &Run) -> Markup {
    match &run.state {
        RunState::Requested => html! { span.badge.queued { span aria-hidden="true" { "○" } " starting" } },
        RunState::Running if run.interrupted_by.is_some() => {
            html! { span.badge.running { span aria-hidden="true" { "●" } " stopping" } }
        }
        RunState::Running => html! { span.badge.running { span aria-hidden="true" { "●" } " running" } },
        RunState::Over(outcome) => ending(outcome),
    }
}

fn ending(outcome: &Outcome) -> Markup {
    match outcome {
        Outcome::Completed => html! { span.badge.completed { span aria-hidden="true" { "✓" } " completed" } },
        Outcome::Interrupted { by } => {
            html! { span.badge.paused { span aria-hidden="true" { "‖" } " interrupted" } " by " (by) }
        }
        Outcome::Failed { class, detail, .. } => html! {
            span.badge.parked { span aria-hidden="true" { "✗" } " failed" } " " (class) ": " (visible(detail))
        },
    }
}

/// Shows a stretch: one line for what went well, then every entry in its order. A style hides what the line
/// stands for while it is folded; what works or failed is always seen.
pub(crate) fn stretch(view: LogView<'_>, first: u64, entries: &[Entry]) -> Markup {
    html! {
        div.stretch id=(stretch_id(view.run, view.task, first)) {
            (stretch_line(view, first, &Tally::of(entries)))
            @for it in entries { (entry(view, it)) }
        }
    }
}

/// Shows the line of a stretch: how many tools went well, and which.
pub(crate) fn stretch_line(view: LogView<'_>, first: u64, tally: &Tally) -> Markup {
    let tools = tally.most_used();
    let more = tools.len().saturating_sub(NAMED);
    html! {
        details.fold id=(stretch_line_id(view.run, view.task, first)) hidden[!tally.folds()] {
            summary {
                span.sign aria-hidden="true" { "▸" } " "
                b { (tally.count()) " tools" } " "
                span.brief {
                    @for (index, (name, count)) in tools.iter().take(NAMED).enumerate() {
                        @if index > 0 { " " }
                        (visible(name)) @if *count > 1 { "×" (count) }
                    }
                    @if more > 0 { " and " (more) " more" }
                    @if tally.thoughts > 0 { ", " (tally.thoughts) @if tally.thoughts == 1 { " thought" } @else { " thoughts" } }
                }
                " " span.took { (duration(tally.took_ms)) }
            }
        }
    }
}

/// Shows one entry.
pub(crate) fn entry(view: LogView<'_>, entry: &Entry) -> Markup {
    let id = entry_id(view.run, view.task, entry.seq);
    match &entry.body {
        EntryBody::Tool(tool) => used(&id, tool),
        EntryBody::Said(text) => line(&id, "said", &said(Voice::of(view.run), text)),
        EntryBody::Thought(text) => html! {
            details.e.thought id=(id) { summary { "thought" } div.doc { (markdown(text)) } }
        },
        EntryBody::Plan(steps) => plan_line(&id, steps),
        EntryBody::Asked(ask) => line(&id, "asked", &asked::in_place(view, entry, ask)),
        EntryBody::Turn(turn) => line(&id, "turn", &self::turn(view.run, *turn)),
        EntryBody::Printed(text) => line(&id, "printed", &ansi(text)),
        EntryBody::Started { model, version } => line(
            &id,
            "note",
            &html! {
                "works with " (visible(model))
                @if let Some(version) = version { ", program version " (visible(version)) }
            },
        ),
        EntryBody::Note(text) => line(&id, "note", &html! { (visible(text)) }),
        EntryBody::Over(over) => line(&id, "over", &self::over(over, entry.at_ms)),
    }
}

fn line(id: &str, class: &str, what: &Markup) -> Markup {
    html! { div.e.(class) id=(id) { (what) } }
}

fn said(voice: Voice, text: &str) -> Markup {
    match voice {
        Voice::Markdown if !has_escapes(text) => html! { div.doc { (markdown(text)) } },
        Voice::Markdown | Voice::Terminal => html! { div.term { (ansi(text)) } },
    }
}

fn turn(run: &Run, turn: Turn) -> Markup {
    html! {
        "turn " (turn.number) ", " (moment(when(run, turn.began_ms))) ": took " (duration(turn.took_ms)) (usage(turn.usage))
        @match turn.retries {
            0 => {},
            1 => ", asked its model again once",
            times => { ", asked its model again " (times) " times" },
        }
    }
}

/// Says how a run ended. What its turns used is told already; what they did not tell of, and the sum of several,
/// is told here.
fn over(over: &Over, at_ms: u64) -> Markup {
    let finished = &over.finished;
    let told = over.turns == 1 && over.untold == Usage::default();
    html! {
        (ending(&finished.outcome))
        span.quiet {
            @if let Some(code) = finished.exit_code { " exit " (code) }
            @if over.turns > 1 { ", " (over.turns) " turns in all" }
            @if !told { ", took " (duration(at_ms)) (usage(finished.usage)) }
        }
    }
}

/// Says what a run is at, and when it last gave a sign of life. The script of the page marks a long silence.
pub(crate) fn doing(run: &Run, task: Handle, figures: &Figures) -> Markup {
    let works = run.is_open() && figures.now != Now::Over;
    html! {
        p.doing id=(doing_id(run, task)) hidden[!works] {
            @if works {
                (now(&figures.now))
                @if figures.turns > 1 { ", turn " (figures.turns) }
                @if figures.now != Now::Asks {
                    span.quiet { ", last sign of life " span.sign-of-life { (moment(when(run, figures.last_ms))) } }
                    span.silent { span aria-hidden="true" { " ▲" } " silent" }
                }
            }
        }
    }
}

fn now(now: &Now) -> Markup {
    html! {
        @match now {
            Now::Idle => { span aria-hidden="true" { "○" } " has nothing to do" },
            Now::Works => { span aria-hidden="true" { "●" } " works" },
            Now::Uses(tool) => { span aria-hidden="true" { "●" } " uses " b { (visible(tool)) } },
            Now::Asks => { b.you { span aria-hidden="true" { "◆" } " waits for you" } },
            Now::Retries(why) => { b.hold { span aria-hidden="true" { "‖" } " hold on" } ": it asks its model again (" (visible(why)) ")" },
            Now::Over => {},
        }
    }
}
