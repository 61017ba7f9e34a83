//! The control of a run that is followed, and what follows it.

#![expect(clippy::disallowed_methods, reason = "a driver ends with those who hold it; it owns nothing else")]

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::drive::Driver;
use super::link::Link;
use crate::error::ControlError;
use crate::event::AgentEvent;
use crate::fold::Fold;
use crate::folder::Why;
use crate::session::{AgentControl, Answer, Control, RunDir, Stop};

/// How many events may wait for who reads them.
const EVENTS: usize = 256;
/// How many verbs may wait.
const VERBS: usize = 64;
/// How long a verb may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who waits for what became of a verb.
pub(super) type Reply = oneshot::Sender<Result<(), ControlError>>;

/// A verb, and who waits for what becomes of it.
pub(super) struct Asked {
    pub(super) what: Want,
    pub(super) reply: Reply,
}

/// A verb.
pub(super) enum Want {
    Send { key: String, text: String },
    Answer { key: String, answer: Answer },
    Finish,
    Stop(Why),
}

/// Begins to follow a run; without a connection its end is read from its folder.
pub(super) fn start(
    dir: RunDir,
    fold: Fold,
    link: Option<Link>,
) -> (AgentControl, mpsc::Receiver<AgentEvent>) {
    let (events, receiver) = mpsc::channel(EVENTS);
    let (wants, asked) = mpsc::channel(VERBS);
    let driver = Driver::new(dir, fold, link, events, asked);
    tokio::spawn(driver.run());
    (AgentControl::new(Arc::new(LiveControl { wants })), receiver)
}

struct LiveControl {
    wants: mpsc::Sender<Asked>,
}

impl LiveControl {
    fn ask(&self, what: Want) -> BoxFuture<'_, Result<(), ControlError>> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let asked = async {
                self.wants.send(Asked { what, reply }).await.map_err(|_over| ControlError::Gone)?;
                answer.await.unwrap_or(Err(ControlError::Gone))
            };
            tokio::time::timeout(PATIENCE, asked).await.unwrap_or(Err(ControlError::Silent))
        })
    }
}

impl Control for LiveControl {
    fn send<'a>(&'a self, key: &'a str, text: &'a str) -> BoxFuture<'a, Result<(), ControlError>> {
        self.ask(Want::Send { key: key.to_owned(), text: text.to_owned() })
    }

    fn answer<'a>(&'a self, key: &'a str, answer: Answer) -> BoxFuture<'a, Result<(), ControlError>> {
        self.ask(Want::Answer { key: key.to_owned(), answer })
    }

    fn finish(&self) -> BoxFuture<'_, Result<(), ControlError>> {
        self.ask(Want::Finish)
    }

    fn stop(&self, stop: Stop) -> BoxFuture<'_, Result<(), ControlError>> {
        self.ask(Want::Stop(match stop {
            Stop::Interrupted(by) => Why::Interrupted { by },
            Stop::Failed { class, detail, retry } => Why::Hopeless { class, detail, retry },
        }))
    }
}
