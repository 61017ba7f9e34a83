//! Arguments of what concerns the outside.

use clap::Subcommand;
use ipa_events::ConnectorId;

/// `ipa sync …`
#[derive(Debug, Subcommand)]
pub(crate) enum SyncVerb {
    /// Tell how the connectors are, and list the changes to the outside
    Status {
        /// Only those of this task
        #[arg(value_name = "T")]
        task: Option<String>,
    },
    /// Show one change, exactly
    Show {
        /// The change: a handle such as T-12.o3, or its id
        #[arg(value_name = "OP")]
        op: String,
    },
    /// Look outside now, and make what is wanted there
    Now {
        /// The task: a handle such as T-12, or its id
        #[arg(value_name = "T")]
        task: String,
        /// Say what would be made, and make nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Agree to a change, with all that stands on the same card
    Approve {
        /// The change: a handle such as T-12.o3, or its id
        #[arg(value_name = "OP")]
        op: String,
        /// What to remember about it
        #[arg(short, long, value_name = "TEXT")]
        message: Option<String>,
    },
    /// Refuse a change, with all that stands on the same card
    Reject {
        /// The change: a handle such as T-12.o3, or its id
        #[arg(value_name = "OP")]
        op: String,
        /// Why
        #[arg(short, long, value_name = "REASON")]
        message: String,
    },
    /// Try a change again now that waits, or was given up
    Retry {
        /// The change: a handle such as T-12.o3, or its id
        #[arg(value_name = "OP")]
        op: String,
    },
    /// Give a change up that was not sent, for good
    Drop {
        /// The change: a handle such as T-12.o3, or its id
        #[arg(value_name = "OP")]
        op: String,
    },
    /// Read and write nothing through a connector until it is resumed; what is queued stays
    Pause {
        /// Its name, as configured
        #[arg(value_name = "CONNECTOR")]
        connector: ConnectorId,
        /// Why
        #[arg(short, long, value_name = "WHY")]
        message: Option<String>,
    },
    /// Open a connector again that was paused, or whose credential was refused
    Resume {
        /// Its name, as configured
        #[arg(value_name = "CONNECTOR")]
        connector: ConnectorId,
    },
}
