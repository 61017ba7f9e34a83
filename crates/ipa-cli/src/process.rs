//! The one place of this program that starts others: git and shells, for `demo` and `doctor`, and waits for them.

#![expect(clippy::disallowed_methods, reason = "the process module of this program")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// What a program did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ran {
    /// Whether it ended well.
    pub(crate) well: bool,
    /// What it printed, on both outputs.
    pub(crate) output: String,
}

/// Runs a program to its end, in a folder, with exactly this environment.
///
/// # Errors
///
/// [`Failure::Io`] when it cannot be started.
pub(crate) fn run(folder: &Path, env: &BTreeMap<OsString, OsString>, argv: &[&str]) -> Result<Ran, Failure> {
    let Some((program, args)) = argv.split_first() else {
        return Err(Failure::Wrong("no program to run".to_owned()));
    };
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).env_clear().envs(env).stdin(Stdio::null());
    let output =
        command.output().map_err(|source| Failure::Io { doing: format!("running {program}"), source })?;
    let text = [output.stdout, output.stderr].concat();
    Ok(Ran { well: output.status.success(), output: String::from_utf8_lossy(&text).into_owned() })
}

/// As [`run`], and a bad end is a failure.
///
/// # Errors
///
/// [`Failure`] when it cannot be started, or ends badly.
pub(crate) fn succeed(
    folder: &Path,
    env: &BTreeMap<OsString, OsString>,
    argv: &[&str],
) -> Result<String, Failure> {
    let ran = run(folder, env, argv)?;
    if ran.well {
        return Ok(ran.output);
    }
    Err(Failure::Wrong(format!("`{}` failed: {}", argv.join(" "), ran.output.trim())))
}
