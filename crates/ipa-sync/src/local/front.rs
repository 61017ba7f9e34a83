//! A file that people write by hand: TOML, and in Markdown files a text below it. Pure.
//!
//! A change replaces the value of one key; every other byte stays, comments and the order of keys too.

use serde::de::DeserializeOwned;
use toml::Value;
use toml::de::DeTable;

use crate::body::inbound;

const FENCE: &str = "+++";

/// Why a file cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub(super) struct Problem {
    /// Where, from 1 on.
    pub(super) line: usize,
    /// What is wrong with it.
    pub(super) what: String,
}

impl Problem {
    pub(super) fn new(line: usize, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

/// TOML, and the text below.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Front {
    toml: String,
    /// What stands below, if this is a Markdown file.
    text: Option<String>,
}

impl Front {
    /// Begins a Markdown file.
    pub(super) fn with_text(text: &str) -> Self {
        Self { toml: String::new(), text: Some(text.to_owned()) }
    }

    /// Reads a TOML file.
    pub(super) fn of_toml(bytes: &[u8]) -> Result<Self, Problem> {
        Ok(Self { toml: utf8(bytes)?.to_owned(), text: None })
    }

    /// Reads a Markdown file: TOML between two lines `+++`, then the text.
    pub(super) fn of_markdown(bytes: &[u8]) -> Result<Self, Problem> {
        let text = utf8(bytes)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = text.split_inclusive('\n');
        let is_fence = |line: &str| line.trim_end() == FENCE;
        let Some(first) = lines.next().filter(|line| is_fence(line)) else {
            return Err(Problem::new(1, "the file does not begin with a line +++"));
        };
        let mut end = first.len();
        for line in lines {
            if is_fence(line) {
                let toml = text.get(first.len()..end).unwrap_or_default().to_owned();
                let text = text.get(end + line.len()..).unwrap_or_default().to_owned();
                return Ok(Self { toml, text: Some(text) });
            }
            end += line.len();
        }
        Err(Problem::new(1, "no second line +++ ends what this one begins"))
    }

    /// Reads the keys.
    pub(super) fn keys<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        toml::from_str(&self.toml).map_err(|error| self.problem(&error))
    }

    /// Returns the text below, without what only parts it from the keys.
    pub(super) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default().trim_matches(['\r', '\n'])
    }

    /// Replaces the text below.
    pub(super) fn set_text(&mut self, text: &str) {
        self.text = Some(text.to_owned());
    }

    /// Sets a key, where it stands or above all others.
    pub(super) fn set(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into().to_string();
        let span = match DeTable::parse(&self.toml) {
            Ok(table) => table.get_ref().get(key).map(toml::Spanned::span),
            Err(_) => None,
        };
        match span.filter(|span| self.toml.get(span.clone()).is_some()) {
            Some(span) => self.toml.replace_range(span, &value),
            None => self.toml.insert_str(0, &format!("{key} = {value}\n")),
        }
    }

    /// Returns the bytes of the file.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match &self.text {
            None => self.toml.clone().into_bytes(),
            Some(text) => {
                let end = if self.toml.is_empty() || self.toml.ends_with('\n') { "" } else { "\n" };
                let last = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
                format!("{FENCE}\n{}{end}{FENCE}\n{text}{last}", self.toml).into_bytes()
            }
        }
    }

    fn problem(&self, error: &toml::de::Error) -> Problem {
        let before = error.span().and_then(|span| self.toml.get(..span.start)).unwrap_or_default();
        let fence = usize::from(self.text.is_some());
        let what = error.message().lines().next().unwrap_or_default();
        Problem::new(1 + fence + before.matches('\n').count(), what)
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = good.split(|byte| *byte == b'\n').count();
        Problem::new(line, "this is no text (UTF-8)")
    })
}

/// Returns what of a text a person sees.
pub(super) fn shown(text: &str) -> String {
    inbound::clean(text).text.trim().to_owned()
}

#[cfg(test)]
mod tests;
