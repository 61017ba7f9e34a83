//! The `ipa` program: reads its arguments and configuration, names the concrete types, prints.

mod access;
mod cli;
mod client;
mod commands;
mod completion;
mod config;
mod demo;
mod exit;
mod failure;
mod holder;
mod log;
mod output;
mod process;
mod wiring;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Verb};
use crate::config::Settings;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Out;

fn main() -> ExitCode {
    // First of all, while there is one thread: this process may have been started to be one of ipa's helpers.
    if let Some(code) = ipa_pod::helper::dispatch() {
        return code;
    }
    if completion::was_asked() {
        return Exit::Done.into();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return unusable(&error),
    };
    let out = Out::new(&cli.global);
    let exit = run(cli, out).unwrap_or_else(|failure| {
        if !matches!(failure, Failure::ClosedPipe) {
            out.failure(&failure);
        }
        failure.exit()
    });
    exit.into()
}

fn run(cli: Cli, out: Out) -> Result<Exit, Failure> {
    let command = match cli.verb {
        Verb::Command(command) => command,
        Verb::Itself(verb) => return commands::tell(&verb, out),
    };
    let settings = Settings::read(&cli.global)?;
    log::listen_to_the_engine(&cli.global, wiring::secrets(&settings));
    for warning in &settings.warnings {
        out.note(format!("warning: {warning}"));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|source| Failure::Io { doing: "starting threads".to_owned(), source })?;
    runtime.block_on(commands::run(command, commands::App { settings, out }))
}

/// Prints what clap says: help and version as data, the rest as an error, for programs as JSON.
fn unusable(error: &clap::Error) -> ExitCode {
    let asked = !error.use_stderr();
    if !asked && std::env::args_os().any(|arg| arg == "--json") {
        let text = error.to_string();
        let first = text.split("\n\n").next().unwrap_or_default();
        let words: Vec<&str> = first.trim_start_matches("error: ").split_whitespace().collect();
        let message = words.join(" ");
        Out::json_only().failure(&Failure::Usage { message, help: "see `ipa --help`".to_owned() });
    } else {
        // Nobody may be reading; then there is nobody to tell.
        error.print().ok();
    }
    if asked { Exit::Done } else { Exit::Usage }.into()
}
