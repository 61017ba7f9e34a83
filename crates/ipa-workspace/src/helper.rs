//! The helper processes of this crate: what a program becomes when it is started again under a marker.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::sandbox::{exec, probe};

/// Becomes the helper called `name`, if it is one of this crate's; `args` is what follows the name.
///
/// To be called in a plain `fn main` before any thread exists. Returns none when the name is another crate's.
pub fn dispatch(name: &str, args: Vec<OsString>) -> Option<ExitCode> {
    match name {
        exec::NAME => Some(exec::main(args)),
        probe::NAME => Some(probe::main(&args)),
        _ => None,
    }
}
