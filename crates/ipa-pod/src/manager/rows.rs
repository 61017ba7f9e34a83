//! Keeps the rows of `summary` in step with the log, and tells the manager what they are.

use ipa_events::store::{Position, Store};
use ipa_events::{Projector, summaries};
use ractor::ActorRef;
use tokio::time::Duration;
use tracing::warn;

use super::Msg;
use crate::actor::tell;

/// How long news of the log are gathered before the rows are looked at.
const GATHER: Duration = Duration::from_millis(20);

/// The head is a hint: the log is looked at this often, whatever it says.
const LOOK: Duration = Duration::from_secs(1);

/// Keeps the rows in step with the log, and tells the manager.
pub(super) async fn follow_log(store: Store, manager: ActorRef<Msg>) {
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
