//! What an agent did, as lines of a page: a pure fold over the events of a run.
//!
//! A tool's call and its result are one entry, and so are a question and its end. The same events lead to the same
//! entries, live or read later.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ipa_pod::log::{AgentEvent, Asked, Body, Finished, PlanStep};

use super::entry::{Ask, AskEnd, Entry, EntryBody, Over, Tool, ToolResult, ToolState};
use super::figures::Figures;
use super::stretch::{Stretches, Tally};

/// What an event changed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    /// How.
    pub(crate) how: How,
    /// The entry, as it is now.
    pub(crate) entry: Entry,
    /// What the line of its stretch says now, if that says something else.
    pub(crate) tally: Option<Tally>,
}

/// How an entry changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// It is new.
    New,
    /// It was there, and is this now.
    Became,
}

/// The entries of a run that may still change, and what the run is at.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// Calls of tools that have not come back, by the agent's own ids.
    running: BTreeMap<Arc<str>, Entry>,
    /// What was asked and did not end, by the agent's own keys.
    asked: BTreeMap<Arc<str>, Entry>,
    stretches: Stretches,
    figures: Figures,
}

impl Lines {
    /// Returns what the run is at.
    pub(crate) const fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Takes the next event; tells what changed.
    pub(crate) fn apply(&mut self, event: AgentEvent) -> Vec<Change> {
        let turn = self.figures.take(&event);
        let AgentEvent { seq, at_ms, body } = event;
        let at = (seq, at_ms);
        match body {
            Body::Started { model: Some(model), version, .. } => {
                self.is_new(at, EntryBody::Started { model, version })
            }
            Body::Text { text } => self.is_new(at, EntryBody::Said(text)),
            Body::Thinking { text } => self.is_new(at, EntryBody::Thought(text)),
            Body::ToolCall { id, tool, input } => self.called(at, &id, (tool, input)),
            Body::ToolResult { id, output, failed } => self.came_back(at, &id, (output, failed)),
            Body::Plan { steps, call } => self.plan(at, steps, call.as_ref()),
            Body::Asked(asked) => self.ask(at, asked),
            Body::Resolved { key } => self.ask_ended(&key, AskEnd::Got),
            Body::Withdrawn { key, why } => self.ask_ended(&key, AskEnd::Withdrawn(why)),
            Body::Diagnostic { text } => self.is_new(at, EntryBody::Printed(text)),
            Body::Unknown { kind } => {
                self.is_new(at, EntryBody::Note(format!("said something of an unknown kind: {kind}")))
            }
            Body::TurnFinished => turn.map_or_else(Vec::new, |turn| self.is_new(at, EntryBody::Turn(turn))),
            Body::Finished(finished) => self.over(at, finished),
            Body::Started { model: None, .. }
            | Body::TurnStarted
            | Body::Retrying { .. }
            | Body::Usage { .. } => Vec::new(),
        }
    }

    fn is_new(&mut self, (seq, at_ms): (u64, u64), body: EntryBody) -> Vec<Change> {
        let stretch = self.stretches.place(seq, &body);
        let entry = Entry { seq, at_ms, stretch, body };
        let tally = self.stretches.add(&entry);
        vec![Change { how: How::New, entry, tally }]
    }

    fn called(&mut self, at: (u64, u64), id: &Arc<str>, (tool, input): (Arc<str>, Arc<str>)) -> Vec<Change> {
        let call = Tool { name: Some(tool), input, state: ToolState::Running };
        let changes = self.is_new(at, EntryBody::Tool(call));
        for change in &changes {
            self.stretches.began(change.entry.stretch);
            self.running.insert(Arc::clone(id), change.entry.clone());
        }
        changes
    }

    fn came_back(&mut self, at: (u64, u64), id: &Arc<str>, result: (Arc<str>, bool)) -> Vec<Change> {
        let (output, failed) = result;
        let Some(mut call) = self.running.remove(id) else {
            let state = ToolState::Back(ToolResult { output, failed, took_ms: 0 });
            return self.is_new(at, EntryBody::Tool(Tool { name: None, input: Arc::from(""), state }));
        };
        let took_ms = at.1.saturating_sub(call.at_ms);
        let result = ToolResult { output, failed, took_ms };
        match &mut call.body {
            EntryBody::Tool(tool) => tool.state = ToolState::Back(result),
            // A list of steps stands in the place of the call that made it, unless that failed.
            EntryBody::Plan(_) if failed => {
                let state = ToolState::Back(result);
                return self.is_new(at, EntryBody::Tool(Tool { name: None, input: Arc::from(""), state }));
            }
            EntryBody::Plan(_)
            | EntryBody::Started { .. }
            | EntryBody::Said(_)
            | EntryBody::Thought(_)
            | EntryBody::Asked(_)
            | EntryBody::Turn(_)
            | EntryBody::Note(_)
            | EntryBody::Printed(_)
            | EntryBody::Over(_) => return Vec::new(),
        }
        vec![self.became(call)]
    }

