//! What belongs to a task outside, as it was last seen, and what people said there.

use ipa_events::Resource;
use ipa_events::task::{CiState, ReviewVerdict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A thing outside that belongs to a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutsideRow {
    /// What ipa calls it: `<connector>/<branch, pull or ticket>/<name>`.
    pub resource: Resource,
    /// What the other side calls it, such as `o/r#12`.
    pub name: String,
    /// Where a person finds it.
    pub url: Option<String>,
    /// Its title; none before it was looked at.
    pub title: Option<String>,
    /// How it stands: `draft`, `open`, `merged` or `closed`; of a ticket what its workflow calls it.
    pub state: Option<String>,
    /// What others' checks say of its newest commit.
    pub checks: Option<CiState>,
    /// What people said there, the oldest first.
    pub said: Vec<SaidRow>,
}

/// What somebody said outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaidRow {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Where in the code, `PATH:LINE`, if it is about a line.
    pub place: Option<String>,
    /// What a review says.
    pub verdict: Option<ReviewVerdict>,
    /// Their words; a review may have none.
    pub text: String,
    /// What became of it here.
    pub heard: Heard,
    /// The run that answered it, by handle.
    pub answered_by: Option<String>,
}

/// What becomes here of what was said outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heard {
    /// It is known, and asks nothing of an agent.
    Noted,
    /// The next run is told.
    Asked,
    /// A run was told, and is over.
    Answered,
    /// Its thread is settled.
    Settled,
    /// Who said it is not trusted: no agent is told.
    Untrusted,
}
