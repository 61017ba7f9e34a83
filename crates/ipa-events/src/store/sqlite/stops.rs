//! Which connectors are stopped: a few rows, read and written whole.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::fault::Failure;
use super::read::{Readers, failed, parsed, time};
use super::writer::Writer;
use crate::store::{AppendError, ReadError, Stop};
use crate::value::ConnectorId;

const KEEP: &str = "\
    INSERT INTO connector_stops (connector, kind, actor, why, at) VALUES (?, ?, ?, ?, ?) \
    ON CONFLICT (connector, kind) DO UPDATE SET actor = excluded.actor, why = excluded.why, at = excluded.at";

/// What is written about a connector.
pub(super) enum StopWork {
    Stop(Stop),
    GoOn(ConnectorId),
}

impl Readers {
    pub(super) async fn stops(&self) -> Result<Vec<Stop>, ReadError> {
        let sql = "SELECT connector, kind, actor, why, at FROM connector_stops ORDER BY connector, kind";
        let stop = |row: &SqliteRow| {
            Ok(Stop {
                connector: parsed(row, 0)?,
                kind: parsed(row, 1)?,
                by: parsed(row, 2)?,
                why: row.try_get(3)?,
                at: time(row, 4)?,
            })
        };
        let rows = sqlx::query(sql).fetch_all(self.pool()).await;
        let rows = rows.and_then(|rows| rows.iter().map(stop).collect());
        rows.map_err(|error| failed("which connectors are stopped", error))
    }
}

impl Writer {
    pub(super) async fn write_stop(&mut self, work: StopWork) -> Result<(), AppendError> {
        self.may_write()?;
        let write = match work {
            StopWork::Stop(stop) => sqlx::query(KEEP)
                .bind(stop.connector.as_str().to_owned())
                .bind(stop.kind.as_str())
                .bind(stop.by.to_string())
                .bind(stop.why)
                .bind(stop.at.as_microsecond()),
            StopWork::GoOn(connector) => sqlx::query("DELETE FROM connector_stops WHERE connector = ?")
                .bind(connector.as_str().to_owned()),
        };
        let written = write.execute(&mut self.connection).await;
        written.map(|_done| ()).map_err(|error| Failure::of(&error).into_error())
    }
}
