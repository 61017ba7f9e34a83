//! Creating a task and following it until it ends or needs a person.

use std::time::Duration;

use ipa_pod::{Drain, Scope};
use ipa_server::wire::{AgentRow, Command, CreateTask, EventRecord, TaskDetail};
use serde_json::Value;

use super::follow::{Ending, News, Watch, end_of, put_away};
use super::logs::Tape;
use super::people::People;
use super::query::encode;
use super::serve::{Engaged, Parts, Port, Stopping, loopback};
use super::{App, task};
use crate::access::{self, Taken};
use crate::cli::RunArgs;
use crate::client::{Client, Local, parse};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::plain;
use crate::wiring;

/// How long an interrupted run may take to end.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// `ipa run`
pub(super) async fn run(app: &App, args: &RunArgs) -> Result<Exit, Failure> {
    let draft = task::draft(app, &args.create)?;
    let mut stopping = Stopping::new()?;
    let held = match access::take(&app.settings, "run").await? {
        Taken::Held(held) => held,
        Taken::By(_) => {
            let client = access::writing(&app.settings, app.out, "run").await?;
            let detail = create(app, &client, &draft).await?;
            return match follow(app, &client, &detail, &mut stopping).await? {
                Some(ended) => told(app, &client, &detail, ended).await,
                None => Err(left(&detail)),
            };
        }
    };
    let store = wiring::store_to_write(&app.settings).await?;
    let engine = wiring::engine(&app.settings, store.clone())?;
    let config = wiring::local_config(&app.settings)?;
    let recorder = Client::Local(Box::new(Local::new(engine.clone(), config, None)));
    let detail = create(app, &recorder, &draft).await?;
    drop(recorder);
    // Only its own task: old ones do not wake up because somebody begins a new one.
    let scope = Scope::Only(detail.task.id);
    let engaged =
        Engaged::start(app, Parts { held, store, engine }, ("run", scope), (loopback(), Port::FirstFree))
            .await?;
    let client = engaged.client(&app.settings)?;
    app.out.note(format!("{}  {}/tasks/{}", detail.task.handle, engaged.url(), detail.task.handle));
    let followed = follow(app, &client, &detail, &mut stopping).await;
    let ended = match followed {
        Ok(Some(ended)) => {
            if matches!(ended, Ending::Completed | Ending::Cancelled) {
                put_away(&client, detail.task.id).await?;
            }
            told(app, &client, &detail, ended).await
        }
        Ok(None) => interrupt(app, &client, &detail, &mut stopping).await,
        Err(failure) => Err(failure),
    };
    drop(client);
    tokio::select! {
        () = engaged.stop(Drain::Detach) => ended,
        () = stopping.wait() => Ok(Exit::Interrupted),
    }
}

/// Creates the task, after a look at whether its agent works here.
async fn create(app: &App, client: &Client, draft: &CreateTask) -> Result<TaskDetail, Failure> {
    let agent = draft.agent.as_ref().or(app.settings.values.roles.develop.agent.as_ref());
    if let Some(agent) = agent {
        let row: AgentRow = client.read(&format!("/api/v1/agents/{}", encode(agent.as_str()))).await?;
        if !row.works {
            return Err(Failure::Usage {
                message: format!("{agent} does not work here: {}", row.problem.unwrap_or_default()),
                help: "`ipa agent list` shows what does; `--agent command:PROGRAM` takes any program"
                    .to_owned(),
            });
        }
    }
    parse("the task", &task::send(client, draft).await?)
}

/// Follows a task; none when a signal came first.
async fn follow(
    app: &App,
    client: &Client,
    detail: &TaskDetail,
    stopping: &mut Stopping,
) -> Result<Option<Ending>, Failure> {
    let mut people = People::new(app.out);
    let mut tape = Tape::new(app.out);
    let mut watch = Watch::new(client, &detail.task, 0).await?;
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
            app.out.note(format!(
                "a person is needed: `ipa inbox`, `ipa approve {}`, then `ipa serve`",
                now.task.handle
            ));
            Exit::PersonNeeded
        }
    })
}

/// Stops the run that is going on, as the person wants, and waits for its end.
async fn interrupt(
    app: &App,
    client: &Client,
    detail: &TaskDetail,
    stopping: &mut Stopping,
) -> Result<Exit, Failure> {
    app.out.note("interrupting; again to leave at once");
    let stop = async {
        let command = Command::Interrupt { run: None, reason: None };
        match client.post(&format!("/api/v1/tasks/{}/commands", detail.task.id), &command).await {
            // Between two runs there is nothing to interrupt.
            Ok(_) | Err(Failure::Problem(_)) => {}
            Err(other) => return Err(other),
        }
        let mut watch = Watch::new(client, &detail.task, 0).await?.after_run(u32::MAX);
        loop {
            match watch.next().await? {
                News::Event(_, now) | News::Look(now) if now.task.run.is_none() => return Ok(()),
                News::Event(..) | News::Look(_) | News::Log(..) => {}
            }
        }
    };
    tokio::select! {
        stopped = tokio::time::timeout(LAST_WORDS, stop) => {
            if let Ok(stopped) = stopped {
                stopped?;
            }
            Err(left(detail))
        }
        () = stopping.wait() => Ok(Exit::Interrupted),
    }
}

fn left(detail: &TaskDetail) -> Failure {
    let handle = detail.task.handle;
    Failure::Interrupted(format!(
        "`ipa show {handle}` shows it, `ipa retry {handle}` goes on with an interrupted one"
    ))
}
