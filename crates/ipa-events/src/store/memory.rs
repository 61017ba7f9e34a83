//! A store in memory, for tests: the same answers as any other, nothing on a disk, faults on demand.

mod deliveries;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use tokio::sync::watch;

use self::deliveries::Deliveries;
use super::clock::{recorded_now, to_microseconds};
use super::{
    Append, AppendError, Appended, Epoch, Lease, Leases, Log, ModelError, ModelId, ModelRow, Models,
    NewRecord, Position, RawRecord, ReadError, Snapshot, Snapshots, Stop, StopKind, Stops, Store, StoreFault,
    StreamInfo, Version,
};
use crate::value::{CommandId, ConnectorId, EventId, StreamId};

/// A store in memory. Clones are the same store.
///
/// ```
/// use ipa_events::store::{AppendFault, MemoryStore};
/// let memory = MemoryStore::new();
/// memory.fail_next_append(AppendFault::LostAnswer);
/// let store = memory.store(); // what is appended through it first is stored, but answered with Unknown
/// # let _ = store;
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Shared>);

/// What is to go wrong with an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendFault {
    /// Nothing is stored, and the answer says so ([`AppendError::Unavailable`]).
    Unavailable,
    /// All is stored, but the answer is [`AppendError::Unknown`].
    LostAnswer,
    /// Nothing is stored; the answer is [`AppendError::Conflict`] with the stream's real version.
    Conflict,
}

struct Shared {
    kept: Mutex<Kept>,
    head: watch::Sender<Position>,
}

#[derive(Default)]
struct Kept {
    events: Vec<RawRecord>,
    streams: BTreeMap<StreamId, Stream>,
    commands: BTreeMap<CommandId, (StreamId, Appended)>,
    snapshots: BTreeMap<StreamId, Snapshot>,
    models: BTreeMap<ModelId, Model>,
    stops: BTreeMap<(ConnectorId, StopKind), Stop>,
    faults: VecDeque<AppendFault>,
    deliveries: Deliveries,
    life: Life,
}

#[derive(Default, PartialEq, Eq)]
enum Life {
    #[default]
    Open,
    Closed,
}

struct Stream {
    number: u64,
    epoch: Epoch,
    /// Indexes into the events, in the order of the stream's versions.
    events: Vec<usize>,
}

impl Stream {
    fn version(&self) -> Version {
        Version::new(count(self.events.len()))
    }
}

#[derive(Default)]
struct Model {
    position: Position,
    rows: BTreeMap<StreamId, ModelRow>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// Makes an empty store.
    pub fn new() -> Self {
        let (head, _) = watch::channel(Position::ZERO);
        Self(Arc::new(Shared { kept: Mutex::default(), head }))
    }

    /// Returns the ports of this store.
    pub fn store(&self) -> Store {
        let shared = &self.0;
        Store {
            log: shared.clone(),
            leases: shared.clone(),
            snapshots: shared.clone(),
            models: shared.clone(),
            stops: shared.clone(),
            deliveries: shared.clone(),
        }
    }

    /// Lets the next append go wrong; called more often, the following ones too, in order.
    pub fn fail_next_append(&self, fault: AppendFault) {
        self.0.kept().faults.push_back(fault);
    }

