//! A task as the log has it: the newest snapshot, and what came after.

use std::sync::Arc;

use eventually::store::{EventStore as _, Select};
use eventually::versioning::Versioned as _;
use futures::StreamExt as _;
use tracing::warn;

use crate::codec::{Codec, Unreadable};
use crate::envelope::Stamped;
use crate::store::{Lease, Log, ReadError, Snapshot, Store, Version};
use crate::task::{IllegalEvent, TaskEvent, TaskState, apply};
use crate::typed_store::{TypedStore, TypedStoreError};
use crate::value::StreamId;

/// The form of a snapshot's bytes. A test holds the state's JSON shape to it: change one, count up the other.
pub const STATE_SCHEMA: u32 = 6;

/// A snapshot is taken when this many events came after the last one.
pub const SNAPSHOT_EVERY: u64 = 200;

/// A task as it was at a version.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The version.
    pub version: Version,
    /// The state.
    pub state: Arc<TaskState>,
}

/// Why a task could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A record cannot be understood; the task is read-only until it can.
    #[error(transparent)]
    Unreadable(Box<Unreadable>),
    /// A record does not fit what came before it; the task is read-only.
    #[error("event {version} of {stream} cannot be applied")]
    Illegal {
        /// The stream.
        stream: StreamId,
        /// Its place in the stream.
        version: Version,
        /// Why.
        #[source]
        source: IllegalEvent,
    },
    /// The stream is longer than versions can count.
    #[error("the stream {0} holds more events than can be counted")]
    TooLong(StreamId),
}

/// Loads a task at its newest version: snapshot and what came after.
///
/// # Errors
///
/// [`LoadError`]; an unusable snapshot is none, it costs a warning and a full replay.
pub async fn load(store: &Store, stream: &StreamId) -> Result<Loaded, LoadError> {
    Ok(load_from_snapshot(store, stream).await?.0)
}

/// Loads a task at its newest version. Returns also the version of the snapshot that it began with.
pub(crate) async fn load_from_snapshot(
    store: &Store,
    stream: &StreamId,
) -> Result<(Loaded, Version), LoadError> {
    let start = usable_snapshot(store, stream).await?.unwrap_or_default();
    let snapshot = start.version;
    Ok((replay(&store.log, stream, start, Version::new(u64::MAX)).await?, snapshot))
}

/// Loads a task as it was at `version`, from its first event on; at its newest, if it is not that old.
///
/// # Errors
///
/// [`LoadError`].
pub async fn load_at(store: &Store, stream: &StreamId, version: Version) -> Result<Loaded, LoadError> {
    replay(&store.log, stream, Loaded::default(), version).await
}

impl Default for Loaded {
    fn default() -> Self {
        Self { version: Version::ZERO, state: Arc::default() }
    }
}

async fn usable_snapshot(store: &Store, stream: &StreamId) -> Result<Option<Loaded>, ReadError> {
    let Some(snapshot) = store.snapshots.load(stream).await? else { return Ok(None) };
    if snapshot.state_schema != STATE_SCHEMA {
        warn!(%stream, form = snapshot.state_schema, "snapshot of {stream} has another form; replaying");
        return Ok(None);
    }
    match serde_json::from_slice(&snapshot.state) {
        Ok(state) => Ok(Some(Loaded { version: snapshot.version, state: Arc::new(state) })),
        Err(error) => {
            warn!(%stream, %error, "snapshot of {stream} cannot be read; replaying");
            Ok(None)
        }
    }
}

async fn replay(
    log: &Arc<dyn Log>,
    stream: &StreamId,
    start: Loaded,
    until: Version,
) -> Result<Loaded, LoadError> {
    // Reading needs no right to append: this lease is nobody's.
    let nobody =
        Lease { stream: stream.clone(), epoch: crate::store::Epoch::ZERO, version: start.version, number: 0 };
    let store = TypedStore::new(log.clone(), nobody, Codec::default());
    let too_long = |_overflow| LoadError::TooLong(stream.clone());
    let from = u32::try_from(start.version.plus(1).get()).map_err(too_long)?;
    let mut events =
        store.stream(stream.clone(), Select::From(from)).await.map_err(|e| load_error(e, stream))?;
    let Loaded { mut version, mut state } = start;
    // What comes after `until` is not even decoded: it may be what nobody can read.
    while version < until {
        let Some(persisted) = events.next().await else { break };
        let persisted = persisted.map_err(|error| load_error(error, stream))?;
        let at = Version::new(persisted.version().into());
        let event: Stamped<TaskEvent> = persisted.take();
        apply(Arc::make_mut(&mut state), &event).map_err(|source| LoadError::Illegal {
            stream: stream.clone(),
            version: at,
            source,
        })?;
        version = at;
    }
    Ok(Loaded { version, state })
}

fn load_error(error: TypedStoreError, stream: &StreamId) -> LoadError {
    match error {
        TypedStoreError::Read(error) => LoadError::Read(error),
        TypedStoreError::Unreadable(unreadable) => LoadError::Unreadable(unreadable),
        TypedStoreError::VersionOverflow
        | TypedStoreError::Append(_)
        | TypedStoreError::Encode(_)
        | TypedStoreError::Unsupported => LoadError::TooLong(stream.clone()),
    }
}

/// Writes a state as a snapshot; none if it has no JSON form.
pub(crate) fn snapshot_of(version: Version, state: &TaskState) -> Option<Snapshot> {
    let state = serde_json::to_vec(state).ok()?;
    Some(Snapshot { version, state_schema: STATE_SCHEMA, state })
}
