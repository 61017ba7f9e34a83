//! What a run needs beside its place of work, and what limits it, in one line, as page, command line and log tell it.

use ipa_agent::{AgentRuntime, Login};
use ipa_events::Runtime;
use ipa_workspace::{Enforced, Needs, SharedLogin};

/// What the host of every agent sees to, with a sandbox and without.
const BY_HOST: &str = "processes that outlive a run";

/// Says what the runs of an agent need beside their place of work.
pub(crate) fn needs(runtime: &dyn AgentRuntime, name: &Runtime) -> Needs {
    let login = match runtime.login(name) {
        Some(Login::Shared(file)) => Some(SharedLogin { of: name.kind().to_owned(), file }),
        Some(Login::Key | Login::None(_)) | None => None,
    };
    Needs { read: runtime.reads(name), write: Vec::new(), login }
}

/// Says what limits a run, and what does not.
pub fn bounds(enforced: &Enforced) -> String {
    let by = if enforced.backend == "none" { "there is no sandbox" } else { &enforced.backend };
    let held: Vec<&str> = enforced.held.iter().map(String::as_str).chain([BY_HOST]).collect();
    let mut text = format!("{by}; limited: {}", held.join(", "));
    if !enforced.missing.is_empty() {
        text.push_str("; not limited: ");
        text.push_str(&enforced.missing.join(", "));
    }
    if let Some(of) = &enforced.login {
        text.push_str("; shared: the login of ");
        text.push_str(of);
    }
    text
}
