//! Follows the log of one run for one page: reads what is new, keeps a bounded queue, renders on demand.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use ipa_events::task::{Run, TaskState};
use ipa_events::{DecisionId, Handle, Role, RunId};
use ipa_pod::log::{Body, Tail};
use ipa_pod::{Engine, EngineError};
use maud::html;
use tracing::warn;

use super::entry::{Entry, EntryBody};
use super::lines::{Change, How, Lines};
use super::patch::Patch;
use super::stretch::Tally;
use crate::error::problem::chain;
use crate::views::components::asked::asked_by;
use crate::views::components::form::Forms;
use crate::views::components::log::{self, LogView};
use crate::views::task::AtHand;

/// A page that is more entries behind than this gets only the last [`CAUGHT_UP`].
const FAR_BEHIND: usize = 2_000;
/// How many entries a page gets that was far behind, and how many a page begins with.
pub(crate) const CAUGHT_UP: usize = 500;
/// How many events are read at a time.
const BATCH: usize = 1_000;

/// What of a run a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shows {
    /// Its log, and what it is at.
    Log,
    /// What it is at.
    Figures,
}

/// Follows the log of one run for one page.
pub(super) struct Follow {
    state: Arc<TaskState>,
    run: Run,
    task: Handle,
    shows: Shows,
    tail: Tail,
    lines: Lines,
    /// The last event that the page has, or that waits in the queue.
    read: u64,
    /// The last event that the page has.
    sent: u64,
    queue: VecDeque<(u64, Change)>,
    /// Entries that a page which was far behind does not get.
    skipped: usize,
    /// The stretch that the page's log ends with.
    end: Option<u64>,
    /// How many entries there were up to where the page began.
    had: usize,
    /// How many entries there are.
    count: usize,
    /// What was asked, by the number of its entry.
    asks: BTreeMap<u64, Asking>,
    /// What was last said of what the run is at.
    said: Option<String>,
    over: bool,
}

/// A question in the log.
struct Asking {
    entry: Entry,
    /// How many entries come before it.
    index: usize,
    /// What the page shows of it.
    shown: Option<String>,
}

impl Follow {
    /// Begins to follow a run after an event; 0: from the first.
    pub(super) async fn begin(
        engine: &Engine,
        (state, run, task): (Arc<TaskState>, Run, Handle),
        shows: Shows,
        after: u64,
    ) -> Result<Self, EngineError> {
        let tail = engine.run_log(run.id).await?;
        Ok(Self {
            state,
            run,
            task,
            shows,
            tail,
            lines: Lines::default(),
            read: after,
            sent: after,
            queue: VecDeque::new(),
            skipped: 0,
            end: None,
            had: 0,
            count: 0,
            asks: BTreeMap::new(),
            said: None,
            over: false,
        })
    }

    /// Returns the run.
    pub(super) const fn run(&self) -> RunId {
        self.run.id
    }

    /// Returns what of the run is shown.
    pub(super) const fn shows(&self) -> Shows {
        self.shows
    }

    /// Returns the last event that the page has.
    pub(super) const fn sent(&self) -> u64 {
        self.sent
    }

    /// Returns what the run is for.
    pub(super) const fn role(&self) -> Role {
        self.run.role
    }

    /// Returns the task as it was last taken in.
    pub(super) fn state(&self) -> &TaskState {
        &self.state
    }

    /// Returns the task's short name.
    pub(super) const fn task(&self) -> Handle {
        self.task
    }

    /// Returns the run with what it is at.
    pub(super) fn at_hand(&self) -> AtHand {
        AtHand { run: self.run.clone(), figures: self.lines.figures().clone() }
    }

    /// Tells whether nothing more is coming.
    pub(super) fn is_done(&self) -> bool {
        self.over && self.queue.is_empty()
    }

    /// Lists the decisions that stand in the page's log, where they were asked for.
    pub(super) fn placed(&self, state: &TaskState) -> BTreeSet<DecisionId> {
        let asks = self.asks.values().filter(|_| self.shows == Shows::Log);
        let near = asks.filter(|ask| ask.index.saturating_add(CAUGHT_UP) >= self.had);
        near.filter_map(|ask| asked_by(state, self.run.id, &ask.entry)).map(|decision| decision.id).collect()
    }

