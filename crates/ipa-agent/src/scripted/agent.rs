//! The scripted agent's process: hears messages, plays a part for each.

#![expect(clippy::disallowed_methods, reason = "this process is the agent")]

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use ipa_events::{Helper, Role};

use super::builtin;
use super::input;
use super::play::{Flow, Player};
use super::script::{Fault, Part, Step};
use crate::helper;

/// What the process was started with.
struct Args {
    role: Role,
    session: String,
    /// `builtin`, `told` (the first line it is told is its part), or the part itself.
    source: String,
}

/// Plays until it is told that nothing more is coming.
pub(crate) fn run(args: Vec<OsString>) -> ExitCode {
    let mut words = args.into_iter().map_while(|it| it.into_string().ok());
    let (Some(role), Some(session), Some(source)) = (words.next(), words.next(), words.next()) else {
        return ExitCode::from(2);
    };
    let Ok(role) = role.parse() else { return ExitCode::from(2) };
    let mut args = Args { role, session, source };
    if args.source == "told" {
        args.source = first_line();
        if let Some(trap) = serde_json::from_str(&args.source).ok().and_then(|part| trap(&part)) {
            return again(&args, trap);
        }
    }
    let part: Option<Part> = serde_json::from_str(&args.source).ok();
    play(args, part)
}

fn play(args: Args, part: Option<Part>) -> ExitCode {
    let (sender, heard) = input::channel();
    let mut player = Player::new(args.session, sender.clone());
    if part.as_ref().is_some_and(|part| part.has(|step| matches!(step, Step::Fault(Fault::NeverReadStdin)))) {
        // The sender is kept: what nobody reads never ends either.
        let steps = part.map(|part| part.steps("")).unwrap_or_default();
        return player.turn(steps, "", &heard).exit().unwrap_or(ExitCode::SUCCESS);
    }
    input::read(sender);
    let mut first: Option<String> = None;
    loop {
        let text = match player.next_message(&heard) {
            Ok(text) => text,
            Err(flow) => return flow.exit().unwrap_or(ExitCode::SUCCESS),
        };
        let steps = match (&part, &first) {
            (Some(part), _) => part.steps(&text),
            (None, None) => builtin::steps(args.role, &text),
            (None, Some(prompt)) => builtin::follow_up(args.role, prompt, &text),
        };
        if let Some(code) = player.turn(steps, &text, &heard).exit() {
            return code;
        }
        first.get_or_insert(text);
    }
}

/// Reads one line and not a byte more.
fn first_line() -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while let Ok(1) = rustix::io::read(rustix::stdio::stdin(), &mut byte) {
        if byte == *b"\n" {
            break;
        }
        line.extend(byte);
    }
    String::from_utf8_lossy(&line).into_owned()
}

/// Returns the signals that a part takes no notice of, as a shell's `trap` names them.
fn trap(part: &Part) -> Option<&'static str> {
    let int = part.has(|step| matches!(step, Step::Fault(Fault::IgnoreSigint)));
    let term = part.has(|step| matches!(step, Step::Fault(Fault::IgnoreSigterm)));
    match (int, term) {
        (true, true) => Some("trap '' INT TERM; exec \"$0\" \"$@\""),
        (true, false) => Some("trap '' INT; exec \"$0\" \"$@\""),
        (false, true) => Some("trap '' TERM; exec \"$0\" \"$@\""),
        (false, false) => None,
    }
}

/// Becomes itself once more, behind a shell that ignores signals: what is ignored stays so.
fn again(args: &Args, trap: &str) -> ExitCode {
    let Ok(program) = std::env::current_exe() else { return ExitCode::from(2) };
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(trap).arg(program);
    command.args([Helper::MARKER, helper::SCRIPTED, args.role.as_str(), &args.session, &args.source]);
    let _error = command.exec();
    ExitCode::from(2)
}

impl Flow {
    /// Returns the exit code, if this ends the process.
    fn exit(self) -> Option<ExitCode> {
        match self {
            Self::Next | Self::TurnOver | Self::Interrupted => None,
            Self::InputEnded => Some(ExitCode::SUCCESS),
            Self::Exit(code) => Some(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)),
        }
    }
}
