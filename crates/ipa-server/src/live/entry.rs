//! What an agent did, as a page shows it: one entry after the other.

use std::sync::Arc;

use ipa_events::task::Usage;
use ipa_pod::log::{Asked, Finished, PlanStep};

/// One entry of a run's log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// The event that it began with.
    pub(crate) seq: u64,
    /// Milliseconds since the run began.
    pub(crate) at_ms: u64,
    /// The first entry of the stretch that it belongs to, if it belongs to one.
    pub(crate) stretch: Option<u64>,
    /// What happened.
    pub(crate) body: EntryBody,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum EntryBody {
    /// The agent is there, with this model and, if it says so, this version of its program.
    Started {
        /// The model.
        model: Arc<str>,
        /// The version.
        version: Option<Arc<str>>,
    },
    /// It said something.
    Said(Arc<str>),
    /// It thought aloud.
    Thought(Arc<str>),
    /// It used a tool.
    Tool(Tool),
    /// It made or changed its list of steps.
    Plan(Vec<PlanStep>),
    /// It asked a person.
    Asked(Ask),
    /// It did what it was given to do.
    Turn(Turn),
    /// Something to know, in one line.
    Note(String),
    /// Something that it printed beside its protocol.
    Printed(Arc<str>),
    /// The run is over.
    Over(Box<Over>),
}

/// The use of a tool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tool {
    /// Which; none for a result that nothing called for.
    pub(crate) name: Option<Arc<str>>,
    /// What it was to do, JSON.
    pub(crate) input: Arc<str>,
    /// How far it is.
    pub(crate) state: ToolState,
}

/// How far a tool is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ToolState {
    /// It works.
    Running,
    /// It came back.
    Back(ToolResult),
    /// The run ended before it came back.
    Lost,
}

/// What came back from a tool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ToolResult {
    /// What it said.
    pub(crate) output: Arc<str>,
    /// Whether it failed.
    pub(crate) failed: bool,
    /// How long it took.
    pub(crate) took_ms: u64,
}

impl Tool {
    /// Returns what came back, if that is what was wanted.
    pub(crate) const fn went_well(&self) -> Option<&ToolResult> {
        match &self.state {
            ToolState::Back(result) if !result.failed => Some(result),
            ToolState::Running | ToolState::Back(_) | ToolState::Lost => None,
        }
    }
}

/// What an agent asked a person. What was decided stands in the task's own record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ask {
    /// What.
    pub(crate) asked: Asked,
    /// What became of it, as far as the agent's own log says.
    pub(crate) end: AskEnd,
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AskEnd {
    /// The agent waits.
    Open,
    /// It has its answer.
    Got,
    /// It does not wait any more.
    Withdrawn(Arc<str>),
}

impl Ask {
    /// Returns the agent's own key.
    pub(crate) const fn key(&self) -> &Arc<str> {
        match &self.asked {
            Asked::Permission { key, .. } | Asked::Question { key, .. } => key,
        }
    }
}

/// A turn that is over: what it was given to do is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Which, from 1.
    pub(crate) number: u32,
    /// When it began, in milliseconds since the run began.
    pub(crate) began_ms: u64,
    /// How long it took.
    pub(crate) took_ms: u64,
    /// What it used, and no turn before it.
    pub(crate) usage: Usage,
    /// How often its model was asked again.
    pub(crate) retries: u32,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Over {
    /// How it ended.
    pub(crate) finished: Finished,
    /// How many turns were told of.
    pub(crate) turns: u32,
    /// What it used that no turn before it told of.
    pub(crate) untold: Usage,
}
