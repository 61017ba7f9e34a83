//! The inbox of webhooks: what was sent to us, signed, kept before it is answered.
//!
//! Beside the log, not in it: a webhook is a hint and states nothing. It is kept until somebody has looked, so that a
//! crash in between loses none; its name is kept longer, so that a repeat is known.

use futures::future::BoxFuture;
use jiff::Timestamp;

use super::{AppendError, ReadError};
use crate::value::ConnectorId;

/// The number of a delivery in the order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DeliveryNumber(u64);

impl DeliveryNumber {
    /// Before the first.
    pub const ZERO: Self = Self(0);

    /// Makes one from its number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// A webhook that was signed by somebody who may.
#[derive(Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// The connector that it is for.
    pub connector: ConnectorId,
    /// The sender's name for it: the same however often it is sent.
    pub id: String,
    /// What kind of thing happened, in the sender's words; empty where only the body says so.
    pub kind: String,
    /// The body, as it came.
    pub body: Vec<u8>,
    /// When it came.
    pub came_at: Timestamp,
}

impl std::fmt::Debug for NewDelivery {
    /// Shows no body: it is long, and others' words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { connector, id, kind, body, came_at } = self;
        write!(f, "NewDelivery({connector} {id:?} {kind:?}, {} bytes at {came_at})", body.len())
    }
}

/// A webhook that is kept and not handled yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its place in the order of arrival.
    pub number: DeliveryNumber,
    /// What came.
    pub what: NewDelivery,
}

/// Whether a webhook came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It did not, and is kept now.
    New,
    /// It did; nothing was changed.
    Seen,
}

/// The inbox of webhooks.
pub trait DeliveryLog: Send + Sync + 'static {
    /// Keeps a webhook, unless one of its name is kept for its connector. Returns once it is durable.
    fn keep(&self, delivery: NewDelivery) -> BoxFuture<'_, Result<Arrival, AppendError>>;

    /// Returns the first after `after` that is not handled, in the order of arrival.
    fn next(&self, after: DeliveryNumber) -> BoxFuture<'_, Result<Option<Delivery>, ReadError>>;

    /// Notes that some are handled: they are not returned again, and only their names are still kept. One that is
    /// handled already, or forgotten, stays as it is.
    fn handled(&self, numbers: Vec<DeliveryNumber>) -> BoxFuture<'_, Result<(), AppendError>>;

    /// Forgets all that came before a time, handled or not. Returns how many those were.
    fn forget(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, AppendError>>;
}
