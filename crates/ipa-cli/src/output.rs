//! How things are printed: data on standard output, everything else on standard error. Knows no commands.

mod diff;
mod error;
mod log;
mod plain;
mod table;

pub(crate) use diff::{stat as diff_stat, text as diff_text};
pub(crate) use log::LogPrinter;
pub(crate) use plain::plain;
pub(crate) use table::Table;

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;
use serde_json::Value;

use crate::cli::{ColorChoice, GlobalOpts};
use crate::failure::Failure;

/// What a thing looks like on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Where a command prints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Out {
    /// What a thing looks like.
    pub(crate) format: Format,
    quiet: bool,
    asks: bool,
}

#[expect(clippy::unused_self, reason = "what is printed goes through the value that knows how to print")]
impl Out {
    /// Makes the place to print to, as the flags say.
    pub(crate) fn new(global: &GlobalOpts) -> Self {
        let choice = match global.color {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
        let format = if global.json { Format::Json } else { Format::Text };
        let asks =
            !global.no_input && !global.json && io::stdin().is_terminal() && io::stderr().is_terminal();
        Self { format, quiet: global.quiet, asks }
    }

    /// Makes the place to print to when the flags could not be read, and one of them asked for JSON.
    pub(crate) const fn json_only() -> Self {
        Self { format: Format::Json, quiet: false, asks: false }
    }

    /// Tells whether programs read the output.
    pub(crate) fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// Tells whether a person can be asked.
    pub(crate) const fn can_ask(self) -> bool {
        self.asks
    }

    /// Tells whether standard output is a terminal.
    pub(crate) fn is_terminal(self) -> bool {
        self.format == Format::Text && io::stdout().is_terminal()
    }

    /// Prints text as data.
    ///
    /// # Errors
    ///
    /// [`Failure::ClosedPipe`] when nobody reads it any more.
    pub(crate) fn text(self, text: &str) -> Result<(), Failure> {
        written(anstream::stdout().write_all(text.as_bytes()))
    }

    /// Prints a line as data.
    ///
    /// # Errors
    ///
    /// [`Failure::ClosedPipe`] when nobody reads it any more.
    pub(crate) fn line(self, line: impl AsRef<str>) -> Result<(), Failure> {
        self.text(&format!("{}\n", line.as_ref()))
    }

    /// Prints bytes as they are.
    ///
    /// # Errors
    ///
    /// [`Failure::ClosedPipe`] when nobody reads it any more.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Result<(), Failure> {
        written(io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()))
    }

    /// Prints a thing for programs, on one line.
    ///
    /// # Errors
    ///
    /// [`Failure::ClosedPipe`] when nobody reads it any more.
    pub(crate) fn json(self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(Failure::Encode)?;
        self.bytes(format!("{text}\n").as_bytes())
    }

    /// Prints a reply: as it is for programs, as `text` makes it for people.
    ///
    /// # Errors
    ///
    /// [`Failure::ClosedPipe`], or what `text` says.
    pub(crate) fn reply(
        self,
        value: &Value,
        text: impl FnOnce(&Value) -> Result<String, Failure>,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.json(value),
            Format::Text => self.text(&text(value)?),
        }
    }

    /// Tells a person something that is not data.
    pub(crate) fn note(self, text: impl AsRef<str>) {
        if !self.quiet {
            // Nobody may be reading; then there is nobody to tell.
            writeln!(anstream::stderr(), "{}", text.as_ref()).ok();
        }
    }

    /// Asks a person without a line break, so that the answer stands behind it.
    pub(crate) fn prompt(self, text: &str) {
        let mut stderr = anstream::stderr();
        write!(stderr, "{text} ").and_then(|()| stderr.flush()).ok();
    }

    /// Prints why a command failed, where it belongs.
    pub(crate) fn failure(self, failure: &Failure) {
        match self.format {
            Format::Json => self.json(&error::document(failure)).ok(),
            Format::Text => writeln!(anstream::stderr(), "{}", error::text(failure)).ok(),
        };
    }
}

fn written(result: io::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| {
        if matches!(error.kind(), io::ErrorKind::BrokenPipe) {
            Failure::ClosedPipe
        } else {
            Failure::Print(error)
        }
    })
}
