//! The whole product on a throw-away repository: a scripted agent mends a real bug, through the real pods,
//! workspaces, agent host, event log and server. Knows the story; what happens in it is the engine's.

mod forge;
mod gates;
mod repo;
mod script;
mod story;

use std::collections::BTreeMap;
use std::time::Duration;

use ipa_events::task::{GatePolicy, Gates};
use ipa_events::{Principal, Via};
use ipa_pod::{Drain, Scope, TaskDraft};
use ipa_server::wire::{Command, CreateTask, TaskDetail};
use serde_json::json;
use tokio::time::Instant;

use crate::access::{self, Reached};
use crate::cli::DemoArgs;
use crate::client::{Client, Local, parse};
use crate::commands::{Address, App, Engaged, Parts, Stopping};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::holder::DataDir;
use crate::output::plain;
use crate::wiring;
use forge::Forge;
use gates::Gates as Hands;
use repo::{DemoRepo, Test};
use story::Story;

/// How long giving its task up may take, when the demo broke off.
const GIVING_UP: Duration = Duration::from_secs(5);

const TITLE: &str = "total leaves the last number out";

const REQUEST: &str = "total 1 4 prints 6 instead of 10: the last number is left out. Mend it, and say what an \
empty range is.";

/// What is known at the end.
struct Done {
    detail: TaskDetail,
    before: Test,
    after: Test,
    merged: Merged,
}

/// Where the work is at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Merged {
    /// In the branch that it was asked for.
    Main,
    /// In a branch of its own: who holds the data directory has no connector for it.
    No,
}

/// `ipa demo`
pub(crate) async fn run(app: &App, args: &DemoArgs) -> Result<Exit, Failure> {
    let began = Instant::now();
    let mut stopping = Stopping::new()?;
    let reached = access::reach(&app.settings, "demo").await?;
    let repo = DemoRepo::make(&app.settings)?;
    app.out.note("No account, no network. A scripted agent mends a real bug in a throw-away git repository.");
    let played = play(app, args, (reached, &mut stopping), &repo).await;
    let path = repo.path().display().to_string();
    let removed = if args.keep { Ok(()) } else { repo.remove() };
    let Done { detail, before, after, merged } = played?;
    removed?;
    let task = &detail.task;
    let seconds = began.elapsed().as_secs_f64();
    if app.out.is_json() {
        app.out.json(&json!({
            "schema": "ipa.demo/v1", "task": task.handle, "repo": path, "branch": task.branch,
            "commit": task.commit, "events": task.version, "seconds": (seconds * 10.0).round() / 10.0,
            "test_before": before.word(), "test_after": after.word(), "kept": args.keep,
        }))?;
    } else {
        app.out.line(closing(&detail, merged, seconds))?;
    }
    Ok(Exit::Done)
}

/// Plays the story with who holds the data directory, or with an engine of its own.
async fn play(
    app: &App,
    args: &DemoArgs,
    (reached, stopping): (Reached, &mut Stopping),
    repo: &DemoRepo,
) -> Result<Done, Failure> {
    let before = repo.test(&app.settings, None)?;
    if before == Test::Passed {
        return Err(Failure::Wrong("the demo's test passes before anything was mended".to_owned()));
    }
    app.out.note(format!("repository {}   ./test.sh: {}", repo.path().display(), before.word()));
    let task = CreateTask {
        request: REQUEST.to_owned(),
        title: Some(TITLE.to_owned()),
        repo: Some(repo.source()?),
        agent: Some(repo.agent()?),
        checks: Some(vec!["./test.sh".to_owned()]),
        ..CreateTask::default()
    };
    let (detail, merged) = match reached {
        Reached::Served(client) => {
            app.out.note("played by the ipa that runs already: without ticket and pull request");
            let detail: TaskDetail = parse("the task", &client.post("/api/v1/tasks", &task).await?)?;
            let mut gates = Hands::new(app.out, args, None);
            let story = Story::new(app.out, None);
            (to_the_end(app, (&client, &detail, story), &mut gates, stopping).await?, Merged::No)
        }
        Reached::Held(held) => (alone(app, args, (held, stopping), repo).await?, Merged::Main),
    };
    let branch = detail.task.branch.as_ref().map(ToString::to_string);
    let after =
        repo.test(&app.settings, if merged == Merged::Main { Some("main") } else { branch.as_deref() })?;
    repo.fetch(&app.settings)?;
    if after == Test::Failed {
        return Err(Failure::Wrong("the demo's test fails on what was delivered".to_owned()));
    }
    Ok(Done { detail, before, after, merged })
}

