//! Talking to actors: the one place with a timeout, with ractor's three outcomes, and with how a child ends.

use std::time::Duration;

use ractor::rpc::CallResult;
use ractor::{ActorCell, ActorRef, Message, RpcReplyPort, SupervisionEvent};

/// How long an answer may take. An append alone may wait 5 s for a busy store and 30 s for a lost answer.
const PATIENCE: Duration = Duration::from_secs(45);

/// Why an actor did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AskError {
    /// It is not there any more, or was restarted before it answered.
    #[error("the actor is gone")]
    Gone,
    /// It is there, and said nothing for a long time.
    #[error("the actor did not answer in time")]
    Silent,
}

/// Sends a message that holds a place for the answer, and waits for it.
pub(crate) async fn ask<M: Message, T: Send + 'static>(
    actor: &ActorRef<M>,
    message: impl FnOnce(RpcReplyPort<T>) -> M,
) -> Result<T, AskError> {
    match actor.call(message, Some(PATIENCE)).await {
        Ok(CallResult::Success(answer)) => Ok(answer),
        Ok(CallResult::Timeout) => Err(AskError::Silent),
        Ok(CallResult::SenderError) | Err(_) => Err(AskError::Gone),
    }
}

/// Sends a message to an actor that may be gone; whoever restarts it looks at the state anyway.
pub(crate) fn tell<M: Message>(actor: &ActorRef<M>, message: M) {
    if actor.cast(message).is_err() {
        tracing::trace!("a message came too late: its actor is gone");
    }
}

/// Tells which child ended and why; nothing for any other news of a child.
pub(crate) fn ended(event: SupervisionEvent) -> Option<(ActorCell, String)> {
    match event {
        SupervisionEvent::ActorFailed(who, why) => Some((who, why.to_string())),
        SupervisionEvent::ActorTerminated(who, _, why) => {
            Some((who, why.unwrap_or_else(|| "it ended".to_owned())))
        }
        SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => None,
    }
}
