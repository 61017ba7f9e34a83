//! What the connectors say: whether the other side answers, takes the credential and allows what will be needed.

use ipa_pod::outside::{Checked, Mode, SyncError};
use ipa_pod::{Closed, ConnectorCheck, Engine};
use ipa_server::wire::ConnectorRow;
use jiff::Timestamp;

use super::{Line, State};

/// The largest difference between two clocks at which a time still means the same, in seconds.
const CLOCKS: i64 = 60;

/// Looks at every connector that is configured, and at what who runs now knows of it.
pub(super) async fn lines(engine: &Engine, running: &[ConnectorRow]) -> Vec<Line> {
    let hook_at = |check: &ConnectorCheck| {
        running.iter().find(|row| row.name == check.id.to_string()).and_then(|row| row.hook_at)
    };
    match engine.check_connectors().await {
        Ok(checks) => checks.iter().map(|check| hooked(line(check), hook_at(check))).collect(),
        Err(error) => vec![warning(error.to_string(), "see the line about the store")],
    }
}

/// Says when a webhook last came.
fn hooked(line: Line, at: Option<Timestamp>) -> Line {
    let Some(at) = at else { return line };
    Line { what: format!("{}; a webhook last came at {at:.0}", line.what), ..line }
}

fn line(check: &ConnectorCheck) -> Line {
    let id = &check.id;
    let mode = match check.mode {
        Mode::Off => return Line { state: State::Absent, ..good(format!("{id}: off")) },
        Mode::Observe => "observes only",
        Mode::Ask => "writes what a person agreed to",
        Mode::Auto => "writes what its policies allow",
    };
    match (&check.checked, &check.health.closed) {
        (Some(Err(error)), _) => warning(format!("{id}: {error}"), &mend(check, error)),
        (Some(Ok(checked)), None) => checked_well(check, mode, checked),
        (Some(Ok(_)), Some(closed)) => {
            // It was asked although it is closed: its credential is taken now.
            warning(format!("{id} {closed}; it is accepted now"), &format!("`ipa sync resume {id}`"))
        }
        (None, Some(closed @ (Closed::Paused { .. } | Closed::Refused { .. }))) => {
            warning(format!("{id} {closed}"), &format!("`ipa sync resume {id}` lets it go on"))
        }
        (None, Some(closed @ Closed::Until(_))) => {
            Line { state: State::Warning, ..good(format!("{id} {closed}")) }
        }
        (None, None) => good(format!("{id}: not asked")),
    }
}

fn checked_well(check: &ConnectorCheck, mode: &str, checked: &Checked) -> Line {
    let id = &check.id;
    let account = checked.account.as_ref().map(|account| format!("as {account}"));
    let said: Vec<String> =
        std::iter::once(mode.to_owned()).chain(account).chain(checked.notes.iter().cloned()).collect();
    let told = format!("{id}: {}", said.join("; "));
    if !checked.missing.is_empty() {
        return warning(format!("{id} lacks something ({})", said.join("; ")), &checked.missing.join("; "));
    }
    let off = checked.clock.map(|clock| clock.as_secs()).filter(|seconds| seconds.abs() > CLOCKS);
    match off {
        Some(seconds) => {
            let what = format!("{told}; its clock is {seconds} s from ours");
            warning(what, "set this machine's clock, for example by NTP")
        }
        None => good(told),
    }
}

fn mend(check: &ConnectorCheck, error: &SyncError) -> String {
    use ipa_pod::outside::ErrorClass as Class;
    match error.class {
        Class::Credential => {
            format!("give it a credential that is accepted, then `ipa sync resume {}`", check.id)
        }
        Class::Permission => "give its credential the right to do this".to_owned(),
        Class::Transient | Class::RateLimited { .. } | Class::Indeterminate | Class::Unexpected => {
            "it may work a little later; see that the other side can be reached from here".to_owned()
        }
        Class::Conflict | Class::Rejected | Class::Gone => {
            format!("look at `[connectors.{}]` of ipa.toml", check.id)
        }
    }
}

fn good(what: String) -> Line {
    Line { name: "connector", state: State::Good, what, fix: None }
}

fn warning(what: String, fix: &str) -> Line {
    Line { name: "connector", state: State::Warning, what, fix: Some(fix.to_owned()) }
}
