//! The one task that writes the file. It takes what is in its queue, all appends of it together, and answers
//! after the commit: a crowd of callers shares one fsync, a single caller waits for nobody.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Row as _};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::warn;

use super::append::Pending;
use super::fault::Failure;
use super::stops::StopWork;
use super::update::Advance;
use crate::store::{
    Append, AppendError, Appended, Arrival, DeliveryNumber, Lease, ModelError, NewDelivery, Position,
    Snapshot, StoreFault,
};
use crate::value::StreamId;

/// How much work may wait.
const QUEUE: usize = 1_024;

/// How many appends share a commit.
const BATCH: usize = 512;

/// How many bytes of events share a commit; one append alone may have more.
const BATCH_BYTES: usize = 1 << 20;

/// After this long without work the write-ahead log is copied back and cut.
const IDLE: Duration = Duration::from_secs(2);

/// From this size on a write-ahead log that cannot be cut is worth a warning.
const LARGE_LOG_BYTES: i64 = 64 << 20;

/// The way to the writer.
pub(super) type Queue = mpsc::Sender<Work>;

type Reply<T, E> = oneshot::Sender<Result<T, E>>;

/// What the writer is asked to do, and where the answer goes.
pub(super) enum Work {
    Append(Append, Reply<Appended, AppendError>),
    Acquire(StreamId, Reply<Lease, AppendError>),
    Release(Lease, Reply<(), AppendError>),
    Snapshot(StreamId, Snapshot, Reply<(), AppendError>),
    Advance(Advance, Reply<(), ModelError>),
    Stop(StopWork, Reply<(), AppendError>),
    Keep(NewDelivery, Reply<Arrival, AppendError>),
    Handled(Vec<DeliveryNumber>, Reply<(), AppendError>),
    Forget(Timestamp, Reply<u64, AppendError>),
    Close(oneshot::Sender<()>),
}

impl Work {
    /// Answers what comes after the end.
    fn refuse(self) {
        let closed = || StoreFault::new("the store was closed");
        match self {
            Self::Append(_, reply) => drop(reply.send(Err(AppendError::Unavailable(closed())))),
            Self::Acquire(_, reply) => drop(reply.send(Err(AppendError::Unavailable(closed())))),
            Self::Keep(_, reply) => drop(reply.send(Err(AppendError::Unavailable(closed())))),
            Self::Forget(_, reply) => drop(reply.send(Err(AppendError::Unavailable(closed())))),
            Self::Release(_, reply)
            | Self::Snapshot(_, _, reply)
            | Self::Handled(_, reply)
            | Self::Stop(_, reply) => {
                drop(reply.send(Err(AppendError::Unavailable(closed()))));
            }
            Self::Advance(_, reply) => drop(reply.send(Err(ModelError::Store(closed())))),
            Self::Close(reply) => drop(reply.send(()).ok()),
        }
    }
}

/// Whether there is more to do.
enum Next {
    Go,
    /// Somebody waits for the end.
    End(oneshot::Sender<()>),
}

/// The writer's own: its connection, and what it knows of the log's head.
pub(super) struct Writer {
    connect: SqliteConnectOptions,
    pub(super) connection: SqliteConnection,
    work: mpsc::Receiver<Work>,
    pub(super) head: watch::Sender<Position>,
    /// Why nothing more is written, once the file was found damaged.
    pub(super) stopped: Option<Failure>,
    #[cfg(feature = "testing")]
    pub(super) faults: super::faults::WriterFaults,
}

impl Writer {
    pub(super) fn new(
        connect: SqliteConnectOptions,
        connection: SqliteConnection,
        head: watch::Sender<Position>,
    ) -> (Self, Queue) {
        let (queue, work) = mpsc::channel(QUEUE);
        let writer = Self {
            connect,
            connection,
            work,
            head,
            stopped: None,
            #[cfg(feature = "testing")]
            faults: super::faults::WriterFaults::default(),
        };
        (writer, queue)
    }

