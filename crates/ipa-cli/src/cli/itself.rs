//! Arguments of what the program tells of itself: no configuration, no data and no server is needed.

use clap::Subcommand;
use clap_complete::Shell;

/// What the program tells of itself.
#[derive(Debug, Subcommand)]
pub(crate) enum SelfVerb {
    /// Print what makes a shell complete commands and handles: `source <(ipa completion bash)`
    Completion {
        /// The shell
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// Explain a command, such as `task create`, or the `exit-codes`
    Help {
        /// The command; without one, all of them
        #[arg(value_name = "COMMAND")]
        topic: Vec<String>,
    },
}
