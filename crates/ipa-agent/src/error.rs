//! What can go wrong with an agent, in terms of what was attempted.

use std::path::PathBuf;

use ipa_events::{FailureClass, Retry, RunId};

use crate::redact::Secrets;

/// Why a run was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its folder is claimed: it was started before. Attach to it.
    #[error("run {0} was started before")]
    Claimed(RunId),
    /// The agent's program is not there, or its configuration cannot be used.
    #[error("{0}")]
    Misconfigured(String),
    /// The run's folder or its host could not be made.
    #[error("starting the host of run {run}: {detail}")]
    Host {
        /// The run.
        run: RunId,
        /// What happened.
        detail: String,
    },
}

impl StartError {
    /// Returns it without the secrets that its text may hold.
    pub(crate) fn redacted(self, secrets: &Secrets) -> Self {
        let redacted = |text: String| secrets.redact(&text).into_owned();
        match self {
            Self::Claimed(run) => Self::Claimed(run),
            Self::Misconfigured(text) => Self::Misconfigured(redacted(text)),
            Self::Host { run, detail } => Self::Host { run, detail: redacted(detail) },
        }
    }

    /// Says what kind of failure this is, and whether trying again may help.
    pub const fn class(&self) -> (FailureClass, Retry) {
        match self {
            Self::Misconfigured(_) => (FailureClass::Misconfigured, Retry::Human),
            Self::Claimed(_) | Self::Host { .. } => (FailureClass::Spawn, Retry::Backoff),
        }
    }
}

/// Why it could not be found out what became of a run. That is not the same as dead.
#[derive(Debug, thiserror::Error)]
#[error("finding out what became of the run in {}", dir.display())]
pub struct AttachError {
    /// The run's folder.
    pub dir: PathBuf,
    /// What the system said.
    #[source]
    pub source: std::io::Error,
}

/// Why a kind of agent does not work here.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// Its program is not there.
    #[error("{program} was not found; install it, or set `[agents.{kind}] command`")]
    Missing {
        /// The kind of agent.
        kind: String,
        /// Its program.
        program: String,
    },
    /// It does not answer as it should.
    #[error("{0}")]
    Unusable(String),
}

/// Why something did not reach an agent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// Its host is not there any more.
    #[error("the agent's host is gone")]
    Gone,
    /// The agent takes nothing more.
    #[error("the agent takes nothing more: {0}")]
    NotNow(&'static str),
    /// Nothing of this name was asked.
    #[error("the agent asked nothing under the key {0}")]
    Unknown(String),
    /// The host did not answer in time; the same may be sent again.
    #[error("the agent's host did not answer in time")]
    Silent,
}

/// Why a spool could not be read.
#[derive(Debug, thiserror::Error)]
#[error("reading {}", path.display())]
pub struct TailError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: std::io::Error,
}
