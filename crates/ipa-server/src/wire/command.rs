//! What is asked of tasks.

use ipa_events::store::{Position, Version};
use ipa_events::{BranchName, Handle, PayloadHash, Phase, RepoSource, Runtime, TaskId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A task to create. What is left out comes from the server's configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CreateTask {
    /// The request in the author's words.
    pub request: String,
    /// One line that names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The repository to work on: an absolute path on the server's machine, or a URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repo: Option<RepoSource>,
    /// The branch to start from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<BranchName>,
    /// Which agent works on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<Runtime>,
    /// Who opens its gates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approve: Option<Approve>,
    /// The commands that check the work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks: Option<Vec<String>>,
    /// The phase it begins in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_at: Option<Phase>,
    /// More urgent tasks have a higher number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Tasks that must be completed first, by handle or id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
}

/// Who opens a task's gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approve {
    /// A person; after development, passing checks do.
    Ask,
    /// They open by themselves.
    Auto,
}

/// What is asked of a task.
///
/// ```
/// use ipa_server::wire::Command;
/// let command: Command = serde_json::from_str(r#"{"type":"message","text":"mind the gap"}"#)?;
/// assert_eq!(command, Command::Message { text: "mind the gap".to_owned() });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Change its title or priority.
    Edit {
        /// The new title.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// The new priority.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        priority: Option<i32>,
    },
    /// Start nothing more until resumed.
    Pause {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Go on.
    Resume {},
    /// Accept the work as it is.
    Complete {
        /// What to remember about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// Give it up.
    Cancel {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Take it up again where it ended.
    Reopen {},
    /// Try again what failed or was interrupted, now.
    Retry {},
    /// Go back to an earlier phase.
    Back {
        /// The phase.
        phase: Phase,
        /// Why; the next agent is told.
        reason: String,
    },
    /// Tell the agent something.
    Message {
        /// What.
        text: String,
    },
    /// Stop a run.
    Interrupt {
        /// Which, by handle or id; the one that is open, if none is named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<String>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

/// How a decision is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionInput {
    /// Which way.
    pub verdict: VerdictWord,
    /// The hash of what was seen; a decision whose payload has changed since is refused.
    pub payload_hash: PayloadHash,
    /// Why: needed to reject, a note to approve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The answer to a question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What a tool is to do in the place of what its agent wants: an approval with changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Map<String, Value>>,
}

/// Which way a decision goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictWord {
    /// Yes.
    Approve,
    /// No, with a reason.
    Reject,
    /// The answer to a question, or a word to the next run.
    Answer,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandReply {
    /// The task.
    pub task_id: TaskId,
    /// Its short name.
    pub handle: Handle,
    /// Its version after the command.
    pub version: Version,
    /// A position in the log at which the command's events can be read.
    pub position: Position,
    /// Whether it had been carried out before; this is then its first outcome.
    pub repeated: bool,
}

/// What a person says about a change to the outside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncInput {
    /// Why it is refused, or what to remember.
    #[serde(default)]
    pub text: Option<String>,
}
