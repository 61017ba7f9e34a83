//! `/tasks/{id}`: the page of a task.

use std::collections::BTreeSet;

use axum::extract::State;
use ipa_events::task::Run;
use ipa_events::{DecisionId, Oid, Reference, RunId};
use ipa_pod::log::TailError;
use ipa_pod::{Engine, EngineError, Since, TaskView};
use maud::Markup;
use serde::Deserialize;

use super::{begin, live_of};
use crate::api::extract::{Asked, In};
use crate::error::Code;
use crate::error::problem::{Refusal, chain};
use crate::live::{CAUGHT_UP, Log, Section, Topic};
use crate::reading;
use crate::security::Viewer;
use crate::state::AppState;
use crate::views::components::asked::asked_by;
use crate::views::components::form::Forms;
use crate::views::diff::totals;
use crate::views::layout::{Place, page};
use crate::views::task::now::run_at_hand;
use crate::views::task::{self, AtHand, Shown, Stat, TaskPage};

/// How many events of a log are read at a time.
const BATCH: usize = 1_000;

/// Which part of the page.
#[derive(Deserialize)]
pub(super) struct Query {
    /// A section, by its word.
    #[serde(default)]
    section: String,
    /// The number of a run, to read its log.
    run: Option<u32>,
    /// Only the entries of its log before this event.
    before: Option<u64>,
}

pub(super) async fn show(
    State(state): State<AppState>,
    viewer: Viewer,
    In(id): In<String>,
    Asked(asked): Asked<Query>,
) -> Result<Markup, Refusal> {
    let mut after = begin(&state);
    let view = find(&state, &id).await?;
    let handle = view.row.summary.handle;
    let reference = Reference::Handle(handle);
    let section = asked.section.parse().unwrap_or(Section::Log);
    let mut topics = vec![Topic::Task(reference), Topic::Section(reference, section)];
    let mut shown = None;
    if section == Section::Log {
        if let Some(run) = chosen(&view, asked.run)? {
            let (read, seq) = read_log(state.engine(), run, asked.before).await;
            if asked.before.is_none() {
                after.runs.insert(run.id, seq);
            }
            shown = Some(read);
        }
        match (asked.run, asked.before) {
            (_, Some(_)) => {}
            (Some(number), None) => topics.push(Topic::Run(reference, number)),
            (None, None) => topics.push(Topic::Story(reference)),
        }
    }
    let at_hand = at_hand(state.engine(), &view, shown.as_ref()).await;
    // What is past is read, and not answered there.
    let placed = shown.as_ref().filter(|_| asked.before.is_none()).map(|shown| placed(&view, shown));
    let placed = placed.unwrap_or_default();
    let stat = stat(state.engine(), &view).await;
    let live = live_of(&state, after, topics).await?;
    let main = task::page(
        &TaskPage {
            view: &view,
            section,
            shown: shown.as_ref(),
            at_hand: at_hand.as_ref(),
            placed: &placed,
            stat,
        },
        Forms::live(viewer.csrf()),
    );
    let title = format!("{handle} {}", view.state.title);
    Ok(page(&title, Place::Elsewhere, Some(&live), &main))
}

/// Reads the task that an address names.
pub(super) async fn find(state: &AppState, id: &str) -> Result<TaskView, Refusal> {
    let reference: Reference = id.parse().map_err(|error| Refusal::new(Code::UnknownTask, chain(&error)))?;
    let task = state.engine().resolve(reference).await?;
    Ok(reading::task(state.engine(), task).await?)
}

/// What tells whether a task's work may differ from what it was.
pub(crate) type StatKey = (Option<Oid>, Option<RunId>, usize);

/// Returns what tells whether a task's work may differ from what it was.
pub(crate) fn stat_key(view: &TaskView) -> StatKey {
    let state = &view.state;
    (state.head.clone(), state.open_run().map(|run| run.id), state.runs.len())
}

/// Finds out how much a task's work differs from what it began with; none before there is any, or where that
/// cannot be told.
pub(crate) async fn stat(engine: &Engine, view: &TaskView) -> Option<Stat> {
    let task = view.state.id().filter(|_| view.state.base().is_some())?;
    let diff = engine.diff(task, Since::Base).await.ok()?;
    let (added, removed) = totals(&diff);
    Some(Stat { files: diff.files.len(), added, removed })
}

fn chosen(view: &TaskView, number: Option<u32>) -> Result<Option<&Run>, Refusal> {
    let Some(number) = number else { return Ok(view.state.runs.last()) };
    let run = view.state.runs.iter().find(|run| run.id.number == number);
    let unknown = || {
        let handle = view.row.summary.handle;
        Refusal::new(Code::UnknownRun, format!("{handle} has no run {number}"))
    };
    run.map(Some).ok_or_else(unknown)
}

/// Reads the end of a run's log, or of what comes before an event; also the number of the last event that was
/// read.
async fn read_log(engine: &Engine, run: &Run, before: Option<u64>) -> (Shown, u64) {
    let mut log = Log::last(CAUGHT_UP, before);
    let fault = match fold(engine, run, &mut log).await {
        Ok(()) => None,
        Err(LogFault::Engine(error)) => Some(chain(&error)),
        Err(LogFault::Tail(error)) => Some(chain(&error)),
    };
    let (figures, seq) = (log.figures().clone(), log.seq);
    let (entries, earlier) = (log.entries.into(), log.earlier);
    (Shown { run: run.clone(), entries, earlier, figures, fault }, seq)
}

/// Finds out what the agent of a task is at.
async fn at_hand(engine: &Engine, view: &TaskView, shown: Option<&Shown>) -> Option<AtHand> {
    let run = run_at_hand(&view.state)?;
    if let Some(shown) = shown.filter(|shown| shown.run.id == run.id) {
        return Some(AtHand { run: run.clone(), figures: shown.figures.clone() });
    }
    let (read, _) = read_log(engine, run, Some(0)).await;
    Some(AtHand { run: run.clone(), figures: read.figures })
}

/// Lists the decisions that stand in a log, where they were asked for.
fn placed(view: &TaskView, shown: &Shown) -> BTreeSet<DecisionId> {
    let last = shown.entries.iter().rev().take(CAUGHT_UP);
    last.filter_map(|entry| asked_by(&view.state, shown.run.id, entry)).map(|decision| decision.id).collect()
}

enum LogFault {
    Engine(EngineError),
    Tail(TailError),
}

async fn fold(engine: &Engine, run: &Run, log: &mut Log) -> Result<(), LogFault> {
    let mut tail = engine.run_log(run.id).await.map_err(LogFault::Engine)?;
    loop {
        let events = tail.read(BATCH).await.map_err(LogFault::Tail)?;
        let last = events.len() < BATCH;
        for event in events {
            log.apply(event);
        }
        if last {
            return Ok(());
        }
    }
}
