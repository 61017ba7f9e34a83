//! Reads, over a few connections that cannot write. Each is one short statement: a long one would pin the
//! write-ahead log.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::sqlite::{SqliteExecutor, SqliteRow};
use sqlx::{Row as _, SqlitePool};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::store::{
    Appended, ModelId, ModelRow, NewRecord, Position, RawRecord, ReadError, Snapshot, StoreFault, StreamInfo,
    Version,
};
use crate::value::{CommandId, EventId, StreamId};

/// How often a store that is only read looks for new events.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A statement that reads events; `record` takes the columns by their numbers.
macro_rules! events {
    ($which:literal) => {
        concat!(
            "SELECT position, stream_id, version, command_id, command_index, recorded_at, type, schema_version, \
             at, actor, via, causation_id, correlation_id, payload, metadata FROM events ",
            $which
        )
    };
}

/// The readers of one file, and what is known of its head.
pub(super) struct Readers {
    pool: SqlitePool,
    head: Head,
}

enum Head {
    /// The writer of this store says where it is.
    Told(watch::Receiver<Position>),
    /// Another process writes: a task looks, once somebody wants to know.
    Looked { sender: Arc<watch::Sender<Position>>, task: OnceLock<Owned> },
}

/// A task that ends with its owner.
struct Owned(JoinHandle<()>);

impl Drop for Owned {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Reads the newest position.
pub(super) async fn newest(executor: impl SqliteExecutor<'_>) -> Result<Position, sqlx::Error> {
    let newest = "SELECT coalesce(max(position), 0) FROM events";
    let position: i64 = sqlx::query_scalar(newest).fetch_one(executor).await?;
    Ok(Position::new(position.unsigned_abs()))
}

/// Reads how far a command got, and in which stream.
pub(super) async fn outcome(
    executor: impl SqliteExecutor<'_>,
    command: CommandId,
) -> Result<Option<Found>, sqlx::Error> {
    let last = "SELECT stream_id, epoch, version, command_index, position FROM events \
         WHERE command_id = ? ORDER BY command_index DESC LIMIT 1";
    let row = sqlx::query(last).bind(command.to_string()).fetch_optional(executor).await?;
    let Some(row) = row else { return Ok(None) };
    let appended =
        Appended { version: Version::new(unsigned(&row, 2)?), position: Position::new(unsigned(&row, 4)?) };
    let before = appended.version.get().saturating_sub(unsigned(&row, 3)?.saturating_add(1));
    let (stream, epoch) = (row.try_get(0)?, unsigned(&row, 1)?);
    Ok(Some(Found { stream, epoch, expected: Version::new(before), appended }))
}

/// Where the events of a command are.
pub(super) struct Found {
    pub(super) stream: String,
    pub(super) epoch: u64,
    /// The version before its first event.
    pub(super) expected: Version,
    pub(super) appended: Appended,
}

impl Readers {
    pub(super) const fn following(pool: SqlitePool, head: watch::Receiver<Position>) -> Self {
        Self { pool, head: Head::Told(head) }
    }

    pub(super) fn looking(pool: SqlitePool, head: Position) -> Self {
        let (sender, _) = watch::channel(head);
        Self { pool, head: Head::Looked { sender: Arc::new(sender), task: OnceLock::new() } }
    }

    pub(super) fn head(&self) -> watch::Receiver<Position> {
        match &self.head {
            Head::Told(receiver) => receiver.clone(),
            Head::Looked { sender, task } => {
                task.get_or_init(|| look(self.pool.clone(), sender.clone()));
                sender.subscribe()
            }
        }
    }

    pub(super) const fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    pub(super) async fn stream(
        &self,
        stream: StreamId,
        after: Version,
        max: usize,
    ) -> Result<Vec<RawRecord>, ReadError> {
        let sql = events!("WHERE stream_id = ? AND version > ? ORDER BY version LIMIT ?");
        let page = sqlx::query(sql).bind(stream.as_str()).bind(signed(after.get())).bind(limit(max));
        let rows = page.fetch_all(&self.pool).await;
        records(rows).map_err(|error| failed(format!("stream {stream}"), error))
    }

    pub(super) async fn all(&self, after: Position, max: usize) -> Result<Vec<RawRecord>, ReadError> {
        let sql = events!("WHERE position > ? ORDER BY position LIMIT ?");
        let page = sqlx::query(sql).bind(signed(after.get())).bind(limit(max));
        let rows = page.fetch_all(&self.pool).await;
        records(rows).map_err(|error| failed("the log", error))
    }

    pub(super) async fn outcome(&self, command: CommandId) -> Result<Option<Appended>, ReadError> {
        let found = outcome(&self.pool, command).await;
        let found = found.map_err(|error| failed(format!("command {command}"), error))?;
        Ok(found.map(|found| found.appended))
    }

    pub(super) async fn streams(&self, after: u64, max: usize) -> Result<Vec<StreamInfo>, ReadError> {
        let sql = "SELECT stream_id, number, version FROM streams WHERE number > ? ORDER BY number LIMIT ?";
        let rows = sqlx::query(sql).bind(signed(after)).bind(limit(max)).fetch_all(&self.pool).await;
        let info = |row: &SqliteRow| {
            Ok(StreamInfo {
                stream: parsed(row, 0)?,
                number: unsigned(row, 1)?,
                version: Version::new(unsigned(row, 2)?),
            })
        };
        let rows = rows.and_then(|rows| rows.iter().map(info).collect());
        rows.map_err(|error| failed("the list of streams", error))
    }

