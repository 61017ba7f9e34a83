//! A run's spool as it is read: one JSON record a line, written by the host alone.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// Where a record comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) enum Source {
    /// The agent's standard output.
    #[serde(rename = "o")]
    Out,
    /// Its standard error.
    #[serde(rename = "e")]
    Err,
    /// What was written to its standard input.
    #[serde(rename = "i")]
    Told,
    /// The host's own notes.
    #[serde(rename = "c")]
    Host,
}

impl Source {
    /// Returns its letter in a record.
    pub(crate) const fn letter(self) -> char {
        match self {
            Self::Out => 'o',
            Self::Err => 'e',
            Self::Told => 'i',
            Self::Host => 'c',
        }
    }
}

/// One record: a line, or a piece of one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) at_ms: u64,
    pub(crate) source: Source,
    pub(crate) key: Option<Cow<'a, str>>,
    pub(crate) more: More,
    pub(crate) text: Cow<'a, str>,
}

/// Whether a line goes on in the next record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum More {
    /// It does.
    Yes,
    /// It is complete.
    No,
}

#[derive(Deserialize)]
struct Raw<'a> {
    t: u64,
    s: Source,
    #[serde(borrow, default)]
    k: Option<Cow<'a, str>>,
    #[serde(default)]
    p: u8,
    #[serde(borrow, default)]
    l: Cow<'a, str>,
    #[serde(default)]
    b64: Option<Cow<'a, str>>,
}

impl<'a> Record<'a> {
    /// Reads a record; none if the line is none.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        let raw: Raw<'a> = serde_json::from_slice(line).ok()?;
        let text = match raw.b64 {
            None => raw.l,
            Some(code) => {
                let bytes = STANDARD.decode(code.as_bytes()).ok()?;
                Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
            }
        };
        let more = if raw.p == 0 { More::No } else { More::Yes };
        Some(Self { at_ms: raw.t, source: raw.s, key: raw.k, more, text })
    }
}
