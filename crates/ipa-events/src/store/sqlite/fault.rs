//! What an error of `SQLite` means for an append. The numbers are its (extended) result codes.

use crate::store::{AppendError, StoreFault};

/// Why a statement of the writer did not go through.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// The fence, the version check or the uniqueness of commands refused it; nothing was written.
    Refused,
    /// Its content does not fit the schema; nothing was written.
    Content,
    /// Somebody else appended: the position was taken. Nothing was written.
    Overtaken(String),
    /// A lock did not become free; nothing was written.
    Busy(String),
    /// No space is left; nothing was written.
    Full(String),
    /// The file cannot be written; nothing was written.
    ReadOnly(String),
    /// The file is damaged: nothing more is to be written.
    Damaged(String),
    /// Anything that refused before it wrote.
    Unavailable(String),
    /// No answer came: it may have been written.
    Lost(String),
}

impl Failure {
    pub(super) fn of(error: &sqlx::Error) -> Self {
        let text = error.to_string();
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        match code.and_then(|code| code.parse::<u32>().ok()) {
            // CONSTRAINT_TRIGGER, CONSTRAINT_UNIQUE
            Some(1811 | 2067) => Self::Refused,
            // CONSTRAINT_PRIMARYKEY, CONSTRAINT_ROWID
            Some(1555 | 2579) => Self::Overtaken(text),
            Some(code) => Self::of_class(code & 0xff, text),
            // The driver's thread ended, or its file did.
            None if matches!(error, sqlx::Error::WorkerCrashed | sqlx::Error::Io(_)) => Self::Lost(text),
            None => Self::Unavailable(text),
        }
    }

    fn of_class(class: u32, text: String) -> Self {
        match class {
            // BUSY, LOCKED
            5 | 6 => Self::Busy(text),
            8 => Self::ReadOnly(text),
            // IOERR
            10 => Self::Lost(text),
            // CORRUPT, NOTADB
            11 | 26 => Self::Damaged(text),
            13 => Self::Full(text),
            // TOOBIG, CONSTRAINT, MISMATCH
            18..=20 => Self::Content,
            _ => Self::Unavailable(text),
        }
    }

    /// Tells whether it may concern some of several appends only, so that trying them apart can help.
    pub(super) const fn may_be_of_one(&self) -> bool {
        match self {
            Self::Refused | Self::Content | Self::Overtaken(_) | Self::Lost(_) => true,
            Self::Busy(_) | Self::Full(_) | Self::ReadOnly(_) | Self::Damaged(_) | Self::Unavailable(_) => {
                false
            }
        }
    }

    /// Says it to the caller of a change that is no append.
    pub(super) fn into_error(self) -> AppendError {
        match self {
            Self::Refused => AppendError::Unavailable(StoreFault::new("refused by the schema")),
            Self::Content => AppendError::Unavailable(StoreFault::new("it does not fit the schema")),
            Self::Overtaken(text) | Self::Unavailable(text) => {
                AppendError::Unavailable(StoreFault::new(text))
            }
            Self::Busy(text) => AppendError::Busy(StoreFault::new(text)),
            Self::Full(text) => AppendError::Full(StoreFault::new(text)),
            Self::ReadOnly(text) => AppendError::ReadOnly(StoreFault::new(text)),
            Self::Damaged(text) => {
                let text = format!("the file is damaged ({text}); nothing more is written, run `ipa doctor`");
                AppendError::ReadOnly(StoreFault::new(text))
            }
            Self::Lost(text) => AppendError::Unknown(StoreFault::new(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
    use sqlx::{ConnectOptions as _, Executor as _};

    use super::*;

    async fn open(path: &Path) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let mut sql = options.busy_timeout(std::time::Duration::ZERO).connect().await.unwrap();
        let table = "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, x TEXT UNIQUE CHECK (x <> 'bad')); \
             CREATE TRIGGER IF NOT EXISTS f BEFORE INSERT ON t WHEN NEW.x = 'old' \
             BEGIN SELECT RAISE(ABORT, 'fenced'); END; INSERT OR IGNORE INTO t VALUES (1, 'a');";
        sql.execute(table).await.unwrap();
        sql
    }

    async fn failure(sql: &mut SqliteConnection, statement: &'static str) -> Failure {
        Failure::of(&sql.execute(statement).await.unwrap_err())
    }

    #[tokio::test]
    async fn a_refusal_is_told_from_a_fault() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let mut sql = open(&path).await;
        let old = failure(&mut sql, "INSERT INTO t (x) VALUES ('old')").await;
        assert!(matches!(old, Failure::Refused), "{old:?}");
        let twice = failure(&mut sql, "INSERT INTO t (x) VALUES ('a')").await;
        assert!(matches!(twice, Failure::Refused), "{twice:?}");
        let taken = failure(&mut sql, "INSERT INTO t VALUES (1, 'b')").await;
        assert!(matches!(taken, Failure::Overtaken(_)), "{taken:?}");
        let bad = failure(&mut sql, "INSERT INTO t (x) VALUES ('bad')").await;
        assert!(matches!(bad, Failure::Content), "{bad:?}");
        let no_table = failure(&mut sql, "INSERT INTO u VALUES (1)").await;
        assert!(matches!(no_table, Failure::Unavailable(_)), "{no_table:?}");
    }

    #[tokio::test]
    async fn what_the_disk_does_has_its_own_answer() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let mut sql = open(&path).await;
        let mut other = open(&path).await;
        other.execute("BEGIN IMMEDIATE").await.unwrap();
        let busy = failure(&mut sql, "INSERT INTO t (x) VALUES ('c')").await;
        assert!(matches!(busy.into_error(), AppendError::Busy(_)));
        other.execute("ROLLBACK").await.unwrap();
        sql.execute("PRAGMA max_page_count = 1").await.unwrap();
        let full = failure(&mut sql, "INSERT INTO t (x) VALUES (hex(zeroblob(100000)))").await;
        assert!(matches!(full.into_error(), AppendError::Full(_)));
        sql.execute("PRAGMA query_only = 1").await.unwrap();
        let read_only = failure(&mut sql, "INSERT INTO t (x) VALUES ('d')").await;
        assert!(matches!(read_only.into_error(), AppendError::ReadOnly(_)));
        std::fs::write(&path, vec![7_u8; 8192]).unwrap();
        let options = SqliteConnectOptions::new().filename(&path);
        let damaged = match options.connect().await {
            Ok(mut sql) => failure(&mut sql, "SELECT * FROM t").await,
            Err(error) => Failure::of(&error),
        };
        let damaged = damaged.into_error();
        assert!(matches!(damaged, AppendError::ReadOnly(_)), "{damaged:?}");
        assert!(std::error::Error::source(&damaged).unwrap().to_string().contains("ipa doctor"));
    }
}
