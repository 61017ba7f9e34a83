//! What an agent did: a fold over its spool. Live or later, whatever the read sizes, it gives the same events.
//!
//! Knows what all kinds of agents have in common: lines, open questions, turns, the end. The rest is asked of
//! the agent's [`Protocol`]. Pure.

mod outcome;

use std::collections::BTreeSet;
use std::sync::Arc;

use ipa_events::task::Usage;

use crate::activity::Activity;
use crate::event::{AgentEvent, Asked, Body, Finished};
use crate::folder::{Began, ExitRecord, Note, Why};
use crate::host::Frame;
use crate::protocol::{Cut, Line, Out, Progress, Protocol, Verdict, asked_key, is_message_key};
use crate::spool::{More, Record, Source};
use outcome::Stopped;

/// The longest line that is read whole.
const LINE: usize = 8 * 1024 * 1024;
/// What is kept of a longer one.
const KEPT: usize = 64 * 1024;

/// A run, as far as its spool was read.
pub(crate) struct Fold {
    protocol: Box<dyn Protocol>,
    /// Bytes of a record that is not complete.
    held: Vec<u8>,
    /// Pieces of lines that are not complete, by source.
    out: Joined,
    err: Joined,
    note: Joined,
    seq: u64,
    last_ms: u64,
    began: Option<Box<Began>>,
    stop: Option<Stopped>,
    open: BTreeSet<Arc<str>>,
    told: BTreeSet<String>,
    wants: Vec<Frame>,
    halt: Option<Why>,
    usage: Usage,
    activity: Activity,
    over: Over,
}

/// Whether `Finished` was given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    Yes,
    No,
}

#[derive(Default)]
struct Joined {
    text: String,
    length: usize,
}

impl Fold {
    /// Begins before the first record.
    pub(crate) fn new(protocol: Box<dyn Protocol>) -> Self {
        Self {
            protocol,
            held: Vec::new(),
            out: Joined::default(),
            err: Joined::default(),
            note: Joined::default(),
            seq: 0,
            last_ms: 0,
            began: None,
            stop: None,
            open: BTreeSet::new(),
            told: BTreeSet::new(),
            wants: Vec::new(),
            halt: None,
            usage: Usage::default(),
            activity: Activity::default(),
            over: Over::No,
        }
    }

