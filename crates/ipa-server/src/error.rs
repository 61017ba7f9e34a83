//! From the engine's errors to the stable codes of problems: the one place, and exhaustive.

pub(crate) mod problem;

use ipa_events::store::AppendError;
use ipa_events::{ExecuteError, LoadError, OpenError, TaskError};
use ipa_pod::work::WorkspaceError;
use ipa_pod::{EngineError, HookError};

pub(crate) use crate::wire::Code;
use problem::{Refusal, chain};

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        let detail = chain(&error);
        match error {
            EngineError::Refused(refused) => Self::from(refused),
            EngineError::Workspace(error) => Self::from(error),
            EngineError::UnknownTask(_) => {
                Self::new(Code::UnknownTask, detail).help("`ipa ls` lists all tasks")
            }
            EngineError::Unknown { what: "run", .. } => {
                Self::new(Code::UnknownRun, detail).help("`ipa show TASK` lists a task's runs")
            }
            EngineError::Unknown { what: "change" | "connector", .. } => {
                Self::new(Code::NotFound, detail).help("`ipa sync status` lists the changes and the connectors")
            }
            EngineError::Unknown { .. } => Self::new(Code::UnknownDecision, detail)
                .help("`ipa inbox` lists what waits for you; name one of these"),
            EngineError::NoAgent => Self::new(Code::NoAgent, detail)
                .help("name one with --agent, or set `[roles.develop] agent` in ipa.toml; `ipa agent list` shows what works here"),
            EngineError::HoldsSecret => Self::new(Code::InvalidRequest, detail)
                .help("give it to the agent in `[agents.X] env` of ipa.toml, and name the variable instead"),
            EngineError::UnknownDependency(_) => {
                Self::new(Code::UnknownDependency, detail).help("`ipa ls` lists all tasks")
            }
            EngineError::Execute { source, .. } => Self::new(executing(&source), detail).help(RETRY),
            EngineError::Open { source, .. } => Self::new(opening(&source), detail).help(RETRY),
            EngineError::Load { source, .. } => Self::new(loading(&source), detail).help(LOOK),
            EngineError::Read(_) => Self::new(Code::StoreUnavailable, detail).help(RETRY),
            EngineError::Parked { .. } => Self::new(Code::Parked, detail)
                .help("look at the reason, then restart its pod: `ipa pod restart TASK`"),
            EngineError::Unavailable { .. } => Self::new(Code::Unavailable, detail).help(RETRY),
            EngineError::Running => Self::new(Code::WrongState, detail),
            EngineError::Stale(_) => Self::new(Code::VersionConflict, detail)
                .help("look at the task again, then send it on what it is now"),
            EngineError::NoAnswer(_) => Self::new(Code::Unavailable, detail)
                .help("it may have been carried out; look at the task, then send it again under the same key"),
            EngineError::StillRuns(_) => Self::new(Code::WorkspaceBusy, detail)
                .help("it is still told to end: try again in a moment; nothing was put away"),
            EngineError::Outside { .. } => Self::new(Code::Unavailable, detail)
                .help("`ipa sync status` tells how each connector is; it is tried again by itself"),
            EngineError::Connector { source, .. } => Self::new(appending(&source), detail).help(RETRY),
            EngineError::Stopping => Self::new(Code::Unavailable, detail).help("start `ipa serve` again"),
            EngineError::NothingRuns => Self::new(Code::NothingRuns, detail).help("start `ipa serve`"),
        }
    }
}

impl From<HookError> for Refusal {
    fn from(error: HookError) -> Self {
        let detail = chain(&error);
        match error {
            HookError::NoDoor => Self::new(Code::NotFound, detail),
            HookError::Signature(_) => Self::new(Code::Unauthorized, detail)
                .help("set the same secret there and in `[connectors.N] hook_secrets` of ipa.toml"),
            HookError::Keep(error) => Self::new(appending(&error), detail).help("send it again"),
        }
    }
}

const RETRY: &str = "nothing is lost: try again; if it stays so, `ipa doctor` looks for the cause";
const LOOK: &str = "`ipa event list TASK` shows the record; a newer version of ipa may be able to read it";

const fn executing(error: &ExecuteError) -> Code {
    match error {
        ExecuteError::Refused(_) => Code::WrongState,
        ExecuteError::Append(error) => appending(error),
        ExecuteError::Reload(error) => loading(error),
        ExecuteError::Lookup(_) => Code::StoreUnavailable,
        ExecuteError::Illegal(_) | ExecuteError::Encode(_) | ExecuteError::Full => Code::Internal,
    }
}

const fn opening(error: &OpenError) -> Code {
    match error {
        OpenError::Acquire(error) => appending(error),
        OpenError::Load(error) => loading(error),
    }
}

const fn loading(error: &LoadError) -> Code {
    match error {
        LoadError::Read(_) => Code::StoreUnavailable,
        LoadError::Unreadable(_) | LoadError::Illegal { .. } | LoadError::TooLong(_) => Code::Parked,
    }
}

