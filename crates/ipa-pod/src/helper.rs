//! How a program becomes one of ipa's helper processes: the host of an agent, what confines it, a scripted agent.

use std::env::args_os;
use std::process::ExitCode;

use ipa_events::Helper;

/// Becomes a helper process, if the program was started as one; returns the code to exit with then, and nothing
/// otherwise.
///
/// The first lines of the plain `fn main` of every program that embeds an engine, before any thread exists:
///
/// ```
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     if let Some(code) = ipa_pod::helper::dispatch() {
///         return code;
///     }
///     // Everything else.
///     ExitCode::SUCCESS
/// }
/// ```
#[must_use]
pub fn dispatch() -> Option<ExitCode> {
    let mut args = args_os().skip(1);
    if args.next()? != Helper::MARKER {
        return None;
    }
    let name = args.next().unwrap_or_default();
    let name = name.to_string_lossy();
    let args: Vec<_> = args.collect();
    ipa_agent::helper::dispatch(&name, args.clone())
        .or_else(|| ipa_workspace::helper::dispatch(&name, args))
        .or(Some(ExitCode::FAILURE))
}
