//! The one way a command becomes events: decide, append, and only then believe it.
//!
//! A plain struct: the task actor wraps it and publishes; a one-shot command uses it alone.

use std::sync::Arc;

use eventually::aggregate::AggregateRootBuilder;
use eventually::repository::{Error as RepositoryError, Repository};
use tracing::warn;

use crate::codec::{Codec, EncodeError};
use crate::envelope::Envelope;
use crate::load::{LoadError, Loaded, SNAPSHOT_EVERY, load, load_from_snapshot, snapshot_of};
use crate::store::{AppendError, Appended, Lease, Position, ReadError, Store, Version};
use crate::task::{AggregateError, IllegalEvent, TaskAggregate, TaskCommand, TaskError, TaskState};
use crate::typed_store::{TypedStore, TypedStoreError};
use crate::value::{CommandId, Handle, StreamId, TaskId};

/// How often a command is decided again when the stream moved on meanwhile.
const TRIES: u32 = 3;

/// Holds the right to write one task, and the state that its stream has led to.
pub struct TaskWriter {
    store: Store,
    lease: Lease,
    version: Version,
    state: Arc<TaskState>,
    /// The version of the newest snapshot that this writer knows of.
    snapshot: Version,
}

/// What came of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Executed {
    /// The stream's version after it.
    pub version: Version,
    /// A position in the log at which its events can be read.
    pub position: Position,
    /// Whether it had been carried out before; this is then its first outcome.
    pub repeated: bool,
}

