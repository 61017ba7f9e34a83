//! The task as an aggregate of `eventually`: ten lines over two plain functions.

use std::sync::Arc;

use eventually::aggregate::Aggregate;
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};

use super::apply::{IllegalEvent, apply};
use super::command::TaskCommand;
use super::decide::decide;
use super::error::TaskError;
use super::event::TaskEvent;
use super::state::TaskState;
use crate::envelope::{Envelope, Stamped};
use crate::value::StreamId;

/// The rules of a task, for `eventually`.
#[derive(Debug, Clone, Copy)]
pub struct TaskAggregate;

/// Why an aggregate did not go on.
#[derive(Debug, thiserror::Error)]
pub enum AggregateError {
    /// The command was refused.
    #[error(transparent)]
    Refused(#[from] TaskError),
    /// An event does not fit what happened before it.
    #[error(transparent)]
    Illegal(#[from] IllegalEvent),
}

impl Aggregate for TaskAggregate {
    type Id = StreamId;
    type State = Arc<TaskState>;
    type Event = Stamped<TaskEvent>;
    type Command = Envelope<TaskCommand>;
    type Error = AggregateError;

    fn apply(mut state: Self::State, event: Self::Event) -> Result<Self::State, Self::Error> {
        apply(Arc::make_mut(&mut state), &event)?;
        Ok(state)
    }

    fn handle<'a, 's: 'a>(
        &'a self,
        _id: &'s Self::Id,
        state: &'s Self::State,
        command: Self::Command,
    ) -> BoxFuture<'a, Result<Option<Vec<Self::Event>>, Self::Error>> {
        let events = decide(state, &command.ctx, &command.body)
            .map(|events| (!events.is_empty()).then(|| Stamped::stamp(&command.ctx, events)))
            .map_err(AggregateError::from);
        ready(events).boxed()
    }
}
