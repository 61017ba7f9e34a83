//! Connectors through which nothing goes until a person says so. That is no part of any task's stream: it is said once
//! of a connector, holds for all tasks, and must outlive the engine.

use futures::future::BoxFuture;
use jiff::Timestamp;

use super::{AppendError, ReadError};
use crate::value::{ConnectorId, Principal, words};

/// Why nothing goes through a connector, who said so, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Which.
    pub connector: ConnectorId,
    /// What stopped it.
    pub kind: StopKind,
    /// Who.
    pub by: Principal,
    /// Why, in a person's or the other side's words; may be empty.
    pub why: String,
    /// Since when; a store may cut it to microseconds.
    pub at: Timestamp,
}

/// What stopped a connector. Each may be so for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopKind {
    /// A person paused it.
    Paused,
    /// Its credential was refused.
    Refused,
}

words!(StopKind: "what stopped a connector (paused, refused)" {
    Paused = "paused",
    Refused = "refused",
});

/// Which connectors are stopped.
pub trait Stops: Send + Sync + 'static {
    /// Lists what stops connectors, by connector and kind.
    fn stops(&self) -> BoxFuture<'_, Result<Vec<Stop>, ReadError>>;

    /// Keeps a stop; of each kind a connector has one, the newest.
    fn stop(&self, stop: Stop) -> BoxFuture<'_, Result<(), AppendError>>;

    /// Forgets every stop of a connector; one that has none stays as it is.
    fn go_on(&self, connector: &ConnectorId) -> BoxFuture<'_, Result<(), AppendError>>;
}
