//! Creating a task and following it until it ends or needs a person.

use std::collections::BTreeSet;
use std::time::Duration;

use ipa_events::Runtime;
use ipa_pod::{Drain, Scope};
use ipa_server::wire::{AgentRow, Command, CreateTask, EventRecord, TaskDetail};
use serde_json::Value;

use super::follow::{Ending, News, Watch, end_of, put_away};
use super::logs::Tape;
use super::people::People;
use super::query::part;
use super::serve::{Address, Engaged, Parts, Stopping};
use super::{App, task};
use crate::access::{self, Reached};
use crate::cli::{RunArgs, ToolsChoice};
use crate::client::{Client, Local, parse};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::holder::DataDir;
use crate::output::plain;
use crate::wiring;

/// How long an interrupted run may take to end.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// `ipa run`
pub(super) async fn run(app: &App, args: &RunArgs) -> Result<Exit, Failure> {
    let draft = task::draft(app, &args.create)?;
    let mut stopping = Stopping::new()?;
    match access::reach(&app.settings, "run").await? {
        Reached::Held(held) => alone(app, held, &draft, &mut stopping).await,
        Reached::Served(client) => {
            let detail = create(app, &client, &draft).await?;
            if let Some(ended) = follow(app, &client, &detail, &mut stopping).await? {
                return told(app, &client, &detail, ended).await;
            }
            let handle = detail.task.handle;
            Err(Failure::left(format!("`ipa logs {handle} -f` follows it again")))
        }
    }
}

/// Creates and follows the task with an engine of its own, which runs this task only.
async fn alone(
    app: &App,
    held: DataDir,
    draft: &CreateTask,
    stopping: &mut Stopping,
) -> Result<Exit, Failure> {
    let store = wiring::store_to_write(&app.settings).await?;
    let engine = wiring::engine(&app.settings, store.clone())?;
    let config = wiring::local_config(&app.settings)?;
    let recorder = Client::Local(Box::new(Local::new(engine.clone(), config, None)));
    let detail = create(app, &recorder, draft).await?;
    drop(recorder);
    // Only its own task: old ones do not wake up because somebody begins a new one.
    let scope = Scope::Only(detail.task.id);
    let engaged =
        Engaged::start(app, Parts { held, store, engine }, ("run", scope), Address::loopback()).await?;
    let client = engaged.client(&app.settings)?;
    app.out.note(format!("{}  {}/tasks/{}", detail.task.handle, engaged.url(), detail.task.handle));
    let followed = follow(app, &client, &detail, stopping).await;
    let (ended, drain) = match followed {
        Ok(Some(ended)) => (at_rest(app, &client, &detail, ended).await, Drain::Detach),
        Ok(None) => match interrupt(app, &client, &detail, stopping).await {
            Interrupted::Ended => (Err(interrupted(&detail, "the run was interrupted")), Drain::Detach),
            Interrupted::GoesOn => (Err(interrupted(&detail, "the run was ended")), Drain::Stop),
            Interrupted::Again => return Err(at_once(&detail)),
        },
        Err(failure) => (Err(failure), Drain::Detach),
    };
    drop(client);
    tokio::select! {
        () = engaged.stop(drain) => ended,
        // What was to be said of the task is said already, or is the error.
        () = stopping.wait() => ended.and(Ok(Exit::Interrupted)),
    }
}

/// Tells how a task ended, after it has put its files away.
async fn at_rest(app: &App, client: &Client, detail: &TaskDetail, ending: Ending) -> Result<Exit, Failure> {
    if matches!(ending, Ending::Completed | Ending::Cancelled) {
        put_away(client, detail.task.id).await?;
    }
    let exit = told(app, client, detail, ending).await?;
    if ending == Ending::Person {
        app.out.note("then `ipa serve` makes it go on");
    }
    Ok(exit)
}

/// Creates the task, after a look at whether its agents work here.
async fn create(app: &App, client: &Client, draft: &CreateTask) -> Result<TaskDetail, Failure> {
    let of_roles = app.settings.values.roles.agents().map(|(_, agent)| agent);
    let agents: BTreeSet<&Runtime> =
        draft.agent.as_ref().map_or_else(|| of_roles.collect(), |one| [one].into());
    for agent in agents {
        let row: AgentRow = client.read(&format!("/api/v1/agents/{}", part(agent.as_str())?)).await?;
        if !row.works {
            return Err(Failure::Usage {
                message: format!("{agent} does not work here: {}", row.problem.unwrap_or_default()),
                help: "`ipa agent list` shows what does; `--agent command:PROGRAM` takes any program"
                    .to_owned(),
            });
        }
    }
    parse("the task", &task::send(app, client, draft).await?)
}

