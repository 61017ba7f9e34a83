//! What holds for every history, however crooked.

use std::sync::Arc;

use ipa_events::store::{
    Append, AppendError, Appended, Epoch, Lease, MemoryStore, Position, RawRecord, Snapshot, Store, Version,
};
use ipa_events::task::apply;
use ipa_events::{
    Codec, Ctx, Envelope, EventId, ExecuteError, Executed, Projector, STATE_SCHEMA, Stamped, StreamId,
    Summary, TaskCommand, TaskId, TaskState, TaskWriter, Via, load, load_at, summaries, verify,
};
use jiff::SignedDuration;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::examples::every_event;
use crate::support::picks::{Pick, pick};
use crate::support::{Kept, at, command, everything, record, stream, task};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// What was live after a command.
pub struct Live {
    pub command: Envelope<TaskCommand>,
    before: Version,
    pub outcome: Executed,
    pub state: Arc<TaskState>,
}

/// Carries out a history through a writer, and remembers what was live after each command that was taken.
pub async fn live(store: &Store, id: TaskId, picks: &[Pick]) -> Vec<Live> {
    let mut writer = TaskWriter::open(store.clone(), id).await.unwrap();
    let mut now = at();
    let mut lived = Vec::new();
    for (n, pick) in picks.iter().enumerate() {
        now += SignedDuration::new(pick.seconds.into(), 123_456_789);
        let body = match n {
            0 => TaskCommand::Create(Box::new(pick.new_task(id))),
            _ => pick.command(id, writer.state(), now),
        };
        let ctx = Ctx::new(command(&format!("{id} {n}")), now, pick.who(id), Via::Library);
        let envelope = Envelope { ctx, body };
        let before = writer.version();
        match writer.execute(envelope.clone()).await {
            Ok(outcome) => {
                assert!(!outcome.repeated);
                assert_eq!(outcome.version, writer.version());
                let state = writer.state().clone();
                lived.push(Live { command: envelope, before, outcome, state });
            }
            Err(ExecuteError::Refused(_)) => assert_eq!(writer.version(), before),
            Err(other) => panic!("{:?}: {other:?}", envelope.body),
        }
        if n % 17 == 16 {
            // Somebody else takes the task over now and then.
            writer = TaskWriter::open(store.clone(), id).await.unwrap();
        }
    }
    lived
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn state_at_any_version_equals_the_state_that_was_live(picks in vec(pick(), 1..120), cut in any::<prop::sample::Index>()) {
        block_on(async {
            let (store, id) = (MemoryStore::new().store(), task("t"));
            let lived = live(&store, id, &picks).await;
            let stream = StreamId::task(id);
            for live in &lived {
                let then = load_at(&store, &stream, live.outcome.version).await.unwrap();
                assert_eq!((then.version, &then.state), (live.outcome.version, &live.state));
            }
            // A snapshot of any moment, and what came after, is the same as everything from the start.
            let replayed = load_at(&store, &stream, Version::new(u64::MAX)).await.unwrap();
            let moment = &lived[cut.index(lived.len())];
            let state = serde_json::to_vec(&*moment.state).unwrap();
            let snapshot = Snapshot { version: moment.outcome.version, state_schema: STATE_SCHEMA, state };
            store.snapshots.save(&stream, snapshot).await.unwrap();
            let loaded = load(&store, &stream).await.unwrap();
            assert_eq!((loaded.version, loaded.state), (replayed.version, replayed.state));
        });
    }

    #[test]
    fn a_repeated_command_changes_nothing_and_gets_the_first_answer(picks in vec(pick(), 1..80)) {
        block_on(async {
            let (store, id) = (MemoryStore::new().store(), task("t"));
            let lived = live(&store, id, &picks).await;
            let mut writer = TaskWriter::open(store.clone(), id).await.unwrap();
            let (version, state) = (writer.version(), writer.state().clone());
            for live in lived.iter().filter(|live| live.outcome.version > live.before) {
                let again = writer.execute(live.command.clone()).await.unwrap();
                assert_eq!(again, Executed { repeated: true, ..live.outcome });
                assert_eq!((writer.version(), writer.state()), (version, &state));
            }
            assert_eq!(*store.log.head().borrow(), Position::new(version.get()));
        });
    }

    #[test]
    fn what_is_decided_encodes_decodes_and_folds(picks in vec(pick(), 1..80)) {
        block_on(async {
            let (store, id) = (MemoryStore::new().store(), task("t"));
            let lived = live(&store, id, &picks).await;
            let mut state = TaskState::default();
            for raw in everything(&store).await {
                let event = Codec::default().decode(&raw).unwrap();
                assert_eq!(Codec::default().encode(&event).unwrap(), raw.record);
                apply(&mut state, &event).unwrap();
            }
            assert_eq!(&state, &*lived.last().unwrap().state);
        });
    }

    #[test]
    fn rows_that_are_rebuilt_equal_the_live_ones(
        histories in vec(vec(pick(), 1..40), 1..5),
        steps in 0..3_usize,
    ) {
        block_on(async {
            let store = MemoryStore::new().store();
            let mut live_rows = Vec::new();
            for (n, picks) in histories.iter().enumerate() {
                let id = task(&format!("t{n}"));
                let lived = live(&store, id, picks).await;
                let last = lived.last().unwrap();
                live_rows.extend(Summary::of(last.outcome.version, &last.state));
                if n < steps {
                    Projector::new(store.clone()).step().await.unwrap();
                }
            }
            let mut rows: Vec<Summary> =
                summaries(&store).await.unwrap().into_iter().map(|row| row.summary).collect();
            rows.sort_by_key(|row| row.id);
            live_rows.sort_by_key(|row| row.id);
            assert_eq!(rows, live_rows);
            let mut projector = Projector::new(store.clone());
            while projector.step().await.unwrap().1 {}
            let report = verify(&store, None).await.unwrap();
            assert!(report.problems.is_empty(), "{:?}", report.problems);
        });
    }

    #[test]
    fn no_bytes_make_reading_panic(
        picks in vec(pick(), 1..40),
        garbage in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), "\\PC{0,40}", any::<u32>()), 1..60),
    ) {
        block_on(async {
            let (store, id) = (MemoryStore::new().store(), task("t"));
            live(&store, id, &picks).await;
            let mut raws = everything(&store).await;
            // Events of every type, most of which do not fit this task.
            for event in every_event() {
                let first = raws[0].clone();
                let stamped = Codec::default().decode(&first).unwrap();
                let record = Codec::default().encode(&Stamped { event, ..stamped }).unwrap();
                raws.push(RawRecord { record, ..first });
            }
            let mut state = load(&store, &StreamId::task(id)).await.map(|loaded| loaded.state).unwrap();
            for (which, cut, text, number) in garbage {
                let mut raw: RawRecord = raws[which.index(raws.len())].clone();
                let payload = &mut raw.record.payload;
                let start = floor(payload, cut.index(payload.len() + 1));
                match number % 8 {
                    0 => payload.replace_range(start.., &text),
                    1 => payload.insert_str(start, &text),
                    2 => *payload = payload.replace(char::is_numeric, "9"),
                    3 => *payload = payload.replace("null", &format!("{number}")),
                    4 => raw.record.kind = raws[cut.index(raws.len())].record.kind.clone(),
                    5 => raw.record.actor = text,
                    _ => {}
                }
                raw.record.schema_version = if number % 7 == 0 { number } else { 1 };
                raw.id = EventId { command: raw.id.command, index: number };
                // Whatever it is, it is told; nothing panics, on the bytes or on what they mean.
                if let Ok(event) = Codec::default().decode(&raw) {
                    let _fits = apply(Arc::make_mut(&mut state), &event);
                    let _row = Summary::of(raw.version, &state);
                    let _waits = (state.waits(), state.product(), state.seen());
                }
            }
        });
    }
}

