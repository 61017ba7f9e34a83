//! Keeps the rows of `summary` in step with the log, and tells the manager what they are.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use ipa_events::store::{Position, Store};
use ipa_events::{Projector, summaries};
use ractor::ActorRef;
use tokio::time::Duration;
use tracing::{error, warn};

use super::Msg;
use crate::actor::tell;

/// How long news of the log are gathered before the rows are looked at.
const GATHER: Duration = Duration::from_millis(20);

/// The head is a hint: it is looked at this often, whether it moved or not.
const LOOK: Duration = Duration::from_secs(1);

/// Follows the log for as long as there is an engine; a panic on the way is told, and it begins again.
pub(super) async fn follow_log_for_ever(store: Store, manager: ActorRef<Msg>) {
    while let Err(_panic) = AssertUnwindSafe(follow_log(store.clone(), manager.clone())).catch_unwind().await
    {
        error!("following the log for the board failed; it begins again");
        tokio::time::sleep(LOOK).await;
    }
}

/// Keeps the rows in step with the log, and tells the manager.
async fn follow_log(store: Store, manager: ActorRef<Msg>) {
    let mut head = store.log.head();
    let mut projector = Projector::new(store.clone());
    let mut told: Option<Position> = None;
    loop {
        let at = *head.borrow_and_update();
        if told != Some(at) {
            loop {
                match projector.step().await {
                    Ok((_, true)) => {}
                    Ok((_, false)) => break,
                    Err(error) => {
                        warn!(%error, "the rows of the board could not be brought up to date; trying again");
                        break;
                    }
                }
            }
            match summaries(&store).await {
                Ok(rows) => {
                    told = Some(at);
                    tell(&manager, Msg::Rows(rows.into_iter().map(|row| row.summary).collect()));
                }
                Err(error) => warn!(%error, "the rows of the board could not be read; trying again"),
            }
        }
        let news = tokio::time::timeout(LOOK, head.changed()).await;
        if matches!(news, Ok(Err(_))) {
            return;
        }
        tokio::time::sleep(GATHER).await;
    }
}
