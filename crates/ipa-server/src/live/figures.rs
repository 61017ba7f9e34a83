//! What a run is at, in figures: its turns, what it used, its list of steps, when it last gave a sign of life.

use std::sync::Arc;

use ipa_events::SessionId;
use ipa_events::task::Usage;
use ipa_pod::log::{AgentEvent, Asked, Body, PlanStep};

use super::entry::Turn;

/// What a run is at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Figures {
    /// The model.
    pub(crate) model: Option<Arc<str>>,
    /// The version of the agent's program.
    pub(crate) version: Option<Arc<str>>,
    /// The conversation.
    pub(crate) session: Option<SessionId>,
    /// Turns that began.
    pub(crate) turns: u32,
    /// Turns that ended.
    pub(crate) ended: u32,
    /// What it does now.
    pub(crate) now: Now,
    /// What it used so far, in all.
    pub(crate) usage: Usage,
    /// The agent's own list of steps, as it is now.
    pub(crate) plan: Vec<PlanStep>,
    /// When it last gave a sign of life, in milliseconds since the run began.
    pub(crate) last_ms: u64,
    /// Since when its turn goes on.
    turn_ms: u64,
    /// What it used before this turn.
    before: Usage,
    /// How often the model was asked again in this turn.
    retries: u32,
    /// Questions that are open.
    asks: u32,
}

/// What a run does now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Now {
    /// It was given nothing to do yet, or did it all.
    #[default]
    Idle,
    /// It works.
    Works,
    /// It works, and this tool with it.
    Uses(Arc<str>),
    /// It waits for a person.
    Asks,
    /// It asks its model again, after this happened.
    Retries(Arc<str>),
    /// It is over.
    Over,
}

impl Figures {
    /// Takes the next event in. Returns the turn that ended with it, if one did.
    pub(super) fn take(&mut self, event: &AgentEvent) -> Option<Turn> {
        self.last_ms = event.at_ms;
        match &event.body {
            Body::Started { session, model, version } => {
                self.session = session.clone().or(self.session.take());
                self.model = model.clone().or(self.model.take());
                self.version = version.clone().or(self.version.take());
            }
            Body::TurnStarted => self.turn_began(event.at_ms),
            Body::TurnFinished => return Some(self.turn_ended(event.at_ms)),
            Body::ToolCall { tool, .. } => self.now = Now::Uses(tool.clone()),
            Body::Asked(Asked::Permission { .. } | Asked::Question { .. }) => {
                self.asks = self.asks.saturating_add(1);
                self.now = Now::Asks;
            }
            Body::Resolved { .. } | Body::Withdrawn { .. } => {
                self.asks = self.asks.saturating_sub(1);
                self.goes_on();
            }
            Body::Retrying { detail } => {
                self.retries = self.retries.saturating_add(1);
                self.now = Now::Retries(detail.clone());
            }
            Body::Usage { total } => self.usage = *total,
            Body::Plan { steps, .. } => self.plan.clone_from(steps),
            Body::Text { .. } | Body::Thinking { .. } | Body::ToolResult { .. } => self.goes_on(),
            Body::Finished(finished) => {
                self.usage = finished.usage;
                self.now = Now::Over;
            }
            Body::Diagnostic { .. } | Body::Unknown { .. } => {}
        }
        None
    }

    /// Returns what was used that no turn told of.
    pub(super) fn untold(&self) -> Usage {
        minus(self.usage, self.before)
    }

    fn turn_began(&mut self, at_ms: u64) {
        self.turns = self.turns.saturating_add(1);
        self.turn_ms = at_ms;
        self.retries = 0;
        self.now = Now::Works;
    }

    fn turn_ended(&mut self, at_ms: u64) -> Turn {
        let turn = Turn {
            number: self.turns,
            began_ms: self.turn_ms,
            took_ms: at_ms.saturating_sub(self.turn_ms),
            usage: self.untold(),
            retries: self.retries,
        };
        self.before = self.usage;
        self.ended = self.ended.saturating_add(1);
        self.now = Now::Idle;
        turn
    }

    /// It does something of its own again.
    fn goes_on(&mut self) {
        self.now = if self.asks > 0 { Now::Asks } else { Now::Works };
    }
}

fn minus(all: Usage, before: Usage) -> Usage {
    Usage {
        input_tokens: all.input_tokens.saturating_sub(before.input_tokens),
        output_tokens: all.output_tokens.saturating_sub(before.output_tokens),
        cost_microusd: all.cost_microusd.saturating_sub(before.cost_microusd),
    }
}
