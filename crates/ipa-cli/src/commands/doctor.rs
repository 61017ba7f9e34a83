//! Finding out whether everything that ipa needs is there; each bad line says what mends it.

mod connectors;
mod sandbox;

use std::fs::OpenOptions;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use ipa_events::store::SqliteStore;
use ipa_pod::log::{Login, Probe};
use ipa_server::wire::{ConnectorRow, List};
use serde::Serialize;
use serde_json::json;

use super::App;
use super::query::all;
use crate::access;
use crate::client::parse;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::plain;
use crate::{holder, process, wiring};

/// A GiB, as `df` counts.
const GIB_KIB: u64 = 1024 * 1024;

/// What must stay free beside a checkout.
const RESERVE_KIB: u64 = 5 * GIB_KIB;

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
struct Line {
    name: &'static str,
    state: State,
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

/// How well it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// As it should be.
    Good,
    /// Not there, and not needed.
    Absent,
    /// Works, and should be mended.
    Warning,
    /// Needed, and not there.
    Bad,
}

/// `ipa doctor`
pub(super) async fn run(app: &App) -> Result<Exit, Failure> {
    let mut lines = vec![git(app), data(&app.settings.data), room(app), configuration(app)];
    lines.push(store(app).await);
    lines.push(holding(app));
    lines.push(sandbox::line(&app.settings));
    lines.extend(engine(app).await);
    let ok = lines.iter().all(|line| line.state != State::Bad);
    let value = json!({ "schema": "ipa.doctor/v1", "ok": ok, "checks": lines });
    app.out.reply(&value, |_value| {
        let mut text = String::new();
        for line in &lines {
            let sign = match line.state {
                State::Good => "✓",
                State::Absent => "–",
                State::Warning => "!",
                State::Bad => "✗",
            };
            let fix = line.fix.as_ref().map(|fix| format!("   fix: {fix}")).unwrap_or_default();
            text.push_str(&plain(&format!("{sign} {}: {}{fix}\n", line.name, line.what)));
        }
        Ok(text)
    })?;
    Ok(if ok { Exit::Done } else { Exit::Failed })
}

fn git(app: &App) -> Line {
    let ran = process::run(Path::new("/"), &app.settings.agent_env, &["git", "--version"]);
    match ran {
        Ok(ran) if ran.well => good("git", ran.output.trim().trim_start_matches("git version ")),
        Ok(ran) => bad("git", ran.output.trim(), "install git 2.39 or newer"),
        Err(_) => bad("git", "not found", "install git, and see that it is on PATH"),
    }
}

fn data(data: &Path) -> Line {
    let Ok(metadata) = data.metadata() else {
        return Line {
            name: "data directory",
            state: State::Absent,
            what: format!("{}: not made yet", data.display()),
            fix: None,
        };
    };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let what = format!("{}: mode {mode:o}, others can look in", data.display());
        return bad("data directory", &what, &format!("chmod 700 {}", data.display()));
    }
    // Only trying tells: permissions, read-only mounts and quotas all have a say.
    let probe = data.join(format!(".doctor.{}", std::process::id()));
    let tried = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&probe);
    if let Err(error) = tried.and_then(|_made| std::fs::remove_file(&probe)) {
        let what = format!("{}: cannot be written: {error}", data.display());
        return bad("data directory", &what, "make it writable, or choose another place with --data-dir DIR");
    }
    good("data directory", &data.display().to_string())
}

/// How much room there is where the data lies, or will lie.
fn room(app: &App) -> Line {
    let there = app.settings.data.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/"));
    let ran = process::run(there, &app.settings.agent_env, &["df", "-Pk", "."]);
    let free = ran.ok().filter(|ran| ran.well).and_then(|ran| free_kib(&ran.output));
    let Some(free) = free else {
        let what = "`df` does not tell".to_owned();
        return Line { name: "free space", state: State::Absent, what, fix: None };
    };
    let what = format!("{}.{} GiB", free / GIB_KIB, free % GIB_KIB * 10 / GIB_KIB);
    if free < RESERVE_KIB {
        let fix = Some("make room: below 5 GiB no checkout is made".to_owned());
        return Line { name: "free space", state: State::Warning, what, fix };
    }
    good("free space", &what)
}

