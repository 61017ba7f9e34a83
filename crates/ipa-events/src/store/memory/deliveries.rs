//! The inbox of webhooks in memory.

use std::collections::BTreeMap;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use jiff::Timestamp;

use super::{Life, Shared, count};
use crate::store::clock::to_microseconds;
use crate::store::{
    AppendError, Arrival, Delivery, DeliveryLog, DeliveryNumber, NewDelivery, ReadError, StoreFault,
};

/// What is kept of webhooks.
#[derive(Default)]
pub(super) struct Deliveries {
    given: u64,
    all: BTreeMap<DeliveryNumber, Entry>,
}

struct Entry {
    what: NewDelivery,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    InHand,
    Handled,
}

impl Deliveries {
    fn keep(&mut self, mut what: NewDelivery) -> Arrival {
        let is_same = |entry: &Entry| entry.what.connector == what.connector && entry.what.id == what.id;
        if self.all.values().any(is_same) {
            return Arrival::Seen;
        }
        self.given = self.given.saturating_add(1);
        what.came_at = to_microseconds(what.came_at);
        self.all.insert(DeliveryNumber::new(self.given), Entry { what, state: State::InHand });
        Arrival::New
    }

    fn next(&self, after: DeliveryNumber) -> Option<Delivery> {
        let mut later =
            self.all.iter().filter(|(number, entry)| **number > after && entry.state == State::InHand);
        later.next().map(|(number, entry)| Delivery { number: *number, what: entry.what.clone() })
    }
}

impl Shared {
    fn change_deliveries<T>(&self, change: impl FnOnce(&mut Deliveries) -> T) -> Result<T, AppendError> {
        let mut kept = self.kept();
        if kept.life == Life::Closed {
            return Err(AppendError::Unavailable(StoreFault::new("the store was closed")));
        }
        Ok(change(&mut kept.deliveries))
    }
}

impl DeliveryLog for Shared {
    fn keep(&self, delivery: NewDelivery) -> BoxFuture<'_, Result<Arrival, AppendError>> {
        ready(self.change_deliveries(|deliveries| deliveries.keep(delivery))).boxed()
    }

    fn next(&self, after: DeliveryNumber) -> BoxFuture<'_, Result<Option<Delivery>, ReadError>> {
        ready(Ok(self.kept().deliveries.next(after))).boxed()
    }

    fn handled(&self, numbers: Vec<DeliveryNumber>) -> BoxFuture<'_, Result<(), AppendError>> {
        let handled = self.change_deliveries(|deliveries| {
            for number in numbers {
                if let Some(entry) = deliveries.all.get_mut(&number) {
                    entry.what.body = Vec::new();
                    entry.state = State::Handled;
                }
            }
        });
        ready(handled).boxed()
    }

    fn forget(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, AppendError>> {
        let forgotten = self.change_deliveries(|deliveries| {
            let had = deliveries.all.len();
            deliveries.all.retain(|_, entry| entry.what.came_at >= before);
            count(had.saturating_sub(deliveries.all.len()))
        });
        ready(forgotten).boxed()
    }
}
