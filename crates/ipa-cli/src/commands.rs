//! What each command does: an API request, and its reply printed. No logic of tasks is here.

mod agent;
mod config;
mod decide;
mod doctor;
mod event;
mod follow;
mod itself;
mod logs;
mod people;
mod pod;
mod query;
mod repo;
mod run;
mod serve;
mod steer;
mod sync;
mod task;
mod wait;
mod workspace;

pub(crate) use decide::{Settled, open, settle, shown};
pub(crate) use follow::{Ending, News, Watch, end_of, put_away};
pub(crate) use itself::tell;
pub(crate) use people::{forget, typed_lines};
pub(crate) use repo::nearest as nearest_repository;
pub(crate) use serve::{Address, Engaged, Parts, Stopping};

use crate::cli::{Command, DecideVerb, TaskNoun, TaskVerb};
use crate::config::Settings;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Out;

/// What every command is given.
pub(crate) struct App {
    /// All that is configured.
    pub(crate) settings: Settings,
    /// Where to print.
    pub(crate) out: Out,
}

/// Carries a command out.
///
/// # Errors
///
/// [`Failure`], which knows its exit code.
pub(crate) async fn run(command: Command, app: App) -> Result<Exit, Failure> {
    match command {
        Command::Demo(args) => Box::pin(crate::demo::run(&app, &args)).await,
        Command::Serve(args) => Box::pin(serve::run(&app, &args)).await,
        Command::Run(args) => Box::pin(run::run(&app, &args)).await,
        Command::Task(TaskNoun::Create(args)) => Box::pin(task::create(&app, &args)).await,
        Command::Task(TaskNoun::List(args)) | Command::Ls(args) => Box::pin(task::list(&app, &args)).await,
        Command::Task(TaskNoun::Verb(verb)) | Command::Verb(verb) => Box::pin(on_task(&app, verb)).await,
        Command::Decide(verb) => Box::pin(on_decision(&app, verb)).await,
        Command::Event(verb) => Box::pin(event::run(&app, verb)).await,
        Command::Pod(verb) => Box::pin(pod::run(&app, verb)).await,
        Command::Workspace(verb) => Box::pin(workspace::run(&app, verb)).await,
        Command::Sync(verb) => Box::pin(sync::run(&app, verb)).await,
        Command::Agent(verb) => Box::pin(agent::run(&app, verb)).await,
        Command::Config(verb) => config::run(&app, &verb),
        Command::Doctor => Box::pin(doctor::run(&app)).await,
    }
}

async fn on_task(app: &App, verb: TaskVerb) -> Result<Exit, Failure> {
    match verb {
        TaskVerb::Show(args) => task::show(app, &args.task, args.at).await,
        TaskVerb::Why(args) => task::why(app, &args.task).await,
        TaskVerb::Logs(args) => logs::run(app, &args).await,
        TaskVerb::Diff(args) => workspace::diff(app, &args).await,
        TaskVerb::Wait(args) => wait::run(app, &args).await,
        TaskVerb::Send(_)
        | TaskVerb::Interrupt(_)
        | TaskVerb::Retry(_)
        | TaskVerb::Back(_)
        | TaskVerb::Pause(_)
        | TaskVerb::Resume(_)
        | TaskVerb::Complete(_)
        | TaskVerb::Cancel(_) => steer::run(app, verb).await,
    }
}

async fn on_decision(app: &App, verb: DecideVerb) -> Result<Exit, Failure> {
    match verb {
        DecideVerb::Inbox => decide::inbox(app).await,
        DecideVerb::Approve(args) => decide::approve(app, &args).await,
        DecideVerb::Reject(args) => decide::reject(app, &args).await,
        DecideVerb::Answer(args) => decide::answer(app, &args).await,
    }
}
