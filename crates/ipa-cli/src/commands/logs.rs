//! What the agents of a task did.

use ipa_pod::log::AgentEvent;
use ipa_server::wire::{Run, TaskDetail};
use serde_json::{Value, json};

use super::App;
use super::follow::{News, Watch, end_of, log_path};
use super::query::encode;
use super::serve::Stopping;
use crate::access;
use crate::cli::LogsArgs;
use crate::client::{Client, parse};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{LogPrinter, Out};

/// `ipa logs`
pub(super) async fn run(app: &App, args: &LogsArgs) -> Result<Exit, Failure> {
    let client = access::reading(&app.settings).await?;
    let detail: TaskDetail = client.read(&format!("/api/v1/tasks/{}", encode(&args.task))).await?;
    let runs: Vec<Run> = match &args.run {
        None => detail.runs.clone(),
        Some(name) => vec![client.read(&format!("/api/v1/runs/{}", encode(name))).await?],
    };
    if args.follow {
        return follow(app, args, &client, (detail, runs)).await;
    }
    let mut all = Vec::new();
    for run in &runs {
        let entries = read(&client, run).await?;
        if app.out.is_json() {
            all.extend(entries.iter().map(|entry| named(run, entry)));
        } else {
            print_run(app.out, run, &entries)?;
        }
    }
    if app.out.is_json() {
        app.out.json(&json!({ "schema": "ipa.log.list/v1", "items": all, "next": null }))?;
    }
    Ok(Exit::Done)
}

/// Reads what there is of a run's log.
async fn read(client: &Client, run: &Run) -> Result<Vec<Value>, Failure> {
    let mut lines = client.follow(&format!("/api/v1/runs/{}/log", run.id)).await?;
    let mut entries = Vec::new();
    while let Some(entry) = lines.next().await? {
        entries.push(entry);
    }
    Ok(entries)
}

/// An entry for programs, with the run that it belongs to.
fn named(run: &Run, entry: &Value) -> Value {
    let mut entry = entry.clone();
    if let Some(fields) = entry.as_object_mut() {
        fields.insert("run".to_owned(), run.handle.clone().into());
    }
    entry
}

fn print_run(out: Out, run: &Run, entries: &[Value]) -> Result<(), Failure> {
    out.line(head(run))?;
    let mut printer = LogPrinter::new(run.started_at);
    for entry in entries {
        for line in printer.lines(&parse("a log", entry)?) {
            out.line(line)?;
        }
    }
    printer.rest().into_iter().try_for_each(|line| out.line(line))
}

/// The line that a run begins with.
pub(super) fn head(run: &Run) -> String {
    let what = run.check.as_ref().map_or_else(|| run.role.to_string(), |check| format!("check `{check}`"));
    format!("▸ {what}  {}  attempt {}  {}", run.handle, run.attempt, run.runtime.kind())
}

async fn follow(
    app: &App,
    args: &LogsArgs,
    client: &Client,
    (detail, runs): (TaskDetail, Vec<Run>),
) -> Result<Exit, Failure> {
    let mut stopping = Stopping::new()?;
    let mut tape = Tape::new(app.out);
    let open = |run: &&Run| run.finished_at.is_none();
    for run in runs.iter().filter(|run| !open(run)) {
        for entry in read(client, run).await? {
            tape.entry(run, &parse("a log", &entry)?)?;
        }
    }
    if end_of(&detail.task).is_some() && !runs.iter().any(|run| open(&run)) {
        return Ok(Exit::Done);
    }
    if !client.is_live() {
        return Err(Failure::NothingRuns("following it"));
    }
    let left = || Failure::Interrupted(format!("`ipa logs {} -f` follows it again", args.task));
    if let (Some(_), Some(run)) = (&args.run, runs.iter().find(open)) {
        let mut lines = client.follow(&log_path(run.id)).await?;
        loop {
            let entry = tokio::select! {
                entry = lines.next() => entry?,
                () = stopping.wait() => return Err(left()),
            };
            let Some(entry) = entry else { return Ok(Exit::Done) };
            tape.entry(run, &parse("a log", &entry)?)?;
        }
    }
    let seen = runs.iter().filter(|run| !open(run)).map(|run| run.id.number).max().unwrap_or_default();
    let mut watch = Watch::new(client, &detail.task, 0).await?.after_run(seen);
    loop {
        let news = tokio::select! {
            news = watch.next() => news?,
            () = stopping.wait() => return Err(left()),
        };
        match news {
            News::Log(run, entry) => tape.entry(&run, &entry)?,
            // Only when nothing more was said: what an agent says last is not cut off.
            News::Look(detail) if end_of(&detail.task).is_some() => {
                tape.rest()?;
                return Ok(Exit::Done);
            }
            News::Event(..) | News::Look(_) => {}
        }
    }
}

/// Prints the logs of runs one after another, each under its head.
pub(super) struct Tape {
    out: Out,
    run: Option<(Run, LogPrinter)>,
}

impl Tape {
    /// Makes an empty tape.
    pub(super) const fn new(out: Out) -> Self {
        Self { out, run: None }
    }

    /// Prints what an agent did.
    pub(super) fn entry(&mut self, run: &Run, entry: &AgentEvent) -> Result<(), Failure> {
        if self.out.is_json() {
            return self.out.json(&named(run, &serde_json::to_value(entry).map_err(Failure::Encode)?));
        }
        if self.run.as_ref().is_none_or(|(current, _)| current.id != run.id) {
            self.rest()?;
            self.out.line(head(run))?;
            self.run = Some((run.clone(), LogPrinter::new(run.started_at)));
        }
        let lines = self.run.as_mut().map(|(_, printer)| printer.lines(entry)).unwrap_or_default();
        lines.into_iter().try_for_each(|line| self.out.line(line))
    }

    /// Prints what waits to be told.
    pub(super) fn rest(&mut self) -> Result<(), Failure> {
        let lines = self.run.as_mut().map(|(_, printer)| printer.rest()).unwrap_or_default();
        lines.into_iter().try_for_each(|line| self.out.line(line))
    }
}
