//! What a host is told when it starts, and what it says then. Passes through pipes only: it holds the
//! agent's environment.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::folder::{Began, Stdin};
use crate::spec::Grace;

/// What a host is told.
#[derive(Serialize, Deserialize)]
pub(crate) struct HostOrder {
    /// The run's folder.
    pub(crate) dir: PathBuf,
    /// The file to lock while anything of the run lives.
    pub(crate) lease: PathBuf,
    /// Where the agent works.
    pub(crate) cwd: PathBuf,
    /// Where its document is expected.
    pub(crate) output: PathBuf,
    /// What comes before the host's pid and the agent's own arguments: how to start the exec stage.
    pub(crate) exec: Vec<OsString>,
    /// The agent, behind whatever confines it.
    pub(crate) argv: Vec<OsString>,
    /// Its whole environment.
    pub(crate) env: Vec<(OsString, OsString)>,
    /// What is not kept of all that it prints and is told.
    pub(crate) secrets: BTreeSet<Vec<u8>>,
    /// The first record of the spool.
    pub(crate) began: Box<Began>,
    /// What it is told at once.
    pub(crate) frames: Vec<Frame>,
    /// What asks it to stop, in its own protocol.
    pub(crate) stop_frame: Option<Frame>,
    /// Whom an interrupt signal is sent to.
    pub(crate) aim: Aim,
    /// How long a step of stopping may take.
    pub(crate) grace: Grace,
    /// How long it may take in all.
    pub(crate) limits: Limits,
}

impl HostOrder {
    /// Returns whether its standard input ends after the first frames.
    pub(crate) const fn stdin(&self) -> Stdin {
        self.began.stdin
    }
}

/// Something that an agent is told, under a key that lets it through once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frame {
    pub(crate) key: String,
    pub(crate) data: String,
}

/// Whom an interrupt signal is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Aim {
    /// The agent alone: it ends what it started.
    Agent,
    /// The agent and what it started in its process group.
    Group,
}

/// How much a run may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// Time in all, but for the time that a person is awaited.
    pub(crate) total: Duration,
    /// Time without anybody connected.
    pub(crate) alone: Duration,
    /// Bytes of spool.
    pub(crate) output_bytes: u64,
}

/// Whether the agent was started.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Started {
    /// It was.
    Yes,
    /// It was not.
    No { detail: String },
}