    /// The tool of an entry is at work no more.
    fn became(&mut self, entry: Entry) -> Change {
        let tally = self.stretches.add(&entry);
        self.stretches.ended(entry.stretch);
        Change { how: How::Became, entry, tally }
    }

    fn plan(&mut self, at: (u64, u64), steps: Vec<PlanStep>, call: Option<&Arc<str>>) -> Vec<Change> {
        let Some(call) = call.and_then(|id| self.running.get_mut(id)) else {
            return self.is_new(at, EntryBody::Plan(steps));
        };
        let again = matches!(call.body, EntryBody::Plan(_));
        call.body = EntryBody::Plan(steps);
        let entry = call.clone();
        if again {
            return vec![Change { how: How::Became, entry, tally: None }];
        }
        self.stretches.end();
        vec![self.became(entry)]
    }

    fn ask(&mut self, at: (u64, u64), asked: Asked) -> Vec<Change> {
        let ask = Ask { asked, end: AskEnd::Open };
        let key = ask.key().clone();
        let changes = self.is_new(at, EntryBody::Asked(ask));
        self.asked.extend(changes.iter().map(|change| (key.clone(), change.entry.clone())));
        changes
    }

    fn ask_ended(&mut self, key: &Arc<str>, end: AskEnd) -> Vec<Change> {
        let Some(mut entry) = self.asked.remove(key) else { return Vec::new() };
        if let EntryBody::Asked(ask) = &mut entry.body {
            ask.end = end;
        }
        vec![Change { how: How::Became, entry, tally: None }]
    }

    /// Nothing comes back any more.
    fn over(&mut self, at: (u64, u64), finished: Finished) -> Vec<Change> {
        let mut changes = Vec::new();
        for mut entry in std::mem::take(&mut self.running).into_values() {
            if let EntryBody::Tool(tool) = &mut entry.body {
                tool.state = ToolState::Lost;
                changes.push(self.became(entry));
            }
        }
        let over = Over { finished, turns: self.figures.ended, untold: self.figures.untold() };
        changes.extend(self.is_new(at, EntryBody::Over(Box::new(over))));
        changes
    }
}

/// Folds the events of a run into the last of its entries.
#[derive(Debug)]
pub(crate) struct Log {
    pub(super) lines: Lines,
    /// So many entries are kept, and those that share a stretch with the first of them.
    keep: usize,
    /// Only entries before this event are kept.
    before: u64,
    /// The entries, in the order of their numbers.
    pub(crate) entries: VecDeque<Entry>,
    /// How many entries came before these.
    pub(crate) earlier: usize,
    /// The number of the last event that was taken.
    pub(crate) seq: u64,
}

impl Log {
    /// Begins to keep the last `keep` entries of those before an event, or of all.
    pub(crate) fn last(keep: usize, before: Option<u64>) -> Self {
        let before = before.unwrap_or(u64::MAX);
        Self { lines: Lines::default(), keep, before, entries: VecDeque::new(), earlier: 0, seq: 0 }
    }

    /// Returns what the run is at.
    pub(crate) const fn figures(&self) -> &Figures {
        self.lines.figures()
    }

    /// Takes the next event.
    pub(crate) fn apply(&mut self, event: AgentEvent) {
        self.seq = event.seq;
        for Change { how, entry, .. } in self.lines.apply(event) {
            match how {
                How::New if entry.seq < self.before => {
                    self.entries.push_back(entry);
                    self.bound();
                }
                How::New => {}
                // One that is not kept is not found either.
                How::Became => {
                    let found = self.entries.binary_search_by_key(&entry.seq, |it| it.seq);
                    if let Some(place) = found.ok().and_then(|at| self.entries.get_mut(at)) {
                        *place = entry;
                    }
                }
            }
        }
    }

    /// Drops what is not kept: a stretch whole, so that a page never begins within one.
    fn bound(&mut self) {
        if self.entries.len() <= self.keep {
            return;
        }
        let first = self.entries.front().and_then(|entry| entry.stretch);
        let together = self.entries.iter().take_while(|it| it.stretch.is_some() && it.stretch == first);
        let surplus = together.count().max(1);
        if self.entries.len().saturating_sub(surplus) >= self.keep {
            self.entries.drain(..surplus);
            self.earlier = self.earlier.saturating_add(surplus);
        }
    }
}

#[cfg(test)]
mod tests;
