//! The baseline: the same columns and indexes, the same settings, and nothing that checks.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use ipa_events::store::{Durability, NewRecord};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, QueryBuilder, Row as _, SqlitePool};
use tokio::sync::Mutex;

const TABLE: &str = "\
    CREATE TABLE events (position INTEGER PRIMARY KEY, stream_id TEXT NOT NULL, version INTEGER NOT NULL, \
    command_id TEXT NOT NULL, command_index INTEGER NOT NULL, epoch INTEGER NOT NULL, type TEXT NOT NULL, \
    schema_version INTEGER NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL, via TEXT NOT NULL, \
    causation_id TEXT, correlation_id TEXT NOT NULL, recorded_at INTEGER NOT NULL, payload TEXT NOT NULL, \
    metadata TEXT NOT NULL, UNIQUE (stream_id, version), UNIQUE (command_id, command_index)) STRICT";

const COLUMNS: &str = "INSERT INTO events (stream_id, version, command_id, command_index, epoch, type, \
    schema_version, at, actor, via, causation_id, correlation_id, recorded_at, payload, metadata) ";

pub(crate) struct Raw {
    pool: SqlitePool,
    /// Of the one caller: it asks no pool.
    own: Mutex<SqliteConnection>,
    version: AtomicI64,
}

impl Raw {
    pub(crate) async fn open(path: &Path, durability: Durability, connections: u32) -> Self {
        let synchronous = match durability {
            Durability::Full => SqliteSynchronous::Full,
            Durability::Normal => SqliteSynchronous::Normal,
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .busy_timeout(std::time::Duration::from_mins(1))
            .pragma("wal_autocheckpoint", "4000")
            .disable_statement_logging();
        let own = Mutex::new(options.connect().await.unwrap());
        let pool = SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(std::time::Duration::from_mins(5));
        let pool = pool.connect_with(options).await.unwrap();
        sqlx::query(TABLE).execute(&pool).await.unwrap();
        Self { pool, own, version: AtomicI64::new(0) }
    }

    /// Opens a file that is there.
    pub(crate) async fn on(path: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(path).disable_statement_logging();
        let own = Mutex::new(options.connect().await.unwrap());
        let pool = SqlitePool::connect_with(options).await.unwrap();
        Self { pool, own, version: AtomicI64::new(0) }
    }

    fn insertion<'a>(&self, records: &'a [NewRecord]) -> QueryBuilder<sqlx::Sqlite> {
        let mut insert = QueryBuilder::new(COLUMNS);
        insert.push_values(records, |mut row, record: &'a NewRecord| {
            let version = self.version.fetch_add(1, Ordering::Relaxed);
            row.push_bind("task/00000000-0000-0000-0000-000000000000")
                .push_bind(version)
                .push_bind(format!("{version:036}"))
                .push_bind(0_i64)
                .push_bind(1_i64)
                .push_bind(record.kind.clone())
                .push_bind(record.schema_version)
                .push_bind(record.at.as_microsecond())
                .push_bind(record.actor.clone())
                .push_bind(record.via.clone())
                .push_bind(record.causation_id.clone())
                .push_bind(record.correlation_id.clone())
                .push_bind(0_i64)
                .push_bind(record.payload.clone())
                .push_bind(record.metadata.clone());
        });
        insert
    }

    pub(crate) async fn insert(&self, records: &[NewRecord]) {
        let mut own = self.own.lock().await;
        self.insertion(records).build().execute(&mut *own).await.unwrap();
    }

    pub(crate) async fn transaction(&self, record: &NewRecord) {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let records = std::slice::from_ref(record);
        self.insertion(records).build().execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
    }

    pub(crate) async fn select(&self) -> usize {
        let rows = sqlx::query("SELECT * FROM events ORDER BY position")
            .fetch_all(&mut *self.own.lock().await)
            .await
            .unwrap();
        let text = |row: &sqlx::sqlite::SqliteRow| row.get::<String, _>("payload").len();
        rows.iter().filter(|row| text(row) > 0).count()
    }
}
