//! Arguments of looking at events, pods, workspaces, agents and the configuration.

use clap::Subcommand;
use ipa_events::AgentId;

/// `ipa event …`
#[derive(Debug, Subcommand)]
pub(crate) enum EventVerb {
    /// List the events of a task
    #[command(visible_alias = "ls")]
    List {
        /// The task: a handle such as T-12, or its id
        #[arg(value_name = "T")]
        task: String,
        /// Only those after this version
        #[arg(long, value_name = "V", default_value_t = 0)]
        after: u64,
    },
    /// Show one event as it is kept
    Show {
        /// The task: a handle such as T-12, or its id
        #[arg(value_name = "T")]
        task: String,
        /// Its version
        #[arg(value_name = "V")]
        version: u64,
    },
    /// Read every event again and see that all of it is whole
    Verify {
        /// Only this task
        #[arg(value_name = "T")]
        task: Option<String>,
    },
}

/// `ipa pod …`
#[derive(Debug, Subcommand)]
pub(crate) enum PodVerb {
    /// List the pods that are there
    #[command(visible_alias = "ls")]
    List,
    /// Stop a task's pod and start it again; a parked task is parked no more
    Restart {
        /// The task: a handle such as T-12, or its id
        #[arg(value_name = "T")]
        task: String,
    },
    /// Stop a task's pod and put away what it left: its run ends, its files are kept safe
    Cleanup {
        /// The task: a handle such as T-12, or its id
        #[arg(value_name = "T")]
        task: String,
    },
    /// Stop a task's pod; it starts again when something happens to the task
    Stop {
        /// The task: a handle such as T-12, or its id
        #[arg(value_name = "T")]
        task: String,
    },
}

/// `ipa workspace …`
#[derive(Debug, Subcommand)]
pub(crate) enum WorkspaceVerb {
    /// List the checkouts that are there
    List {
        /// Only those of this task
        #[arg(value_name = "T")]
        task: Option<String>,
    },
    /// List a folder of a task's work
    Ls {
        /// The task: a handle such as T-12, or its id
        #[arg(value_name = "T")]
        task: String,
        /// The folder
        #[arg(value_name = "DIR", default_value = "")]
        dir: String,
    },
    /// Print a file of a task's work
    Read {
        /// The task: a handle such as T-12, or its id
        #[arg(value_name = "T")]
        task: String,
        /// The file
        #[arg(value_name = "PATH")]
        path: String,
        /// The place of work
        #[arg(long, value_name = "W")]
        workspace: Option<AgentId>,
    },
}

/// `ipa agent …`
#[derive(Debug, Subcommand)]
pub(crate) enum AgentVerb {
    /// List the kinds of agents
    #[command(visible_alias = "ls")]
    List,
    /// Find out whether one works here
    Check {
        /// Its name, such as claude or command:./fix.sh
        #[arg(value_name = "NAME")]
        name: ipa_events::Runtime,
    },
}

/// `ipa config …`
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Show what is configured
    Show {
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
    },
}
