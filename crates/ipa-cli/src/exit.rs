//! What the program's exit code says, and the one table from the API's problem codes to it.

use std::process::ExitCode;

use ipa_server::wire::Code;

/// How a command ended; the contract's exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// The command or the configuration cannot be used.
    Usage,
    /// There is no such thing.
    NotFound,
    /// Not allowed.
    NotAllowed,
    /// What was seen has changed.
    Conflict,
    /// The task was cancelled, or is parked.
    NotCompleted,
    /// A person is needed, and none can be asked.
    PersonNeeded,
    /// The server cannot be reached, or the data directory is in use.
    Unreachable,
    /// It took too long.
    TimedOut,
    /// The person stopped it.
    Interrupted,
}

impl Exit {
    /// All of them, by number.
    pub(crate) const ALL: [Self; 11] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::NotFound,
        Self::NotAllowed,
        Self::Conflict,
        Self::NotCompleted,
        Self::PersonNeeded,
        Self::Unreachable,
        Self::TimedOut,
        Self::Interrupted,
    ];

    /// Says what it means, in the contract's words.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Usage => "usage or configuration",
            Self::NotFound => "not found",
            Self::NotAllowed => "not allowed",
            Self::Conflict => "conflict (what you saw has changed)",
            Self::NotCompleted => "the task was cancelled, or is parked",
            Self::PersonNeeded => "a person is needed",
            Self::Unreachable => "server unreachable, or data directory in use",
            Self::TimedOut => "timed out",
            Self::Interrupted => "interrupted",
        }
    }

    /// Returns the number.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::NotAllowed => 4,
            Self::Conflict => 5,
            Self::NotCompleted => 6,
            Self::PersonNeeded => 7,
            Self::Unreachable => 8,
            Self::TimedOut => 124,
            Self::Interrupted => 130,
        }
    }

    /// Returns the exit that goes with a problem of the API.
    pub(crate) const fn of(code: Code) -> Self {
        match code {
            Code::UnknownTask
            | Code::UnknownRun
            | Code::UnknownDecision
            | Code::UnknownOperation
            | Code::NoSuchPath
            | Code::NoWorkspace
            | Code::NotFound => Self::NotFound,
            Code::Unauthorized | Code::NotAllowed | Code::CrossSite | Code::WrongHost => Self::NotAllowed,
            Code::MethodNotAllowed
            | Code::BodyTooLarge
            | Code::UnsupportedMediaType
            | Code::InvalidRequest
            | Code::KeyReused
            | Code::NoAgent
            | Code::NoRepository
            | Code::NoBranch
            | Code::UnknownDependency
            | Code::WrongVerdict
            | Code::Unsupported
            | Code::NoSandbox => Self::Usage,
            Code::VersionConflict
            | Code::DecisionChanged
            | Code::DecisionClosed
            | Code::WrongState
            | Code::BranchMoved => Self::Conflict,
            Code::Parked => Self::NotCompleted,
            Code::NothingRuns | Code::Unavailable => Self::Unreachable,
            Code::WorkspaceBusy
            | Code::TooManyStreams
            | Code::Internal
            | Code::WorkspaceFailed
            | Code::StoreUnavailable
            | Code::DiskFull => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}
