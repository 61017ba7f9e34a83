//! The outside: what was and is to be changed there, who agrees, and how the connectors are.

mod wanted;

use std::fmt::Write as _;

use ipa_server::wire::{ConnectorRow, ConnectorState, List, SyncInput, SyncOp, SyncState, WantedChange};
use serde_json::{Value, json};

use super::App;
use super::query::{all, encode, part};
use crate::access;
use crate::cli::SyncVerb;
use crate::client::parse;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Table, plain};

/// `ipa sync …`
pub(super) async fn run(app: &App, verb: SyncVerb) -> Result<Exit, Failure> {
    match verb {
        SyncVerb::Status { task } => status(app, task.as_deref()).await,
        SyncVerb::Show { op } => show(app, &op).await,
        SyncVerb::Now { task, dry_run: true } => would(app, &task).await,
        SyncVerb::Now { task, dry_run: false } => now(app, &task).await,
        SyncVerb::Approve { op, message } => act(app, &op, ("approve", message)).await,
        SyncVerb::Reject { op, message } => act(app, &op, ("reject", Some(message))).await,
        SyncVerb::Retry { op } => act(app, &op, ("retry", None)).await,
        SyncVerb::Drop { op } => act(app, &op, ("drop", None)).await,
        SyncVerb::Pause { connector, message } => {
            connector_verb(app, connector.as_str(), ("pause", message)).await
        }
        SyncVerb::Resume { connector } => connector_verb(app, connector.as_str(), ("resume", None)).await,
    }
}

async fn status(app: &App, task: Option<&str>) -> Result<Exit, Failure> {
    let client = access::reading(&app.settings).await?;
    let path =
        task.map_or_else(|| "/api/v1/sync".to_owned(), |task| format!("/api/v1/sync?task={}", encode(task)));
    let ops = all(&client, &path).await?;
    let connectors = all(&client, "/api/v1/connectors").await?;
    let items = |list: &Value| list.get("items").cloned().unwrap_or_default();
    let reply = json!({
        "schema": "ipa.sync_status/v1",
        "connectors": items(&connectors),
        "items": items(&ops),
    });
    app.out.reply(&reply, |_reply| {
        let connectors: List<ConnectorRow> = parse("the connectors", &connectors)?;
        let mut text = String::new();
        for row in connectors.items {
            writeln!(text, "{}", told(&row)).ok();
        }
        text.push_str(&table(&ops)?);
        Ok(text)
    })?;
    Ok(Exit::Done)
}

/// Says in a line how a connector is.
fn told(row: &ConnectorRow) -> String {
    let state = match row.state {
        ConnectorState::Unasked => "was not asked yet".to_owned(),
        ConnectorState::Open => "works".to_owned(),
        ConnectorState::Failing => "does not answer".to_owned(),
        ConnectorState::Waiting => {
            row.until.map_or_else(|| "waits".to_owned(), |until| format!("waits until {until:.0}"))
        }
        ConnectorState::Closed => {
            format!("is closed: mend its credential, then `ipa sync resume {}`", row.name)
        }
        ConnectorState::Paused => paused(row),
    };
    let error = row.error.as_ref().map_or_else(String::new, |error| format!(" ({})", plain(error)));
    let hook = row.hook_at.map_or_else(String::new, |at| format!("; a webhook last came at {at:.0}"));
    format!("{} {state}{error}{hook}", row.name)
}

/// Says who paused a connector, when and why.
fn paused(row: &ConnectorRow) -> String {
    let by = row.by.as_ref().map_or_else(String::new, |by| format!(" by {}", plain(&by.to_string())));
    let since = row.since.map_or_else(String::new, |since| format!(" at {since:.0}"));
    let why = row.why.as_ref().map_or_else(String::new, |why| format!(": {}", plain(why)));
    format!("was paused{by}{since}{why}; `ipa sync resume {}` lets it go on", row.name)
}

fn table(ops: &Value) -> Result<String, Failure> {
    let ops: List<SyncOp> = parse("the changes", ops)?;
    let mut table = Table::new(&["CHANGE", "STATE", "OF", "WHAT", "DETAIL"]);
    for op in ops.items {
        let detail = match (&op.until, &op.url, op.detail) {
            (Some(until), ..) => format!("until {until:.0}"),
            (None, Some(url), _) => url.clone(),
            (None, None, detail) => detail.unwrap_or_default(),
        };
        table.row(vec![op.handle, word(op.state).to_owned(), op.resource.to_string(), op.title, detail]);
    }
    Ok(if table.is_empty() { "nothing was changed outside\n".to_owned() } else { table.render() })
}