    /// Puts something else in the place of a record, as a damaged disk or a newer program would.
    pub fn replace(&self, position: Position, record: NewRecord) {
        let index = usize::try_from(position.get()).ok().and_then(|position| position.checked_sub(1));
        let mut kept = self.0.kept();
        if let Some(raw) = index.and_then(|index| kept.events.get_mut(index)) {
            raw.record = record;
        }
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append_now(&self, append: Append) -> Result<Appended, AppendError> {
        let mut kept = self.kept();
        if kept.life == Life::Closed {
            return Err(AppendError::Unavailable(StoreFault::new("the store was closed")));
        }
        let fault = kept.faults.pop_front();
        if fault == Some(AppendFault::Unavailable) {
            return Err(AppendError::Unavailable(StoreFault::new("injected: not available")));
        }
        let actual = kept.admit(&append)?;
        if fault == Some(AppendFault::Conflict) {
            return Err(AppendError::Conflict { expected: append.expected, actual });
        }
        let appended = kept.insert(append);
        self.head.send_replace(appended.position);
        if fault == Some(AppendFault::LostAnswer) {
            return Err(AppendError::Unknown(StoreFault::new("injected: the answer was lost")));
        }
        Ok(appended)
    }
}

impl Kept {
    /// Checks an append as every store does. Returns the version of its stream.
    fn admit(&self, append: &Append) -> Result<Version, AppendError> {
        if append.records.is_empty() || !append.records.iter().all(is_json) {
            return Err(AppendError::Invalid(append.command));
        }
        match self.commands.get(&append.command) {
            Some((stream, first)) if *stream == append.stream => return Err(AppendError::Repeated(*first)),
            Some(_elsewhere) => return Err(AppendError::Invalid(append.command)),
            None => {}
        }
        let stream = self.streams.get(&append.stream).filter(|stream| stream.epoch == append.epoch);
        let actual = stream.ok_or_else(|| AppendError::Fenced(append.stream.clone()))?.version();
        if actual != append.expected {
            return Err(AppendError::Conflict { expected: append.expected, actual });
        }
        Ok(actual)
    }

    fn insert(&mut self, append: Append) -> Appended {
        let recorded_at = recorded_now();
        let (mut version, mut position) = (append.expected, Position::new(count(self.events.len())));
        for (index, mut record) in (0..).zip(append.records) {
            (version, position) = (version.plus(1), position.plus(1));
            record.at = to_microseconds(record.at);
            if let Some(stream) = self.streams.get_mut(&append.stream) {
                stream.events.push(self.events.len());
            }
            let id = EventId { command: append.command, index };
            let stream = append.stream.clone();
            self.events.push(RawRecord { position, stream, version, id, recorded_at, record });
        }
        let appended = Appended { version, position };
        self.commands.insert(append.command, (append.stream, appended));
        appended
    }
}

fn is_json(record: &NewRecord) -> bool {
    let valid = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    valid(&record.payload) && valid(&record.metadata)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn skip(after: u64) -> usize {
    usize::try_from(after).unwrap_or(usize::MAX)
}

impl Log for Shared {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        async move { self.append_now(append) }.boxed()
    }

    fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<RawRecord>, ReadError>> {
        let kept = self.kept();
        let indexes = kept.streams.get(stream).map_or(&[][..], |stream| &stream.events);
        let page = indexes.iter().skip(skip(after.get())).take(max);
        let page = page.filter_map(|index| kept.events.get(*index)).cloned().collect();
        ready(Ok(page)).boxed()
    }

    fn read_all(&self, after: Position, max: usize) -> BoxFuture<'_, Result<Vec<RawRecord>, ReadError>> {
        let page = self.kept().events.iter().skip(skip(after.get())).take(max).cloned().collect();
        ready(Ok(page)).boxed()
    }

    fn outcome(&self, command: CommandId) -> BoxFuture<'_, Result<Option<Appended>, ReadError>> {
        let appended = self.kept().commands.get(&command).map(|(_, appended)| *appended);
        ready(Ok(appended)).boxed()
    }

    fn streams(&self, after: u64, max: usize) -> BoxFuture<'_, Result<Vec<StreamInfo>, ReadError>> {
        let kept = self.kept();
        let mut streams: Vec<_> = kept.streams.iter().filter(|(_, stream)| stream.number > after).collect();
        streams.sort_by_key(|(_, stream)| stream.number);
        let info = |(id, stream): (&StreamId, &Stream)| StreamInfo {
            stream: id.clone(),
            number: stream.number,
            version: stream.version(),
        };
        ready(Ok(streams.into_iter().take(max).map(info).collect())).boxed()
    }

    fn head(&self) -> watch::Receiver<Position> {
        self.head.subscribe()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.kept().life = Life::Closed;
        ready(()).boxed()
    }
}