const fn appending(error: &AppendError) -> Code {
    match error {
        AppendError::Repeated(_) | AppendError::Invalid(_) => Code::Internal,
        AppendError::Conflict { .. }
        | AppendError::Fenced(_)
        | AppendError::Busy(_)
        | AppendError::ReadOnly(_)
        | AppendError::Unavailable(_)
        | AppendError::Unknown(_) => Code::StoreUnavailable,
        AppendError::Full(_) => Code::DiskFull,
    }
}

impl From<TaskError> for Refusal {
    fn from(error: TaskError) -> Self {
        let detail = error.to_string();
        match error {
            TaskError::NotCreated => Self::new(Code::UnknownTask, detail).help("`ipa ls` lists all tasks"),
            TaskError::Exists | TaskError::NotCalledFor(_) => Self::new(Code::WrongState, detail),
            TaskError::Over(_) => {
                Self::new(Code::WrongState, detail).help("reopen it first (`reopen` among its commands)")
            }
            TaskError::NotOver => Self::new(Code::WrongState, detail).help("complete or cancel it first"),
            TaskError::Invalid { .. } => Self::new(Code::InvalidRequest, detail),
            TaskError::NotEarlier { .. } => Self::new(Code::WrongState, detail)
                .help("one may only go back; a gate leads forward: `ipa approve`"),
            TaskError::NothingToRetry | TaskError::Pausing(_) => {
                Self::new(Code::WrongState, detail).help("`ipa why TASK` says what the task is doing")
            }
            TaskError::UnknownRun(_) => {
                Self::new(Code::UnknownRun, detail).help("`ipa show TASK` lists a task's runs")
            }
            TaskError::RunOver(_) => {
                Self::new(Code::WrongState, detail).help("there is nothing to interrupt any more")
            }
            TaskError::RunOpen(_) => {
                Self::new(Code::WrongState, detail).help("wait for it, or `ipa interrupt TASK`")
            }
            TaskError::UnknownDecision(_) => {
                Self::new(Code::UnknownDecision, detail).help("`ipa inbox` lists what waits for you")
            }
            TaskError::Closed { .. } => {
                Self::new(Code::DecisionClosed, detail).help("`ipa show TASK` says how the task goes on")
            }
            TaskError::Changed { decision, actual } => Self::new(Code::DecisionChanged, detail)
                .help("read what is there now, then decide about that")
                .decision(decision.to_string(), actual.to_string()),
            TaskError::WrongVerdict { .. } => Self::new(Code::WrongVerdict, detail)
                .help("`ipa approve`, `ipa reject -m WHY` and `ipa answer TEXT` are the three verdicts"),
            TaskError::MayNotDecide(_) => {
                Self::new(Code::NotAllowed, detail).help("only a person decides what waits for a person")
            }
            TaskError::UnknownOp(_) => Self::new(Code::UnknownOperation, detail),
        }
    }
}

impl From<WorkspaceError> for Refusal {
    fn from(error: WorkspaceError) -> Self {
        let detail = chain(&error);
        let (code, help) = match error {
            WorkspaceError::NotFound(_) => {
                (Code::NoWorkspace, "a task has a workspace from its first run on; `ipa why TASK`")
            }
            WorkspaceError::NoSuchPath(_) => (Code::NoSuchPath, "`ipa workspace ls TASK` lists the files"),
            WorkspaceError::BadPath(_) => {
                (Code::InvalidRequest, "write it relative to the root of the checkout, without `..`")
            }
            WorkspaceError::NoRepository { .. } => {
                (Code::NoRepository, "name a git repository with --repo: an absolute path, or a URL")
            }
            WorkspaceError::NotAllowed { .. } => {
                (Code::NoRepository, "look at the credential for that host: may it read and push there?")
            }
            WorkspaceError::NoBranch { .. } => (Code::NoBranch, "name an existing branch with --base"),
            WorkspaceError::DiskBudget { .. } => (Code::DiskFull, "make room, then `ipa retry TASK`"),
            WorkspaceError::Busy(_) => (Code::WorkspaceBusy, "wait until the run there is over"),
            WorkspaceError::Failed { .. } | WorkspaceError::Io { .. } => {
                (Code::WorkspaceFailed, "`ipa doctor` looks for the cause")
            }
            WorkspaceError::Stale { .. } => {
                (Code::BranchMoved, "look at that branch; ipa never overwrites it")
            }
            WorkspaceError::Conflict { .. } => {
                (Code::BranchMoved, "bring that branch into the work, then merge again")
            }
            WorkspaceError::CheckedOut { .. } => {
                (Code::BranchMoved, "switch to another branch there; ipa never changes what is checked out")
            }
            WorkspaceError::NoSandbox(_) => (
                Code::NoSandbox,
                "the reason says what this system lacks; `[sandbox] backend = \"none\"` runs agents without one",
            ),
            WorkspaceError::Unsupported(_) => (Code::Unsupported, "remove it from the checkout, then retry"),
        };
        Self::new(code, detail).help(help)
    }
}
