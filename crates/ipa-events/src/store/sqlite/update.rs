//! What the writer changes beside events: leases, snapshots, rows of read models.

use sqlx::Connection as _;

use super::fault::Failure;
use super::read::{signed, unsigned};
use super::writer::Writer;
use crate::store::clock::recorded_now;
use crate::store::{
    AppendError, Epoch, Lease, ModelError, ModelId, ModelRow, Position, Snapshot, StoreFault, Version,
};
use crate::value::StreamId;

const ACQUIRE: &str = "\
    INSERT INTO streams (stream_id, kind, number, version, owner, epoch, created_at) \
    VALUES (?1, ?2, (SELECT coalesce(max(number), 0) + 1 FROM streams), 0, 'engine', 1, ?3) \
    ON CONFLICT (stream_id) DO UPDATE SET owner = excluded.owner, epoch = epoch + 1 \
    RETURNING version, epoch, number";

const KEEP_SNAPSHOT: &str = "\
    INSERT INTO snapshots (stream_id, version, state_schema, state, taken_at) VALUES (?, ?, ?, ?, ?) \
    ON CONFLICT (stream_id) DO UPDATE SET version = excluded.version, \
        state_schema = excluded.state_schema, state = excluded.state, taken_at = excluded.taken_at \
    WHERE excluded.version > version";

const NEW_MODEL: &str = "INSERT INTO models (name, schema, position) VALUES (?, ?, 0) ON CONFLICT DO NOTHING";

const MOVE_MODEL: &str = "UPDATE models SET position = ? WHERE name = ? AND schema = ? AND position = ?";

const WRITE_ROWS: &str = "\
    INSERT INTO model_rows (name, schema, stream_id, row, broken) \
    SELECT ?1, ?2, value ->> 0, value ->> 1, value ->> 2 FROM json_each(?3) WHERE true \
    ON CONFLICT (name, schema, stream_id) DO UPDATE SET row = excluded.row, broken = excluded.broken";

/// A step of a read model.
pub(super) struct Advance {
    pub(super) model: ModelId,
    pub(super) from: Position,
    pub(super) to: Position,
    pub(super) rows: Vec<ModelRow>,
}

impl Writer {
    pub(super) async fn acquire(&mut self, stream: StreamId) -> Result<Lease, AppendError> {
        self.may_write()?;
        let kind = if stream.as_task().is_some() { "task" } else { "system" };
        let acquire = sqlx::query(ACQUIRE)
            .bind(stream.as_str())
            .bind(kind)
            .bind(recorded_now().as_microsecond())
            .fetch_one(&mut self.connection);
        let row = acquire.await.map_err(|error| Failure::of(&error).into_error())?;
        let counts = [0, 1, 2].map(|column| unsigned(&row, column));
        let [Ok(version), Ok(epoch), Ok(number)] = counts else {
            let damage = format!("the row of {stream} holds a negative count");
            return Err(Failure::Damaged(damage).into_error());
        };
        Ok(Lease { stream, epoch: Epoch::new(epoch), version: Version::new(version), number })
    }

    pub(super) async fn release(&mut self, lease: Lease) -> Result<(), AppendError> {
        self.may_write()?;
        let release = "UPDATE streams SET owner = NULL, epoch = epoch + 1 WHERE stream_id = ? AND epoch = ?";
        let release = sqlx::query(release).bind(lease.stream.as_str()).bind(signed(lease.epoch.get()));
        let released = release.execute(&mut self.connection).await;
        released.map(|_done| ()).map_err(|error| Failure::of(&error).into_error())
    }

    pub(super) async fn keep_snapshot(
        &mut self,
        stream: &StreamId,
        snapshot: Snapshot,
    ) -> Result<(), AppendError> {
        self.may_write()?;
        let keep = sqlx::query(KEEP_SNAPSHOT)
            .bind(stream.as_str())
            .bind(signed(snapshot.version.get()))
            .bind(snapshot.state_schema)
            .bind(snapshot.state)
            .bind(recorded_now().as_microsecond());
        let kept = keep.execute(&mut self.connection).await;
        kept.map(|_done| ()).map_err(|error| Failure::of(&error).into_error())
    }

    pub(super) async fn advance(&mut self, advance: Advance) -> Result<(), ModelError> {
        self.may_write().map_err(|error| ModelError::Store(StoreFault::new(error)))?;
        let failed = |error: sqlx::Error| ModelError::Store(StoreFault::new(error));
        let Advance { model, from, to, rows } = advance;
        let rows: Vec<_> = rows.iter().map(|row| (row.stream.as_str(), &row.row, &row.broken)).collect();
        let rows = serde_json::to_string(&rows).map_err(|error| ModelError::Store(StoreFault::new(error)))?;
        // A transaction that reads before it writes, and is not immediate, may be refused at once (517).
        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let new = sqlx::query(NEW_MODEL).bind(model.name).bind(model.schema);
        new.execute(&mut *transaction).await.map_err(failed)?;
        let moved = sqlx::query(MOVE_MODEL)
            .bind(signed(to.get()))
            .bind(model.name)
            .bind(model.schema)
            .bind(signed(from.get()))
            .execute(&mut *transaction);
        if moved.await.map_err(failed)?.rows_affected() == 0 {
            let actual = "SELECT position FROM models WHERE name = ? AND schema = ?";
            let actual = sqlx::query_scalar(actual).bind(model.name).bind(model.schema);
            let actual: i64 = actual.fetch_one(&mut *transaction).await.map_err(failed)?;
            transaction.rollback().await.map_err(failed)?;
            return Err(ModelError::Moved { expected: from, actual: Position::new(actual.unsigned_abs()) });
        }
        let write = sqlx::query(WRITE_ROWS).bind(model.name).bind(model.schema).bind(rows);
        write.execute(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    pub(super) fn may_write(&self) -> Result<(), AppendError> {
        self.stopped.clone().map_or(Ok(()), |stopped| Err(stopped.into_error()))
    }
}
