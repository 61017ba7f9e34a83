//! What the store costs, each figure beside the same thing done without it: same process, same file system, same
//! durability. Ratios count, seconds do not; nothing fails on a figure.
//!
//! `cargo bench -p ipa-events`

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a program that measures and prints"
)]

#[path = "store/raw.rs"]
mod raw;

use std::path::Path;
use std::time::Instant;

use futures::future::join_all;
use ipa_events::store::{
    Append, Durability, Lease, NewRecord, Position, SqliteOptions, SqliteStore, Store, Version,
};
use ipa_events::{
    Codec, CommandId, Ctx, Envelope, Handle, Principal, Stamped, StreamId, TaskCommand, TaskEvent, TaskId,
    TaskWriter, Via, load, load_at, task,
};
use raw::Raw;

const ROUNDS: usize = 3;

/// Something that was done so many times in so many seconds.
struct Figure {
    per_second: f64,
}

impl Figure {
    fn of(count: usize, start: Instant) -> Self {
        Self { per_second: count as f64 / start.elapsed().as_secs_f64() }
    }
}

/// Prints the median of some rounds beside the baseline's.
fn print(what: &str, mut ours: Vec<Figure>, mut baseline: Vec<Figure>) {
    let median = |figures: &mut Vec<Figure>| {
        figures.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
        figures.get(figures.len() / 2).map_or(0.0, |figure| figure.per_second)
    };
    let (ours, baseline) = (median(&mut ours), median(&mut baseline));
    println!("{what:<58} {ours:>10.0}/s   baseline {baseline:>10.0}/s   ratio {:>6.2}", ours / baseline);
}

#[tokio::main]
async fn main() {
    for durability in [Durability::Full, Durability::Normal] {
        println!("\ndurability {durability:?}");
        one_caller(durability).await;
        many_callers(durability).await;
        bulk(durability).await;
    }
    println!("\nreplay");
    replay().await;
}

fn record(n: usize) -> NewRecord {
    NewRecord {
        kind: "message.posted".to_owned(),
        schema_version: 1,
        at: jiff::Timestamp::UNIX_EPOCH,
        actor: "user:ann".to_owned(),
        via: "library".to_owned(),
        causation_id: None,
        correlation_id: CommandId::from_key("bench").to_string(),
        payload: format!(
            r#"{{"message":{n},"text":"a message of the usual length, about as long as this one"}}"#
        ),
        metadata: r#"{"program":"bench"}"#.to_owned(),
    }
}

fn append(lease: &Lease, expected: u64, name: &str, count: usize) -> Append {
    Append {
        stream: lease.stream.clone(),
        epoch: lease.epoch,
        expected: Version::new(expected),
        command: CommandId::from_key(&format!("{} {name}", lease.stream)),
        records: (0..count).map(record).collect(),
    }
}

/// A file of its own for each measurement, on the disk that holds the build.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

async fn open(path: &Path, durability: Durability) -> Store {
    SqliteStore::open(path, SqliteOptions { durability }).await.unwrap()
}

async fn lease(store: &Store, name: &str) -> Lease {
    store.leases.acquire(&StreamId::task(TaskId::from_key(name))).await.unwrap()
}

async fn one_caller(durability: Durability) {
    const APPENDS: usize = 500;
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let dir = directory();
        let store = open(&dir.path().join("ours"), durability).await;
        let lease = lease(&store, "one").await;
        let start = Instant::now();
        for n in 0..APPENDS {
            store.log.append(append(&lease, n as u64, &n.to_string(), 1)).await.unwrap();
        }
        ours.push(Figure::of(APPENDS, start));
        store.log.close().await;

        let raw = Raw::open(&dir.path().join("raw"), durability, 1).await;
        let start = Instant::now();
        for n in 0..APPENDS {
            raw.insert(&[record(n)]).await;
        }
        baseline.push(Figure::of(APPENDS, start));
    }
    print("append, 1 caller (baseline: insert)", ours, baseline);
}

async fn many_callers(durability: Durability) {
    const CALLERS: usize = 64;
    const APPENDS: usize = 30;
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let dir = directory();
        let store = open(&dir.path().join("ours"), durability).await;
        let leases = join_all((0..CALLERS).map(|n| {
            let store = store.clone();
            async move { lease(&store, &n.to_string()).await }
        }));
        let leases = leases.await;
        let start = Instant::now();
        join_all(leases.iter().map(|lease| async {
            for n in 0..APPENDS {
                store.log.append(append(lease, n as u64, &n.to_string(), 1)).await.unwrap();
            }
        }))
        .await;
        ours.push(Figure::of(CALLERS * APPENDS, start));
        store.log.close().await;

        let raw = Raw::open(&dir.path().join("raw"), durability, 8).await;
        let start = Instant::now();
        join_all((0..CALLERS).map(|_| async {
            for n in 0..APPENDS {
                raw.transaction(&record(n)).await;
            }
        }))
        .await;
        baseline.push(Figure::of(CALLERS * APPENDS, start));
    }
    print("append, 64 callers (baseline: pooled transactions)", ours, baseline);
}

