//! What only a file can promise, or get wrong.

use ipa_events::store::{
    AppendError, Durability, OpenStoreError, Position, SqliteOptions, SqliteStore, Version,
};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};

use crate::support::{append, everything, file, stream, within};

async fn raw(path: &std::path::Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

#[tokio::test]
async fn a_store_is_as_it_was_left() {
    let (_dir, path) = file();
    for n in 0..3 {
        let options = SqliteOptions { durability: Durability::Normal };
        let store = SqliteStore::open(&path, options).await.unwrap();
        assert_eq!(*store.log.head().borrow(), Position::new(n));
        let lease = store.leases.acquire(&stream("a")).await.unwrap();
        assert_eq!((lease.version, lease.number), (Version::new(n), 1));
        store.log.append(append(&lease, n, &format!("{n}"), 1)).await.unwrap();
        store.log.close().await;
    }
}

#[tokio::test]
async fn an_event_is_never_changed_or_deleted() {
    let (_dir, path) = file();
    let store = SqliteStore::open(&path, SqliteOptions::default()).await.unwrap();
    let lease = store.leases.acquire(&stream("a")).await.unwrap();
    store.log.append(append(&lease, 0, "one", 2)).await.unwrap();
    let before = everything(&store).await;
    let mut sql = raw(&path).await;
    for attack in [
        "UPDATE events SET payload = '{}'",
        "UPDATE events SET position = position + 10",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events SELECT * FROM events",
        "DELETE FROM streams",
        "UPDATE streams SET number = 7",
        "INSERT INTO events SELECT position + 10, stream_id, version + 5, 'x', 0, epoch, type, schema_version, at, \
         actor, via, NULL, 'x', recorded_at, payload, metadata FROM events LIMIT 1",
    ] {
        let refused = sqlx::query(attack).execute(&mut sql).await;
        assert!(refused.is_err(), "{attack}: {refused:?}");
    }
    assert_eq!(everything(&store).await, before);
    let lease = store.leases.acquire(&stream("a")).await.unwrap();
    store.log.append(append(&lease, 2, "two", 1)).await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_stored_once() {
    let (_dir, path) = file();
    let (store, faults) = SqliteStore::open_with_faults(&path, SqliteOptions::default()).await.unwrap();
    let lease = store.leases.acquire(&stream("a")).await.unwrap();
    faults.lose_answer();
    assert_eq!(store.log.append(append(&lease, 0, "one", 2)).await.unwrap().version, Version::new(2));
    faults.lose_statement();
    faults.lose_statement();
    assert_eq!(store.log.append(append(&lease, 2, "two", 1)).await.unwrap().version, Version::new(3));
    // A repeat by the caller is still told from that.
    let repeated = store.log.append(append(&lease, 2, "two", 1)).await.unwrap_err();
    assert!(matches!(repeated, AppendError::Repeated(first) if first.version == Version::new(3)));
    assert_eq!(everything(&store).await.len(), 3);
    assert_eq!(*store.log.head().borrow(), Position::new(3));
}

#[tokio::test]
async fn a_lost_answer_to_many_reaches_each_of_them() {
    let (_dir, path) = file();
    let (store, faults) = SqliteStore::open_with_faults(&path, SqliteOptions::default()).await.unwrap();
    let mut appends = Vec::new();
    for n in 0..10 {
        let lease = store.leases.acquire(&stream(&format!("s{n}"))).await.unwrap();
        appends.push(append(&lease, 0, &format!("{n}.1"), 1));
        appends.push(append(&lease, 1, &format!("{n}.2"), 1));
    }
    faults.lose_answer();
    let answers = futures::future::join_all(appends.into_iter().map(|append| store.log.append(append))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(everything(&store).await.len(), 20);
}

#[tokio::test]
async fn a_busy_file_is_said_to_all_who_wait_and_waited_for_once() {
    let (_dir, path) = file();
    let (store, faults) = SqliteStore::open_with_faults(&path, SqliteOptions::default()).await.unwrap();
    let mut appends = Vec::new();
    for n in 0..10 {
        let lease = store.leases.acquire(&stream(&format!("s{n}"))).await.unwrap();
        appends.push(append(&lease, 0, &format!("{n}"), 1));
    }
    faults.busy();
    // On one thread all are in the queue before the writer looks: one batch.
    let again = appends.clone();
    let answers = futures::future::join_all(appends.into_iter().map(|append| store.log.append(append))).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(AppendError::Busy(_)))), "{answers:?}");
    assert!(everything(&store).await.is_empty());
    let answers = futures::future::join_all(again.into_iter().map(|append| store.log.append(append))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

#[tokio::test]
async fn a_panic_of_the_writer_is_unknown_and_never_a_hang() {
    let (_dir, path) = file();
    let (store, faults) = SqliteStore::open_with_faults(&path, SqliteOptions::default()).await.unwrap();
    let lease = store.leases.acquire(&stream("a")).await.unwrap();
    faults.panic();
    let lost = within("an answer", store.log.append(append(&lease, 0, "one", 1))).await.unwrap_err();
    assert!(matches!(lost, AppendError::Unknown(_)), "{lost:?}");
    let later = within("an answer", store.log.append(append(&lease, 0, "two", 1))).await.unwrap_err();
    assert!(matches!(later, AppendError::Unavailable(_)), "{later:?}");
    assert!(everything(&store).await.is_empty());
    within("the end", store.log.close()).await;
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_left_as_it_is() {
    let (_dir, path) = file();
    SqliteStore::open(&path, SqliteOptions::default()).await.unwrap().log.close().await;
    let mut sql = raw(&path).await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'later', 1, x'00', 0)";
    sqlx::query(newer).execute(&mut sql).await.unwrap();
    // Opened for writing, it would be put back into the mode of a store: nothing may get that far.
    sqlx::query("PRAGMA journal_mode = DELETE").execute(&mut sql).await.unwrap();
    sqlx::Connection::close(sql).await.unwrap();
    let before = std::fs::read(&path).unwrap();
    let refused = [
        SqliteStore::open(&path, SqliteOptions::default()).await.err(),
        SqliteStore::open_read_only(&path).await.err(),
    ];
    for error in refused {
        let error = error.unwrap();
        assert!(matches!(error, OpenStoreError::Newer(_)), "{error:?}");
        assert!(error.to_string().contains("newer ipa"), "{error}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_reader_sees_what_another_appends_and_writes_nothing() {
    let (_dir, path) = file();
    let store = SqliteStore::open(&path, SqliteOptions::default()).await.unwrap();
    let lease = store.leases.acquire(&stream("a")).await.unwrap();
    store.log.append(append(&lease, 0, "one", 1)).await.unwrap();
    let reader = SqliteStore::open_read_only(&path).await.unwrap();
    let mut head = reader.log.head();
    assert_eq!(*head.borrow(), Position::new(1));
    let refused = reader.log.append(append(&lease, 1, "two", 1)).await.unwrap_err();
    assert!(matches!(refused, AppendError::ReadOnly(_)), "{refused:?}");
    assert!(matches!(reader.leases.acquire(&stream("b")).await, Err(AppendError::ReadOnly(_))));
    store.log.append(append(&lease, 1, "two", 1)).await.unwrap();
    within("the head", head.wait_for(|head| *head == Position::new(2))).await.unwrap();
    assert_eq!(everything(&reader).await, everything(&store).await);
    // The task that looks ends with its store.
    drop(reader);
    within("the end of the head", async { while head.changed().await.is_ok() {} }).await;
}

#[tokio::test]
async fn a_reader_makes_no_file_and_no_migration() {
    let (_dir, path) = file();
    let missing = SqliteStore::open_read_only(&path).await.err().unwrap();
    assert!(matches!(missing, OpenStoreError::Missing(_)), "{missing:?}");
    assert!(!path.exists());
    std::fs::write(&path, b"").unwrap();
    let outdated = SqliteStore::open_read_only(&path).await.err().unwrap();
    assert!(matches!(outdated, OpenStoreError::Outdated(_)), "{outdated:?}");
    std::fs::write(&path, b"this is not a database, and long enough to say so; ".repeat(40)).unwrap();
    for error in [
        SqliteStore::open_read_only(&path).await.err(),
        SqliteStore::open(&path, SqliteOptions::default()).await.err(),
    ] {
        assert!(matches!(error, Some(OpenStoreError::Engine { .. })), "{error:?}");
    }
}

#[tokio::test]
async fn the_writer_ends_with_the_last_clone_of_its_store() {
    let (_dir, path) = file();
    let store = SqliteStore::open(&path, SqliteOptions::default()).await.unwrap();
    let lease = store.leases.acquire(&stream("a")).await.unwrap();
    let mut head = store.log.head();
    let last = store.clone();
    drop(store);
    last.log.append(append(&lease, 0, "one", 1)).await.unwrap();
    drop(last);
    within("the writer's end", async { while head.changed().await.is_ok() {} }).await;
}
