//! What people ask of tasks, from the API and from the forms of pages alike.

use ipa_events::store::Version;
use ipa_events::task::{Gates, Verdict};
use ipa_events::{Ctx, DecisionId, Envelope, Executed, Phase, Reference, RunId, TaskCommand, TaskId};
use ipa_pod::{CreatedTask, Engine, EngineError, TaskDraft};
use serde_json::Value;

use crate::api::extract::{self, invalid};
use crate::error::Code;
use crate::error::problem::Refusal;
use crate::state::AppState;
use crate::wire::{Approve, Command, CreateTask, DecisionInput, VerdictWord};

/// Creates a task.
pub(crate) async fn create(state: &AppState, ctx: Ctx, asked: CreateTask) -> Result<CreatedTask, Refusal> {
    let draft = draft(state, asked).await?;
    Ok(state.engine().create(ctx, draft).await?)
}

async fn draft(state: &AppState, asked: CreateTask) -> Result<TaskDraft, Refusal> {
    let repo = asked.repo.or_else(|| state.config().default_repo.clone()).ok_or_else(|| {
        Refusal::new(Code::NoRepository, "no repository was named")
            .help("name one: an absolute path on the server's machine, or a URL")
    })?;
    let mut depends_on = Vec::new();
    for name in &asked.depends_on {
        let reference: Reference = name.parse().map_err(|error| invalid(format!("{error}")))?;
        let found = state.engine().resolve(reference).await;
        depends_on.push(found.map_err(|error| {
            let unknown = matches!(error, EngineError::UnknownTask(_));
            if unknown { EngineError::UnknownDependency(reference) } else { error }
        })?);
    }
    Ok(TaskDraft {
        request: asked.request.into(),
        title: asked.title.map(Into::into),
        repo,
        base: asked.base,
        agent: asked.agent,
        gates: asked.approve.map(|approve| match approve {
            Approve::Ask => Gates::default(),
            Approve::Auto => Gates::auto(),
        }),
        checks: asked.checks.map(|checks| checks.into_iter().map(Into::into).collect()),
        start_at: asked.start_at.unwrap_or(Phase::SpecClarification),
        priority: asked.priority.unwrap_or_default(),
        depends_on,
        ticket: None,
    })
}

/// Carries a command out on a task; where it was given on what was seen at a version, only at that one.
pub(crate) async fn command(
    state: &AppState,
    ctx: Ctx,
    (task, seen): (TaskId, Option<Version>),
    command: Command,
) -> Result<Executed, Refusal> {
    let engine = state.engine();
    let body = match command {
        Command::Edit { title, priority } => TaskCommand::Edit { title: title.map(Into::into), priority },
        Command::Pause { reason } => TaskCommand::Pause { reason: reason.map(Into::into) },
        Command::Resume {} => TaskCommand::Resume,
        Command::Complete { note } => TaskCommand::Complete { note: note.map(Into::into) },
        Command::Cancel { reason } => TaskCommand::Cancel { reason: reason.map(Into::into) },
        Command::Reopen {} => TaskCommand::Reopen,
        Command::Retry {} => TaskCommand::Retry,
        Command::Back { phase, reason } => TaskCommand::GoBack { phase, reason: reason.into() },
        Command::Message { text } => TaskCommand::PostMessage { text: text.into() },
        Command::Interrupt { run, reason } => {
            let run = meant_run(engine, task, run.as_deref()).await?;
            TaskCommand::InterruptRun { run, reason: reason.map(Into::into) }
        }
    };
    execute(engine, (task, seen), Envelope { ctx, body }).await
}

/// Finds the run that is to be interrupted: the one that is named, or the one that is open.
async fn meant_run(engine: &Engine, task: TaskId, named: Option<&str>) -> Result<RunId, Refusal> {
    if let Some(name) = named {
        let run = extract::run(engine, name).await?;
        let other = || invalid(format!("run {name} does not belong to this task"));
        return if run.task == task { Ok(run) } else { Err(other()) };
    }
    let open = engine.task(task).await?.state.open_run().map(|run| run.id);
    open.ok_or_else(|| {
        Refusal::new(Code::WrongState, "no run of this task is open").help("there is nothing to interrupt")
    })
}

/// Decides what waits for a person.
pub(crate) async fn decide(
    state: &AppState,
    ctx: Ctx,
    (decision, seen): (DecisionId, Option<Version>),
    input: DecisionInput,
) -> Result<Executed, Refusal> {
    let shown = Some(input.payload_hash.clone());
    let body = TaskCommand::Answer { decision, seen: shown, verdict: verdict(input)? };
    execute(state.engine(), (decision.task, seen), Envelope { ctx, body }).await
}

fn verdict(input: DecisionInput) -> Result<Verdict, Refusal> {
    let said = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let (reason, text) = (said(input.reason), said(input.text));
    if input.input.is_some() && input.verdict != VerdictWord::Approve {
        return Err(invalid("only an approval takes an input").help("leave `input` out"));
    }
    match input.verdict {
        VerdictWord::Approve if let Some(input) = input.input => Ok(Verdict::Edit {
            input: Value::Object(input).to_string().into(),
            note: reason.or(text).map(Into::into),
        }),
        VerdictWord::Approve => Ok(Verdict::Approve { note: reason.or(text).map(Into::into) }),
        VerdictWord::Reject => reason
            .or(text)
            .map(|reason| Verdict::Reject { reason: reason.into() })
            .ok_or_else(|| invalid("a rejection needs its reason").help("say in `reason` what to do better")),
        VerdictWord::Answer => text
            .or(reason)
            .map(|text| Verdict::Answer { text: text.into() })
            .ok_or_else(|| invalid("an answer needs its text").help("say the answer in `text`")),
    }
}

/// Sends a task a command; where it was given on what was seen at a version, only at that one.
pub(crate) async fn execute(
    engine: &Engine,
    (task, seen): (TaskId, Option<Version>),
    command: Envelope<TaskCommand>,
) -> Result<Executed, Refusal> {
    let executed = match seen {
        Some(seen) => engine.execute_on(task, seen, command).await,
        None => engine.execute(task, command).await,
    };
    let error = match executed {
        Ok(executed) => return Ok(executed),
        Err(error) => error,
    };
    // A person knows the task by its short name; one that cannot be read keeps its id.
    let now = engine.task(task).await.ok();
    let is_stale = matches!(error, EngineError::Stale(_));
    let mut refusal = Refusal::from(error);
    if let (true, Some(seen), Some(now)) = (is_stale, seen, &now) {
        refusal = refusal.versions(seen.get(), now.version.get());
    }
    Err(match now {
        Some(now) => refusal.naming(task, now.row.summary.handle),
        None => refusal,
    })
}
