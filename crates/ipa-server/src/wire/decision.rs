//! What waits, or waited, for a person, with exactly what is asked.

use ipa_events::task::{Change, DecisionKind, EscalationReason, Evidence, GatePolicy, Opinion};
use ipa_events::{DecisionId, Handle, Oid, PayloadHash, Phase, Principal, Resource, TaskId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::run::CheckRow;

/// Something that waits, or waited, for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Its id.
    pub id: DecisionId,
    /// Its handle, such as `T-12.d4`.
    pub handle: String,
    /// The task.
    pub task_id: TaskId,
    /// The task's handle.
    pub task_handle: Handle,
    /// The task's title.
    pub task_title: String,
    /// What kind it is.
    pub kind: DecisionKind,
    /// One line that says what is asked.
    pub title: String,
    /// The hash of exactly what is asked; an answer names it.
    pub payload_hash: PayloadHash,
    /// Since when it waits.
    pub created_at: Timestamp,
    /// Until when it waits; for ever, if none.
    pub expires_at: Option<Timestamp>,
    /// Whether it still waits.
    pub state: DecisionState,
    /// How it ended, if it did.
    pub answered: Option<AnsweredBy>,
    /// Exactly what is asked.
    pub payload: Shown,
}

/// Whether a decision still waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionState {
    /// It waits.
    Open,
    /// Somebody decided.
    Answered,
    /// Nobody waits for it any more.
    Withdrawn,
}

/// How a decision ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnsweredBy {
    /// Who decided; none when nobody waits for it any more.
    pub actor: Option<Principal>,
    /// When.
    pub at: Option<Timestamp>,
    /// `approve`, `edit` (approved with another input), `reject`, `answer` or `withdrawn`.
    pub verdict: String,
    /// What was said with it.
    pub text: Option<String>,
    /// What the tool got in the place of what its agent wanted, JSON text; with `edit` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
}

/// Exactly what is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Shown {
    /// To open a gate.
    Gate {
        /// The phase whose product is there.
        from: Phase,
        /// The phase behind it.
        to: Phase,
        /// Who opens it.
        policy: GatePolicy,
        /// The document to approve, if one is.
        document: Option<ShownDocument>,
        /// The head of the work to approve, if there is work.
        commit: Option<Oid>,
        /// What the checks said of that head.
        checks: Evidence,
        /// Each check's result on that head.
        check_results: Vec<CheckRow>,
        /// What others say of that head, by pull request.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        others: Vec<OpinionRow>,
    },
    /// To allow an agent something.
    Permission {
        /// The run that waits, by handle.
        run: String,
        /// The tool.
        tool: String,
        /// What it is to do: JSON text, as the agent gave it.
        input: String,
    },
    /// To answer an agent.
    Question {
        /// The run that waits, by handle.
        run: String,
        /// What is asked.
        text: String,
        /// Answers to choose from; any text will do as well.
        choices: Vec<String>,
    },
    /// To let something go out.
    Publish {
        /// What would change: `<connector>/<branch, pull or ticket>/<name>`.
        resource: Resource,
        /// How: exactly this.
        changes: Vec<PublishRow>,
    },
    /// To help where ipa cannot go on.
    Escalation {
        /// What kind of thing.
        reason: EscalationReason,
        /// What happened.
        detail: String,
    },
}

/// What others say of a commit in one pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpinionRow {
    /// The pull request, as the forge names it.
    pub pull: String,
    /// Where a person finds it.
    pub url: Option<String>,
    /// What they say.
    #[serde(flatten)]
    pub opinion: Opinion,
}

/// A document that is shown at a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownDocument {
    /// `spec` or `plan`.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Its text.
    pub text: String,
}

/// A change that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishRow {
    /// The operation, by handle.
    pub op: String,
    /// The change in one line.
    pub title: String,
    /// The change itself.
    pub change: Change,
}
