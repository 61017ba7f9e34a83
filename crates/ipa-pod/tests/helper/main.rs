//! The program that becomes the helper processes in this crate's tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    ipa_pod::helper::dispatch().unwrap_or(ExitCode::from(2))
}
