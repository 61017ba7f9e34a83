//! The redactor: no secret is stored, shown or sent. Pure: bytes in, bytes out, in bounded memory.
//!
//! It knows the secrets of one environment in every form in which programs print them, and the tokens whose form
//! alone tells what they are. What it takes away is a function of the whole stream: however the stream was cut into
//! reads, the same comes out. A line of JSON stays one.

mod form;
mod rule;
mod search;
#[cfg(test)]
mod tests;
mod token;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use search::{Known, Search};
use token::{Run, Sure};

/// So much of what was given out is looked back at: an escape such as `\n` or `%3D` is no part of a word.
const CONTEXT: usize = 3;

/// The secrets that are looked for. Cheap to clone.
#[derive(Clone)]
pub struct Secrets {
    values: BTreeSet<Vec<u8>>,
    search: Arc<Search>,
}

impl Secrets {
    /// What stands in the place of a secret. It needs no escape in JSON and in HTML.
    pub const MARK: &str = "[redacted]";

    /// Takes in the secrets of environments; which values count is told by their names and forms
    /// (`specs/agent/spec.md`, redactor). The tokens whose form is well known always count.
    pub fn of<N: AsRef<OsStr>, V: AsRef<OsStr>>(env: impl IntoIterator<Item = (N, V)>) -> Self {
        Self::default().and(env)
    }

    /// Takes in those of further environments.
    #[must_use]
    pub(crate) fn and<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        &self,
        env: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let values = env.into_iter().flat_map(|(name, value)| rule::secrets(name.as_ref(), value.as_ref()));
        Self::known(self.values.iter().cloned().chain(values).collect())
    }

    /// Looks for these values.
    pub(crate) fn known(values: BTreeSet<Vec<u8>>) -> Self {
        let search = Search::of(values.iter().flat_map(|secret| form::forms(secret)));
        Self { values, search: Arc::new(search) }
    }

    /// Returns the values that are looked for, for another process that is to know them.
    pub(crate) const fn values(&self) -> &BTreeSet<Vec<u8>> {
        &self.values
    }

    /// Returns a text without the secrets that are in it.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.search.finds(text.as_bytes()) {
            return Cow::Borrowed(text);
        }
        let mut redacted = Vec::with_capacity(text.len());
        let mut redactor = Redactor::new(self.clone());
        redactor.push(text.as_bytes(), |safe| redacted.extend_from_slice(safe));
        redactor.finish(|safe| redacted.extend_from_slice(safe));
        Cow::Owned(match String::from_utf8(redacted) {
            Ok(redacted) => redacted,
            // Only a secret that is no text cuts a character.
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })
    }

    /// Tells whether there is a secret in a text.
    pub fn hides(&self, text: &str) -> bool {
        self.redact(text) != text
    }

    /// Returns bytes without the secrets that are in them.
    pub(crate) fn redact_bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        if !self.search.finds(&bytes) {
            return bytes;
        }
        let mut redacted = Vec::with_capacity(bytes.len());
        let mut redactor = Redactor::new(self.clone());
        redactor.push(&bytes, |safe| redacted.extend_from_slice(safe));
        redactor.finish(|safe| redacted.extend_from_slice(safe));
        redacted
    }
}

impl Default for Secrets {
    /// Knows the tokens whose form is well known, and no others.
    fn default() -> Self {
        Self::known(BTreeSet::new())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

/// Takes the secrets out of a stream of bytes.
///
/// A line is given out at the latest when it ends; of a line that has not ended, only as many bytes are held back as
/// the longest secret has.
pub(crate) struct Redactor {
    secrets: Secrets,
    /// The context, then what was not given out.
    held: Vec<u8>,
    /// How much of it is context.
    seen: usize,
    /// Where in `held` the secret ends that a mark was given out for, unless something came after it.
    covered: Option<usize>,
    /// Secrets that go on for as long as their kind of characters does.
    runs: Vec<Run>,
    /// Whether what was given out ends with a backslash that is not itself escaped.
    escape: Escape,
}

/// Whether a backslash waits for what it escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    Open,
    None,
}

impl Redactor {
    /// Begins before the first byte.
    pub(crate) fn new(secrets: Secrets) -> Self {
        let (held, runs) = (Vec::new(), Vec::new());
        Self { secrets, held, seen: 0, covered: None, runs, escape: Escape::None }
    }

    /// Takes bytes in, and hands out what is safe to keep, in pieces.
    pub(crate) fn push(&mut self, bytes: &[u8], emit: impl FnMut(&[u8])) {
        self.held.extend_from_slice(bytes);
        let lines = memchr::memrchr(b'\n', &self.held).map_or(0, |at| at + 1);
        self.settle(lines.max(self.held.len().saturating_sub(self.secrets.search.reach())), emit);
    }

    /// Hands out what is left; nothing of the stream comes after it.
    pub(crate) fn finish(&mut self, emit: impl FnMut(&[u8])) {
        self.settle(self.held.len(), emit);
        *self = Self::new(self.secrets.clone());
    }

    /// Gives out what lies before `end`: whatever begins there is known by its whole length.
    fn settle(&mut self, end: usize, emit: impl FnMut(&[u8])) {
        if end <= self.seen {
            return;
        }
        let spans = self.spans(end);
        let mut at = self.covered.unwrap_or(0).max(self.seen);
        let mut out = Out { emit, escape: self.escape };
        for span in spans {
            if self.covered.is_none_or(|covered| covered < span.start) {
                out.give(self.held.get(at..span.start).unwrap_or_default());
                out.mark();
            }
            at = at.max(span.end);
            self.covered = Some(at);
        }
        if at < end {
            out.give(self.held.get(at..end).unwrap_or_default());
            self.covered = None;
        }
        self.escape = out.escape;
        let gone = end.saturating_sub(CONTEXT);
        self.held.drain(..gone);
        self.seen = end - gone;
        self.covered = self.covered.map(|covered| covered - gone);
        self.runs.iter_mut().for_each(|run| run.shift(gone));
    }

    /// Finds the secrets that begin, or go on, before `end`, in order.
    fn spans(&mut self, end: usize) -> Vec<Range<usize>> {
        let mut spans = Vec::new();
        let held = &self.held;
        self.runs.retain_mut(|run| run.follow(held, end, &mut spans));
        for found in self.secrets.search.within(held, self.seen..end) {
            match found.known {
                Known::Secret => spans.push(found.at),
                Known::Token(token) => {
                    let Some(Sure { at, run }) = token.confirm(held, found.at) else { continue };
                    spans.extend(Some(at).filter(|at| !at.is_empty()));
                    let open = run.and_then(|mut run| run.follow(held, end, &mut spans).then_some(run));
                    self.runs.extend(open);
                }
            }
        }
        spans.sort_by_key(|span| span.start);
        spans
    }
}

/// Where a redactor gives out.
struct Out<F> {
    emit: F,
    escape: Escape,
}

impl<F: FnMut(&[u8])> Out<F> {
    fn give(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let backslashes = bytes.iter().rev().take_while(|byte| **byte == b'\\').count();
        let before = usize::from(backslashes == bytes.len() && self.escape == Escape::Open);
        self.escape = if (backslashes + before) % 2 == 1 { Escape::Open } else { Escape::None };
        (self.emit)(bytes);
    }

    fn mark(&mut self) {
        // What a lone backslash escaped is gone: it must not escape the mark, which would be no JSON.
        if self.escape == Escape::Open {
            (self.emit)(b"\\");
        }
        self.escape = Escape::None;
        (self.emit)(Secrets::MARK.as_bytes());
    }
}
