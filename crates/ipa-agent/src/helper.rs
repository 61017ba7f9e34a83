//! The helper processes of this crate, and how a program becomes one of them.

#![expect(clippy::disallowed_methods, reason = "the intermediate starts the host")]

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use crate::{exec, host, scripted};

/// Starts the rest of its arguments as a process of its own, and ends: so nobody is the host's parent.
pub(crate) const DETACH: &str = "agent-detach";
/// Keeps one agent.
pub(crate) const HOST: &str = "agent-host";
/// Becomes the agent.
pub(crate) const EXEC: &str = "agent-exec";
/// Plays an agent.
pub(crate) const SCRIPTED: &str = "scripted-agent";

/// Becomes the helper called `name`, if it is one of this crate's; returns its exit code when it is done.
///
/// Call it first thing in a plain `fn main`, before any thread exists, when the first argument is
/// [`Helper::MARKER`](ipa_events::Helper::MARKER); the second is the name, `args` are those after it.
pub fn dispatch(name: &str, args: Vec<OsString>) -> Option<ExitCode> {
    match name {
        DETACH => Some(detach(args)),
        HOST => Some(host::run()),
        EXEC => Some(exec::run(args)),
        SCRIPTED => Some(scripted::run(args)),
        _ => None,
    }
}

fn detach(args: Vec<OsString>) -> ExitCode {
    let mut args = args.into_iter();
    let started = args.next().map(|program| Command::new(program).args(args).spawn());
    if matches!(started, Some(Ok(_))) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
