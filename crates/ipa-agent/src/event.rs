//! What an agent did, in one vocabulary for all kinds of agents: a fold over a run's spool.

use std::sync::Arc;

use ipa_events::task::Usage;
use ipa_events::{Outcome, SessionId};
use serde::{Deserialize, Serialize};

/// One thing that an agent did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentEvent {
    /// Its place in the run, from 1, without gaps. The same spool always gives the same numbers.
    pub seq: u64,
    /// Milliseconds since the run's host began.
    pub at_ms: u64,
    /// What it did.
    #[serde(flatten)]
    pub body: Body,
}

/// What an agent did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Body {
    /// It is there.
    Started {
        /// The conversation that can be resumed.
        session: Option<SessionId>,
        /// The model, if it named one.
        model: Option<Arc<str>>,
        /// The version of its program, if it named one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Arc<str>>,
    },
    /// It was given something to do.
    TurnStarted,
    /// It said something.
    Text {
        /// What; a whole block or line.
        text: Arc<str>,
    },
    /// It thought aloud.
    Thinking {
        /// What.
        text: Arc<str>,
    },
    /// It uses a tool.
    ToolCall {
        /// The agent's own id of the call.
        id: Arc<str>,
        /// The tool.
        tool: Arc<str>,
        /// What it is to do, JSON.
        input: Arc<str>,
    },
    /// A tool came back.
    ToolResult {
        /// The call.
        id: Arc<str>,
        /// What it said.
        output: Arc<str>,
        /// Whether it failed.
        failed: bool,
    },
    /// It made or changed its list of steps.
    Plan {
        /// The whole list as it is now.
        steps: Vec<PlanStep>,
        /// The call of a tool that made it, by the agent's own id, if one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call: Option<Arc<str>>,
    },
    /// It waits for a person.
    Asked(Asked),
    /// It got its answer.
    Resolved {
        /// The agent's own key of what it asked.
        key: Arc<str>,
    },
    /// It does not wait any more.
    Withdrawn {
        /// The agent's own key of what it asked.
        key: Arc<str>,
        /// Why.
        why: Arc<str>,
    },
    /// It tries a request to its model again.
    Retrying {
        /// What happened.
        detail: Arc<str>,
    },
    /// It says what it used so far, in all.
    Usage {
        /// In all.
        total: Usage,
    },
    /// It finished what it was given to do, and waits for more.
    TurnFinished,
    /// Something that it printed beside its protocol, or that has no meaning there.
    Diagnostic {
        /// What.
        text: Arc<str>,
    },
    /// A message of a kind that this program does not know.
    Unknown {
        /// Its kind, as far as it has one.
        kind: Arc<str>,
    },
    /// The run is over: the last event of every run, once.
    Finished(Finished),
}

/// What waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Asked {
    /// To use a tool.
    Permission {
        /// The agent's own key.
        key: Arc<str>,
        /// The tool.
        tool: Arc<str>,
        /// What it is to do, JSON.
        input: Arc<str>,
    },
    /// A question.
    Question {
        /// The agent's own key.
        key: Arc<str>,
        /// What is asked.
        text: Arc<str>,
        /// Answers to choose from.
        choices: Vec<Arc<str>>,
    },
}

/// One step of an agent's own list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStep {
    /// What.
    pub text: Arc<str>,
    /// `pending`, `in_progress` or `completed`.
    pub status: Arc<str>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// How.
    pub outcome: Outcome,
    /// The exit code of its program; none when a signal ended it.
    pub exit_code: Option<i32>,
    /// The file it wrote at `IPA_OUTPUT`, else its final text.
    pub product: Option<Arc<str>>,
    /// What it used.
    pub usage: Usage,
}
