//! Looking at the log of what happened.

use std::fmt::Write as _;

use ipa_events::Reference;
use ipa_server::wire::{EventRecord, List};
use serde_json::{Value, json};

use super::App;
use super::query::{all_after, part};
use crate::cli::EventVerb;
use crate::client::parse;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Table, plain};
use crate::{access, wiring};

/// `ipa event …`
pub(super) async fn run(app: &App, verb: EventVerb) -> Result<Exit, Failure> {
    match verb {
        EventVerb::List { task, after } => list(app, &task, after).await,
        EventVerb::Show { task, version } => show(app, &task, version).await,
        EventVerb::Verify { task } => verify(app, task.as_deref()).await,
    }
}

async fn list(app: &App, task: &str, after: u64) -> Result<Exit, Failure> {
    let client = access::reading(&app.settings).await?;
    let first = after.to_string();
    let first = (after > 0).then_some(first.as_str());
    let events = all_after(&client, &format!("/api/v1/tasks/{}/events", part(task)?), first).await?;
    app.out.reply(&events, |events| {
        let events: List<EventRecord> = parse("the events", events)?;
        let mut table = Table::new(&["V", "TIME", "TYPE", "ACTOR", "WHAT"]);
        for event in events.items {
            let what = event.told.unwrap_or_else(|| brief(&event.payload));
            let what = event.unreadable.map_or(what, |why| format!("unreadable: {why}"));
            let time = event.at.strftime("%H:%M:%S").to_string();
            table.row(vec![event.version.to_string(), time, event.kind, event.actor, what]);
        }
        Ok(if table.is_empty() { "no events\n".to_owned() } else { table.render() })
    })?;
    Ok(Exit::Done)
}

async fn show(app: &App, task: &str, version: u64) -> Result<Exit, Failure> {
    let client = access::reading(&app.settings).await?;
    let before = version.saturating_sub(1);
    let page = client.get(&format!("/api/v1/tasks/{}/events?after={before}&limit=1", part(task)?)).await?;
    let first = page.get("items").and_then(Value::as_array).and_then(|items| items.first());
    let found = first.filter(|event| event.get("version").and_then(Value::as_u64) == Some(version));
    let mut event = found.cloned().ok_or_else(|| Failure::NotFound {
        message: format!("{task} has no event {version}"),
        help: format!("`ipa event list {task}` lists them all"),
    })?;
    if app.out.is_json() {
        if let Some(event) = event.as_object_mut() {
            event.entry("schema").or_insert_with(|| json!("ipa.event/v1"));
        }
        app.out.json(&event)?;
    } else {
        app.out.line(plain(&serde_json::to_string_pretty(&event).map_err(Failure::Encode)?))?;
    }
    Ok(Exit::Done)
}

/// Reads the store itself, whoever holds it: what is checked is what lies on the disk.
async fn verify(app: &App, task: Option<&str>) -> Result<Exit, Failure> {
    if app.settings.remote.is_some() {
        return Err(Failure::Usage {
            message: "a store is verified where it lies, not through --server".to_owned(),
            help: "run it on the server's machine, with its --data-dir".to_owned(),
        });
    }
    let store = wiring::store_to_read(&app.settings).await?;
    let engine = wiring::reader(&app.settings).await?;
    let task = match task {
        None => None,
        Some(name) => {
            let reference: Reference = name.parse().map_err(|error: ipa_events::InvalidValue| {
                Failure::Usage { message: error.to_string(), help: "`ipa ls` lists all tasks".to_owned() }
            })?;
            let missing = |_error| Failure::NotFound {
                message: format!("there is no task {name}"),
                help: "`ipa ls` lists all tasks".to_owned(),
            };
            Some(engine.resolve(reference).await.map_err(missing)?)
        }
    };
    let report = ipa_events::verify(&store, task).await.map_err(ipa_pod::EngineError::Read)?;
    let problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    let value = json!({
        "schema": "ipa.verify/v1", "ok": problems.is_empty(), "events": report.events,
        "tasks": report.streams, "problems": problems,
    });
    app.out.reply(&value, |_value| {
        let mut text = format!("{} events of {} tasks verified\n", report.events, report.streams);
        for problem in &problems {
            writeln!(text, "✗ {}", plain(problem)).ok();
        }
        Ok(text)
    })?;
    Ok(if problems.is_empty() { Exit::Done } else { Exit::Failed })
}

/// What an event says, in one short line.
pub(super) fn brief(payload: &Value) -> String {
    let text = match payload {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(name, _)| !matches!(name.as_str(), "type" | "task"));
            let fields = fields.map(|(name, value)| match value {
                Value::String(text) => format!("{name}={}", text.lines().next().unwrap_or_default()),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    format!("{name}={value}")
                }
            });
            fields.collect::<Vec<_>>().join(" ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            payload.to_string()
        }
    };
    if text.chars().count() <= 100 { text } else { text.chars().take(99).chain(['…']).collect() }
}
