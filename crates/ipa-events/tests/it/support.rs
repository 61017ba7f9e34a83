//! What the tests share: stores, records, and waiting with a deadline.

pub mod examples;
pub mod picks;
pub mod story;

use std::path::PathBuf;
use std::time::Duration;

use ipa_events::store::{
    Append, Lease, MemoryStore, NewRecord, Position, RawRecord, SqliteOptions, SqliteStore, Store, Version,
};
use ipa_events::{CommandId, StreamId, TaskId};
use jiff::Timestamp;
use tempfile::TempDir;

/// A store of one kind, with what keeps it alive.
pub struct Kept {
    pub store: Store,
    _dir: Option<TempDir>,
}

impl Kept {
    pub async fn memory() -> Self {
        Self { store: MemoryStore::new().store(), _dir: None }
    }

    pub async fn sqlite() -> Self {
        let (dir, path) = file();
        let store = SqliteStore::open(&path, SqliteOptions::default()).await.unwrap();
        Self { store, _dir: Some(dir) }
    }
}

/// A place for a database, gone with its guard.
pub fn file() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ipa.db");
    (dir, path)
}

pub fn task(name: &str) -> TaskId {
    TaskId::from_key(name)
}

pub fn stream(name: &str) -> StreamId {
    StreamId::task(task(name))
}

pub fn command(name: &str) -> CommandId {
    CommandId::from_key(name)
}

pub fn at() -> Timestamp {
    "2026-11-26T10:00:00.123456Z".parse().unwrap()
}

pub fn record(kind: &str, payload: &str) -> NewRecord {
    NewRecord {
        kind: kind.to_owned(),
        schema_version: 1,
        at: at(),
        actor: "user:ann".to_owned(),
        via: "cli".to_owned(),
        causation_id: None,
        correlation_id: command("first").to_string(),
        payload: payload.to_owned(),
        metadata: "{}".to_owned(),
    }
}

/// An append of `count` small records under a lease.
pub fn append(lease: &Lease, expected: u64, name: &str, count: usize) -> Append {
    let records = (0..count).map(|n| record("test.happened", &format!("{{\"n\":{n},\"of\":\"{name}\"}}")));
    Append {
        stream: lease.stream.clone(),
        epoch: lease.epoch,
        expected: Version::new(expected),
        command: command(name),
        records: records.collect(),
    }
}

/// Everything in the log, read page by page.
pub async fn everything(store: &Store) -> Vec<RawRecord> {
    let mut all: Vec<RawRecord> = Vec::new();
    loop {
        let after = all.last().map_or(Position::ZERO, |last| last.position);
        let page = store.log.read_all(after, 700).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// Waits for something, at most 20 seconds.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(Duration::from_secs(20), future).await;
    done.unwrap_or_else(|late| panic!("waited too long for {what}: {late}"))
}
