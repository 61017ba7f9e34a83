//! What an agent did, as lines of a page: a pure fold over the events of a run.
//!
//! A tool's call and its result are one entry. Each event leads to at most one change: an entry that is new, or
//! one that became another. The same events lead to the same entries, live or read later.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ipa_pod::log::{AgentEvent, Asked, Body, Finished, PlanStep};

/// One entry of a run's log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// The event that it began with.
    pub(crate) seq: u64,
    /// Milliseconds since the run began.
    pub(crate) at_ms: u64,
    /// What happened.
    pub(crate) body: EntryBody,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum EntryBody {
    /// The agent is there, with this model.
    Started(Arc<str>),
    /// It said something.
    Said(Arc<str>),
    /// It thought aloud.
    Thought(Arc<str>),
    /// It used a tool.
    Tool(Tool),
    /// It made or changed its list of steps.
    Plan(Vec<PlanStep>),
    /// It waits for a person.
    Asked(Asked),
    /// Something to know, in one line.
    Note(String),
    /// Something that it printed beside its protocol.
    Printed(Arc<str>),
    /// The run is over.
    Over(Box<Finished>),
}

/// The use of a tool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tool {
    /// Which; none for a result that nothing called for.
    pub(crate) name: Option<Arc<str>>,
    /// What it was to do, JSON.
    pub(crate) input: Arc<str>,
    /// What came back, and how long it took; none while it works.
    pub(crate) result: Option<ToolResult>,
}

/// What came back from a tool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ToolResult {
    /// What it said.
    pub(crate) output: Arc<str>,
    /// Whether it failed.
    pub(crate) failed: bool,
    /// How long it took.
    pub(crate) took_ms: u64,
}

/// What an event changed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// There is a new entry.
    New(Entry),
    /// An entry became this.
    Became(Entry),
}

/// The entries of a run that may still change.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// Calls of tools that have not come back, by the agent's own ids.
    open: BTreeMap<Arc<str>, Entry>,
}

impl Lines {
    /// Takes the next event; tells what changed, if something did.
    pub(crate) fn apply(&mut self, event: AgentEvent) -> Option<Change> {
        let AgentEvent { seq, at_ms, body } = event;
        let entry = |body| Some(Change::New(Entry { seq, at_ms, body }));
        match body {
            Body::Started { model: Some(model), .. } => entry(EntryBody::Started(model)),
            Body::Text { text } => entry(EntryBody::Said(text)),
            Body::Thinking { text } => entry(EntryBody::Thought(text)),
            Body::ToolCall { id, tool, input } => {
                let call = Tool { name: Some(tool), input, result: None };
                let entry = Entry { seq, at_ms, body: EntryBody::Tool(call) };
                self.open.insert(id, entry.clone());
                Some(Change::New(entry))
            }
            Body::ToolResult { id, output, failed } => {
                Some(self.came_back((seq, at_ms), &id, (output, failed)))
            }
            Body::Plan { steps } => entry(EntryBody::Plan(steps)),
            Body::Asked(asked) => entry(EntryBody::Asked(asked)),
            Body::Resolved { .. } => entry(EntryBody::Note("got its answer".to_owned())),
            Body::Withdrawn { why, .. } => entry(EntryBody::Note(format!("does not wait any more: {why}"))),
            Body::Retrying { detail } => entry(EntryBody::Note(format!("tries again: {detail}"))),
            Body::Diagnostic { text } => entry(EntryBody::Printed(text)),
            Body::Unknown { kind } => {
                entry(EntryBody::Note(format!("said something of an unknown kind: {kind}")))
            }
            Body::Finished(finished) => entry(EntryBody::Over(Box::new(finished))),
            Body::Started { model: None, .. }
            | Body::TurnStarted
            | Body::TurnFinished
            | Body::Usage { .. } => None,
        }
    }

    fn came_back(&mut self, (seq, at_ms): (u64, u64), id: &Arc<str>, result: (Arc<str>, bool)) -> Change {
        let (output, failed) = result;
        let Some(mut call) = self.open.remove(id) else {
            let result = Some(ToolResult { output, failed, took_ms: 0 });
            let body = EntryBody::Tool(Tool { name: None, input: Arc::from(""), result });
            return Change::New(Entry { seq, at_ms, body });
        };
        if let EntryBody::Tool(tool) = &mut call.body {
            let took_ms = at_ms.saturating_sub(call.at_ms);
            tool.result = Some(ToolResult { output, failed, took_ms });
        }
        Change::Became(call)
    }
}

/// Folds the events of a run into the last of its entries.
#[derive(Debug)]
pub(crate) struct Log {
    lines: Lines,
    /// At most so many entries are kept.
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

    /// Takes the next event.
    pub(crate) fn apply(&mut self, event: AgentEvent) {
        self.seq = event.seq;
        match self.lines.apply(event) {
            Some(Change::New(entry)) if entry.seq < self.before => {
                self.entries.push_back(entry);
                if self.entries.len() > self.keep {
                    self.entries.pop_front();
                    self.earlier = self.earlier.saturating_add(1);
                }
            }
            Some(Change::New(_)) | None => {}
            // One that is not kept is not found either.
            Some(Change::Became(entry)) => {
                let found = self.entries.binary_search_by_key(&entry.seq, |it| it.seq);
                if let Some(place) = found.ok().and_then(|at| self.entries.get_mut(at)) {
                    *place = entry;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(seq: u64, id: &str) -> AgentEvent {
        let body = Body::ToolCall { id: id.into(), tool: "Bash".into(), input: "{}".into() };
        AgentEvent { seq, at_ms: seq * 10, body }
    }

    fn result(seq: u64, id: &str) -> AgentEvent {
        let body = Body::ToolResult { id: id.into(), output: "out".into(), failed: false };
        AgentEvent { seq, at_ms: seq * 10, body }
    }

    #[test]
    fn a_call_and_its_result_are_one_entry() {
        let mut log = Log::last(10, None);
        for event in [call(1, "a"), call(2, "b"), result(3, "a"), result(4, "b"), result(5, "b")] {
            log.apply(event);
        }
        let took: Vec<_> = log.entries.iter().map(|entry| (entry.seq, took(entry))).collect();
        assert_eq!(took, [(1, Some(20)), (2, Some(20)), (5, Some(0))]);
    }

    #[test]
    fn the_last_entries_are_kept_with_what_became_of_them_and_the_rest_is_counted() {
        let mut log = Log::last(2, Some(7));
        for n in 1..=6 {
            log.apply(call(n, &n.to_string()));
            assert!(log.entries.len() <= 2);
        }
        for event in [call(7, "7"), result(8, "1"), result(9, "6"), result(10, "7")] {
            log.apply(event);
        }
        let kept: Vec<_> = log.entries.iter().map(|entry| (entry.seq, took(entry))).collect();
        assert_eq!((kept, log.earlier, log.seq), (vec![(5, None), (6, Some(30))], 4, 10));
    }

    fn took(entry: &Entry) -> Option<u64> {
        let EntryBody::Tool(tool) = &entry.body else { return None };
        tool.result.as_ref().map(|result| result.took_ms)
    }

    #[test]
    fn what_means_nothing_to_a_person_makes_no_entry() {
        let mut lines = Lines::default();
        for body in [Body::TurnStarted, Body::TurnFinished] {
            assert_eq!(lines.apply(AgentEvent { seq: 1, at_ms: 0, body }), None);
        }
    }
}