impl Leases for Shared {
    fn acquire(&self, stream: &StreamId) -> BoxFuture<'_, Result<Lease, AppendError>> {
        let mut kept = self.kept();
        let number = count(kept.streams.len()).saturating_add(1);
        let new = || Stream { number, epoch: Epoch::ZERO, events: Vec::new() };
        let held = kept.streams.entry(stream.clone()).or_insert_with(new);
        held.epoch = held.epoch.plus(1);
        let (epoch, version, number) = (held.epoch, held.version(), held.number);
        ready(Ok(Lease { stream: stream.clone(), epoch, version, number })).boxed()
    }

    fn release(&self, lease: Lease) -> BoxFuture<'_, Result<(), AppendError>> {
        let mut kept = self.kept();
        let held = kept.streams.get_mut(&lease.stream).filter(|stream| stream.epoch == lease.epoch);
        if let Some(held) = held {
            held.epoch = held.epoch.plus(1);
        }
        ready(Ok(())).boxed()
    }
}

impl Snapshots for Shared {
    fn load(&self, stream: &StreamId) -> BoxFuture<'_, Result<Option<Snapshot>, ReadError>> {
        ready(Ok(self.kept().snapshots.get(stream).cloned())).boxed()
    }

    fn save(&self, stream: &StreamId, snapshot: Snapshot) -> BoxFuture<'_, Result<(), ReadError>> {
        let mut kept = self.kept();
        let newer = kept.snapshots.get(stream).is_none_or(|old| old.version < snapshot.version);
        if newer {
            kept.snapshots.insert(stream.clone(), snapshot);
        }
        ready(Ok(())).boxed()
    }
}

impl Models for Shared {
    fn position(&self, model: ModelId) -> BoxFuture<'_, Result<Position, ReadError>> {
        let position = self.kept().models.get(&model).map_or(Position::ZERO, |model| model.position);
        ready(Ok(position)).boxed()
    }

    fn advance(
        &self,
        model: ModelId,
        from: Position,
        to: Position,
        rows: Vec<ModelRow>,
    ) -> BoxFuture<'_, Result<(), ModelError>> {
        let mut kept = self.kept();
        let model = kept.models.entry(model).or_default();
        if model.position != from {
            let moved = ModelError::Moved { expected: from, actual: model.position };
            return ready(Err(moved)).boxed();
        }
        model.position = to;
        model.rows.extend(rows.into_iter().map(|row| (row.stream.clone(), row)));
        ready(Ok(())).boxed()
    }

    fn row(&self, model: ModelId, stream: &StreamId) -> BoxFuture<'_, Result<Option<ModelRow>, ReadError>> {
        let row = self.kept().models.get(&model).and_then(|model| model.rows.get(stream)).cloned();
        ready(Ok(row)).boxed()
    }

    fn rows(
        &self,
        model: ModelId,
        after: Option<&StreamId>,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<ModelRow>, ReadError>> {
        use std::ops::Bound::{Excluded, Unbounded};
        let kept = self.kept();
        let from = after.map_or(Unbounded, Excluded);
        let model = kept.models.get(&model);
        let rows = model.into_iter().flat_map(|model| model.rows.range((from, Unbounded)));
        ready(Ok(rows.map(|(_, row)| row.clone()).take(max).collect())).boxed()
    }
}

impl Stops for Shared {
    fn stops(&self) -> BoxFuture<'_, Result<Vec<Stop>, ReadError>> {
        let stops = self.kept().stops.values().cloned().collect();
        ready(Ok(stops)).boxed()
    }

    fn stop(&self, stop: Stop) -> BoxFuture<'_, Result<(), AppendError>> {
        let stop = Stop { at: to_microseconds(stop.at), ..stop };
        self.kept().stops.insert((stop.connector.clone(), stop.kind), stop);
        ready(Ok(())).boxed()
    }

    fn go_on(&self, connector: &ConnectorId) -> BoxFuture<'_, Result<(), AppendError>> {
        self.kept().stops.retain(|(stopped, _), _| stopped != connector);
        ready(Ok(())).boxed()
    }
}
