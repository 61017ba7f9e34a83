//! Writes a run's spool. A record is in the file before anybody is told of it, and on the disk within a second.

#![expect(clippy::disallowed_methods, reason = "the host is the edge that its records get their time from")]

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::lines::{CHUNK, Piece};
use crate::folder::Note;
use crate::redact::Secrets;
use crate::spool::Source;

/// How long a record may be in the file and not on the disk.
const SYNC_AFTER: Duration = Duration::from_secs(1);

/// A spool that is being written.
pub(super) struct Spool {
    file: File,
    secrets: Secrets,
    waiting: Vec<u8>,
    next: u64,
    written: u64,
    began: Instant,
    dirty: Option<Instant>,
}

impl Spool {
    /// Creates it; there must be none.
    pub(super) fn create(path: &Path, secrets: Secrets) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        Ok(Self::of(file, secrets))
    }

    fn of(file: File, secrets: Secrets) -> Self {
        Self { file, secrets, waiting: Vec::new(), next: 1, written: 0, began: Instant::now(), dirty: None }
    }

    /// Returns what may not be in it.
    pub(super) const fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Returns the milliseconds since the run began.
    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns how many bytes are in the file.
    pub(super) const fn written(&self) -> u64 {
        self.written
    }

    /// Returns how many bytes are not in the file yet.
    pub(super) fn backlog(&self) -> usize {
        self.waiting.len()
    }

    /// Adds a piece of a line that has no secrets any more.
    pub(super) fn push(&mut self, source: Source, bytes: &[u8], piece: Piece) {
        self.record(source, None, bytes, piece);
    }

    /// Adds what the agent is told, under its key, without its secrets.
    pub(super) fn told(&mut self, key: &str, data: &str) {
        let secrets = self.secrets.clone();
        let data = secrets.redact(data);
        let mut rest = data.as_bytes();
        while rest.len() > CHUNK {
            let at = (1..=CHUNK).rev().find(|at| data.is_char_boundary(data.len() - rest.len() + at));
            let (chunk, after) = rest.split_at(at.unwrap_or(CHUNK));
            self.record(Source::Told, Some(key), chunk, Piece::More);
            rest = after;
        }
        self.record(Source::Told, Some(key), rest, Piece::Last);
    }

    /// Adds what the host itself has to say: it may be in the words of the agent.
    pub(super) fn note(&mut self, note: &Note) {
        let json = serde_json::to_vec(note).unwrap_or_default();
        let json = self.secrets.redact_bytes(json);
        self.record(Source::Host, None, &json, Piece::Last);
    }

    fn record(&mut self, source: Source, key: Option<&str>, bytes: &[u8], piece: Piece) {
        let (n, t, s) = (self.next, self.now_ms(), source.letter());
        // Writing to memory does not fail.
        write!(self.waiting, r#"{{"n":{n},"t":{t},"s":"{s}""#).ok();
        if let Some(key) = key {
            self.waiting.extend_from_slice(br#","k":"#);
            serde_json::to_writer(&mut self.waiting, key).ok();
        }
        if piece == Piece::More {
            self.waiting.extend_from_slice(br#","p":1"#);
        }
        if let Ok(text) = std::str::from_utf8(bytes) {
            self.waiting.extend_from_slice(br#","l":"#);
            serde_json::to_writer(&mut self.waiting, text).ok();
        } else {
            write!(self.waiting, r#","b64":"{}""#, STANDARD.encode(bytes)).ok();
        }
        self.waiting.extend_from_slice(b"}\n");
        self.next += 1;
    }

    /// Writes what waits. What could not be written waits on.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let mut done = 0;
        let result = loop {
            let rest = self.waiting.get(done..).unwrap_or_default();
            if rest.is_empty() {
                break Ok(());
            }
            match self.file.write(rest) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => done += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        if done > 0 {
            self.waiting.drain(..done);
            self.written += done as u64;
            self.dirty.get_or_insert_with(Instant::now);
        }
        result
    }

    /// Brings it to the disk, if that is due.
    pub(super) fn sync_if_due(&mut self) -> io::Result<()> {
        if self.dirty.is_some_and(|since| since.elapsed() >= SYNC_AFTER) { self.sync() } else { Ok(()) }
    }

    /// Brings it to the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        if self.dirty.is_some() {
            rustix::fs::fdatasync(&self.file)?;
            self.dirty = None;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_disk_refused_is_tried_again() {
        // It takes everything, and brings nothing to a disk.
        let file = OpenOptions::new().write(true).open("/dev/null").unwrap();
        let mut spool = Spool::of(file, Secrets::default());
        spool.note(&Note::Eof);
        assert!(spool.sync().is_err());
        assert!(spool.sync().is_err());
    }
}
