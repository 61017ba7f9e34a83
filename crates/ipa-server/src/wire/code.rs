//! The stable codes of problems.

use std::fmt;
use std::str::FromStr;

/// Writes an enum of codes with its text form and its HTTP status from one table.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $status:literal, $title:literal;)+) => {
        /// What kind of problem it is, for a program. The text form is stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $variant,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the stable word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Returns the HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }

            /// Returns what kind of problem it is, for a person.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }
        }

        impl FromStr for Code {
            type Err = UnknownCode;

            fn from_str(text: &str) -> Result<Self, UnknownCode> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    other => Err(UnknownCode(other.to_owned())),
                }
            }
        }
    };
}

/// A code that this program does not know: the server is newer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a code that this version of ipa knows")]
pub struct UnknownCode(pub String);

codes! {
    /// No credentials, or none that are good.
    Unauthorized = "unauthorized", 401, "Not logged in";
    /// This one may not do that.
    NotAllowed = "not_allowed", 403, "Not allowed";
    /// The request came from a foreign page, or without the token of its form.
    CrossSite = "cross_site", 403, "Refused: the request may come from another site";
    /// The server does not go by this name.
    WrongHost = "wrong_host", 421, "This server does not go by that name";
    /// There is no such route.
    NotFound = "not_found", 404, "There is nothing here";
    /// There is no such task.
    UnknownTask = "unknown_task", 404, "No such task";
    /// There is no such run.
    UnknownRun = "unknown_run", 404, "No such run";
    /// There is no such decision.
    UnknownDecision = "unknown_decision", 404, "No such decision";
    /// There is no such change to the outside.
    UnknownOperation = "unknown_operation", 404, "No such operation";
    /// There is no such file or folder.
    NoSuchPath = "no_such_path", 404, "No such file";
    /// There is no checkout, or none any more.
    NoWorkspace = "no_workspace", 404, "No workspace";
    /// The route takes another method.
    MethodNotAllowed = "method_not_allowed", 405, "This address does not take that method";
    /// The request's body is too large.
    BodyTooLarge = "body_too_large", 413, "The request is too large";
    /// The request's body is of another kind.
    UnsupportedMediaType = "unsupported_media_type", 415, "The request's body is of a kind that is not taken";
    /// The request cannot be understood, or a value cannot be used.
    InvalidRequest = "invalid_request", 422, "The request cannot be used";
    /// The key was used for something else.
    KeyReused = "idempotency_key_reused", 422, "The idempotency key was used for another request";
    /// No agent was chosen, and none is configured.
    NoAgent = "no_agent", 422, "No agent";
    /// No repository was named, or it cannot be read.
    NoRepository = "no_repository", 422, "No repository";
    /// The repository has no such branch.
    NoBranch = "no_branch", 422, "No such branch";
    /// A task to depend on does not exist.
    UnknownDependency = "unknown_dependency", 422, "A task to depend on does not exist";
    /// A decision of this kind takes another kind of answer.
    WrongVerdict = "wrong_verdict", 422, "That decision takes another kind of answer";
    /// The checkout holds something that cannot be kept safe.
    Unsupported = "unsupported", 422, "That is not supported";
    /// The task is not at the version that was expected.
    VersionConflict = "version_conflict", 412, "The task has changed";
    /// What was seen of a decision has changed.
    DecisionChanged = "decision_changed", 409, "What you saw has changed";
    /// Somebody decided it, or nobody waits for it any more.
    DecisionClosed = "decision_closed", 409, "It is decided already";
    /// The task's state does not allow it.
    WrongState = "wrong_state", 409, "The task's state does not allow that";
    /// The task's pod cannot run.
    Parked = "parked", 409, "The task is parked";
    /// Nothing runs here: there is no engine with pods.
    NothingRuns = "nothing_runs", 409, "Nothing is running here";
    /// The workspace is in use.
    WorkspaceBusy = "workspace_busy", 409, "The workspace is in use";
    /// The branch outside is not where it was expected to be.
    BranchMoved = "branch_moved", 409, "The branch has moved";
    /// No way to confine an agent works here.
    NoSandbox = "no_sandbox", 409, "No sandbox works here";
    /// Too many streams are open.
    TooManyStreams = "too_many_streams", 429, "Too many streams";
    /// A defect of ipa, or of what it works with.
    Internal = "internal", 500, "Something went wrong";
    /// What git or the file system did not do.
    WorkspaceFailed = "workspace_failed", 500, "The workspace could not be read or changed";
    /// The store cannot be used now.
    StoreUnavailable = "store_unavailable", 503, "The store cannot be used now";
    /// The server stops, or a pod did not answer.
    Unavailable = "unavailable", 503, "Not now";
    /// There is too little space.
    DiskFull = "disk_full", 507, "There is too little space";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
