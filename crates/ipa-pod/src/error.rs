//! What can go wrong at the engine's front door.

use ipa_events::store::{AppendError, ReadError};
use ipa_events::{ConnectorId, ExecuteError, LoadError, OpenError, Reference, RunId, TaskError, TaskId};
use ipa_workspace::WorkspaceError;

/// What can go wrong at the engine's front door.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no such task.
    #[error("there is no task {0}")]
    UnknownTask(Reference),
    /// There is no such run or decision.
    #[error("there is no {what} {name}")]
    Unknown {
        /// What was looked for: `run`, `decision`.
        what: &'static str,
        /// As it was named.
        name: String,
    },
    /// A new task has no agent, and none is configured.
    #[error("no agent was chosen, and none is configured")]
    NoAgent,
    /// What is to be run or reached has a secret in it; it would be stored.
    #[error("a secret stands in what is to be run: an agent's command, a check, the repository or the base")]
    HoldsSecret,
    /// A task that another depends on does not exist.
    #[error("there is no task {0} to depend on")]
    UnknownDependency(Reference),
    /// The task refused the command.
    #[error(transparent)]
    Refused(TaskError),
    /// The command was not stored.
    #[error("carrying out a command on task {task}")]
    Execute {
        /// The task.
        task: TaskId,
        /// Why.
        #[source]
        source: ExecuteError,
    },
    /// The task could not be opened.
    #[error("opening task {task}")]
    Open {
        /// The task.
        task: TaskId,
        /// Why.
        #[source]
        source: OpenError,
    },
    /// The task could not be read.
    #[error("reading task {task}")]
    Load {
        /// The task.
        task: TaskId,
        /// Why.
        #[source]
        source: LoadError,
    },
    /// The log could not be read.
    #[error("reading the log")]
    Read(#[from] ReadError),
    /// The task's pod cannot run.
    #[error("task {name} is parked: {reason}")]
    Parked {
        /// The task, by its short name where that is known.
        name: String,
        /// Why.
        reason: String,
    },
    /// The task's pod could not be started just now.
    #[error("the pod of task {task} could not be started: {why}")]
    Unavailable {
        /// The task.
        task: TaskId,
        /// Why.
        why: String,
    },
    /// The engine runs already.
    #[error("the engine runs already")]
    Running,
    /// The task moved on since what was seen.
    #[error("task {0} has changed since what you saw")]
    Stale(TaskId),
    /// The task's pod did not answer in time.
    #[error("the pod of task {0} did not answer in time")]
    NoAnswer(TaskId),
    /// A run was told to end, and did not in time.
    #[error("run {0} was told to end and still runs")]
    StillRuns(RunId),
    /// The engine is stopping.
    #[error("the engine is stopping")]
    Stopping,
    /// Something outside could not be looked at.
    #[error("what belongs to task {task} outside could not all be looked at: {why}")]
    Outside {
        /// The task.
        task: TaskId,
        /// Why.
        why: String,
    },
    /// What a person said about a connector was not stored.
    #[error("{doing} the connector {connector}")]
    Connector {
        /// What was to be done: `pausing`, `opening`.
        doing: &'static str,
        /// Which.
        connector: ConnectorId,
        /// Why.
        #[source]
        source: AppendError,
    },
    /// This engine runs no pods.
    #[error("nothing is running here; start `ipa serve`")]
    NothingRuns,
    /// A checkout could not be read or changed.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
}

/// Says why a task could not be opened for writing.
pub(crate) fn opening(task: TaskId, source: OpenError) -> EngineError {
    match source {
        OpenError::Load(
            error @ (LoadError::Unreadable(_) | LoadError::Illegal { .. } | LoadError::TooLong(_)),
        ) => EngineError::Parked { name: task.to_string(), reason: chain(&error) },
        source @ (OpenError::Acquire(_) | OpenError::Load(LoadError::Read(_))) => {
            EngineError::Open { task, source }
        }
    }
}

/// Says why a command was not carried out on a task.
pub(crate) fn executing(task: TaskId, error: ExecuteError) -> EngineError {
    match error {
        ExecuteError::Refused(refused) => EngineError::Refused(refused),
        source @ (ExecuteError::Append(_)
        | ExecuteError::Reload(_)
        | ExecuteError::Lookup(_)
        | ExecuteError::Illegal(_)
        | ExecuteError::Encode(_)
        | ExecuteError::Full) => EngineError::Execute { task, source },
    }
}

/// Writes an error with everything that led to it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |error| error.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}
