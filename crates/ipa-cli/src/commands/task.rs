//! Creating, listing and showing tasks.

mod around;

use ipa_agent::Secrets;
use ipa_events::Status;
use ipa_pod::{Edge as _, SystemEdge};
use ipa_server::wire::{Approve, CreateTask, List, Task, TaskDetail, Why};
use jiff::Timestamp;
use serde_json::Value;

use super::query::{all, part};
use super::{App, repo};
use crate::access;
use crate::cli::{ApproveChoice, CreateArgs, ListArgs};
use crate::client::{Client, parse};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Table, plain};

/// `ipa task create`
pub(super) async fn create(app: &App, args: &CreateArgs) -> Result<Exit, Failure> {
    let draft = draft(app, args)?;
    let client = access::writing(&app.settings, app.out, "task create").await?;
    let task = send(app, &client, &draft).await?;
    app.out.reply(&task, |task| {
        let task: Task = parse("the task", task)?;
        Ok(format!("{}  {}\n", task.handle, plain(&task.title)))
    })?;
    Ok(Exit::Done)
}

/// Says what is to be created, in the API's words.
pub(super) fn draft(app: &App, args: &CreateArgs) -> Result<CreateTask, Failure> {
    Ok(CreateTask {
        request: args.text.clone(),
        title: args.title.clone(),
        repo: Some(repo::resolve(app, args.repo.as_deref())?),
        base: args.base.clone().or_else(|| app.settings.values.base.clone()),
        agent: args.agent.clone(),
        approve: args.approve.map(|choice| match choice {
            ApproveChoice::Ask => Approve::Ask,
            ApproveChoice::Auto => Approve::Auto,
        }),
        checks: (!args.checks.is_empty()).then(|| args.checks.clone()),
        start_at: args.start_at,
        priority: args.priority,
        depends_on: args.depends_on.clone(),
    })
}

/// Creates a task and returns it as it is shown.
pub(super) async fn send(app: &App, client: &Client, draft: &CreateTask) -> Result<Value, Failure> {
    let task = client.post("/api/v1/tasks", draft).await?;
    let marks = |text: &str| text.matches(Secrets::MARK).count();
    let words = [Some(&draft.request), draft.title.as_ref()].into_iter().flatten();
    let kept = ["request", "title"].map(|name| task.get(name).and_then(Value::as_str).unwrap_or_default());
    if words.zip(kept).any(|(said, kept)| marks(kept) > marks(said)) {
        app.out.note(
            "a secret in the request was replaced by [redacted] before it was stored; give it to the agent in \
             `[agents.X] env` of ipa.toml, and name the variable instead",
        );
    }
    Ok(task)
}

/// `ipa ls`
pub(super) async fn list(app: &App, args: &ListArgs) -> Result<Exit, Failure> {
    let mut query = Vec::new();
    query.extend(args.phase.map(|phase| format!("phase={phase}")));
    query.extend(args.status.map(|status| format!("status={status}")));
    let joint = if query.is_empty() { "" } else { "?" };
    let client = access::reading(&app.settings).await?;
    let tasks = all(&client, &format!("/api/v1/tasks{joint}{}", query.join("&"))).await?;
    app.out.reply(&tasks, |tasks| {
        let tasks: List<Task> = parse("the tasks", tasks)?;
        Ok(tasks_text(&tasks.items, SystemEdge.now()))
    })?;
    Ok(Exit::Done)
}

fn tasks_text(tasks: &[Task], now: Timestamp) -> String {
    let mut table = Table::new(&["ID", "PHASE", "STATUS", "AGENT", "AGE", "COST", "TITLE"]);
    for task in tasks {
        table.row(vec![
            task.handle.to_string(),
            task.phase.to_string(),
            status(task),
            task.agent.kind().to_owned(),
            age(task.created_at, now),
            format!("${:.2}", task.cost_usd),
            task.title.clone(),
        ]);
    }
    if table.is_empty() {
        return "no tasks; create one with `ipa run \"describe the change\"`\n".to_owned();
    }
    let open: usize = tasks.iter().map(|task| task.open_decisions.len()).sum();
    let footer = match open {
        0 => String::new(),
        1 => "1 needs you → ipa inbox\n".to_owned(),
        open => format!("{open} need you → ipa inbox\n"),
    };
    table.render() + &footer
}

/// A task in one line.
pub(super) fn line(task: &Task) -> String {
    plain(&format!("{}  {}, {}  {}", task.handle, task.phase, status(task), task.title)) + "\n"
}

