//! Arguments of the commands that hold the data directory for long: `demo`, `serve`, `run`.

use std::net::IpAddr;

use clap::{Args, ValueEnum};

use super::CreateArgs;

/// `ipa demo`
#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArgs {
    /// Leave the throw-away repository where it is
    #[arg(long)]
    pub(crate) keep: bool,
    /// Open the gates without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// `ipa serve`
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// The address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1")]
    pub(crate) bind: IpAddr,
    /// A name by which browsers may reach it, apart from localhost; may be given several times
    #[arg(long = "allow-host", value_name = "NAME")]
    pub(crate) allow_hosts: Vec<String>,
    /// The port; 0 picks one. By default 7474, or the next one that is free
    #[arg(long, value_name = "N")]
    pub(crate) port: Option<u16>,
    /// What a SIGTERM does with running agents
    #[arg(long, value_name = "HOW", default_value = "detach")]
    pub(crate) drain: DrainChoice,
}

/// What becomes of running agents when the program is told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DrainChoice {
    /// They go on; the next `ipa serve` takes them up again.
    Detach,
    /// They are ended.
    Stop,
}

/// `ipa run`
#[derive(Debug, Clone, Args)]
pub(crate) struct RunArgs {
    /// The task.
    #[command(flatten)]
    pub(crate) create: CreateArgs,
}