    /// Reads all that is there now, unless something still waits to be sent.
    pub(super) async fn pull(&mut self) {
        while self.queue.is_empty() && !self.over {
            match self.pull_all().await {
                Ok(0) => return,
                Ok(_) => {}
                Err(why) => {
                    warn!(run.id = %self.run.id, error = %why, "the log of {} cannot be followed", self.run.id);
                    self.over = true;
                    let body = EntryBody::Note(format!("the log cannot be read: {why}"));
                    let entry = Entry { seq: self.read, at_ms: 0, stretch: None, body };
                    let change = Change { how: How::New, entry, tally: None };
                    self.queue.push_back((self.read, change));
                }
            }
            if self.shows == Shows::Figures {
                self.queue.clear();
            }
        }
    }

    /// Reads until nothing is there any more; returns how many events that were.
    async fn pull_all(&mut self) -> Result<usize, String> {
        let mut count = 0_usize;
        loop {
            let events = self.tail.read(BATCH).await.map_err(|error| chain(&error))?;
            let read = events.len();
            count = count.saturating_add(read);
            for event in events {
                let seq = event.seq;
                self.over |= matches!(event.body, Body::Finished(_));
                for change in self.lines.apply(event) {
                    self.note(&change);
                    if seq <= self.read {
                        self.page_has(&change); // the fold needed it
                    } else {
                        self.queue.push_back((seq, change));
                    }
                }
                self.read = self.read.max(seq);
                self.bound();
            }
            if read < BATCH {
                return Ok(count);
            }
        }
    }

    /// Remembers what was asked.
    fn note(&mut self, change: &Change) {
        let Change { how, entry, .. } = change;
        if *how == How::New {
            if matches!(entry.body, EntryBody::Asked(_)) {
                let ask = Asking { entry: entry.clone(), index: self.count, shown: None };
                self.asks.insert(entry.seq, ask);
            }
            self.count = self.count.saturating_add(1);
        } else if let Some(ask) = self.asks.get_mut(&entry.seq) {
            ask.entry.clone_from(entry);
        }
    }

    fn page_has(&mut self, change: &Change) {
        if change.how == How::New {
            self.end = change.entry.stretch;
            self.had = self.count;
        }
    }

    /// Drops what a page that is far behind does not get: up to where a stretch ends, as that comes whole.
    fn bound(&mut self) {
        let keep = if self.skipped == 0 { FAR_BEHIND } else { CAUGHT_UP };
        if self.queue.len() <= keep {
            return;
        }
        let surplus = self.queue.len().saturating_sub(CAUGHT_UP);
        let mut kept = self.queue.split_off(surplus);
        while let Some((_, change)) = kept.front()
            && change.entry.stretch.is_some_and(|first| first != change.entry.seq)
        {
            self.queue.extend(kept.pop_front());
        }
        let dropped = std::mem::replace(&mut self.queue, kept);
        for (seq, change) in dropped.into_iter().rev() {
            // What became of an entry that the page has is not dropped.
            if change.how == How::Became && change.entry.seq <= self.sent {
                self.queue.push_front((seq, change));
            } else if change.how == How::New {
                self.asks.remove(&change.entry.seq);
                self.skipped = self.skipped.saturating_add(1);
            }
        }
    }

    /// Takes the next patches off the queue, as long as `room` is left for one more, and what the run is at.
    pub(super) fn take(&mut self, room: &mut Room, forms: Forms<'_>) -> Vec<Patch> {
        if self.shows == Shows::Figures {
            return Vec::new();
        }
        let placed = self.placed(&self.state);
        let with = (&placed, forms);
        let mut patches = Vec::new();
        if self.skipped > 0 && !self.queue.is_empty() {
            patches.push(self.gap());
            (self.skipped, self.end) = (0, None);
        }
        let mut lines: BTreeMap<u64, Tally> = BTreeMap::new();
        while room.is_left() {
            let Some((seq, change)) = self.queue.pop_front() else {
                self.sent = self.read;
                break;
            };
            if let (Some(first), Some(tally)) = (change.entry.stretch, &change.tally) {
                lines.insert(first, tally.clone());
            }
            let patch = self.patch(&change, &mut lines, with);
            room.fill(patch.len());
            patches.push(patch);
            // Of what one event changed, all or nothing counts as sent.
            if self.queue.front().is_none_or(|(next, _)| *next != seq) {
                self.sent = seq;
            }
        }
        for (first, tally) in lines {
            let line = log::stretch_line(self.view(with), first, &tally);
            patches.push(Patch::morph(log::stretch_line_id(&self.run, self.task, first), line));
        }
        patches.extend(self.doing());
        patches
    }

