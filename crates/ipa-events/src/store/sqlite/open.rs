//! Opens the file: its settings, its schema, and the refusal of one that a newer program made.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::watch;

use super::read::{Readers, newest};
use super::writer::{Queue, Writer};
use super::{Durability, OpenStoreError, SqliteOptions};
use crate::store::{Position, StoreFault};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a statement waits for a lock of another connection.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages in the write-ahead log before it is copied back: 16 MB.
const CHECKPOINT_PAGES: &str = "4000";

/// What the write-ahead log is cut to when it starts anew: 64 MiB.
const JOURNAL_LIMIT: &str = "67108864";

const READERS: u32 = 4;

/// How far the file's schema is from the one that this program knows.
#[derive(Debug, PartialEq, Eq)]
enum Schema {
    Current,
    Older,
    Newer,
}

/// Opens a file for its one writer and some readers.
pub(super) async fn for_writing(
    path: &Path,
    options: SqliteOptions,
) -> Result<(Writer, Queue, Readers), OpenStoreError> {
    if path.exists() && schema(path).await? == Schema::Newer {
        return Err(OpenStoreError::Newer(path.to_owned()));
    }
    let engine = |error| engine(path, error);
    let connect = writing(path, options);
    let mut connection = connect.connect().await.map_err(engine)?;
    MIGRATIONS.run(&mut connection).await.map_err(|error| migration(path, error))?;
    let head = newest(&mut connection).await.map_err(engine)?;
    let (sender, receiver) = watch::channel(head);
    let (writer, queue) = Writer::new(connect, connection, sender);
    Ok((writer, queue, Readers::following(pool(path).await?, receiver)))
}

/// Opens a file for reading alone.
pub(super) async fn for_reading(path: &Path) -> Result<Readers, OpenStoreError> {
    if !path.exists() {
        return Err(OpenStoreError::Missing(path.to_owned()));
    }
    match schema(path).await? {
        Schema::Current => {}
        Schema::Older => return Err(OpenStoreError::Outdated(path.to_owned())),
        Schema::Newer => return Err(OpenStoreError::Newer(path.to_owned())),
    }
    let pool = pool(path).await?;
    let head: Position = newest(&pool).await.map_err(|error| engine(path, error))?;
    Ok(Readers::looking(pool, head))
}

/// Compares the file's schema with the one that this program knows, without writing.
async fn schema(path: &Path) -> Result<Schema, OpenStoreError> {
    let mut connection = reading(path).connect().await.map_err(|error| engine(path, error))?;
    let applied = applied(&mut connection).await.map_err(|error| engine(path, error));
    connection.close().await.map_err(|error| engine(path, error))?;
    let known = MIGRATIONS.iter().map(|migration| migration.version).max();
    Ok(match applied? {
        applied if applied == known => Schema::Current,
        applied if applied < known => Schema::Older,
        _ => Schema::Newer,
    })
}

/// Returns the newest migration that the file has seen; none for a file that is not a store yet.
async fn applied(connection: &mut SqliteConnection) -> Result<Option<i64>, sqlx::Error> {
    let table = "SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'";
    let tables: i64 = sqlx::query_scalar(table).fetch_one(&mut *connection).await?;
    if tables == 0 {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(connection).await
}

fn writing(path: &Path, options: SqliteOptions) -> SqliteConnectOptions {
    let synchronous = match options.durability {
        Durability::Full => SqliteSynchronous::Full,
        Durability::Normal => SqliteSynchronous::Normal,
    };
    base(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("journal_size_limit", JOURNAL_LIMIT)
}

fn reading(path: &Path) -> SqliteConnectOptions {
    base(path).read_only(true)
}

fn base(path: &Path) -> SqliteConnectOptions {
    // A statement is logged by whoever answers for its failure, not by the driver, which would log events.
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

async fn pool(path: &Path) -> Result<sqlx::SqlitePool, OpenStoreError> {
    let pool = SqlitePoolOptions::new().min_connections(2).max_connections(READERS);
    // A connection to a file does not go stale.
    let pool = pool.test_before_acquire(false);
    pool.connect_with(reading(path)).await.map_err(|error| engine(path, error))
}

fn engine(path: &Path, error: sqlx::Error) -> OpenStoreError {
    OpenStoreError::Engine { path: path.to_owned(), source: StoreFault::new(error) }
}

fn migration(path: &Path, error: MigrateError) -> OpenStoreError {
    if matches!(error, MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(_, _)) {
        return OpenStoreError::Newer(path.to_owned());
    }
    OpenStoreError::Engine { path: path.to_owned(), source: StoreFault::new(error) }
}
