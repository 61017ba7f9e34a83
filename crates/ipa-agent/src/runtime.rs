//! The seam of this crate: a kind of agent that can be started, found again, and read.

use std::ffi::OsString;
use std::path::PathBuf;

use futures::future::BoxFuture;
use ipa_events::Runtime;

use crate::error::{AttachError, ProbeError, StartError};
use crate::session::{AgentSession, RunDir, Tail};
use crate::spec::RunSpec;

/// A kind of agent: `claude`, `command`, `scripted`, later `codex`, `acp`. It keeps no state of its own: all
/// that is known of a run lies in the run's folder.
pub trait AgentRuntime: Send + Sync + 'static {
    /// Returns its name, which comes before the colon in a runtime's name.
    fn kind(&self) -> &'static str;

    /// Says what it can do.
    fn capabilities(&self) -> Capabilities;

    /// Names files and folders that a run of it must be able to read beside its workspace and the system, such as
    /// its program; none, if it does not say so.
    fn reads(&self, _runtime: &Runtime) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Says how its runs are let in at their model, as it is configured; none, if it does not say so.
    fn login(&self, _runtime: &Runtime) -> Option<Login> {
        None
    }

    /// Finds out whether it works here, at a glance.
    fn probe<'a>(&'a self, runtime: &'a Runtime) -> BoxFuture<'a, Result<Probe, ProbeError>>;

    /// Finds out whether it works where its runs work, and whether it is let in at its model, as far as its program
    /// knows.
    fn check<'a>(&'a self, runtime: &'a Runtime, _bench: Bench) -> BoxFuture<'a, Result<Probe, ProbeError>> {
        self.probe(runtime)
    }

    /// Starts a run. The run's folder is claimed first: a second start of the same run is refused.
    fn start(&self, spec: RunSpec) -> BoxFuture<'_, Result<AgentSession, StartError>>;

    /// Finds out what became of a run, from its folder alone, and takes it up again if it lives.
    fn attach(&self, dir: RunDir) -> BoxFuture<'_, Result<Attach, AttachError>>;

    /// Reads what an agent did, from the first event on; a run that is not over is followed.
    fn tail(&self, dir: RunDir) -> Tail;
}

/// What a kind of agent can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a table of independent abilities")]
pub struct Capabilities {
    /// It takes more than one message in a conversation.
    pub multi_turn: bool,
    /// It asks before it uses a tool.
    pub permissions: bool,
    /// It asks questions.
    pub questions: bool,
    /// Its conversations can be resumed, under an id of ours.
    pub resume: bool,
}

/// Where a program is tried.
#[derive(Debug, Clone)]
pub struct Bench {
    /// What confines it: comes before its own argument vector.
    pub prefix: Vec<OsString>,
    /// Its HOME, in which it works.
    pub home: PathBuf,
}

/// What was found out about a kind of agent on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probe {
    /// The version of its program, if it has one to tell.
    pub version: Option<String>,
    /// How it is let in at its model; none, if that was not looked at.
    pub login: Option<Login>,
}

/// How the runs of an agent are let in at their model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// By a key in its configured environment.
    Key,
    /// By the user's own login in this file, which the runs may read.
    Shared(PathBuf),
    /// Not at all. What to do, in a person's words.
    None(String),
}

/// What became of a run.
pub enum Attach {
    /// It was never started: nobody claimed its folder.
    Unclaimed,
    /// Somebody is just starting it; look again in a second.
    Starting,
    /// It lives. Its events come from the first on.
    Live(Box<AgentSession>),
    /// It is over. Its events come from the first on; the last one says how it ended.
    Ended(Box<AgentSession>),
    /// It was claimed and never started, or its host is gone without a word. What it left behind was swept
    /// away; its events are all that the spool holds, and the last one says that it was lost.
    Lost(Box<AgentSession>),
}
