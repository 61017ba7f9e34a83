//! Runs and checks.

use ipa_events::task::{Evidence, Usage};
use ipa_events::{AgentId, Oid, Outcome, Phase, Role, RunId, Runtime, SessionId, TaskId, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One run of an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Its handle, such as `T-12.r3`.
    pub handle: String,
    /// The task.
    pub task_id: TaskId,
    /// The place of work.
    pub agent_id: AgentId,
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// What it was asked to do.
    pub role: Role,
    /// The phase it belongs to.
    pub phase: Phase,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// Which agent program.
    pub runtime: Runtime,
    /// The conversation.
    pub session_id: Option<SessionId>,
    /// The run whose conversation it goes on with, by handle.
    #[serde(default)]
    pub resumes: Option<String>,
    /// The run whose work it takes over, as nobody can go on with the conversation, by handle.
    #[serde(default)]
    pub takes_over: Option<String>,
    /// The budget of which it used much, in words.
    #[serde(default)]
    pub budget: Option<String>,
    /// How far it is.
    pub status: RunStatus,
    /// How it ended, if it did.
    pub outcome: Option<Outcome>,
    /// Its host process, once started.
    pub pid: Option<u32>,
    /// The commit it started from.
    pub head: Oid,
    /// What confines it, and what does not, in a person's words; once it is started.
    #[serde(default)]
    pub sandbox: Option<String>,
    /// The check it runs, if that is its role.
    pub check: Option<String>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it was started.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// What it cost.
    pub usage: Usage,
}

/// What the agent of a run was told when it was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// The run's handle, such as `T-12.r3`.
    pub run: String,
    /// The text, Markdown; none before the run is started, and in a check.
    pub text: Option<String>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// It was asked for; no process was seen yet.
    Requested,
    /// It works.
    Running,
    /// It asked something, and waits for a person.
    Waiting,
    /// It is over.
    Finished,
}

/// The checks of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checks {
    /// The commands.
    pub commands: Vec<String>,
    /// What they say together of the head of the work.
    pub evidence: Evidence,
    /// Every result so far, the oldest first.
    pub results: Vec<CheckRow>,
}

/// What a check said of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRow {
    /// The run that holds its output, by handle.
    pub run: String,
    /// The command.
    pub command: String,
    /// The commit.
    pub commit: Oid,
    /// The exit code; none when it did not end by itself.
    pub exit_code: Option<i32>,
    /// Whether it passed.
    pub passed: bool,
    /// The end of its output.
    pub tail: String,
}
