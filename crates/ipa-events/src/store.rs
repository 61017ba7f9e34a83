//! Where events are kept: six small ports, and the plain data that crosses them.
//!
//! A store moves bytes and checks who may append. It decodes nothing: what an event means is `codec`'s and
//! the aggregate's business, so a record that nobody understands is still kept, read and shown.

pub(crate) mod clock;
mod delivery;
mod error;
#[cfg(feature = "testing")]
mod memory;
mod record;
mod sqlite;
mod stops;

pub use delivery::{Arrival, Delivery, DeliveryLog, DeliveryNumber, NewDelivery};
pub use error::{AppendError, ModelError, ReadError, StoreFault};
#[cfg(feature = "testing")]
pub use memory::{AppendFault, MemoryStore};
pub use record::{
    Append, Appended, Epoch, Lease, NewRecord, Position, RawRecord, Snapshot, StreamInfo, Version,
};
#[cfg(feature = "testing")]
pub use sqlite::WriterFaults;
pub use sqlite::{Durability, OpenStoreError, SqliteOptions, SqliteStore};
pub use stops::{Stop, StopKind, Stops};

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use tokio::sync::watch;

use crate::value::{CommandId, StreamId};

/// The ports of one store, as the rest of ipa holds them.
#[derive(Clone)]
pub struct Store {
    /// The events.
    pub log: Arc<dyn Log>,
    /// Who may append to which stream.
    pub leases: Arc<dyn Leases>,
    /// States kept to shorten a replay.
    pub snapshots: Arc<dyn Snapshots>,
    /// Rows folded from the log, for lists.
    pub models: Arc<dyn Models>,
    /// Connectors through which nothing goes until a person says so.
    pub stops: Arc<dyn Stops>,
    /// Webhooks that came.
    pub deliveries: Arc<dyn DeliveryLog>,
}

/// The append-only log.
pub trait Log: Send + Sync + 'static {
    /// Appends all records of one command, or none.
    ///
    /// Returns once they are durable. A refusal is looked up by command id first: a command that is already
    /// in this stream is [`AppendError::Repeated`], whatever else would have been wrong.
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>>;

    /// Reads up to `max` records of a stream, those after `after`, in order.
    fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<RawRecord>, ReadError>>;

    /// Reads up to `max` records of all streams, those after `after`, in the order of their positions.
    fn read_all(&self, after: Position, max: usize) -> BoxFuture<'_, Result<Vec<RawRecord>, ReadError>>;

    /// Tells how far a command got: the last of its events, if it has any.
    fn outcome(&self, command: CommandId) -> BoxFuture<'_, Result<Option<Appended>, ReadError>>;

    /// Lists up to `max` streams, those with a number after `after`, in the order of their numbers.
    fn streams(&self, after: u64, max: usize) -> BoxFuture<'_, Result<Vec<StreamInfo>, ReadError>>;

    /// Follows the position of the newest record. A hint: it coalesces, and cannot lag behind for ever.
    fn head(&self) -> watch::Receiver<Position>;

    /// Waits until everything that was asked for before is done, and lets go of what the store holds. What is
    /// asked for later is refused. A store that is dropped without it ends in its own time.
    fn close(&self) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}

/// Who may append to a stream: whoever acquired it last.
pub trait Leases: Send + Sync + 'static {
    /// Takes a stream over, making it if it is new, and thereby refuses every later append of an earlier
    /// holder.
    fn acquire(&self, stream: &StreamId) -> BoxFuture<'_, Result<Lease, AppendError>>;

    /// Gives a stream back. An append under the released lease is refused from here on. Releasing a lease
    /// that somebody has taken over changes nothing.
    fn release(&self, lease: Lease) -> BoxFuture<'_, Result<(), AppendError>>;
}

/// States kept to shorten a replay. A cache: losing one costs time only.
pub trait Snapshots: Send + Sync + 'static {
    /// Returns the newest snapshot of a stream.
    fn load(&self, stream: &StreamId) -> BoxFuture<'_, Result<Option<Snapshot>, ReadError>>;

    /// Keeps a snapshot, if it is newer than the one that is kept.
    fn save(&self, stream: &StreamId, snapshot: Snapshot) -> BoxFuture<'_, Result<(), ReadError>>;
}

/// Which read model, in which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelId {
    /// Its name.
    pub name: &'static str,
    /// The form of its rows; a changed form is built anew beside the old one.
    pub schema: u32,
}

/// One row of a read model: JSON text, and what made it unusable, if something did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelRow {
    /// The stream that the row was folded from.
    pub stream: StreamId,
    /// The row as JSON.
    pub row: String,
    /// Why the row stopped following its stream; none while it does.
    pub broken: Option<String>,
}

/// Rows folded from the log, for lists.
pub trait Models: Send + Sync + 'static {
    /// Returns how far a model has followed the log; 0 for one that is new.
    fn position(&self, model: ModelId) -> BoxFuture<'_, Result<Position, ReadError>>;

    /// Moves a model from `from` to `to` and writes the rows that changed on the way, all or nothing.
    fn advance(
        &self,
        model: ModelId,
        from: Position,
        to: Position,
        rows: Vec<ModelRow>,
    ) -> BoxFuture<'_, Result<(), ModelError>>;

    /// Returns the row of a stream.
    fn row(&self, model: ModelId, stream: &StreamId) -> BoxFuture<'_, Result<Option<ModelRow>, ReadError>>;

    /// Lists up to `max` rows, those of streams after `after`, in the order of the streams' names.
    fn rows(
        &self,
        model: ModelId,
        after: Option<&StreamId>,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<ModelRow>, ReadError>>;
}
