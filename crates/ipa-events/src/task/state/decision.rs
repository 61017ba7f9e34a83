//! What waits, or waited, for a person: gates, permissions, questions, what goes out, escalations.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::task::command::Verdict;
use crate::task::event::{EscalationReason, Seen};
use crate::task::limits::GatePolicy;
use crate::value::{DecisionId, OpId, PayloadHash, Phase, Principal, Resource, RunId};

/// Something that waits, or waited, for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Which.
    pub id: DecisionId,
    /// What is asked.
    pub asked: Asked,
    /// The hash of exactly what is asked.
    pub payload_hash: PayloadHash,
    /// Since when.
    pub at: Timestamp,
    /// How it ended; none while it waits.
    pub answered: Option<Answered>,
}

/// What is asked of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Asked {
    /// To open a gate.
    Gate {
        /// The phase whose product is there.
        from: Phase,
        /// The phase behind it.
        to: Phase,
        /// What there is to see.
        seen: Seen,
        /// Who opens it.
        policy: GatePolicy,
    },
    /// To allow an agent something.
    Permission {
        /// Which run.
        run: RunId,
        /// The agent's own key.
        key: Arc<str>,
        /// The tool.
        tool: Arc<str>,
        /// What it is to do, JSON.
        input: Arc<str>,
    },
    /// To answer an agent.
    Question {
        /// Which run.
        run: RunId,
        /// The agent's own key.
        key: Arc<str>,
        /// What is asked.
        text: Arc<str>,
        /// Answers to choose from.
        choices: Vec<Arc<str>>,
    },
    /// To let something go out.
    Publish {
        /// What would change.
        resource: Resource,
        /// How: operations that are held.
        ops: Vec<OpId>,
        /// The same in words.
        what: Arc<str>,
    },
    /// To help where ipa cannot go on.
    Escalation {
        /// What kind of thing.
        reason: EscalationReason,
        /// What happened.
        detail: Arc<str>,
    },
}

/// The kind of a decision, for lists and JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum DecisionKind {
    Gate,
    Permission,
    Question,
    Publish,
    Escalation,
}

impl Asked {
    /// Returns the kind, for lists and JSON.
    pub const fn kind(&self) -> DecisionKind {
        match self {
            Self::Gate { .. } => DecisionKind::Gate,
            Self::Permission { .. } => DecisionKind::Permission,
            Self::Question { .. } => DecisionKind::Question,
            Self::Publish { .. } => DecisionKind::Publish,
            Self::Escalation { .. } => DecisionKind::Escalation,
        }
    }

    /// Returns what a person sees, if it is a gate that a person opens.
    pub const fn seen_by_person(&self) -> Option<&Seen> {
        match self {
            Self::Gate { seen, policy: GatePolicy::Ask, .. } => Some(seen),
            Self::Gate { policy: GatePolicy::Auto, .. }
            | Self::Permission { .. }
            | Self::Question { .. }
            | Self::Publish { .. }
            | Self::Escalation { .. } => None,
        }
    }

    /// Returns the run that waits for it, if one does, and the agent's own key.
    pub const fn run(&self) -> Option<(RunId, &Arc<str>)> {
        match self {
            Self::Permission { run, key, .. } | Self::Question { run, key, .. } => Some((*run, key)),
            Self::Gate { .. } | Self::Publish { .. } | Self::Escalation { .. } => None,
        }
    }
}

/// How a decision ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// Somebody decided.
    By {
        /// Who.
        who: Principal,
        /// When.
        at: Timestamp,
        /// How.
        verdict: Verdict,
    },
    /// Nobody waits for it any more.
    Withdrawn {
        /// Why.
        why: Arc<str>,
    },
}
