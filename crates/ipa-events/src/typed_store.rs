//! Our log as a store of `eventually`: the one place where both vocabularies meet.
//!
//! It encodes and decodes, turns 32-bit versions into ours, appends under a lease, and remembers where the
//! last append ended, which `eventually` does not carry.

use std::sync::{Arc, OnceLock};

use eventually::store::{EventStore, EventStream, Expected, Persisted, Select};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, stream};

use crate::codec::{Codec, EncodeError, Unreadable};
use crate::envelope::Stamped;
use crate::store::{Append, AppendError, Appended, Lease, Log, ReadError, Version};
use crate::task::TaskEvent;
use crate::value::StreamId;

/// How many records one read brings.
const PAGE: usize = 1_000;

/// The log, seen as a store of task events under one lease.
#[derive(Clone)]
pub(crate) struct TypedStore {
    log: Arc<dyn Log>,
    lease: Lease,
    codec: Codec,
    /// Where the append ended; shared with whoever made this store, as a repository does not give it back.
    appended: Arc<OnceLock<Appended>>,
}

/// What can go wrong between a task and the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TypedStoreError {
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Unreadable(#[from] Box<Unreadable>),
    #[error("a stream holds more events than can be counted")]
    VersionOverflow,
    #[error("this is not done through a task's store")]
    Unsupported,
}

impl eventually::store::AppendError for TypedStoreError {
    fn is_conflict_error(&self) -> bool {
        matches!(self, Self::Append(AppendError::Conflict { .. }))
    }
}

impl TypedStore {
    /// Makes a store for one append, or for any number of reads.
    pub(crate) fn new(log: Arc<dyn Log>, lease: Lease, codec: Codec) -> Self {
        Self { log, lease, codec, appended: Arc::default() }
    }

    /// Tells, once it happened, where the append ended.
    pub(crate) fn appended(&self) -> Arc<OnceLock<Appended>> {
        self.appended.clone()
    }

    async fn append_exact(
        &self,
        stream: StreamId,
        expected: u32,
        events: Vec<Stamped<TaskEvent>>,
    ) -> Result<u32, TypedStoreError> {
        let command = events.first().map(|event| event.command_id).ok_or(TypedStoreError::Unsupported)?;
        let records = events.iter().map(|event| self.codec.encode(event)).collect::<Result<_, _>>()?;
        let append = Append {
            stream,
            epoch: self.lease.epoch,
            expected: Version::new(expected.into()),
            command,
            records,
        };
        let appended = self.log.append(append).await?;
        self.appended.get_or_init(|| appended);
        u32::try_from(appended.version.get()).map_err(|_overflow| TypedStoreError::VersionOverflow)
    }

    fn decode(
        &self,
        raw: &crate::store::RawRecord,
    ) -> Result<Persisted<StreamId, Stamped<TaskEvent>>, TypedStoreError> {
        let event = self.codec.decode(raw).map_err(Box::new)?;
        let version =
            u32::try_from(raw.version.get()).map_err(|_overflow| TypedStoreError::VersionOverflow)?;
        // `eventually` counts a sequence in 32 bits; nothing of ours reads it, positions are ours.
        Ok(Persisted::from(raw.stream.clone(), event).version(version).sequence_number(version))
    }
}

impl EventStore for TypedStore {
    type SourceId = StreamId;
    type Event = Stamped<TaskEvent>;
    type Error = TypedStoreError;

    fn append(
        &mut self,
        id: StreamId,
        version: Expected,
        events: Vec<Self::Event>,
    ) -> BoxFuture<'_, Result<u32, Self::Error>> {
        match version {
            Expected::Exact(expected) => self.append_exact(id, expected, events).boxed(),
            Expected::Any => futures::future::ready(Err(TypedStoreError::Unsupported)).boxed(),
        }
    }

    fn stream(
        &self,
        id: StreamId,
        select: Select,
    ) -> BoxFuture<'_, Result<EventStream<'_, Self>, Self::Error>> {
        let after = match select {
            Select::All => 0,
            Select::From(version) => u64::from(version).saturating_sub(1),
        };
        let pages = stream::try_unfold(Some(Version::new(after)), move |after| {
            let id = id.clone();
            async move {
                let Some(after) = after else { return Ok(None) };
                let page = self.log.read_stream(&id, after, PAGE).await?;
                let next = page.last().filter(|_| page.len() == PAGE).map(|last| last.version);
                Ok::<_, TypedStoreError>(Some((stream::iter(page), next)))
            }
        });
        let events = pages.flat_map(|page| match page {
            Ok(page) => page.map(|raw| self.decode(&raw)).left_stream(),
            Err(error) => stream::once(futures::future::ready(Err(error))).right_stream(),
        });
        futures::future::ready(Ok(events.boxed())).boxed()
    }

    fn stream_all(&self, _select: Select) -> BoxFuture<'_, Result<EventStream<'_, Self>, Self::Error>> {
        futures::future::ready(Err(TypedStoreError::Unsupported)).boxed()
    }

    fn remove(&mut self, _id: StreamId) -> BoxFuture<'_, Result<(), Self::Error>> {
        futures::future::ready(Err(TypedStoreError::Unsupported)).boxed()
    }
}
