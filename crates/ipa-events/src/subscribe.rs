//! Following the log: everything after a position, then whatever comes.
//!
//! Made of short reads only; a long one would keep the store from tidying up.

use std::sync::Arc;
use std::time::Duration;
use std::vec::IntoIter;

use futures::stream::{BoxStream, StreamExt as _, try_unfold};
use tokio::sync::watch;

use crate::store::{Log, Position, RawRecord, ReadError};

/// How many records one read brings.
const PAGE: usize = 1_000;

/// How often the log is looked at though nobody said that there is more: the head is a hint.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Follows all records after `after`, in the order of their positions, for as long as it is asked; none is
/// missed, none comes twice.
///
/// Keeps the store open. Ends with the first [`ReadError`]; whoever wants to go on begins again after the last
/// position that was seen.
pub fn subscribe(log: Arc<dyn Log>, after: Position) -> BoxStream<'static, Result<RawRecord, ReadError>> {
    let head = log.head();
    let follow = Follow { log, head, after, page: Vec::new().into_iter() };
    try_unfold(follow, |mut follow| async move { Ok(Some((follow.next().await?, follow))) }).boxed()
}

struct Follow {
    log: Arc<dyn Log>,
    head: watch::Receiver<Position>,
    after: Position,
    page: IntoIter<RawRecord>,
}

impl Follow {
    async fn next(&mut self) -> Result<RawRecord, ReadError> {
        loop {
            if let Some(raw) = self.page.next() {
                self.after = raw.position;
                return Ok(raw);
            }
            let page = self.log.read_all(self.after, PAGE).await?;
            if page.is_empty() {
                self.wait().await;
            }
            self.page = page.into_iter();
        }
    }

    async fn wait(&mut self) {
        let after = self.after;
        let moved = self.head.wait_for(|head| *head > after);
        let moved = tokio::time::timeout(LOOK_EVERY, moved).await.map(|moved| moved.is_ok());
        if moved == Ok(false) {
            // Nobody writes through this store any more.
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