/// Says how far a change is.
pub(super) const fn word(state: SyncState) -> &'static str {
    match state {
        SyncState::Held => "held",
        SyncState::Ready => "ready",
        SyncState::InFlight => "in flight",
        SyncState::Waiting => "waiting",
        SyncState::Sent => "sent",
        SyncState::Dead => "given up",
        SyncState::Superseded => "superseded",
        SyncState::Refused => "refused",
    }
}

async fn show(app: &App, op: &str) -> Result<Exit, Failure> {
    let client = access::reading(&app.settings).await?;
    let found = client.get(&format!("/api/v1/sync/{}", part(op)?)).await?;
    app.out.reply(&found, |found| {
        let op: SyncOp = parse("the change", found)?;
        let mut text = format!("{}  {}  {}\n{}\n", op.handle, word(op.state), op.resource, plain(&op.title));
        if let Some(written) = op.change.text() {
            writeln!(text, "\n{}", plain(written.trim_end())).ok();
        }
        text.push_str(&plain(&became(&op)));
        Ok(text)
    })?;
    Ok(Exit::Done)
}

/// Says what became of a change, and what can be done about it.
fn became(op: &SyncOp) -> String {
    let handle = &op.handle;
    let until = op.until.map(|until| format!("not tried again before {until:.0}"));
    let told = [op.detail.clone(), until, op.url.clone()].into_iter().flatten();
    let help = match op.state {
        SyncState::Held => Some(format!(
            "`ipa sync approve {handle}` agrees to it, `ipa sync reject {handle} -m WHY` refuses it"
        )),
        SyncState::Waiting => Some(format!("`ipa sync retry {handle}` tries it now")),
        SyncState::Dead => {
            Some(format!("`ipa sync retry {handle}` tries it again, `ipa sync drop {handle}` gives it up"))
        }
        SyncState::Ready
        | SyncState::InFlight
        | SyncState::Sent
        | SyncState::Superseded
        | SyncState::Refused => None,
    };
    let lines: Vec<String> = told.chain(help).collect();
    if lines.is_empty() { String::new() } else { format!("\n{}\n", lines.join("\n")) }
}

async fn now(app: &App, task: &str) -> Result<Exit, Failure> {
    let Some(client) = access::running(&app.settings)? else {
        return Err(Failure::NothingRuns("looking outside"));
    };
    let ops = client.post(&format!("/api/v1/tasks/{}/sync", part(task)?), &json!({})).await?;
    app.out.reply(&ops, table)?;
    Ok(Exit::Done)
}

/// Says what would be made, and makes nothing.
async fn would(app: &App, task: &str) -> Result<Exit, Failure> {
    let client = access::reading(&app.settings).await?;
    let wanted = client.get(&format!("/api/v1/tasks/{}/sync", part(task)?)).await?;
    app.out.reply(&wanted, |wanted| {
        let wanted: List<WantedChange> = parse("what is wanted", wanted)?;
        let shown: String = wanted.items.iter().map(wanted::text).collect();
        Ok(if shown.is_empty() { "nothing is to be changed outside\n".to_owned() } else { plain(&shown) })
    })?;
    Ok(Exit::Done)
}

async fn act(app: &App, op: &str, (verb, text): (&str, Option<String>)) -> Result<Exit, Failure> {
    let client = access::writing(&app.settings, app.out, "sync").await?;
    let reply = client.post(&format!("/api/v1/sync/{}/{verb}", part(op)?), &SyncInput { text }).await?;
    app.out.reply(&reply, |_reply| Ok(format!("{op}: {verb}\n")))?;
    Ok(Exit::Done)
}

async fn connector_verb(
    app: &App,
    connector: &str,
    (verb, text): (&str, Option<String>),
) -> Result<Exit, Failure> {
    let client = access::writing(&app.settings, app.out, "sync").await?;
    let path = format!("/api/v1/connectors/{}/{verb}", part(connector)?);
    let row = client.post(&path, &SyncInput { text }).await?;
    app.out.reply(&row, |row| {
        let row: ConnectorRow = parse("the connector", row)?;
        Ok(format!("{}\n", told(&row)))
    })?;
    Ok(Exit::Done)
}