async fn bulk(durability: Durability) {
    const BATCH: usize = 512;
    const BATCHES: usize = 40;
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let dir = directory();
        let store = open(&dir.path().join("ours"), durability).await;
        let lease = lease(&store, "one").await;
        let appends = (0..BATCHES).map(|n| append(&lease, (n * BATCH) as u64, &n.to_string(), BATCH));
        let appends: Vec<Append> = appends.collect();
        let start = Instant::now();
        for append in appends {
            store.log.append(append).await.unwrap();
        }
        ours.push(Figure::of(BATCH * BATCHES, start));
        store.log.close().await;

        let raw = Raw::open(&dir.path().join("raw"), durability, 1).await;
        let records: Vec<NewRecord> = (0..BATCH).map(record).collect();
        let start = Instant::now();
        for _ in 0..BATCHES {
            raw.insert(&records).await;
        }
        baseline.push(Figure::of(BATCH * BATCHES, start));
    }
    print("append, 512 events at once (baseline: multi-row insert)", ours, baseline);
}

/// A task of many events.
async fn long_task(store: &Store, id: TaskId, events: usize) {
    let mut writer = TaskWriter::open(store.clone(), id).await.unwrap();
    let ctx = |name: &str| {
        let who = Principal::User("ann".to_owned());
        Ctx::new(CommandId::from_key(name), jiff::Timestamp::UNIX_EPOCH, who, Via::Library)
    };
    let new = task::NewTask {
        task: id,
        handle: Handle::new(1),
        request: "bench".into(),
        title: None,
        repo: "/bench".parse().unwrap(),
        base: None,
        agent: "scripted".parse().unwrap(),
        roles: std::collections::BTreeMap::new(),
        gates: task::Gates::default(),
        checks: Vec::new(),
        start_at: ipa_events::Phase::SpecClarification,
        priority: 0,
        depends_on: Vec::new(),
        ticket: None,
        limits: task::TaskLimits::default(),
    };
    let body = TaskCommand::Create(Box::new(new));
    writer.execute(Envelope { ctx: ctx("create"), body }).await.unwrap();
    writer.close().await.unwrap();
    let lease = store.leases.acquire(&StreamId::task(id)).await.unwrap();
    let said = |n: usize| TaskEvent::MessagePosted {
        message: u32::try_from(n).unwrap(),
        text: "a message of the usual length, about as long as this one".into(),
    };
    let stamped = Stamped::stamp(&ctx("say"), (1..events).map(said).collect());
    let records = stamped.iter().map(|event| Codec::default().encode(event).unwrap()).collect();
    let (stream, command) = (lease.stream.clone(), CommandId::from_key("say"));
    let append = Append { stream, epoch: lease.epoch, expected: lease.version, command, records };
    store.log.append(append).await.unwrap();
}

async fn replay() {
    const EVENTS: usize = 10_000;
    let dir = directory();
    let path = dir.path().join("ours");
    let store = open(&path, Durability::Normal).await;
    let id = TaskId::from_key("long");
    let stream = StreamId::task(id);
    long_task(&store, id, EVENTS).await;
    let raw = Raw::on(&path).await;
    let (mut folded, mut selected, mut read) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5 {
        // From the first event on: no snapshot helps.
        let start = Instant::now();
        let loaded = load_at(&store, &stream, Version::new(u64::MAX)).await.unwrap();
        folded.push(Figure::of(EVENTS, start));
        assert_eq!(loaded.version.get(), EVENTS as u64);

        let start = Instant::now();
        let mut after = Position::ZERO;
        loop {
            let page = store.log.read_all(after, 1_000).await.unwrap();
            let Some(last) = page.last() else { break };
            after = last.position;
        }
        read.push(Figure::of(EVENTS, start));

        let start = Instant::now();
        assert_eq!(raw.select().await, EVENTS);
        selected.push(Figure::of(EVENTS, start));
    }
    let again = || selected.iter().map(|figure| Figure { per_second: figure.per_second }).collect();
    print("read, pages of 1,000 (baseline: select, all columns)", read, again());
    print("read, decode and fold (baseline: the same select)", folded, again());

    let mut writer = TaskWriter::open(store.clone(), id).await.unwrap();
    writer.snapshot_if_due().await;
    let start = Instant::now();
    load(&store, &stream).await.unwrap();
    println!("a task of {EVENTS} events with a snapshot: {:?}", start.elapsed());
}
