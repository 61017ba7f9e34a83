//! Why a command failed: what, why, and what to do. Each failure knows its exit code and its stable word.

use std::io;
use std::path::PathBuf;

use ipa_events::store::OpenStoreError;
use ipa_pod::EngineError;
use ipa_server::BindError;
use ipa_server::wire::{Code, Problem};

use crate::config::ConfigError;
use crate::exit::Exit;
use crate::holder::{Holder, HolderError};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data directory cannot be used.
    #[error(transparent)]
    Holder(#[from] HolderError),
    /// Somebody else holds the data directory.
    #[error("the data directory {} is in use{}", data.display(), held_by(holder.as_ref(), url.as_deref()))]
    InUse {
        /// The directory.
        data: PathBuf,
        /// Who holds it, as far as known.
        holder: Option<Holder>,
        /// How it is reached, as far as known.
        url: Option<String>,
    },
    /// Nothing runs that could be followed.
    #[error("nothing is running, so {0} would wait for ever")]
    NothingRuns(&'static str),
    /// The API refused.
    #[error("{}", .0.detail)]
    Problem(Box<Problem>),
    /// The server cannot be reached.
    #[error("{doing} {url}")]
    Unreachable {
        /// What was attempted.
        doing: &'static str,
        /// Where.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The server that was reached before has ended.
    #[error("the server has ended")]
    Gone,
    /// The server is of another version.
    #[error("the server speaks version {there} of the API, this program {here}")]
    OtherApi {
        /// The server's.
        there: u32,
        /// This program's.
        here: u32,
    },
    /// A reply cannot be understood.
    #[error("the reply to {0} cannot be understood")]
    BadReply(String, #[source] serde_json::Error),
    /// A stream of the server broke off.
    #[error("the server's answer broke off")]
    Broken(#[source] io::Error),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenStoreError),
    /// The engine cannot do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The server cannot listen.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The server ended.
    #[error(transparent)]
    Serve(#[from] ipa_server::ServeError),
    /// The command cannot be used.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do.
        help: String,
    },
    /// There is no such thing.
    #[error("{message}")]
    NotFound {
        /// What was looked for.
        message: String,
        /// What to do.
        help: String,
    },
    /// Something went wrong on the way.
    #[error("{doing}")]
    Io {
        /// What was attempted.
        doing: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Something that was to be shown did not happen.
    #[error("{0}")]
    Wrong(String),
    /// It took too long.
    #[error("{0}")]
    TimedOut(String),
    /// The person stopped it.
    #[error("{message}")]
    Interrupted {
        /// What was stopped, and what goes on.
        message: String,
        /// What to do.
        help: String,
    },
    /// Nobody reads the output any more.
    #[error("nobody reads the output")]
    ClosedPipe,
    /// The output cannot be written.
    #[error("writing the output")]
    Print(#[source] io::Error),
    /// A value has no JSON form.
    #[error("writing JSON")]
    Encode(#[source] serde_json::Error),
}

impl Failure {
    /// Following a task was stopped, and nothing else.
    pub(crate) fn left(help: String) -> Self {
        Self::Interrupted { message: "stopped following; the task goes on".to_owned(), help }
    }

    /// Tells whether the server may answer the same a little later, when it is back.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::Unreachable { .. } | Self::Gone)
    }

    /// Returns the exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Config(_) | Self::Usage { .. } | Self::Bind(BindError::NamesNeeded(_)) => Exit::Usage,
            Self::InUse { .. }
            | Self::NothingRuns(_)
            | Self::Unreachable { .. }
            | Self::Gone
            | Self::OtherApi { .. } => Exit::Unreachable,
            Self::Problem(problem) => problem.code.parse().map_or(Exit::Failed, Exit::of),
            Self::NotFound { .. } => Exit::NotFound,
            Self::TimedOut(_) => Exit::TimedOut,
            Self::Interrupted { .. } => Exit::Interrupted,
            Self::ClosedPipe => Exit::Done,
            Self::Holder(_)
            | Self::BadReply(..)
            | Self::Broken(_)
            | Self::Store(_)
            | Self::Engine(_)
            | Self::Bind(BindError::InUse(_) | BindError::Refused { .. })
            | Self::Serve(_)
            | Self::Io { .. }
            | Self::Wrong(_)
            | Self::Print(_)
            | Self::Encode(_) => Exit::Failed,
        }
    }

    /// Returns the stable word, for programs.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Config(_) => "configuration",
            Self::Holder(_) => "data_directory",
            Self::InUse { .. } => "data_directory_in_use",
            Self::NothingRuns(_) => Code::NothingRuns.as_str(),
            Self::Problem(problem) => &problem.code,
            Self::Unreachable { .. } | Self::Gone => "unreachable",
            Self::OtherApi { .. } => "other_api",
            Self::BadReply(..) | Self::Broken(_) => "bad_reply",
            Self::Store(_) => Code::StoreUnavailable.as_str(),
            Self::Bind(BindError::InUse(_)) => "port_in_use",
            Self::Bind(BindError::NamesNeeded(_) | BindError::Refused { .. }) => "address",
            Self::Usage { .. } => "usage",
            Self::NotFound { .. } => Code::NotFound.as_str(),
            Self::TimedOut(_) => "timed_out",
            Self::Interrupted { .. } => "interrupted",
            Self::ClosedPipe => "closed_pipe",
            Self::Engine(_)
            | Self::Serve(_)
            | Self::Io { .. }
            | Self::Wrong(_)
            | Self::Print(_)
            | Self::Encode(_) => Code::Internal.as_str(),
        }
    }

    /// Says what to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Config(error) => Some(error.help()),
            Self::Holder(HolderError::Io { .. }) => {
                Some("make it writable, or choose another place with --data-dir DIR".to_owned())
            }
            Self::Holder(HolderError::Token { path, .. }) => {
                Some(format!("remove {}; the next `ipa serve` makes a new one", path.display()))
            }
            Self::InUse { url: Some(_), .. } => Some(
                "every other command reaches it; to start another one, give it its own --data-dir".to_owned(),
            ),
            Self::InUse { .. } => Some("try again in a moment".to_owned()),
            Self::NothingRuns(_) => Some("start `ipa serve` first".to_owned()),
            Self::Gone => Some("start `ipa serve` again; nothing that was recorded is lost".to_owned()),
            Self::Problem(problem) => problem.help.clone().or_else(|| usual_help(problem)),
            Self::Unreachable { .. } => Some("start `ipa serve`, or look at --server".to_owned()),
            Self::OtherApi { .. } => Some("restart the server with this version of ipa".to_owned()),
            Self::Usage { help, .. } | Self::NotFound { help, .. } | Self::Interrupted { help, .. } => {
                Some(help.clone())
            }
            Self::Bind(BindError::NamesNeeded(_)) => Some(
                "name it with --allow-host NAME, or leave --bind out: 127.0.0.1 needs no name".to_owned(),
            ),
            Self::Bind(BindError::InUse(_) | BindError::Refused { .. }) => {
                Some("choose another with --port N, or leave --port out".to_owned())
            }
            Self::TimedOut(_)
            | Self::ClosedPipe
            | Self::BadReply(..)
            | Self::Broken(_)
            | Self::Store(_)
            | Self::Engine(_)
            | Self::Serve(_)
            | Self::Io { .. }
            | Self::Wrong(_)
            | Self::Print(_)
            | Self::Encode(_) => None,
        }
    }
}

/// What to do about a refusal that does not say so itself.
fn usual_help(problem: &Problem) -> Option<String> {
    let help = match Exit::of(problem.code.parse().ok()?) {
        Exit::NotFound => "`ipa ls` lists all tasks, `ipa show T` their runs, `ipa inbox` what waits for you",
        Exit::NotAllowed => "give the token of that server: --token-file FILE, or IPA_TOKEN",
        Exit::Usage => "see `ipa --help`",
        Exit::Done
        | Exit::Failed
        | Exit::Conflict
        | Exit::NotCompleted
        | Exit::PersonNeeded
        | Exit::Unreachable
        | Exit::TimedOut
        | Exit::Interrupted => return None,
    };
    Some(help.to_owned())
}

fn held_by(holder: Option<&Holder>, url: Option<&str>) -> String {
    let holder = holder.map(|holder| format!(" by `ipa {}`, pid {}", holder.command, holder.pid));
    let url = url.map(|url| format!(", {url}"));
    format!("{}{}", holder.unwrap_or_default(), url.unwrap_or_default())
}
