//! What would confine agents here, and what it would not do.

use std::error::Error as _;

use ipa_workspace::{WorkspaceError, probe_sandbox};

use super::{Line, State, bad, good};
use crate::config::Settings;
use crate::wiring::workspace_config;

const NAME: &str = "sandbox";

/// Tries it, and says what came of it.
pub(super) fn line(settings: &Settings) -> Line {
    match probe_sandbox(&workspace_config(settings)) {
        Ok(enforced) if enforced.fs_read && enforced.fs_write => good(NAME, &ipa_pod::bounds(&enforced)),
        Ok(enforced) => {
            let fix = "leave `[sandbox] backend` out of your configuration";
            Line {
                fix: Some(fix.to_owned()),
                state: State::Warning,
                ..good(NAME, &ipa_pod::bounds(&enforced))
            }
        }
        Err(WorkspaceError::NoSandbox(why)) => bad(
            NAME,
            &format!("none works, so no agent runs: {why}"),
            "use a kernel with landlock, and no `[sandbox] read` around the data directory; \
             or run agents without one: `[sandbox] backend = \"none\"`",
        ),
        Err(error) => {
            let why = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            let fix = "make it writable, or choose another place with --data-dir DIR";
            let what = format!("not tried: {error}{why}");
            Line { state: State::Warning, ..bad(NAME, &what, fix) }
        }
    }
}