/// Follows a task; none when a signal came first.
async fn follow(
    app: &App,
    client: &Client,
    detail: &TaskDetail,
    stopping: &mut Stopping,
) -> Result<Option<Ending>, Failure> {
    let mut people = People::new(app.out);
    let mut tape = Tape::new(app.out, ToolsChoice::Fold);
    let mut watch = Watch::new(client, &detail.task).await?;
    loop {
        let news = tokio::select! {
            news = watch.next() => news?,
            line = people.typed() => {
                people.take(client, &line).await?;
                continue;
            }
            () = stopping.wait() => return Ok(None),
        };
        let (now, quiet) = match news {
            News::Log(run, entry) => {
                if !app.out.is_json() {
                    tape.entry(&run, &entry)?;
                }
                continue;
            }
            News::Event(event, now) => {
                if let Some(line) = milestone(&event).filter(|_| !app.out.is_json()) {
                    tape.rest()?;
                    app.out.line(line)?;
                }
                (now, false)
            }
            News::Look(now) => (now, true),
        };
        people.see(&now);
        // What was said last is told first: a task ends in the quiet after it.
        match end_of(&now.task).filter(|_| quiet) {
            Some(Ending::Person) if people.is_there() && people.is_asked() => {}
            Some(ending) => {
                tape.rest()?;
                return Ok(Some(ending));
            }
            None => {}
        }
    }
}

/// What an event means to who follows the task; none for what the log tells better.
fn milestone(event: &EventRecord) -> Option<String> {
    let field = |name: &str| {
        let value = event.payload.get(name)?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let line = match event.kind.as_str() {
        "phase.entered" => format!("● {}", field("phase")?),
        "spec.revised" => format!("✓ spec v{}", field("version")?),
        "plan.revised" => format!("✓ plan v{}", field("version")?),
        "check.finished" => {
            let sign = if event.payload.get("passed").and_then(Value::as_bool)? { "✓" } else { "✗" };
            format!("{sign} {}", field("command")?)
        }
        "transition.approved" => format!("✓ approved by {}", event.actor),
        "transition.rejected" => format!("✗ rejected by {}: {}", event.actor, field("reason")?),
        "retry.scheduled" => format!("! next attempt at {}", field("at")?),
        "sync.sent" => format!("✓ delivered as {}", field("branch")?),
        "source.changed" => format!("! the repository itself was changed: {}", field("detail")?),
        _ => return None,
    };
    Some(plain(&line))
}

/// Tells how a task stands at the end of following it.
async fn told(app: &App, client: &Client, detail: &TaskDetail, ending: Ending) -> Result<Exit, Failure> {
    let value = client.get(&format!("/api/v1/tasks/{}", detail.task.id)).await?;
    let now: TaskDetail = parse("the task", &value)?;
    app.out.reply(&value, |_value| Ok(task::line(&now.task)))?;
    Ok(match ending {
        Ending::Completed => {
            let branch = now.task.branch.as_ref().map(ToString::to_string).unwrap_or_default();
            app.out.note(format!("the work is on branch {branch} of {}", now.task.repo));
            Exit::Done
        }
        Ending::Cancelled => Exit::NotCompleted,
        Ending::Parked => {
            app.out.note(format!("parked: {}", plain(&now.task.waiting_for.unwrap_or_default())));
            Exit::NotCompleted
        }
        Ending::Person => {
            app.out.note(plain(&now.task.waiting_for.unwrap_or_default()));
            app.out.note(format!("a person is needed: `ipa inbox`, `ipa approve {}`", now.task.handle));
            Exit::PersonNeeded
        }
    })
}

/// What came of interrupting the run that is going on.
enum Interrupted {
    /// It is over.
    Ended,
    /// It could not be interrupted, or did not end in time.
    GoesOn,
    /// The person does not want to wait for it.
    Again,
}

/// Stops the run that is going on, as the person wants, and waits for its end.
async fn interrupt(app: &App, client: &Client, detail: &TaskDetail, stopping: &mut Stopping) -> Interrupted {
    app.out.note("interrupting; again to leave at once");
    let stop = async {
        let command = Command::Interrupt { run: None, reason: None };
        client.post(&format!("/api/v1/tasks/{}/commands", detail.task.id), &command).await?;
        let mut watch = Watch::new(client, &detail.task).await?.after_run(u32::MAX);
        loop {
            match watch.next().await? {
                News::Event(_, now) | News::Look(now) if now.task.run.is_none() => return Ok(()),
                News::Event(..) | News::Look(_) | News::Log(..) => {}
            }
        }
    };
    tokio::select! {
        stopped = tokio::time::timeout(LAST_WORDS, stop) => match stopped {
            Ok(Ok(())) => Interrupted::Ended,
            // Perhaps there was nothing to interrupt yet; what begins meanwhile must not go on unseen.
            Ok(Err::<(), Failure>(_)) | Err(_) => Interrupted::GoesOn,
        },
        () = stopping.wait() => Interrupted::Again,
    }
}

fn interrupted(detail: &TaskDetail, what: &str) -> Failure {
    let handle = detail.task.handle;
    Failure::Interrupted {
        message: format!("{what}; nothing of {handle} goes on before the next `ipa serve`"),
        help: format!("`ipa show {handle}` shows it, `ipa retry {handle}` goes on with an interrupted one"),
    }
}

fn at_once(detail: &TaskDetail) -> Failure {
    let handle = detail.task.handle;
    Failure::Interrupted {
        message: format!("left at once; an agent that works on {handle} may work on by itself"),
        help: format!("`ipa serve` takes it up again, `ipa cancel {handle}` gives it up"),
    }
}
