//! Completing a command line: the script that a shell loads, and the answers when the shell then asks this program.
//!
//! What cannot be told is not told: completing ends well, prints nothing but candidates, and makes nothing.

mod handles;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use clap::{Arg, Command, CommandFactory as _};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};
use ipa_events::Phase;

use crate::cli::Cli;
use crate::failure::Failure;
use handles::Line;

/// The variable by which the script says that it asks, and for which shell.
const ASKS: &str = "IPA_COMPLETE";

/// The name of the program, as it is typed and as the script finds it.
const PROGRAM: &str = "ipa";

/// Returns the script that makes a shell ask this program.
///
/// # Errors
///
/// [`Failure`] when there is none for this shell.
pub(crate) fn script(shell: Shell) -> Result<String, Failure> {
    let unknown = || Failure::Wrong(format!("there is no completion for {shell}"));
    let shells = Shells::builtins();
    let completer = shells.completer(&shell.to_string()).ok_or_else(unknown)?;
    let mut script = Vec::new();
    let written = completer.write_registration(ASKS, PROGRAM, PROGRAM, PROGRAM, &mut script);
    written.map_err(|source| Failure::Io { doing: "writing the script".to_owned(), source })?;
    Ok(String::from_utf8_lossy(&script).trim_start().to_owned())
}

/// Answers a shell, if one asked; to be called before any thread exists, and before arguments are read.
pub(crate) fn was_asked() -> bool {
    let args: Vec<OsString> = std::env::args_os().collect();
    let typed = args.iter().skip_while(|arg| *arg != "--").skip(1).cloned().collect();
    let line = Arc::new(Line::new(typed));
    let asked = CompleteEnv::with_factory(|| with_values(Cli::command(), &line))
        .var(ASKS)
        .bin(PROGRAM)
        .completer(PROGRAM)
        .try_complete(args, Some(Path::new(".")));
    // A shell has no place for what went wrong.
    asked.unwrap_or(true)
}

/// Says of each argument what it can be, going by what its value is called in the help.
fn with_values(command: Command, line: &Arc<Line>) -> Command {
    command.mut_args(|arg| with_value(arg, line)).mut_subcommands(|subcommand| with_values(subcommand, line))
}

fn with_value(arg: Arg, line: &Arc<Line>) -> Arg {
    let of = |find: fn(&Line) -> Vec<CompletionCandidate>| {
        let line = Arc::clone(line);
        ArgValueCandidates::new(move || find(&line))
    };
    let name = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    match name.as_deref() {
        Some("T") => arg.add(of(Line::tasks)),
        Some("ID") => arg.add(of(Line::decisions)),
        Some("R") => arg.add(of(Line::runs)),
        Some("P" | "PHASE") => arg.add(of(phases)),
        Some(_) | None => arg,
    }
}

fn phases(_line: &Line) -> Vec<CompletionCandidate> {
    Phase::ALL.iter().map(|phase| CompletionCandidate::new(phase.as_str())).collect()
}
