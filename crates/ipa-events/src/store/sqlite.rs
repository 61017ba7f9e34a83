//! The store that needs no server: one `SQLite` file, one writer task, a few readers.
//!
//! This file is the ports; `sqlite/` opens the file, writes, reads, and says what an error means. Who may
//! open the file for writing at all is not decided here: the engine holds the lock of its data directory.

mod append;
mod deliveries;
mod fault;
#[cfg(feature = "testing")]
mod faults;
mod open;
mod read;
mod stops;
mod update;
mod writer;

#[cfg(feature = "testing")]
pub use faults::WriterFaults;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use jiff::Timestamp;
use tokio::sync::{oneshot, watch};

use super::{
    Append, AppendError, Appended, Arrival, Delivery, DeliveryLog, DeliveryNumber, Lease, Leases, Log,
    ModelError, ModelId, ModelRow, Models, NewDelivery, Position, RawRecord, ReadError, Snapshot, Snapshots,
    Stop, Stops, Store, StoreFault, StreamInfo, Version,
};
use crate::value::{CommandId, ConnectorId, StreamId};
use read::Readers;
use stops::StopWork;
use writer::{Queue, Work};

/// Opens stores in `SQLite` files.
#[derive(Debug, Clone, Copy)]
pub struct SqliteStore;

/// How a store is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SqliteOptions {
    /// What an acknowledged event survives.
    pub durability: Durability,
}

/// What an acknowledged event survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// A loss of power.
    #[default]
    Full,
    /// The end of the process at any moment, `kill -9` included; a loss of power may cost the last events.
    Normal,
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenStoreError {
    /// There is no such file.
    #[error("there is no store at {}", .0.display())]
    Missing(PathBuf),
    /// The file was written by a program that knows more than this one. Nothing was changed.
    #[error("the store at {} was written by a newer ipa; update this one", .0.display())]
    Newer(PathBuf),
    /// The file must be brought up to date, which a reader may not do.
    #[error("the store at {} must first be brought up to date; start ipa once to do so", .0.display())]
    Outdated(PathBuf),
    /// The engine refused.
    #[error("opening the store at {}", path.display())]
    Engine {
        /// The file.
        path: PathBuf,
        /// What the engine said.
        #[source]
        source: StoreFault,
    },
}

impl SqliteStore {
    /// Opens a store for reading and writing; makes the file if it is not there, and brings it up to date.
    ///
    /// Must be called within a tokio runtime, on which the store's one writer task runs. The task ends when
    /// the last clone of the store is dropped, or with [`Log::close`]. The caller sees to it that no other
    /// process has the file open for writing.
    ///
    /// # Errors
    ///
    /// [`OpenStoreError`]; a file that a newer ipa wrote is left as it is.
    pub async fn open(path: &Path, options: SqliteOptions) -> Result<Store, OpenStoreError> {
        let (writer, queue, readers) = open::for_writing(path, options).await?;
        writer.start();
        Ok(ports(Arc::new(Sqlite { queue: Some(queue), readers })))
    }

    /// Opens a store for reading alone: no lock, no migration, nothing is written.
    ///
    /// Its head follows what another process appends, by looking every quarter of a second once somebody
    /// asked for it.
    ///
    /// # Errors
    ///
    /// [`OpenStoreError`], [`Outdated`](OpenStoreError::Outdated) when a migration is missing.
    pub async fn open_read_only(path: &Path) -> Result<Store, OpenStoreError> {
        let readers = open::for_reading(path).await?;
        Ok(ports(Arc::new(Sqlite { queue: None, readers })))
    }

    /// Opens a store whose writer can be made to fail.
    ///
    /// # Errors
    ///
    /// As [`SqliteStore::open`].
    #[cfg(feature = "testing")]
    pub async fn open_with_faults(
        path: &Path,
        options: SqliteOptions,
    ) -> Result<(Store, WriterFaults), OpenStoreError> {
        let (writer, queue, readers) = open::for_writing(path, options).await?;
        let faults = writer.faults.clone();
        writer.start();
        Ok((ports(Arc::new(Sqlite { queue: Some(queue), readers })), faults))
    }
}

fn ports(sqlite: Arc<Sqlite>) -> Store {
    let (log, leases, snapshots, models) = (sqlite.clone(), sqlite.clone(), sqlite.clone(), sqlite.clone());
    Store { log, leases, snapshots, models, deliveries: sqlite.clone(), stops: sqlite }
}

struct Sqlite {
    /// None: the store is read-only.
    queue: Option<Queue>,
    readers: Readers,
}

impl Sqlite {
    /// Hands work to the writer and waits for its answer.
    async fn ask<T>(&self, work: impl FnOnce(oneshot::Sender<T>) -> Work) -> Result<T, AppendError> {
        let Some(queue) = &self.queue else {
            return Err(AppendError::ReadOnly(StoreFault::new("it was opened for reading alone")));
        };
        let (reply, answer) = oneshot::channel();
        let gone = |_gone| AppendError::Unavailable(StoreFault::new("the store was closed"));
        queue.send(work(reply)).await.map_err(gone)?;
        answer.await.map_err(|_gone| AppendError::Unknown(StoreFault::new("the store's writer ended")))
    }
}