    fn view<'a>(&'a self, (placed, forms): (&'a BTreeSet<DecisionId>, Forms<'a>)) -> LogView<'a> {
        LogView { run: &self.run, task: self.task, state: &self.state, placed, forms }
    }

    /// Renders a change. `lines` holds what the lines of stretches still have to say.
    fn patch(
        &mut self,
        change: &Change,
        lines: &mut BTreeMap<u64, Tally>,
        with: (&BTreeSet<DecisionId>, Forms<'_>),
    ) -> Patch {
        let Change { how, entry, .. } = change;
        let view = self.view(with);
        let (log, markup) = (log::log_id(&self.run, self.task), log::entry(view, entry));
        let patch = match (how, entry.stretch) {
            (How::Became, _) => Patch::morph(log::entry_id(&self.run, self.task, entry.seq), markup),
            (How::New, None) => Patch::append(log, markup),
            (How::New, Some(first)) if self.end == Some(first) => {
                Patch::append(log::stretch_id(&self.run, self.task, first), markup)
            }
            (How::New, Some(first)) => {
                lines.remove(&first); // it comes with the stretch
                Patch::append(log, log::stretch(view, first, std::slice::from_ref(entry)))
            }
        };
        if *how == How::New {
            self.end = entry.stretch;
        }
        if let Some(ask) = self.asks.get_mut(&entry.seq) {
            ask.shown = Some(patch.html.0.clone());
        }
        patch
    }

    /// Takes in what the task is now. Returns what that changes in the part of the log that the page has: what
    /// was asked there may be decided.
    pub(super) fn now_is(&mut self, state: &Arc<TaskState>, forms: Forms<'_>) -> Vec<Patch> {
        self.state = Arc::clone(state);
        let placed = self.placed(state);
        if let Some(run) = state.run(self.run.id) {
            self.run = run.clone();
        }
        let (mut asks, mut patches) = (std::mem::take(&mut self.asks), Vec::new());
        let sent = asks.iter_mut().filter(|(seq, _)| **seq <= self.sent && self.shows == Shows::Log);
        for (seq, ask) in sent {
            let now = log::entry(self.view((&placed, forms)), &ask.entry);
            if ask.shown.as_ref() != Some(&now.0) {
                ask.shown = Some(now.0.clone());
                patches.push(Patch::morph(log::entry_id(&self.run, self.task, *seq), now));
            }
        }
        self.asks = asks;
        patches.extend(self.doing().filter(|_| self.shows == Shows::Log));
        patches
    }

    /// Says what the run is at, if that is something else than it was.
    fn doing(&mut self) -> Option<Patch> {
        let now = log::doing(&self.run, self.task, self.lines.figures());
        let changed = self.said.as_ref() != Some(&now.0);
        self.said = Some(now.0.clone());
        changed.then(|| Patch::morph(log::doing_id(&self.run, self.task), now))
    }

    fn gap(&self) -> Patch {
        let first = self.queue.iter().find(|(_, change)| change.how == How::New);
        let before = first.map_or(self.read, |(seq, _)| *seq);
        let href = format!("/tasks/{}?run={}&before={before}", self.task, self.run.id.number);
        let says =
            html! { p.earlier { a href=(href) { (self.skipped) " earlier entries" } " are not shown" } };
        Patch::append(log::log_id(&self.run, self.task), says)
    }
}

/// What still fits into a frame.
pub(super) struct Room {
    lines: usize,
    bytes: usize,
}

impl Room {
    /// An empty frame: 1,000 lines, or 128 KiB.
    pub(super) const fn of_a_frame() -> Self {
        Self { lines: 1_000, bytes: 128 * 1024 }
    }

    const fn is_left(&self) -> bool {
        self.lines > 0 && self.bytes > 0
    }

    fn fill(&mut self, bytes: usize) {
        self.lines = self.lines.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}
