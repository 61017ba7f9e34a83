//! What the agents of a task did.

use ipa_pod::log::AgentEvent;
use ipa_server::wire::{Prompt, Run, TaskDetail};
use serde_json::{Value, json};

use super::App;
use super::follow::{News, Watch, end_of};
use super::query::part;
use super::serve::Stopping;
use crate::access;
use crate::cli::{LogsArgs, ToolsChoice};
use crate::client::{Client, Lines, parse};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{LogPrinter, Out, plain};

/// `ipa logs`
pub(super) async fn run(app: &App, args: &LogsArgs) -> Result<Exit, Failure> {
    let client = access::reading(&app.settings).await?;
    let detail: TaskDetail = client.read(&format!("/api/v1/tasks/{}", part(&args.task)?)).await?;
    let runs: Vec<Run> = match &args.run {
        None => detail.runs.clone(),
        Some(name) => vec![client.read(&format!("/api/v1/runs/{}", part(name)?)).await?],
    };
    if args.follow {
        return follow(app, args, &client, (detail, runs)).await;
    }
    if args.prompt {
        return prompts(app.out, &client, &runs).await;
    }
    if app.out.is_json() {
        return document(app.out, &client, &runs).await;
    }
    for run in &runs {
        print_run(app.out, &client, (run, args.tools)).await?;
    }
    Ok(Exit::Done)
}

/// Prints the logs of some runs as one document, which only then is whole.
async fn document(out: Out, client: &Client, runs: &[Run]) -> Result<Exit, Failure> {
    let mut all = Vec::new();
    for run in runs {
        let mut lines = read(client, run).await?;
        while let Some(entry) = lines.next().await? {
            all.push(named(run, entry));
        }
    }
    out.json(&json!({ "schema": "ipa.log.list/v1", "items": all, "next": null }))?;
    Ok(Exit::Done)
}

/// Prints what the agents of some runs were told.
async fn prompts(out: Out, client: &Client, runs: &[Run]) -> Result<Exit, Failure> {
    let mut all: Vec<Prompt> = Vec::new();
    for run in runs {
        all.push(client.read(&format!("/api/v1/runs/{}/prompt", run.id)).await?);
    }
    if out.is_json() {
        out.json(&json!({ "schema": "ipa.prompt.list/v1", "items": all, "next": null }))?;
        return Ok(Exit::Done);
    }
    for (run, prompt) in runs.iter().zip(&all) {
        out.line(head(run))?;
        prompt.text.iter().flat_map(|text| text.lines()).try_for_each(|line| out.line(plain(line)))?;
    }
    Ok(Exit::Done)
}

/// Reads what there is of a run's log.
async fn read(client: &Client, run: &Run) -> Result<Lines, Failure> {
    client.follow(&format!("/api/v1/runs/{}/log", run.id)).await
}

/// An entry for programs, with the run that it belongs to.
fn named(run: &Run, mut entry: Value) -> Value {
    if let Some(fields) = entry.as_object_mut() {
        fields.insert("run".to_owned(), run.handle.clone().into());
    }
    entry
}

/// Prints the log of a run as it comes.
async fn print_run(out: Out, client: &Client, (run, tools): (&Run, ToolsChoice)) -> Result<(), Failure> {
    let mut lines = read(client, run).await?;
    out.line(head(run))?;
    let mut printer = LogPrinter::new(run.started_at, tools);
    while let Some(entry) = lines.next().await? {
        for line in printer.lines(&parse("a log", &entry)?) {
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
    let mut tape = Tape::new(app.out, args.tools);
    let open = |run: &&Run| run.finished_at.is_none();
    for run in runs.iter().filter(|run| !open(run)) {
        let mut lines = read(client, run).await?;
        while let Some(entry) = lines.next().await? {
            tape.entry(run, &parse("a log", &entry)?)?;
        }
    }
    let current = runs.iter().find(open).filter(|_| args.run.is_some());
    if (end_of(&detail.task).is_some() || args.run.is_some()) && !runs.iter().any(|run| open(&run)) {
        return Ok(Exit::Done);
    }
    if !client.is_live() {
        return Err(Failure::NothingRuns("following it"));
    }
    let left = || Failure::left(format!("`ipa logs {} -f` follows it again", args.task));
    let told = runs.iter().filter(|run| !open(run)).map(|run| run.id.number).max().unwrap_or_default();
    let only = current.map(|run| run.id.number);
    let seen = only.map_or(told, |only| only.saturating_sub(1));
    let over = |now: &TaskDetail| {
        let run = now.runs.iter().find(|run| Some(run.id.number) == only);
        run.is_some_and(|run| run.finished_at.is_some()) || end_of(&now.task).is_some()
    };
    let mut watch = Watch::new(client, &detail.task).await?.after_run(seen);
    loop {
        let news = tokio::select! {
            news = watch.next() => news?,
            () = stopping.wait() => return Err(left()),
        };
        match news {
            News::Log(run, entry) if only.is_none_or(|only| run.id.number == only) => {
                tape.entry(&run, &entry)?;
            }
            // Only when nothing more was said: what an agent says last is not cut off.
            News::Look(now) if over(&now) => {
                tape.rest()?;
                return Ok(Exit::Done);
            }
            News::Event(..) | News::Look(_) | News::Log(..) => {}
        }
    }
}

/// Prints the logs of runs one after another, each under its head.
pub(super) struct Tape {
    out: Out,
    tools: ToolsChoice,
    run: Option<(Run, LogPrinter)>,
}

impl Tape {
    /// Makes an empty tape.
    pub(super) const fn new(out: Out, tools: ToolsChoice) -> Self {
        Self { out, tools, run: None }
    }

    /// Prints what an agent did.
    pub(super) fn entry(&mut self, run: &Run, entry: &AgentEvent) -> Result<(), Failure> {
        if self.out.is_json() {
            return self.out.json(&named(run, serde_json::to_value(entry).map_err(Failure::Encode)?));
        }
        if self.run.as_ref().is_none_or(|(current, _)| current.id != run.id) {
            self.rest()?;
            self.out.line(head(run))?;
            self.run = Some((run.clone(), LogPrinter::new(run.started_at, self.tools)));
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