    /// Takes in further bytes of the spool.
    pub(crate) fn feed(&mut self, bytes: &[u8], events: &mut impl Extend<AgentEvent>) {
        let mut rest = bytes;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(at);
            rest = after.get(1..).unwrap_or_default();
            if self.held.is_empty() {
                self.line(line, events);
            } else {
                self.held.extend_from_slice(line);
                let whole = std::mem::take(&mut self.held);
                self.line(&whole, events);
            }
        }
        self.held.extend_from_slice(rest);
    }

    /// Takes in the end. Nothing comes after it.
    pub(crate) fn end(
        &mut self,
        exit: &ExitRecord,
        product: Option<String>,
        events: &mut impl Extend<AgentEvent>,
    ) {
        if self.over == Over::Yes {
            return;
        }
        self.over = Over::Yes;
        let Verdict { outcome, text, usage } = self.protocol.end(exit);
        let outcome = outcome::of(exit, self.stop.as_ref(), outcome);
        let why: Arc<str> = "the run is over".into();
        let mut bodies: Vec<_> = std::mem::take(&mut self.open)
            .into_iter()
            .map(|key| Body::Withdrawn { key, why: Arc::clone(&why) })
            .collect();
        bodies.push(Body::Finished(Finished {
            outcome,
            exit_code: exit.code,
            product: product.or(text).map(Arc::from),
            usage: usage.unwrap_or(self.usage),
        }));
        self.emit(self.last_ms, bodies, events);
    }

    /// Tells whether `Finished` was given.
    pub(crate) fn is_over(&self) -> bool {
        self.over == Over::Yes
    }

    /// Returns what was known before the agent was started.
    pub(crate) fn began(&self) -> Option<&Began> {
        self.began.as_deref()
    }

    /// Returns what the agent is to be told, and was not.
    pub(crate) fn wants(&self) -> &[Frame] {
        &self.wants
    }

    /// Returns why going on makes no sense, unless the run is being ended already.
    pub(crate) fn halt(&self) -> Option<&Why> {
        self.halt.as_ref().filter(|_| self.stop.is_none())
    }

    /// Tells whether the agent is being ended, and did all that it was given.
    pub(crate) const fn is_stopping(&self) -> bool {
        self.stop.is_some()
    }

    /// Returns what is known of the agent's progress.
    pub(crate) const fn activity(&self) -> &Activity {
        &self.activity
    }

    /// Tells whether a frame of this key was written.
    pub(crate) fn was_told(&self, key: &str) -> bool {
        self.told.contains(key)
    }

    /// Tells whether this was asked, and is open.
    pub(crate) fn is_open(&self, key: &str) -> bool {
        self.open.contains(key)
    }

    /// Returns the agent's protocol.
    pub(crate) fn protocol(&self) -> &dyn Protocol {
        &*self.protocol
    }

    fn line(&mut self, line: &[u8], events: &mut impl Extend<AgentEvent>) {
        let Some(record) = Record::parse(line) else {
            let text = format!("a record of the spool cannot be read ({} bytes)", line.len());
            return self.emit(self.last_ms, vec![Body::Diagnostic { text: text.into() }], events);
        };
        self.last_ms = record.at_ms;
        let mut out = Out::default();
        match record.source {
            Source::Out => self.printed(Source::Out, &record, &mut out),
            Source::Err => self.printed(Source::Err, &record, &mut out),
            Source::Told => self.told(&record, &mut out),
            Source::Host => self.noted(&record, &mut out),
        }
        self.take_in(record.at_ms, out, events);
    }

    fn printed(&mut self, source: Source, record: &Record<'_>, out: &mut Out) {
        let joined = if source == Source::Err { &mut self.err } else { &mut self.out };
        // The usual case: a line in one piece.
        if joined.length == 0 && record.more == More::No {
            let text = record.text.strip_suffix('\r').unwrap_or(&record.text);
            self.protocol.step(&Line { source, text, cut: Cut::No }, out);
        } else {
            joined.push(&record.text);
            if record.more == More::Yes {
                out.progress = Progress::Made;
                return self.activity.output(record.at_ms, out.progress);
            }
            let Joined { text, length } = std::mem::take(joined);
            let cut = if length > text.len() { Cut::Yes } else { Cut::No };
            let text = text.strip_suffix('\r').unwrap_or(&text);
            self.protocol.step(&Line { source, text, cut }, out);
            if cut == Cut::Yes {
                let text = format!("a line of {length} bytes was cut");
                out.events.push(Body::Diagnostic { text: text.into() });
            }
        }
        self.activity.output(record.at_ms, out.progress);
    }

    fn told(&mut self, record: &Record<'_>, out: &mut Out) {
        let Some(key) = record.key.as_deref().filter(|_| record.more == More::No) else { return };
        self.told.insert(key.to_owned());
        self.wants.retain(|frame| frame.key != key);
        if let Some(asked) = asked_key(key) {
            if let Some(key) = self.open.get(asked) {
                out.events.push(Body::Resolved { key: Arc::clone(key) });
            }
        } else if key == crate::protocol::PROMPT || is_message_key(key) {
            self.activity.was_told(record.at_ms);
        }
    }

    fn noted(&mut self, record: &Record<'_>, out: &mut Out) {
        self.note.push(&record.text);
        if record.more == More::Yes {
            return;
        }
        let text = std::mem::take(&mut self.note).text;
        match serde_json::from_str(&text) {
            Ok(Note::Began(began)) => {
                self.protocol.begin(&began, out);
                self.began = Some(began);
            }
            Ok(Note::Eof) => self.activity.told_to_end(record.at_ms),
            Ok(Note::Stop(why)) => {
                let idle = self.activity.is_idle();
                // The last reason is the one that the run was ended for, unless somebody asked for it before.
                if !matches!(self.stop, Some(Stopped { why: Why::Interrupted { .. }, .. })) {
                    self.stop = Some(Stopped { why, idle });
                }
            }
            Ok(Note::Unkept(text)) => out.events.push(Body::Diagnostic { text: text.into() }),
            Err(_) => out.events.push(Body::Diagnostic { text: "a note of the host cannot be read".into() }),
        }
    }

    fn take_in(&mut self, at_ms: u64, out: Out, events: &mut impl Extend<AgentEvent>) {
        for frame in out.frames {
            if !self.told.contains(&frame.key) {
                self.wants.push(frame);
            }
        }
        if self.halt.is_none() {
            self.halt = out.halt;
        }
        let bodies = out.events.into_iter().filter_map(|body| self.kept(at_ms, body)).collect();
        self.emit(at_ms, bodies, events);
    }

    /// Follows what is open and used; drops what says nothing: an answer to what nobody asked.
    fn kept(&mut self, at_ms: u64, body: Body) -> Option<Body> {
        match &body {
            Body::Asked(Asked::Permission { key, .. } | Asked::Question { key, .. }) => {
                if self.told.contains(&crate::protocol::answer_key(key)) || !self.open.insert(Arc::clone(key))
                {
                    let text = format!("it asks a second time under the key {key}; that is not asked");
                    return Some(Body::Diagnostic { text: text.into() });
                }
                self.activity.awaits(at_ms);
            }
            Body::Resolved { key } | Body::Withdrawn { key, .. } => {
                if !self.open.remove(key) {
                    return None;
                }
                if self.open.is_empty() {
                    self.activity.awaits_no_more(at_ms);
                }
            }
            Body::Usage { total } => self.usage = *total,
            Body::TurnStarted => self.activity.turn_started(at_ms),
            Body::TurnFinished => self.activity.turn_finished(at_ms),
            Body::ToolCall { id, .. } => self.activity.tool_began(id),
            Body::ToolResult { id, .. } => self.activity.tool_ended(id),
            // What says nothing of its own, like a command, has started nevertheless.
            Body::Started { .. } => self.activity.output(at_ms, Progress::Made),
            Body::Text { .. }
            | Body::Thinking { .. }
            | Body::Plan { .. }
            | Body::Retrying { .. }
            | Body::Diagnostic { .. }
            | Body::Unknown { .. }
            | Body::Finished(_) => {}
        }
        Some(body)
    }

    fn emit(&mut self, at_ms: u64, bodies: Vec<Body>, events: &mut impl Extend<AgentEvent>) {
        events.extend(bodies.into_iter().map(|body| {
            self.seq += 1;
            AgentEvent { seq: self.seq, at_ms, body }
        }));
    }
}

impl Joined {
    fn push(&mut self, piece: &str) {
        // An empty first piece still makes the line one that is being joined.
        self.length += piece.len();
        if self.length <= LINE {
            self.text.push_str(piece);
        } else if self.text.len() > KEPT {
            let at = (0..=KEPT).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0);
            self.text.truncate(at);
            self.text.shrink_to_fit();
        }
    }
}
