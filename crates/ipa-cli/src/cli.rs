//! What may be typed: the arguments of every command, a file per noun. Knows no configuration and does nothing.

mod decide;
mod itself;
mod look;
mod noun;
mod sync;
mod task;

pub(crate) use decide::{AnswerArgs, DecideVerb, DecisionArgs, RejectArgs};
pub(crate) use itself::SelfVerb;
pub(crate) use look::{AgentVerb, ConfigVerb, EventVerb, PodVerb, WorkspaceVerb};
pub(crate) use noun::{DemoArgs, DrainChoice, RunArgs, ServeArgs};
pub(crate) use sync::SyncVerb;
pub(crate) use task::{
    ApproveChoice, CreateArgs, DiffArgs, ListArgs, LogsArgs, TaskNoun, TaskVerb, ToolsChoice, WaitArgs,
    WaitFor, parse_duration,
};

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::exit::Exit;

/// All exit codes in a sentence.
fn exit_codes() -> String {
    let codes: Vec<_> = Exit::ALL.iter().map(|it| format!("{} {}", it.number(), it.meaning())).collect();
    format!("Exit codes: {}.", codes.join("; "))
}

/// Takes a task from a sentence to a reviewed commit.
#[derive(Debug, Parser)]
#[command(name = "ipa", version, after_help = exit_codes(), disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub(crate) global: GlobalOpts,
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct GlobalOpts {
    /// Where everything lies: store, workspaces, logs of runs, token, lock
    #[arg(long, global = true, value_name = "DIR", env = "IPA_DATA_DIR", help_heading = "Common")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Where the events lie, such as `sqlite://PATH`
    #[arg(long, global = true, value_name = "URL", env = "IPA_DATABASE_URL", help_heading = "Common")]
    pub(crate) database_url: Option<String>,
    /// The server to talk to, instead of whoever holds the data directory
    #[arg(long, global = true, value_name = "URL", env = "IPA_SERVER", help_heading = "Common")]
    pub(crate) server: Option<String>,
    /// The file that holds the server's token
    #[arg(long, global = true, value_name = "FILE", env = "IPA_TOKEN_FILE", help_heading = "Common")]
    pub(crate) token_file: Option<PathBuf>,
    /// One JSON document on standard output (one per line where it goes on), errors too
    #[arg(long, global = true, help_heading = "Common")]
    pub(crate) json: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Common")]
    pub(crate) color: ColorChoice,
    /// Never ask on the terminal
    #[arg(long, global = true, help_heading = "Common")]
    pub(crate) no_input: bool,
    /// Say more; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Common")]
    pub(crate) verbose: u8,
    /// Say less: errors only
    #[arg(short, long, global = true, help_heading = "Common")]
    pub(crate) quiet: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    #[command(flatten)]
    Command(Command),
    #[command(flatten)]
    Itself(SelfVerb),
}

/// What to do with tasks, and what they need.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See the whole product on a throw-away repository: no account, no network
    Demo(DemoArgs),
    /// Run the engine and the dashboard until stopped
    Serve(ServeArgs),
    /// Create a task and follow it until it ends or needs a person
    Run(RunArgs),
    /// Create, list and steer tasks
    #[command(subcommand)]
    Task(TaskNoun),
    /// List tasks
    Ls(ListArgs),
    #[command(flatten)]
    Verb(TaskVerb),
    #[command(flatten)]
    Decide(DecideVerb),
    /// Look at the log of what happened
    #[command(subcommand)]
    Event(EventVerb),
    /// Look at pods, restart and stop them
    #[command(subcommand)]
    Pod(PodVerb),
    /// Look into the checkouts that agents work in
    #[command(subcommand)]
    Workspace(WorkspaceVerb),
    /// See what was and is to be changed outside, and agree to it
    #[command(subcommand)]
    Sync(SyncVerb),
    /// Which agents there are, and whether they work here
    #[command(subcommand)]
    Agent(AgentVerb),
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Find out whether everything that ipa needs is there
    Doctor,
}
