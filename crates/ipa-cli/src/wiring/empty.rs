//! The store before the first command: nothing in it, and nothing goes in. Reading must not make files.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use ipa_events::store::{
    Append, AppendError, Appended, Arrival, Delivery, DeliveryLog, DeliveryNumber, Lease, Leases, Log,
    ModelError, ModelId, ModelRow, Models, NewDelivery, Position, RawRecord, ReadError, Snapshot, Snapshots,
    Stop, Stops, Store, StoreFault, StreamInfo, Version,
};
use ipa_events::{CommandId, ConnectorId, StreamId};
use jiff::Timestamp;
use tokio::sync::watch;

/// Makes the store that holds nothing.
pub(super) fn store() -> Store {
    let empty = Arc::new(Empty { head: watch::Sender::new(Position::ZERO) });
    let (log, leases, snapshots, models) = (empty.clone(), empty.clone(), empty.clone(), empty.clone());
    Store { log, leases, snapshots, models, deliveries: empty.clone(), stops: empty }
}

struct Empty {
    head: watch::Sender<Position>,
}

type Read<'a, T> = BoxFuture<'a, Result<T, ReadError>>;

fn refused<T: Send + 'static>() -> BoxFuture<'static, Result<T, AppendError>> {
    ready(Err(AppendError::ReadOnly(StoreFault::new("there is no store yet")))).boxed()
}

impl Log for Empty {
    fn append(&self, _append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        refused()
    }

    fn read_stream(&self, _stream: &StreamId, _after: Version, _max: usize) -> Read<'_, Vec<RawRecord>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn read_all(&self, _after: Position, _max: usize) -> Read<'_, Vec<RawRecord>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn outcome(&self, _command: CommandId) -> Read<'_, Option<Appended>> {
        ready(Ok(None)).boxed()
    }

    fn streams(&self, _after: u64, _max: usize) -> Read<'_, Vec<StreamInfo>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn head(&self) -> watch::Receiver<Position> {
        self.head.subscribe()
    }
}

impl Leases for Empty {
    fn acquire(&self, _stream: &StreamId) -> BoxFuture<'_, Result<Lease, AppendError>> {
        refused()
    }

    fn release(&self, _lease: Lease) -> BoxFuture<'_, Result<(), AppendError>> {
        refused()
    }
}

impl Snapshots for Empty {
    fn load(&self, _stream: &StreamId) -> Read<'_, Option<Snapshot>> {
        ready(Ok(None)).boxed()
    }

    fn save(&self, _stream: &StreamId, _snapshot: Snapshot) -> Read<'_, ()> {
        ready(Ok(())).boxed()
    }
}

impl Models for Empty {
    fn position(&self, _model: ModelId) -> Read<'_, Position> {
        ready(Ok(Position::ZERO)).boxed()
    }

    fn advance(
        &self,
        _model: ModelId,
        _from: Position,
        _to: Position,
        _rows: Vec<ModelRow>,
    ) -> BoxFuture<'_, Result<(), ModelError>> {
        ready(Err(ModelError::Store(StoreFault::new("there is no store yet")))).boxed()
    }

    fn row(&self, _model: ModelId, _stream: &StreamId) -> Read<'_, Option<ModelRow>> {
        ready(Ok(None)).boxed()
    }

    fn rows(&self, _model: ModelId, _after: Option<&StreamId>, _max: usize) -> Read<'_, Vec<ModelRow>> {
        ready(Ok(Vec::new())).boxed()
    }
}

impl Stops for Empty {
    fn stops(&self) -> Read<'_, Vec<Stop>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn stop(&self, _stop: Stop) -> BoxFuture<'_, Result<(), AppendError>> {
        refused()
    }

    fn go_on(&self, _connector: &ConnectorId) -> BoxFuture<'_, Result<(), AppendError>> {
        refused()
    }
}

impl DeliveryLog for Empty {
    fn keep(&self, _delivery: NewDelivery) -> BoxFuture<'_, Result<Arrival, AppendError>> {
        refused()
    }

    fn next(&self, _after: DeliveryNumber) -> Read<'_, Option<Delivery>> {
        ready(Ok(None)).boxed()
    }

    fn handled(&self, _numbers: Vec<DeliveryNumber>) -> BoxFuture<'_, Result<(), AppendError>> {
        refused()
    }

    fn forget(&self, _before: Timestamp) -> BoxFuture<'_, Result<u64, AppendError>> {
        refused()
    }
}
