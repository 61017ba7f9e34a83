//! The exec stage: the last thing before the agent itself. It makes sure that the agent does not outlive its
//! host, then becomes what it is told to become.
//!
//! This cannot be done by the host for its child without `unsafe`; and it must not be done by a process with
//! threads, since the signal comes when the *thread* that forked ends.

#![expect(clippy::disallowed_methods, clippy::print_stderr, reason = "this process becomes the agent")]

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use rustix::process::{Pid, Signal};

/// Becomes `args[1..]`, if the parent is still the process `args[0]`. Returns only if it could not.
pub(crate) fn run(args: Vec<OsString>) -> ExitCode {
    let mut args = args.into_iter();
    let parent =
        args.next().and_then(|it| it.to_str().and_then(|it| it.parse().ok())).and_then(Pid::from_raw);
    let (Some(parent), Some(program)) = (parent, args.next()) else { return ExitCode::from(125) };
    if rustix::process::set_parent_process_death_signal(Some(Signal::INT)).is_err() {
        return ExitCode::from(125);
    }
    // The host may have died before the line above took effect.
    if rustix::process::getppid() != Some(parent) {
        return ExitCode::from(125);
    }
    let error = Command::new(&program).args(args).exec();
    eprintln!("starting {}: {error}", program.display());
    ExitCode::from(if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 })
}
