//! Where time and ids come from: the only place in the engine that asks the world for either.

#![expect(clippy::disallowed_methods, reason = "this is the edge that clock and ids come from")]

use ipa_events::{CommandId, Ctx, Principal, Via};
use jiff::Timestamp;
use uuid::Uuid;

/// A clock and a source of ids.
pub trait Edge: Send + Sync + 'static {
    /// Returns the time.
    fn now(&self) -> Timestamp;

    /// Mints an id that was never minted before.
    fn uuid(&self) -> Uuid;
}

/// The machine's clock, and version 7 UUIDs.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEdge;

impl Edge for SystemEdge {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }
}

impl dyn Edge {
    /// Makes the context of a command that begins here.
    pub fn ctx(&self, actor: Principal, via: Via) -> Ctx {
        Ctx::new(CommandId::new(self.uuid()), self.now(), actor, via)
    }
}
