//! The inbox of webhooks: each becomes a hint to the tasks that it concerns. What they hint at is read where it is.
//!
//! Level-triggered, like all that looks outside: a webhook that is lost, doubled or late changes when a pod looks, and
//! nothing else.

mod owners;
mod pile;

use std::collections::BTreeSet;
use std::sync::Weak;
use std::time::Duration;

use ipa_events::TaskId;
use ipa_events::store::{AppendError, Delivery, DeliveryNumber, ReadError};
use ipa_sync::hook::{Hint, Maker};
use jiff::Timestamp;
use tracing::{debug, info, warn};

use self::owners::Owners;
use self::pile::{Piece, Pile};
use super::{Engine, Inner};
use crate::error::{EngineError, chain};

/// How long a webhook is kept: it may be known before what it is about belongs to a task, and be sent again later.
const KEPT: Duration = Duration::from_hours(72);
/// How often the old ones are forgotten.
const TIDY: Duration = Duration::from_hours(1);
/// How long news of the log are gathered before those that fitted nothing are tried again.
const GATHER: Duration = Duration::from_millis(200);
/// How long to wait before the store is asked again that did not answer.
const AGAIN: Duration = Duration::from_secs(5);
/// How many are read at a time.
const AT_ONCE: usize = 256;

/// Works off what came, as long as there is an engine: at its start too, what another one kept.
pub(super) async fn work_off(inner: Weak<Inner>) {
    let Some((arrived, mut head, now)) = inner.upgrade().map(|inner| {
        let now = inner.parts.edge.now();
        (inner.arrived.clone(), inner.store.log.head(), now)
    }) else {
        return;
    };
    read_secrets(&inner).await;
    let mut inbox =
        Inbox { pile: Pile::default(), read: DeliveryNumber::ZERO, pieces: Vec::new(), tidy_at: now };
    loop {
        head.mark_unchanged();
        let Some(engine) = inner.upgrade().map(|inner| Engine { inner }) else { return };
        let pause = match inbox.turn(&engine).await {
            Ok(pause) => pause,
            Err(error) => {
                warn!(error = chain(&error), "the inbox of webhooks was not worked off; it is tried again");
                AGAIN
            }
        };
        drop(engine);
        tokio::select! {
            biased;
            () = arrived.notified() => {}
            news = head.changed(), if inbox.pile.waits() => match news {
                Ok(()) => tokio::time::sleep(GATHER).await,
                Err(_closed) => return,
            },
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Has the secrets of webhooks read, so that one that cannot be is told at the start.
async fn read_secrets(inner: &Weak<Inner>) {
    let Some(inner) = inner.upgrade() else { return };
    for maker in [Maker::GitHub, Maker::Jira] {
        inner.parts.connectors.doors((maker, None), inner.parts.edge.now()).await;
    }
}

struct Inbox {
    pile: Pile,
    /// The last one that was read.
    read: DeliveryNumber,
    /// What was read, and told to nobody yet.
    pieces: Vec<Piece>,
    tidy_at: Timestamp,
}

/// Why a turn was not done.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("listing the tasks")]
    Tasks(#[from] EngineError),
    #[error("noting what was done with webhooks")]
    Write(#[from] AppendError),
}

impl Inbox {
    /// Does what is to be done now; returns when there is more, if nothing comes before.
    async fn turn(&mut self, engine: &Engine) -> Result<Duration, Fault> {
        let now = engine.inner.parts.edge.now();
        if now >= self.tidy_at {
            self.tidy(engine, now).await?;
        }
        self.take(engine).await?;
        let more = self.pieces.len() == AT_ONCE;
        if !self.pieces.is_empty() || self.pile.waits() {
            let owners = Owners::of(&engine.tasks().await?);
            let mut tasks: BTreeSet<TaskId> = self.pile.look_again(&owners, now);
            for piece in self.pieces.drain(..) {
                let connector = piece.connector.clone();
                let told = self.pile.put(piece, &owners, now);
                if told.is_empty() {
                    // It may be a ticket that wants a task.
                    engine.inner.parts.connectors.nudges(&connector).notify_one();
                }
                tasks.extend(told);
            }
            for task in tasks {
                engine.hint(task);
            }
        }
        let done = self.pile.done(now);
        if !done.is_empty() {
            engine.inner.store.deliveries.handled(done.clone()).await?;
            self.pile.forget(&done);
        }
        let next = self.pile.next_done().into_iter().chain([self.tidy_at]).min().unwrap_or(now);
        Ok(if more { Duration::ZERO } else { next.max(now).duration_since(now).unsigned_abs() })
    }

    /// Reads what came since the last time.
    async fn take(&mut self, engine: &Engine) -> Result<(), Fault> {
        while self.pieces.len() < AT_ONCE
            && let Some(Delivery { number, what }) = engine.inner.store.deliveries.next(self.read).await?
        {
            let maker = engine.inner.parts.connectors.maker(&what.connector);
            // Of a connector that is not configured any more nobody knows how it is read, and no task has it.
            let hint = maker.map_or(Hint::Everything, |maker| maker.hint(&what.kind, &what.body));
            match &hint {
                Hint::Everything => info!(
                    "a webhook {:?} for {} does not say what moved; all that belongs to it is looked at",
                    what.id, what.connector
                ),
                Hint::Named(_) => debug!(kind = what.kind, "a webhook {:?} for {}", what.id, what.connector),
            }
            self.pieces.push(Piece { number, connector: what.connector, came_at: what.came_at, hint });
            self.read = number;
        }
        Ok(())
    }

    /// Forgets what is old.
    async fn tidy(&mut self, engine: &Engine, now: Timestamp) -> Result<(), Fault> {
        let before = now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
        engine.inner.store.deliveries.forget(before).await?;
        self.pile.forget_before(before);
        self.tidy_at = now.saturating_add(TIDY).unwrap_or(Timestamp::MAX);
        Ok(())
    }
}