fn floor(text: &str, mut index: usize) -> usize {
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

/// An operation on a log of two streams, over which several owners quarrel.
#[derive(Debug, Clone)]
enum Op {
    Acquire(usize),
    Release(usize),
    Append { stream: usize, old: usize, off: i8, command: u8, count: usize },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => (0..2_usize).prop_map(Op::Acquire),
        1 => (0..2_usize).prop_map(Op::Release),
        8 => (0..2_usize, prop_oneof![4 => Just(0), 1 => 1..3_usize], prop_oneof![5 => Just(0), 1 => -1..2_i8], 0..40_u8, 0..4_usize)
            .prop_map(|(stream, old, off, command, count)| Op::Append { stream, old, off, command, count }),
    ]
}

/// A log as a list: what every store must answer like.
#[derive(Default)]
struct Model {
    log: Vec<(StreamId, u8)>,
    epochs: [u64; 2],
    leases: [Vec<Lease>; 2],
}

const NAMES: [&str; 2] = ["a", "b"];

impl Model {
    fn version(&self, index: usize) -> u64 {
        self.log.iter().filter(|(name, _)| *name == stream(NAMES[index])).count() as u64
    }

    fn expect(&mut self, append: &Append, index: usize, id: u8) -> Result<Appended, &'static str> {
        if append.records.is_empty() {
            return Err("invalid");
        }
        let first = self.log.iter().position(|(_, command)| *command == id);
        if let Some(first) = first {
            return Err(if self.log[first].0 == append.stream { "repeated" } else { "invalid" });
        }
        if append.epoch != Epoch::new(self.epochs[index]) {
            return Err("fenced");
        }
        if append.expected != Version::new(self.version(index)) {
            return Err("conflict");
        }
        self.log.extend(append.records.iter().map(|_| (append.stream.clone(), id)));
        Ok(Appended {
            version: Version::new(self.version(index)),
            position: Position::new(self.log.len() as u64),
        })
    }
}

