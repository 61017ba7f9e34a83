//! A stream of JSON lines, cut at its line breaks however the bytes come.

use std::io;
use std::ops::Range;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use serde_json::Value;

use crate::failure::Failure;

/// A line longer than this is no line of ours.
const LONGEST: usize = 32 * 1024 * 1024;

/// A stream of JSON lines.
pub(crate) struct Lines {
    chunks: BoxStream<'static, io::Result<Vec<u8>>>,
    /// What came and is not forgotten yet.
    rest: Vec<u8>,
    /// What lies before is told already.
    from: usize,
    /// Between `from` and here is no line break.
    seen: usize,
    over: bool,
}

impl Lines {
    /// Takes up a stream, or tells why the server refused it.
    pub(super) async fn new(
        status: u16,
        chunks: BoxStream<'static, io::Result<Vec<u8>>>,
    ) -> Result<Self, Failure> {
        let mut lines = Self { chunks, rest: Vec::new(), from: 0, seen: 0, over: false };
        if (200..300).contains(&status) {
            return Ok(lines);
        }
        while lines.fill().await? {}
        let value = serde_json::from_slice(&lines.rest)
            .map_err(|error| Failure::BadReply(format!("status {status}"), error))?;
        Err(super::problem(status, value)?)
    }

    /// Returns the next line; none at the end. May be dropped and called again: nothing is lost.
    ///
    /// # Errors
    ///
    /// [`Failure::Broken`] when the stream breaks off, [`Failure::BadReply`] when a line is no JSON.
    pub(crate) async fn next(&mut self) -> Result<Option<Value>, Failure> {
        loop {
            if let Some(line) = self.cut() {
                let line = self.rest.get(line).unwrap_or_default();
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                let bad = |error| Failure::BadReply("a stream".to_owned(), error);
                return serde_json::from_slice(line).map(Some).map_err(bad);
            }
            if self.over {
                return Ok(None);
            }
            self.fill().await?;
        }
    }

    /// Finds a whole line, or what is left when nothing more comes. Each byte is looked at once.
    fn cut(&mut self) -> Option<Range<usize>> {
        let begin = self.from;
        let unseen = self.rest.get(self.seen..).unwrap_or_default();
        let found = unseen.iter().position(|byte| *byte == b'\n');
        let end = found.map_or(self.rest.len(), |at| self.seen.saturating_add(at).saturating_add(1));
        self.seen = end;
        if found.is_none() && (!self.over || begin == end) {
            return None;
        }
        self.from = end;
        Some(begin..end)
    }

    /// Waits for more bytes; false when nothing more comes.
    async fn fill(&mut self) -> Result<bool, Failure> {
        let Some(chunk) = self.chunks.next().await else {
            self.over = true;
            return Ok(false);
        };
        let chunk = chunk.map_err(Failure::Broken)?;
        self.rest.drain(..self.from);
        self.seen = self.seen.saturating_sub(self.from);
        self.from = 0;
        self.rest.extend(chunk);
        if self.rest.len() > LONGEST {
            return Err(Failure::Broken(io::Error::other("a line is too long")));
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(chunks: &[&'static str]) -> Vec<Value> {
        let chunks: Vec<io::Result<Vec<u8>>> =
            chunks.iter().map(|chunk| Ok(chunk.as_bytes().to_vec())).collect();
        let mut lines = Lines::new(200, futures::stream::iter(chunks).boxed()).await.unwrap();
        let mut all = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            all.push(line);
        }
        all
    }

    #[tokio::test]
    async fn lines_are_the_same_however_the_bytes_come() {
        let whole = read(&["{\"a\":1}\n\n[2]\n3"]).await;
        assert_eq!(whole, read(&["{\"a\"", ":1}", "\n", "\n[2]\n", "3"]).await);
        assert_eq!(whole.len(), 3);
        assert!(read(&[]).await.is_empty());
    }
}