    /// Starts the task. It ends when nobody can ask it any more: with the last clone of its store.
    pub(super) fn start(self) {
        #[expect(
            clippy::disallowed_methods,
            reason = "the task is owned by its queue: it ends with the store"
        )]
        let task = tokio::spawn(self.run());
        drop(task);
    }

    async fn run(mut self) {
        let mut taken = Vec::with_capacity(BATCH);
        let mut written = false;
        loop {
            let wait = self.work.recv_many(&mut taken, BATCH);
            let count = if written {
                match tokio::time::timeout(IDLE, wait).await {
                    Ok(count) => count,
                    Err(_idle) => {
                        self.cut_log().await;
                        written = false;
                        continue;
                    }
                }
            } else {
                wait.await
            };
            if count == 0 {
                return self.end().await;
            }
            if let Next::End(reply) = self.do_all(&mut taken).await {
                self.cut_log().await;
                self.end().await;
                reply.send(()).ok();
                return;
            }
            written = true;
        }
    }

    async fn end(mut self) {
        self.work.close();
        while let Some(work) = self.work.recv().await {
            work.refuse();
        }
        if let Err(error) = self.connection.close().await {
            warn!(%error, "the store was not closed cleanly; the next start mends that");
        }
    }

    /// Does what was taken from the queue, in order, appends that follow one another together.
    async fn do_all(&mut self, taken: &mut Vec<Work>) -> Next {
        let mut batch: Vec<Pending> = Vec::new();
        let mut bytes = 0;
        let mut taken = taken.drain(..);
        while let Some(work) = taken.next() {
            if let Work::Append(append, reply) = work {
                let pending = Pending::new(append, reply);
                if bytes + pending.bytes > BATCH_BYTES {
                    self.append_all(std::mem::take(&mut batch)).await;
                    bytes = 0;
                }
                bytes += pending.bytes;
                batch.push(pending);
            } else {
                self.append_all(std::mem::take(&mut batch)).await;
                bytes = 0;
                if let Next::End(reply) = self.do_one(work).await {
                    taken.for_each(Work::refuse);
                    return Next::End(reply);
                }
            }
        }
        self.append_all(batch).await;
        Next::Go
    }

    async fn do_one(&mut self, work: Work) -> Next {
        // Whoever asked may have stopped waiting.
        match work {
            Work::Append(append, reply) => self.append_all(vec![Pending::new(append, reply)]).await,
            Work::Acquire(stream, reply) => drop(reply.send(self.acquire(stream).await)),
            Work::Release(lease, reply) => drop(reply.send(self.release(lease).await)),
            Work::Snapshot(stream, snapshot, reply) => {
                drop(reply.send(self.keep_snapshot(&stream, snapshot).await));
            }
            Work::Advance(advance, reply) => drop(reply.send(self.advance(advance).await)),
            Work::Stop(stop, reply) => drop(reply.send(self.write_stop(stop).await)),
            Work::Keep(delivery, reply) => drop(reply.send(self.keep_delivery(delivery).await)),
            Work::Handled(numbers, reply) => drop(reply.send(self.delivery_handled(numbers).await)),
            Work::Forget(before, reply) => drop(reply.send(self.forget_deliveries(before).await)),
            Work::Close(reply) => return Next::End(reply),
        }
        Next::Go
    }

    /// Opens the file anew after an answer was lost.
    pub(super) async fn reconnect(&mut self) -> Result<(), sqlx::Error> {
        self.connection = SqliteConnection::connect_with(&self.connect).await?;
        Ok(())
    }

    /// Copies the write-ahead log back and cuts it, unless a reader needs it just now.
    async fn cut_log(&mut self) {
        let cut = async {
            sqlx::query("PRAGMA busy_timeout = 0").execute(&mut self.connection).await?;
            let left = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut self.connection).await;
            sqlx::query("PRAGMA busy_timeout = 5000").execute(&mut self.connection).await?;
            let pages: i64 = left?.try_get(1)?;
            let page_size: i64 =
                sqlx::query_scalar("PRAGMA page_size").fetch_one(&mut self.connection).await?;
            Ok::<i64, sqlx::Error>(pages.saturating_mul(page_size))
        };
        match cut.await {
            Ok(bytes) if bytes > LARGE_LOG_BYTES => {
                warn!(
                    bytes,
                    "the store's write-ahead log has {bytes} bytes; a reader keeps it from being cut"
                );
            }
            Ok(_) => {}
            Err(error) => warn!(%error, "the store's write-ahead log was not cut; it will be later"),
        }
    }
}
