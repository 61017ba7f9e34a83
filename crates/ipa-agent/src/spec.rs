//! What a run is to be: everything that is known before its process exists.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipa_events::{Money, Role, RunId, Runtime, SessionId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::session::RunDir;

/// What a run is to be.
#[derive(Clone)]
pub struct RunSpec {
    /// Which run.
    pub run: RunId,
    /// What it is asked to do.
    pub role: Role,
    /// Which agent, with its command or file.
    pub runtime: Runtime,
    /// The folder of the run.
    pub dir: RunDir,
    /// Where it works: an existing folder.
    pub cwd: PathBuf,
    /// The file that its host locks for as long as anything of the run lives.
    pub lease: PathBuf,
    /// The file that it may write its document to; handed over as `IPA_OUTPUT`.
    pub output: PathBuf,
    /// What it is told.
    pub prompt: Arc<str>,
    /// Its conversation.
    pub session: Session,
    /// Its model; none means the agent's own choice.
    pub model: Option<Arc<str>>,
    /// What it may do unasked.
    pub policy: Policy,
    /// How long it may take.
    pub limits: RunLimits,
    /// Its whole environment, but for what the runtime itself adds (`IPA_ROLE`, `IPA_TASK`, `IPA_OUTPUT`,
    /// `IPA_RUN_ID`). Handed to the host by standard input; never in a file.
    pub env: BTreeMap<OsString, OsString>,
    /// What confines it: comes before its own argument vector.
    pub prefix: Vec<OsString>,
}

impl fmt::Debug for RunSpec {
    /// Shows neither what it is told nor the values of its environment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.env.keys().collect();
        let mut shown = f.debug_struct("RunSpec");
        shown.field("run", &self.run).field("role", &self.role).field("runtime", &self.runtime.kind());
        shown.field("dir", &self.dir).field("cwd", &self.cwd).field("session", &self.session);
        shown.field("env", &names).finish_non_exhaustive()
    }
}

impl RunSpec {
    /// Returns the conversation's id; one that always follows from the run if none was chosen.
    pub(crate) fn conversation(&self) -> String {
        match &self.session {
            Session::New(id) | Session::Resume(id) => SessionId::as_str(id).to_owned(),
            Session::Fresh => Uuid::new_v5(&Uuid::NAMESPACE_OID, self.run.to_string().as_bytes()).to_string(),
        }
    }
}

/// The conversation of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Session {
    /// A new one, under an id of the agent's choice.
    Fresh,
    /// A new one, under this id.
    New(SessionId),
    /// The one that has this id.
    Resume(SessionId),
}

/// What an agent may do unasked. What is in neither list is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Tools that are always allowed.
    pub allow: Tools,
}

/// Names of tools, as the agent calls them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tools(pub Vec<String>);

/// How much a run may take; the clock stands while a person is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLimits {
    /// To its first output; 60 s.
    pub startup: Duration,
    /// Without any output; 300 s.
    pub silence: Duration,
    /// For one turn; 60 min.
    pub turn: Duration,
    /// In all; 6 h.
    pub total: Duration,
    /// After it said that it was done, before its process is ended; 10 s.
    pub after_result: Duration,
    /// Bytes of output; 512 MiB.
    pub output_bytes: u64,
    /// Answers of its model to one message; none: as many as it takes. A command has no model that is known of.
    #[serde(default)]
    pub max_turns: Option<NonZeroU32>,
    /// What it may cost; none: whatever it costs. An agent that can is told; what it costs is asked while it works.
    #[serde(default)]
    pub budget: Option<Money>,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self {
            startup: Duration::from_mins(1),
            silence: Duration::from_mins(5),
            turn: Duration::from_hours(1),
            total: Duration::from_hours(6),
            after_result: Duration::from_secs(10),
            output_bytes: 512 * 1024 * 1024,
            max_turns: None,
            budget: None,
        }
    }
}

/// How long each step of ending a run may take before the next one is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grace {
    /// After asking in the agent's own protocol; 3 s.
    pub protocol: Duration,
    /// After the end of its standard input; 2 s.
    pub eof: Duration,
    /// After an interrupt signal; 5 s.
    pub interrupt: Duration,
    /// After a request to terminate, before it is killed; 1 s.
    pub terminate: Duration,
}

impl Default for Grace {
    fn default() -> Self {
        Self {
            protocol: Duration::from_secs(3),
            eof: Duration::from_secs(2),
            interrupt: Duration::from_secs(5),
            terminate: Duration::from_secs(1),
        }
    }
}
