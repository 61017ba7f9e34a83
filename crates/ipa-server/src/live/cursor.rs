//! How far a page has read: a position in the log, and a line of each run that it follows.
//!
//! Its text is the id of every frame of a stream: `1842~<run id>:512~…`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use ipa_events::RunId;
use ipa_events::store::Position;

/// How far a page has read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cursor {
    /// The log.
    pub(crate) position: Position,
    /// The runs it follows: the number of the last event that it has.
    pub(crate) runs: BTreeMap<RunId, u64>,
}

/// More runs than this are not followed by one page.
const RUNS: usize = 32;

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is a position, then `~<run id>:<number>` for each run")]
pub(crate) struct InvalidCursor;

impl Cursor {
    /// Begins at a position, with no run followed.
    pub(crate) const fn at(position: Position) -> Self {
        Self { position, runs: BTreeMap::new() }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.position)?;
        self.runs.iter().try_for_each(|(run, seq)| write!(f, "~{run}:{seq}"))
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let mut parts = text.split('~');
        let position = parts.next().and_then(|text| text.parse().ok()).ok_or(InvalidCursor)?;
        let mut cursor = Self::at(Position::new(position));
        for part in parts {
            let (run, seq) = part.split_once(':').ok_or(InvalidCursor)?;
            let run = run.parse().map_err(|_invalid| InvalidCursor)?;
            cursor.runs.insert(run, seq.parse().map_err(|_invalid| InvalidCursor)?);
            if cursor.runs.len() > RUNS {
                return Err(InvalidCursor);
            }
        }
        Ok(cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "0193b2f4-5c1e-7000-8000-000000000001.r3";

    #[test]
    fn a_cursor_reads_back_from_its_text() {
        let text = format!("1842~{RUN}:512");
        let cursor: Cursor = text.parse().unwrap();
        assert_eq!(cursor.runs.get(&RUN.parse().unwrap()), Some(&512));
        assert_eq!(cursor.to_string(), text);
        assert_eq!("7".parse(), Ok(Cursor::at(Position::new(7))));
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for wrong in ["", "x", "-1", "1~", "1~x:1", &format!("1~{RUN}"), &format!("1~{RUN}:x"), "1\n2"] {
            assert_eq!(wrong.parse::<Cursor>(), Err(InvalidCursor), "{wrong:?}");
        }
    }
}