/// The status, and whom it waits for.
fn status(task: &Task) -> String {
    match (task.status, task.open_decisions.first()) {
        (Status::Waiting, Some(decision)) => format!("waiting: {decision}"),
        (status, _) => status.to_string(),
    }
}

/// How long ago something was, in its largest unit.
pub(super) fn age(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(then.as_second()).max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// `ipa show`
pub(super) async fn show(app: &App, task: &str, at: Option<u64>) -> Result<Exit, Failure> {
    let client = access::reading(&app.settings).await?;
    let at = at.map(|version| format!("?at={version}")).unwrap_or_default();
    let task = client.get(&format!("/api/v1/tasks/{}{at}", part(task)?)).await?;
    app.out.reply(&task, |task| Ok(detail_text(&parse("the task", task)?)))?;
    Ok(Exit::Done)
}

fn detail_text(detail: &TaskDetail) -> String {
    let task = &detail.task;
    let mut lines = vec![
        format!("{}  {}", task.handle, task.title),
        format!("{}, {}  version {}  agent {}", task.phase, status(task), task.version, task.agent.kind()),
    ];
    lines.extend(task.waiting_for.as_ref().map(|what| format!("waits for  {what}")));
    lines.push(format!("repository {}", task.repo));
    lines.extend(task.branch.as_ref().map(|branch| format!("branch     {branch}")));
    lines.extend(task.commit.as_ref().map(|commit| format!("commit     {}", commit.short())));
    let budget = task.budget_usd.map_or_else(String::new, |budget| format!(" of {budget:.2}"));
    lines.push(format!("cost       ${:.2}{budget}", task.cost_usd));
    lines.push(format!("\n{}", detail.request));
    for (name, document) in [("spec", &detail.spec), ("plan", &detail.plan)] {
        if let (Some(version), Some(text)) = (document.version, document.versions.last()) {
            lines.push(format!("\n── {name} v{version}\n{}", text.trim_end()));
        }
    }
    if !detail.runs.is_empty() {
        lines.push("\n── runs".to_owned());
    }
    let sandbox = detail.runs.iter().rev().find_map(|run| run.sandbox.as_ref());
    lines.extend(sandbox.map(|sandbox| format!("sandbox    {sandbox}")));
    for run in &detail.runs {
        let outcome = run.outcome.as_ref().map(outcome_text).unwrap_or_default();
        let status = format!("{:?}", run.status).to_lowercase();
        lines.push(format!("{}  {}  attempt {}  {status} {outcome}", run.handle, run.role, run.attempt));
        lines.extend(run.takes_over.as_ref().map(|from| format!("  takes over from {from}")));
        lines.extend(run.budget.as_ref().map(|budget| format!("  used: {budget}")));
    }
    for check in &detail.checks.results {
        let sign = if check.passed { "✓" } else { "✗" };
        lines.push(format!("{sign} {} on {}", check.command, check.commit.short()));
    }
    lines.extend(around::lines(detail));
    plain(&lines.join("\n")) + "\n"
}

/// How a run ended, in a word and, where it failed, what happened.
pub(super) fn outcome_text(outcome: &ipa_events::Outcome) -> String {
    match outcome {
        ipa_events::Outcome::Completed => "completed".to_owned(),
        ipa_events::Outcome::Interrupted { by } => format!("interrupted by {by}"),
        ipa_events::Outcome::Failed { detail, .. } => format!("failed: {detail}"),
    }
}

/// `ipa why`
pub(super) async fn why(app: &App, task: &str) -> Result<Exit, Failure> {
    let client = access::reading(&app.settings).await?;
    let why = client.get(&format!("/api/v1/tasks/{}/why", part(task)?)).await?;
    app.out.reply(&why, |why| {
        let why: Why = parse("the reason", why)?;
        let stands = if why.phase.is_over() {
            why.phase.to_string()
        } else {
            format!("{} in {}", why.status, why.phase)
        };
        Ok(plain(&format!("{} is {stands}: {}\n", why.handle, why.reason)))
    })?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let ages: Vec<String> = [0, 59, 60, 7_200, 200_000]
            .map(|ago| age(Timestamp::from_second(1_000_000 - ago).unwrap(), now))
            .into();
        assert_eq!(ages, ["0s", "59s", "1m", "2h", "2d"]);
        assert_eq!(age(now, Timestamp::from_second(5).unwrap()), "0s");
    }
}