/// Plays the story with an engine of its own, which runs this task only, and has only the demo's connector.
async fn alone(
    app: &App,
    args: &DemoArgs,
    (held, stopping): (DataDir, &mut Stopping),
    repo: &DemoRepo,
) -> Result<TaskDetail, Failure> {
    let forge = Forge::make(repo, (TITLE, REQUEST))?;
    let mut settings = app.settings.clone();
    settings.values.connectors = BTreeMap::from([forge.connector()?]);
    // The pause between two runs spares a real agent's service; this one has none.
    settings.values.limits.cooldown.0 = Duration::ZERO;
    let store = wiring::store_to_write(&settings).await?;
    let engine = wiring::engine(&settings, store.clone())?;
    let config = wiring::local_config(&settings)?;
    let created = engine.create(engine.ctx(settings.user.clone(), Via::Cli), draft(repo)?).await;
    let created = created.map_err(|error| Failure::Wrong(format!("the demo's task: {error}")))?;
    let recorder = Client::Local(Box::new(Local::new(engine.clone(), config, None)));
    let detail: TaskDetail = recorder.read(&format!("/api/v1/tasks/{}", created.id)).await?;
    drop(recorder);
    let scope = Scope::Only(detail.task.id);
    let parts = Parts { held, store, engine };
    let engaged = Engaged::start(app, parts, ("demo", scope), Address::loopback()).await?;
    app.out.note(forge.told());
    app.out.note(format!("dashboard  {}", engaged.login_url()));
    let (ticket, _) = Forge::ticket()?;
    app.out.note(format!("  ← {}: {TITLE}   is worked on as {}", ticket.name, detail.task.handle));
    let person = engaged.client(&settings)?;
    settings.user = Principal::Policy("demo".to_owned());
    let policy = engaged.client(&settings)?;
    let mut gates = Hands::new(app.out, args, Some(policy));
    let story = Story::new(app.out, Some(forge));
    let played = to_the_end(app, (&person, &detail, story), &mut gates, stopping).await;
    drop((person, gates));
    // A demo that broke off leaves no agent behind.
    tokio::select! {
        () = engaged.stop(if played.is_ok() { Drain::Detach } else { Drain::Stop }) => {}
        () = stopping.wait() => {}
    }
    played
}

/// Lets a story go on until its end or a signal. The task of one that broke off is given up: its agent's script
/// and its repository go with the demo.
async fn to_the_end(
    app: &App,
    (client, detail, story): (&Client, &TaskDetail, Story),
    gates: &mut Hands,
    stopping: &mut Stopping,
) -> Result<TaskDetail, Failure> {
    let played = tokio::select! {
        told = story.follow(client, detail, gates) => told,
        () = stopping.wait() => Err(Failure::Interrupted {
            message: "the demo was stopped, and its task given up".to_owned(),
            help: "`ipa demo` plays it again".to_owned(),
        }),
    };
    if played.is_err() {
        let path = format!("/api/v1/tasks/{}/commands", detail.task.id);
        let command = Command::Cancel { reason: Some("the demo broke off".to_owned()) };
        tokio::select! {
            given_up = tokio::time::timeout(GIVING_UP, client.post(&path, &command)) => {
                if !matches!(given_up, Ok(Ok(_))) {
                    app.out.note(format!("`ipa cancel {}` gives the demo's task up", detail.task.handle));
                }
            }
            () = stopping.wait() => {}
        }
    }
    played
}

/// Makes the task of the ticket.
fn draft(repo: &DemoRepo) -> Result<TaskDraft, Failure> {
    let mut draft = TaskDraft::new(REQUEST, repo.source()?);
    draft.title = Some(TITLE.into());
    draft.agent = Some(repo.agent()?);
    draft.checks = Some(vec!["./test.sh".into()]);
    // Each is asked for, so that the draft is there before others review.
    draft.gates = Some(Gates { development: GatePolicy::Ask, ..Gates::default() });
    draft.ticket = Some(Forge::ticket()?);
    Ok(draft)
}

fn closing(detail: &TaskDetail, merged: Merged, seconds: f64) -> String {
    let handle = detail.task.handle;
    let branch = detail.task.branch.as_ref().map(ToString::to_string).unwrap_or_default();
    let commit = detail.task.commit.as_ref().map(|commit| commit.short().to_owned()).unwrap_or_default();
    let on = match merged {
        Merged::Main => "on main, into which the pull request was merged",
        Merged::No => "on the delivered commit",
    };
    plain(&format!(
        "✓ completed           branch {branch}, commit {commit}, {} events   {seconds:.1}s\n\
         ./test.sh failed before, and passes {on}\n\
         See what happened:  ipa diff {handle} · ipa event list {handle} · ipa serve\n\
         Now yours:          cd your-repo && ipa run \"describe the change\" --agent command:PROGRAM",
        detail.task.version
    ))
}