/// Why a task could not be opened for writing.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The stream could not be taken over.
    #[error("taking over the task's stream")]
    Acquire(#[source] AppendError),
    /// The task could not be loaded.
    #[error("loading the task")]
    Load(#[from] LoadError),
}

/// Why a command did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The task refused it.
    #[error(transparent)]
    Refused(#[from] TaskError),
    /// It was decided, but not stored.
    #[error("storing the decision")]
    Append(#[source] AppendError),
    /// What happened meanwhile could not be read.
    #[error("reading the task again")]
    Reload(#[source] LoadError),
    /// It could not be found out whether the command happened before.
    #[error("looking up the command")]
    Lookup(#[source] ReadError),
    /// An event that was decided does not fit the task: a defect of ipa.
    #[error("an event was decided that cannot be applied; please report this")]
    Illegal(#[from] IllegalEvent),
    /// An event cannot be written: a defect of ipa.
    #[error("an event was decided that cannot be written; please report this")]
    Encode(#[source] EncodeError),
    /// The stream holds as many events as can be counted.
    #[error("the task's stream is full")]
    Full,
}

impl TaskWriter {
    /// Takes a task's stream over and loads it; an earlier writer of it is refused from here on.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when the store refuses, or the task cannot be read (it is then to be parked).
    pub async fn open(store: Store, task: TaskId) -> Result<Self, OpenError> {
        let stream = StreamId::task(task);
        let lease = store.leases.acquire(&stream).await.map_err(OpenError::Acquire)?;
        let (Loaded { version, state }, snapshot) = load_from_snapshot(&store, &stream).await?;
        Ok(Self { store, lease, version, state, snapshot })
    }

    /// Returns the state that the stream has led to.
    pub const fn state(&self) -> &Arc<TaskState> {
        &self.state
    }

    /// Returns the stream's version.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Returns the short name that the store gave the task.
    pub const fn handle(&self) -> Handle {
        self.lease.handle()
    }

    /// Decides a command and stores what it leads to. A repeated command changes nothing and gets its first
    /// outcome.
    ///
    /// # Errors
    ///
    /// [`ExecuteError::Refused`] with what a person can do, or why it could not be stored. In every case the
    /// state of this writer is what the log says.
    pub async fn execute(&mut self, command: Envelope<TaskCommand>) -> Result<Executed, ExecuteError> {
        let id = command.ctx.command_id;
        let mut tries = 0;
        loop {
            tries += 1;
            match self.attempt(command.clone()).await {
                Ok(Some(executed)) => return Ok(executed),
                // A repeat often changes nothing, just because it was carried out before.
                Ok(None) => return Ok(self.looked_up(id).await?.unwrap_or_else(|| self.unchanged())),
                Err(ExecuteError::Append(conflict @ AppendError::Conflict { .. })) => {
                    self.reload().await?;
                    if tries == TRIES {
                        return Err(ExecuteError::Append(conflict));
                    }
                }
                Err(ExecuteError::Append(AppendError::Repeated(first))) => {
                    return self.first_outcome(first).await;
                }
                Err(ExecuteError::Append(error @ AppendError::Unknown(_))) => {
                    self.reload().await?;
                    return self.looked_up(id).await?.ok_or(ExecuteError::Append(error));
                }
                // Or it is refused now, for the same reason.
                Err(refused @ ExecuteError::Refused(_)) => return self.looked_up(id).await?.ok_or(refused),
                Err(error) => return Err(error),
            }
        }
    }

    /// Decides and appends; none when the command changes nothing.
    async fn attempt(&mut self, command: Envelope<TaskCommand>) -> Result<Option<Executed>, ExecuteError> {
        let typed = TypedStore::new(self.store.log.clone(), self.lease.clone(), Codec::default());
        let appended = typed.appended();
        let builder = AggregateRootBuilder::from(TaskAggregate);
        let version = u32::try_from(self.version.get()).map_err(|_overflow| ExecuteError::Full)?;
        // A root that is thrown away: it changes before anything is stored.
        let mut root = builder.build_with_state(self.lease.stream.clone(), version, self.state.clone());
        root.handle(command).await?;
        let state = root.state().clone();
        Repository::new(builder, typed).add(root).await?;
        let Some(appended) = appended.get() else { return Ok(None) };
        self.version = appended.version;
        self.state = state;
        Ok(Some(Executed { version: appended.version, position: appended.position, repeated: false }))
    }

    /// Answers a command that changed nothing: all that led to it can be read at the head of the log.
    fn unchanged(&self) -> Executed {
        let position = *self.store.log.head().borrow();
        Executed { version: self.version, position, repeated: false }
    }

    /// Finds the first outcome of a command, if it was carried out before.
    async fn looked_up(&mut self, id: CommandId) -> Result<Option<Executed>, ExecuteError> {
        let log = &self.store.log;
        let Some(first) = log.outcome(id).await.map_err(ExecuteError::Lookup)? else { return Ok(None) };
        let before = Position::new(first.position.get().saturating_sub(1));
        let last = log.read_all(before, 1).await.map_err(ExecuteError::Lookup)?;
        if last.iter().any(|last| last.stream != self.lease.stream) {
            // The same id asked something of another task: this is no repeat of that.
            return Err(ExecuteError::Append(AppendError::Invalid(id)));
        }
        self.first_outcome(first).await.map(Some)
    }

    async fn first_outcome(&mut self, first: Appended) -> Result<Executed, ExecuteError> {
        if first.version > self.version {
            self.reload().await?;
        }
        Ok(Executed { version: first.version, position: first.position, repeated: true })
    }

    async fn reload(&mut self) -> Result<(), ExecuteError> {
        let Loaded { version, state } =
            load(&self.store, &self.lease.stream).await.map_err(ExecuteError::Reload)?;
        self.version = version;
        self.state = state;
        Ok(())
    }

    /// Keeps a snapshot if enough happened since the last one. A failure costs a warning only.
    pub async fn snapshot_if_due(&mut self) {
        if self.version.get().saturating_sub(self.snapshot.get()) >= SNAPSHOT_EVERY {
            self.save_snapshot().await;
        }
    }

    async fn save_snapshot(&mut self) {
        let Some(snapshot) = snapshot_of(self.version, &self.state) else { return };
        self.snapshot = self.version;
        if let Err(error) = self.store.snapshots.save(&self.lease.stream, snapshot).await {
            warn!(stream = %self.lease.stream, %error, "no snapshot of {} was kept", self.lease.stream);
        }
    }

    /// Keeps a snapshot and gives the stream back.
    ///
    /// # Errors
    ///
    /// [`AppendError`] when the store does not take the stream back; the next writer takes it over anyway.
    pub async fn close(mut self) -> Result<(), AppendError> {
        if self.version > self.snapshot {
            self.save_snapshot().await;
        }
        self.store.leases.release(self.lease).await
    }
}

impl From<AggregateError> for ExecuteError {
    fn from(error: AggregateError) -> Self {
        match error {
            AggregateError::Refused(error) => Self::Refused(error),
            AggregateError::Illegal(error) => Self::Illegal(error),
        }
    }
}

impl From<RepositoryError<AggregateError, TypedStoreError>> for ExecuteError {
    fn from(error: RepositoryError<AggregateError, TypedStoreError>) -> Self {
        match error {
            RepositoryError::Aggregate(error) => error.into(),
            RepositoryError::Store(TypedStoreError::Append(error)) => Self::Append(error),
            RepositoryError::Store(TypedStoreError::Encode(error)) => Self::Encode(error),
            RepositoryError::Store(TypedStoreError::Read(error)) => Self::Lookup(error),
            RepositoryError::Store(TypedStoreError::Unreadable(error)) => {
                Self::Reload(LoadError::Unreadable(error))
            }
            RepositoryError::Store(TypedStoreError::VersionOverflow | TypedStoreError::Unsupported) => {
                Self::Full
            }
        }
    }
}