    pub(super) async fn snapshot(&self, stream: StreamId) -> Result<Option<Snapshot>, ReadError> {
        let sql = "SELECT version, state_schema, state FROM snapshots WHERE stream_id = ?";
        let row = sqlx::query(sql).bind(stream.as_str()).fetch_optional(&self.pool).await;
        let snapshot = |row: &SqliteRow| {
            Ok(Snapshot {
                version: Version::new(unsigned(row, 0)?),
                state_schema: row.try_get(1)?,
                state: row.try_get(2)?,
            })
        };
        let snapshot = row.and_then(|row| row.as_ref().map(snapshot).transpose());
        snapshot.map_err(|error| failed(format!("the snapshot of {stream}"), error))
    }

    pub(super) async fn model_position(&self, model: ModelId) -> Result<Position, ReadError> {
        let sql = "SELECT position FROM models WHERE name = ? AND schema = ?";
        let position = sqlx::query_scalar(sql).bind(model.name).bind(model.schema);
        let position: Option<i64> = position
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| failed(format!("the position of model {}", model.name), error))?;
        Ok(Position::new(position.unwrap_or(0).unsigned_abs()))
    }

    pub(super) async fn model_row(
        &self,
        model: ModelId,
        stream: StreamId,
    ) -> Result<Option<ModelRow>, ReadError> {
        let sql =
            "SELECT stream_id, row, broken FROM model_rows WHERE name = ? AND schema = ? AND stream_id = ?";
        let row = sqlx::query(sql).bind(model.name).bind(model.schema).bind(stream.as_str());
        let row = row.fetch_optional(&self.pool).await;
        let row = row.and_then(|row| row.as_ref().map(model_row).transpose());
        row.map_err(|error| failed(format!("the row of {stream} in model {}", model.name), error))
    }

    pub(super) async fn model_rows(
        &self,
        model: ModelId,
        after: Option<StreamId>,
        max: usize,
    ) -> Result<Vec<ModelRow>, ReadError> {
        let sql = "SELECT stream_id, row, broken FROM model_rows \
             WHERE name = ? AND schema = ? AND stream_id > ? ORDER BY stream_id LIMIT ?";
        // Every name comes after the empty one.
        let after = after.as_ref().map_or("", StreamId::as_str);
        let page = sqlx::query(sql).bind(model.name).bind(model.schema).bind(after).bind(limit(max));
        let rows = page.fetch_all(&self.pool).await;
        let rows = rows.and_then(|rows| rows.iter().map(model_row).collect());
        rows.map_err(|error| failed(format!("the rows of model {}", model.name), error))
    }
}

fn look(pool: SqlitePool, sender: Arc<watch::Sender<Position>>) -> Owned {
    #[expect(clippy::disallowed_methods, reason = "the task is owned: it ends with the store")]
    let task = tokio::spawn(async move {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match newest(&pool).await {
                Ok(position) => {
                    sender.send_if_modified(|known| std::mem::replace(known, position) != position);
                }
                Err(sqlx::Error::PoolClosed) => return,
                // The next look may succeed; whoever reads is told what is wrong.
                Err(_unreadable) => {}
            }
        }
    });
    Owned(task)
}

fn records(rows: Result<Vec<SqliteRow>, sqlx::Error>) -> Result<Vec<RawRecord>, sqlx::Error> {
    rows?.iter().map(record).collect()
}

fn record(row: &SqliteRow) -> Result<RawRecord, sqlx::Error> {
    Ok(RawRecord {
        position: Position::new(unsigned(row, 0)?),
        stream: parsed(row, 1)?,
        version: Version::new(unsigned(row, 2)?),
        id: EventId { command: parsed(row, 3)?, index: row.try_get(4)? },
        recorded_at: time(row, 5)?,
        record: NewRecord {
            kind: row.try_get(6)?,
            schema_version: row.try_get(7)?,
            at: time(row, 8)?,
            actor: row.try_get(9)?,
            via: row.try_get(10)?,
            causation_id: row.try_get(11)?,
            correlation_id: row.try_get(12)?,
            payload: row.try_get(13)?,
            metadata: row.try_get(14)?,
        },
    })
}

fn model_row(row: &SqliteRow) -> Result<ModelRow, sqlx::Error> {
    Ok(ModelRow { stream: parsed(row, 0)?, row: row.try_get(1)?, broken: row.try_get(2)? })
}

pub(super) fn parsed<T>(row: &SqliteRow, column: usize) -> Result<T, sqlx::Error>
where
    T: std::str::FromStr<Err = crate::value::InvalidValue>,
{
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|error: T::Err| sqlx::Error::Decode(error.into()))
}

pub(super) fn time(row: &SqliteRow, column: usize) -> Result<Timestamp, sqlx::Error> {
    let microseconds: i64 = row.try_get(column)?;
    Timestamp::from_microsecond(microseconds).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Reads a count; what is negative there is damage, and no count of ours.
pub(super) fn unsigned(row: &SqliteRow, column: usize) -> Result<u64, sqlx::Error> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Writes a count as `SQLite` keeps it; none of ours comes near the end.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn limit(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}

pub(super) fn failed(what: impl Into<String>, error: sqlx::Error) -> ReadError {
    ReadError { what: what.into(), source: StoreFault::new(error) }
}
