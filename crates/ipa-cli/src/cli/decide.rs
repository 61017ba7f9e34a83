//! Arguments of what a person decides.

use clap::{Args, Subcommand};

/// What waits for a person, and its answers.
#[derive(Debug, Subcommand)]
pub(crate) enum DecideVerb {
    /// List what waits for a person, the oldest first
    Inbox,
    /// Say yes: open a gate, allow it, try again
    Approve(DecisionArgs),
    /// Say no, with the reason that the agent is told
    Reject(RejectArgs),
    /// Answer a question
    Answer(AnswerArgs),
}

/// `ipa approve`
#[derive(Debug, Clone, Args)]
pub(crate) struct DecisionArgs {
    /// The decision, such as T-12.d4; or a task when only one is open there
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// What to remember about it
    #[arg(short, value_name = "NOTE")]
    pub(crate) message: Option<String>,
    /// The hash of what you saw (`ipa inbox --json`); refused when something else is there now
    #[arg(long, value_name = "HASH")]
    pub(crate) seen: Option<String>,
    /// What the tool is to do in the place of what its agent wants, a JSON object
    #[arg(long, value_name = "JSON")]
    pub(crate) input: Option<String>,
}

/// `ipa reject`
#[derive(Debug, Clone, Args)]
pub(crate) struct RejectArgs {
    /// The decision, such as T-12.d4; or a task when only one is open there
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Why; the agent is told
    #[arg(short, value_name = "REASON")]
    pub(crate) message: String,
    /// The hash of what you saw (`ipa inbox --json`); refused when something else is there now
    #[arg(long, value_name = "HASH")]
    pub(crate) seen: Option<String>,
}

/// `ipa answer`
#[derive(Debug, Clone, Args)]
pub(crate) struct AnswerArgs {
    /// The decision, such as T-12.d4; or a task when only one is open there
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// The answer
    #[arg(value_name = "TEXT")]
    pub(crate) text: String,
}
