//! Follows the log of one run for one page: reads what is new, keeps a bounded queue, renders on demand.

use std::collections::VecDeque;

use ipa_events::task::Run;
use ipa_events::{Handle, RunId};
use ipa_pod::log::{Body, Tail};
use ipa_pod::{Engine, EngineError};
use maud::html;
use tracing::warn;

use super::lines::{Change, Entry, EntryBody, Lines};
use super::patch::Patch;
use crate::error::problem::chain;
use crate::views::components::log::{entry, entry_id, log_id};

/// A page that is more entries behind than this gets only the last [`CAUGHT_UP`].
const FAR_BEHIND: usize = 2_000;
/// How many entries a page gets that was far behind, and how many a page begins with.
pub(crate) const CAUGHT_UP: usize = 500;
/// How many events are read at a time.
const BATCH: usize = 1_000;

/// Follows the log of one run for one page.
pub(super) struct Follow {
    run: Run,
    task: Handle,
    tail: Tail,
    lines: Lines,
    /// The last event that the page has, or that waits in the queue.
    read: u64,
    /// The last event that the page has.
    sent: u64,
    queue: VecDeque<(u64, Change)>,
    /// Entries that a page which was far behind does not get.
    skipped: usize,
    over: bool,
}

impl Follow {
    /// Begins to follow a run after an event; 0: from the first.
    pub(super) async fn begin(
        engine: &Engine,
        (run, task): (Run, Handle),
        after: u64,
    ) -> Result<Self, EngineError> {
        let tail = engine.run_log(run.id).await?;
        let (lines, queue) = (Lines::default(), VecDeque::new());
        Ok(Self { run, task, tail, lines, read: after, sent: after, queue, skipped: 0, over: false })
    }

    /// Returns the run.
    pub(super) const fn run(&self) -> RunId {
        self.run.id
    }

    /// Returns the last event that the page has.
    pub(super) const fn sent(&self) -> u64 {
        self.sent
    }

    /// Tells whether nothing more is coming.
    pub(super) fn is_done(&self) -> bool {
        self.over && self.queue.is_empty()
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
                    let entry = Entry { seq: self.read, at_ms: 0, body };
                    self.queue.push_back((self.read, Change::New(entry)));
                }
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
                let change = self.lines.apply(event);
                if seq <= self.read {
                    continue; // the page has it; the fold needed it
                }
                self.read = seq;
                let Some(change) = change else { continue };
                self.queue.push_back((seq, change));
                self.bound();
            }
            if read < BATCH {
                return Ok(count);
            }
        }
    }

    fn bound(&mut self) {
        let keep = if self.skipped == 0 { FAR_BEHIND } else { CAUGHT_UP };
        if self.queue.len() > keep {
            let surplus = self.queue.len().saturating_sub(CAUGHT_UP);
            self.queue.drain(..surplus);
            self.skipped = self.skipped.saturating_add(surplus);
        }
    }

    /// Takes the next patches off the queue, as long as `room` is left for one more.
    pub(super) fn take(&mut self, room: &mut Room) -> Vec<Patch> {
        let mut patches = Vec::new();
        if self.skipped > 0 && !self.queue.is_empty() {
            patches.push(self.gap());
            self.skipped = 0;
        }
        while room.is_left() {
            let Some((seq, change)) = self.queue.pop_front() else {
                self.sent = self.read;
                break;
            };
            let patch = match &change {
                Change::New(new) => {
                    Patch::append(log_id(&self.run, self.task), entry(&self.run, self.task, new))
                }
                Change::Became(now) => {
                    Patch::morph(entry_id(&self.run, self.task, now.seq), entry(&self.run, self.task, now))
                }
            };
            room.fill(patch.len());
            patches.push(patch);
            self.sent = seq;
        }
        patches
    }

    fn gap(&self) -> Patch {
        let before = self.queue.front().map_or(self.read, |(seq, _)| *seq);
        let href = format!("/tasks/{}?run={}&before={before}", self.task, self.run.id.number);
        let says =
            html! { p.earlier { a href=(href) { (self.skipped) " earlier entries" } " are not shown" } };
        Patch::append(log_id(&self.run, self.task), says)
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
