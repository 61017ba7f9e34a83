//! A run as its pod holds it: verbs in, events out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;
use ipa_events::task::ProcessIdentity;
use ipa_events::{FailureClass, Principal, Retry, SessionId};
use tokio::sync::mpsc;

use crate::error::{ControlError, TailError};
use crate::event::AgentEvent;

/// The folder of a run: its claim, its host's identity, its spool, its exit record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunDir(PathBuf);

impl RunDir {
    /// Names the folder of a run; it need not exist.
    pub const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// A run that was started, or found again.
pub struct AgentSession {
    /// Its host process; none for a run that never had one.
    pub identity: Option<ProcessIdentity>,
    /// The conversation that it began with.
    pub session: Option<SessionId>,
    /// Steers it. Dropping it, and the events, leaves the run alone: it goes on.
    pub control: AgentControl,
    /// What it does, from the first event on; ends after `Finished`.
    pub events: mpsc::Receiver<AgentEvent>,
}

/// Steers a run. Cheap to clone.
#[derive(Clone)]
pub struct AgentControl(Arc<dyn Control>);

impl AgentControl {
    /// Wraps what carries the verbs out.
    pub fn new(control: Arc<dyn Control>) -> Self {
        Self(control)
    }

    /// Gives the agent something more to do. The same key is delivered once.
    ///
    /// # Errors
    ///
    /// [`ControlError`] when it did not reach the agent, or it takes no more.
    pub async fn send(&self, key: &str, text: &str) -> Result<(), ControlError> {
        self.0.send(key, text).await
    }

    /// Answers what the agent asked. An answer reaches it once, however often it is given.
    ///
    /// # Errors
    ///
    /// [`ControlError`] when it did not reach the agent.
    pub async fn answer(&self, key: &str, answer: Answer) -> Result<(), ControlError> {
        self.0.answer(key, answer).await
    }

    /// Tells the agent that nothing more is coming: it ends when it has done what it was given.
    ///
    /// # Errors
    ///
    /// [`ControlError`] when it did not reach the agent.
    pub async fn finish(&self) -> Result<(), ControlError> {
        self.0.finish().await
    }

    /// Ends the run, gently at first, with every process it made. Its `Finished` event tells when that is done.
    ///
    /// # Errors
    ///
    /// [`ControlError`] when its host cannot be reached.
    pub async fn stop(&self, stop: Stop) -> Result<(), ControlError> {
        self.0.stop(stop).await
    }
}

/// What carries the verbs of a run out.
pub trait Control: Send + Sync + 'static {
    /// Gives the agent something more to do.
    fn send<'a>(&'a self, key: &'a str, text: &'a str) -> BoxFuture<'a, Result<(), ControlError>>;

    /// Answers what the agent asked.
    fn answer<'a>(&'a self, key: &'a str, answer: Answer) -> BoxFuture<'a, Result<(), ControlError>>;

    /// Tells the agent that nothing more is coming.
    fn finish(&self) -> BoxFuture<'_, Result<(), ControlError>>;

    /// Ends the run.
    fn stop(&self, stop: Stop) -> BoxFuture<'_, Result<(), ControlError>>;
}

/// What a person decided about something that an agent asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It may.
    Allow,
    /// It may, but with this input, a JSON object, in the place of its own.
    AllowWith(Arc<str>),
    /// It may not, and why.
    Deny(Arc<str>),
    /// The answer to its question.
    Text(Arc<str>),
}

/// Why a run is ended; its outcome says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Somebody asked for it.
    Interrupted(Principal),
    /// It has failed, whatever it still says.
    Failed {
        /// What kind of failure it is.
        class: FailureClass,
        /// What happened, for a person; one line.
        detail: String,
        /// What may be done about it.
        retry: Retry,
    },
}

/// Reads what an agent did.
pub struct Tail(Box<dyn TailReader>);

impl Tail {
    /// Wraps a reader.
    pub fn new(reader: Box<dyn TailReader>) -> Self {
        Self(reader)
    }

    /// Returns up to `max` further events that are there now; none when there is nothing new.
    ///
    /// # Errors
    ///
    /// [`TailError`] when the spool cannot be read.
    pub async fn read(&mut self, max: usize) -> Result<Vec<AgentEvent>, TailError> {
        self.0.read(max).await
    }
}

/// What reads a run's spool.
pub trait TailReader: Send + 'static {
    /// Returns up to `max` further events that are there now.
    fn read(&mut self, max: usize) -> BoxFuture<'_, Result<Vec<AgentEvent>, TailError>>;
}