impl Log for Sqlite {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        if append.records.is_empty() {
            return ready(Err(AppendError::Invalid(append.command))).boxed();
        }
        async move { self.ask(|reply| Work::Append(append, reply)).await? }.boxed()
    }

    fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<RawRecord>, ReadError>> {
        self.readers.stream(stream.clone(), after, max).boxed()
    }

    fn read_all(&self, after: Position, max: usize) -> BoxFuture<'_, Result<Vec<RawRecord>, ReadError>> {
        self.readers.all(after, max).boxed()
    }

    fn outcome(&self, command: CommandId) -> BoxFuture<'_, Result<Option<Appended>, ReadError>> {
        self.readers.outcome(command).boxed()
    }

    fn streams(&self, after: u64, max: usize) -> BoxFuture<'_, Result<Vec<StreamInfo>, ReadError>> {
        self.readers.streams(after, max).boxed()
    }

    fn head(&self) -> watch::Receiver<Position> {
        self.readers.head()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            // Without a writer there is nothing to wait for.
            self.ask(Work::Close).await.ok();
            self.readers.close().await;
        }
        .boxed()
    }
}

impl Leases for Sqlite {
    fn acquire(&self, stream: &StreamId) -> BoxFuture<'_, Result<Lease, AppendError>> {
        let stream = stream.clone();
        async move { self.ask(|reply| Work::Acquire(stream, reply)).await? }.boxed()
    }

    fn release(&self, lease: Lease) -> BoxFuture<'_, Result<(), AppendError>> {
        async move { self.ask(|reply| Work::Release(lease, reply)).await? }.boxed()
    }
}

impl Snapshots for Sqlite {
    fn load(&self, stream: &StreamId) -> BoxFuture<'_, Result<Option<Snapshot>, ReadError>> {
        self.readers.snapshot(stream.clone()).boxed()
    }

    fn save(&self, stream: &StreamId, snapshot: Snapshot) -> BoxFuture<'_, Result<(), ReadError>> {
        let what = format!("keeping a snapshot of {stream}");
        let stream = stream.clone();
        async move {
            let saved = self.ask(|reply| Work::Snapshot(stream, snapshot, reply)).await;
            saved.and_then(|saved| saved).map_err(|error| ReadError { what, source: StoreFault::new(error) })
        }
        .boxed()
    }
}

impl Models for Sqlite {
    fn position(&self, model: ModelId) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.readers.model_position(model).boxed()
    }

    fn advance(
        &self,
        model: ModelId,
        from: Position,
        to: Position,
        rows: Vec<ModelRow>,
    ) -> BoxFuture<'_, Result<(), ModelError>> {
        let advance = update::Advance { model, from, to, rows };
        async move {
            let asked = self.ask(|reply| Work::Advance(advance, reply)).await;
            asked.map_err(|error| ModelError::Store(StoreFault::new(error)))?
        }
        .boxed()
    }

    fn row(&self, model: ModelId, stream: &StreamId) -> BoxFuture<'_, Result<Option<ModelRow>, ReadError>> {
        self.readers.model_row(model, stream.clone()).boxed()
    }

    fn rows(
        &self,
        model: ModelId,
        after: Option<&StreamId>,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<ModelRow>, ReadError>> {
        self.readers.model_rows(model, after.cloned(), max).boxed()
    }
}

impl Stops for Sqlite {
    fn stops(&self) -> BoxFuture<'_, Result<Vec<Stop>, ReadError>> {
        self.readers.stops().boxed()
    }

    fn stop(&self, stop: Stop) -> BoxFuture<'_, Result<(), AppendError>> {
        async move { self.ask(|reply| Work::Stop(StopWork::Stop(stop), reply)).await? }.boxed()
    }

    fn go_on(&self, connector: &ConnectorId) -> BoxFuture<'_, Result<(), AppendError>> {
        let connector = connector.clone();
        async move { self.ask(|reply| Work::Stop(StopWork::GoOn(connector), reply)).await? }.boxed()
    }
}

impl DeliveryLog for Sqlite {
    fn keep(&self, delivery: NewDelivery) -> BoxFuture<'_, Result<Arrival, AppendError>> {
        async move { self.ask(|reply| Work::Keep(delivery, reply)).await? }.boxed()
    }

    fn next(&self, after: DeliveryNumber) -> BoxFuture<'_, Result<Option<Delivery>, ReadError>> {
        self.readers.delivery(after).boxed()
    }

    fn handled(&self, numbers: Vec<DeliveryNumber>) -> BoxFuture<'_, Result<(), AppendError>> {
        async move { self.ask(|reply| Work::Handled(numbers, reply)).await? }.boxed()
    }

    fn forget(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, AppendError>> {
        async move { self.ask(|reply| Work::Forget(before, reply)).await? }.boxed()
    }
}