async fn quarrel(store: Store, ops: Vec<Op>) {
    let mut model = Model::default();
    for op in ops {
        match op {
            Op::Acquire(index) => {
                let lease = store.leases.acquire(&stream(NAMES[index])).await.unwrap();
                assert_eq!(lease.version, Version::new(model.version(index)));
                assert!(lease.epoch > Epoch::new(model.epochs[index]));
                model.epochs[index] = lease.epoch.get();
                model.leases[index].push(lease);
            }
            Op::Release(index) => {
                let Some(lease) = model.leases[index].last().cloned() else { continue };
                if lease.epoch.get() == model.epochs[index] {
                    model.epochs[index] += 1;
                }
                store.leases.release(lease).await.unwrap();
            }
            Op::Append { stream: index, old, off, command: id, count } => {
                let Some(lease) = model.leases[index].iter().rev().nth(old).cloned() else { continue };
                let expected = model.version(index).saturating_add_signed(off.into());
                let records = (0..count).map(|n| record("x.happened", &format!("{n}"))).collect();
                let append = Append {
                    stream: lease.stream.clone(),
                    epoch: lease.epoch,
                    expected: Version::new(expected),
                    command: command(&id.to_string()),
                    records,
                };
                let wanted = model.expect(&append, index, id);
                let got = store.log.append(append).await.map_err(|error| name(&error));
                assert_eq!(got, wanted);
            }
        }
    }
    let read = everything(&store).await.into_iter().map(|raw| raw.stream).collect::<Vec<_>>();
    assert_eq!(read, model.log.into_iter().map(|(stream, _)| stream).collect::<Vec<_>>());
}

fn name(error: &AppendError) -> &'static str {
    match error {
        AppendError::Repeated(_) => "repeated",
        AppendError::Conflict { .. } => "conflict",
        AppendError::Fenced(_) => "fenced",
        AppendError::Invalid(_) => "invalid",
        AppendError::Busy(_)
        | AppendError::Full(_)
        | AppendError::ReadOnly(_)
        | AppendError::Unavailable(_)
        | AppendError::Unknown(_) => "a fault",
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_log_in_memory_is_a_list(ops in vec(op(), 1..80)) {
        block_on(async { quarrel(Kept::memory().await.store, ops).await });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_log_in_a_file_is_a_list(ops in vec(op(), 1..60)) {
        block_on(async {
            let kept = Kept::sqlite().await;
            quarrel(kept.store.clone(), ops).await;
        });
    }
}
