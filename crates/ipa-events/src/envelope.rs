//! Who asks, when and why: what travels with a command and is stamped on each of its events.

use std::fmt;

use jiff::Timestamp;

use crate::store::clock::to_microseconds;
use crate::value::{CommandId, EventId, Principal, Via};

/// Where a command comes from. All of it is fixed at the edge, so a replay sees what the first run saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ctx {
    /// The command's id: a repeat under the same id changes nothing.
    pub command_id: CommandId,
    /// The edge's clock.
    pub at: Timestamp,
    /// Who asks.
    pub actor: Principal,
    /// Through what.
    pub via: Via,
    /// The event that led to this command, if one did.
    pub cause: Option<EventId>,
    /// The command that began it all; the command itself, if nothing came before.
    pub correlation: CommandId,
}

impl Ctx {
    /// Makes the context of a command that nothing else led to.
    pub const fn new(command_id: CommandId, at: Timestamp, actor: Principal, via: Via) -> Self {
        Self { command_id, at, actor, via, cause: None, correlation: command_id }
    }
}

/// A command with where it comes from.
#[derive(Clone)]
pub struct Envelope<C> {
    /// Where it comes from.
    pub ctx: Ctx,
    /// What is asked.
    pub body: C,
}

impl<C> fmt::Debug for Envelope<C> {
    /// Shows the context alone: a command's body holds what people wrote.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope").field("ctx", &self.ctx).finish_non_exhaustive()
    }
}

/// An event with everything about it that a state may depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped<E> {
    /// The command that caused it.
    pub command_id: CommandId,
    /// Its place among that command's events, from 0.
    pub index: u32,
    /// The edge's clock when the command came in.
    pub at: Timestamp,
    /// Who asked.
    pub actor: Principal,
    /// Through what.
    pub via: Via,
    /// The event that led to the command, if one did.
    pub cause: Option<EventId>,
    /// The command that began it all.
    pub correlation: CommandId,
    /// What happened.
    pub event: E,
}

impl<E> Stamped<E> {
    /// Stamps the events of one command with its context.
    pub fn stamp(ctx: &Ctx, events: Vec<E>) -> Vec<Self> {
        let stamp = |(index, event)| Self {
            command_id: ctx.command_id,
            index,
            // As exact as it is kept: what is live must equal what is read back.
            at: to_microseconds(ctx.at),
            actor: ctx.actor.clone(),
            via: ctx.via,
            cause: ctx.cause,
            correlation: ctx.correlation,
            event,
        };
        (0..).zip(events).map(stamp).collect()
    }

    /// Returns the event's id.
    pub const fn id(&self) -> EventId {
        EventId { command: self.command_id, index: self.index }
    }
}