/// Reads what `df -Pk` says is available: the fourth word of its second line.
fn free_kib(df: &str) -> Option<u64> {
    df.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

fn configuration(app: &App) -> Line {
    match app.settings.warnings.first() {
        None => good("configuration", "readable"),
        Some(warning) => Line {
            name: "configuration",
            state: State::Warning,
            what: warning.clone(),
            fix: Some("move it to your own configuration file".to_owned()),
        },
    }
}

async fn store(app: &App) -> Line {
    let database = &app.settings.database;
    if !database.exists() {
        return Line { name: "store", state: State::Absent, what: "empty".to_owned(), fix: None };
    }
    let store = match SqliteStore::open_read_only(database).await {
        Ok(store) => store,
        Err(error) => {
            return bad("store", &error.to_string(), "update ipa, or restore the file from a backup");
        }
    };
    match ipa_events::verify(&store, None).await {
        Ok(report) if report.problems.is_empty() => {
            good("store", &format!("{} events verified", report.events))
        }
        Ok(report) => {
            let what = format!("{} problems in {} events", report.problems.len(), report.events);
            bad("store", &what, "`ipa event verify` lists them")
        }
        Err(error) => bad("store", &error.to_string(), "see that the disk is whole"),
    }
}

fn holding(app: &App) -> Line {
    match holder::server_file(&app.settings.data) {
        Some(server) => {
            let holder = server.holder;
            good("held by", &format!("ipa {}, pid {}, {}", holder.command, holder.pid, server.url))
        }
        None if holder::is_held(&app.settings.data) => {
            let who = holder::signed(&app.settings.data);
            let who = who.map(|holder| format!("ipa {}, pid {}", holder.command, holder.pid));
            good("held by", &who.unwrap_or_else(|| "somebody who did not sign".to_owned()))
        }
        None => Line {
            name: "held by",
            state: State::Absent,
            what: "nobody".to_owned(),
            fix: Some("`ipa serve` makes tasks go on".to_owned()),
        },
    }
}

/// What the engine's own parts say: agents and connectors.
async fn engine(app: &App) -> Vec<Line> {
    let engine = match wiring::reader(&app.settings).await {
        Ok(engine) => engine,
        Err(failure) => return vec![bad("engine", &failure.to_string(), "see the line about the store")],
    };
    let mut lines = Vec::new();
    for row in engine.runtimes().await {
        lines.push(match row.probe {
            // It needs a command, which is given where it is used.
            Err(_) if row.kind == "command" => good("agent", "command:PROGRAM"),
            Err(error) => absent(format!("{}: {error}", row.kind), None),
            Ok(_) => agent(&engine, &row.kind).await,
        });
    }
    lines.extend(connectors::lines(&engine, &running(app).await).await);
    lines
}

/// What who runs now knows of the connectors; nothing, where nobody does.
async fn running(app: &App) -> Vec<ConnectorRow> {
    let Ok(Some(client)) = access::running(&app.settings) else { return Vec::new() };
    let rows = all(&client, "/api/v1/connectors").await.ok();
    let list: Option<List<ConnectorRow>> = rows.and_then(|rows| parse("the connectors", &rows).ok());
    list.map_or_else(Vec::new, |list| list.items)
}

/// What an agent says inside the sandbox.
async fn agent(engine: &ipa_pod::Engine, kind: &str) -> Line {
    let Ok(name) = kind.parse() else { return absent(kind.to_owned(), None) };
    let probe = match engine.check(&name).await {
        Ok(Some(row)) => row.probe,
        Ok(None) => return absent(kind.to_owned(), None),
        Err(_) => {
            return absent(format!("{kind}: not tried"), Some("see the line about the sandbox".to_owned()));
        }
    };
    match probe {
        Ok(Probe { version, login }) => {
            let version = version.unwrap_or_default();
            match login {
                None => good("agent", &format!("{kind} {version}")),
                Some(Login::Key) => good("agent", &format!("{kind} {version}, login: key")),
                Some(Login::Shared(file)) => {
                    good("agent", &format!("{kind} {version}, login: shared, from {}", file.display()))
                }
                Some(Login::None(what)) => absent(format!("{kind} {version}, login: none"), Some(what)),
            }
        }
        Err(error) => absent(format!("{kind}: {error}"), None),
    }
}

fn absent(what: String, fix: Option<String>) -> Line {
    Line { name: "agent", state: State::Absent, what, fix }
}

fn good(name: &'static str, what: &str) -> Line {
    Line { name, state: State::Good, what: what.trim().to_owned(), fix: None }
}

fn bad(name: &'static str, what: &str, fix: &str) -> Line {
    Line { name, state: State::Bad, what: what.to_owned(), fix: Some(fix.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_free_is_read_from_df() {
        let df = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/x 100 30 70 30% /a b\n";
        assert_eq!(free_kib(df), Some(70));
        assert_eq!(["", "Filesystem", "a\nb c"].map(free_kib), [None; 3]);
    }
}
