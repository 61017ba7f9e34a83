//! Drives one run from its intent to its outcome: starts or finds it, listens, answers, and closes it with
//! everything that came of it. Whatever happens in between can happen again after a restart.

mod budget;
mod finish;
mod handover;
mod launch;
mod relay;

use std::sync::Arc;
use std::time::Duration;

use ipa_agent::{AgentSession, Attach, Body, Finished, RunDir};
use ipa_events::task::{Run, RunState, Usage};
use ipa_events::{
    CommandId, Ctx, Envelope, ExecuteError, FailureClass, Outcome, Principal, Retry, RunId, TaskCommand, Via,
};
use tokio::sync::watch;
use tracing::warn;

use self::relay::{Owed, Relay};
use super::task::{SendError, TaskHandle};
use crate::parts::Parts;
use crate::scheduler::Stop;

/// How long a drive waits before it tries again what should have worked.
const PAUSE: Duration = Duration::from_secs(1);

/// The most of a run's output that is kept for the next prompt, in bytes.
const TAIL: usize = 4 * 1024;

/// One run on its way to its end.
pub(super) struct Drive {
    task: TaskHandle,
    parts: Arc<Parts>,
    id: RunId,
    stop: watch::Receiver<Option<Stop>>,
}

/// What a run left behind when its last process was gone.
struct Heard {
    finished: Finished,
    /// The end of what it said.
    tail: String,
}

impl Heard {
    /// Makes what is known of a run that said nothing.
    fn failed(class: FailureClass, detail: String, retry: Retry) -> Self {
        Self::ended(Outcome::Failed { class, detail, retry })
    }

    fn ended(outcome: Outcome) -> Self {
        let finished = Finished { outcome, exit_code: None, product: None, usage: Usage::default() };
        Self { finished, tail: String::new() }
    }
}

impl Drive {
    pub(super) const fn new(
        task: TaskHandle,
        parts: Arc<Parts>,
        id: RunId,
        stop: watch::Receiver<Option<Stop>>,
    ) -> Self {
        Self { task, parts, id, stop }
    }

    /// Drives the run until it is closed in the log.
    pub(super) async fn run_to_end(mut self) {
        let Some(run) = self.run() else { return };
        loop {
            let heard = match self.session(&run).await {
                Ok(session) => self.listen(session).await,
                Err(heard) => Some(heard),
            };
            match heard {
                Some(heard) => return self.finish(&run, heard).await,
                // Whoever told of it is gone; what became of it is found out again.
                None => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    fn run(&self) -> Option<Run> {
        self.task.now().state.run(self.id).filter(|run| run.is_open()).cloned()
    }

    /// Finds out what became of the run; starts it if nobody did.
    async fn session(&self, run: &Run) -> Result<AgentSession, Heard> {
        let dir = RunDir::new(self.parts.run_dir(self.id));
        let Some(runtime) = self.parts.runtime(&run.runtime).cloned() else {
            self.put_down(&dir).await;
            let detail = format!("this engine knows no agent called {}", run.runtime.kind());
            return Err(Heard::failed(FailureClass::Misconfigured, detail, Retry::Human));
        };
        loop {
            match runtime.attach(dir.clone()).await {
                Ok(Attach::Unclaimed) => return self.begin(run, runtime.as_ref(), dir).await,
                Ok(Attach::Live(session)) => {
                    self.record_found(run, &session).await;
                    return Ok(*session);
                }
                Ok(Attach::Ended(session) | Attach::Lost(session)) => return Ok(*session),
                Ok(Attach::Starting) => {}
                // Not known is not dead.
                Err(error) => {
                    let error = crate::error::chain(&error);
                    warn!(run.id = %self.id, error, "it is not known what became of run {}; looking again", self.id);
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Ends a run whose kind of agent this engine does not know any more, and waits for its end.
    async fn put_down(&self, dir: &RunDir) {
        let Some(any) = self.parts.runtimes.values().next() else { return };
        while let Ok(Attach::Live(mut session)) = any.attach(dir.clone()).await {
            let stopped = session.control.stop(ipa_agent::Stop::Interrupted(Principal::Scheduler)).await;
            if stopped.is_err() {
                tokio::time::sleep(PAUSE).await;
            }
            while session.events.recv().await.is_some() {}
        }
    }

    async fn record_found(&self, run: &Run, session: &AgentSession) {
        let body = match (&run.state, &session.identity) {
            (RunState::Requested, Some(_)) => {
                launch::started(run, session, &self.parts.run_dir(self.id)).await
            }
            (RunState::Requested | RunState::Running | RunState::Over(_), _) => {
                Some(TaskCommand::RecordAdopted { run: self.id })
            }
        };
        if let Some(body) = body {
            self.insist(CommandId::new(self.parts.edge.uuid()), body).await;
        }
    }

    /// Listens until the run is over; passes on what people say to it. Returns nothing when its events ended and it is
    /// not known why.
    async fn listen(&mut self, mut session: AgentSession) -> Option<Heard> {
        let mut published = self.task.follow();
        let since = published.borrow().version;
        let mut relay = Relay::new((self.id, since), session.control.clone());
        let mut tail = String::new();
        published.mark_changed();
        self.stop.mark_changed();
        let mut owed = false;
        loop {
            tokio::select! {
                biased;
                Ok(()) = self.stop.changed() => {
                    let asked = self.stop.borrow_and_update().clone();
                    owed |= relay.stop_if_asked(asked).await == Owed::Something;
                }
                event = session.events.recv() => match event.map(|event| event.body) {
                    Some(Body::Finished(finished)) => return Some(Heard { finished, tail }),
                    Some(body) => {
                        keep_tail(&mut tail, &body);
                        owed |= relay.hear(self, body).await == Owed::Something;
                    }
                    None => return None,
                },
                Ok(()) = published.changed() => {
                    let state = published.borrow_and_update().state.clone();
                    owed |= relay.pass_on(self, &state).await == Owed::Something;
                }
                () = tokio::time::sleep(PAUSE), if owed => {
                    owed = false;
                    published.mark_changed();
                    self.stop.mark_changed();
                }
            }
        }
    }

    /// Stores something that must be stored, however long that takes; returns whether the task took it.
    async fn insist(&self, id: CommandId, body: TaskCommand) -> bool {
        loop {
            let ctx = Ctx::new(id, self.parts.edge.now(), Principal::Scheduler, Via::Engine);
            match self.task.execute(Envelope { ctx, body: body.clone() }).await {
                Ok(_) => return true,
                Err(SendError::Execute(ExecuteError::Refused(refused))) => {
                    warn!(run.id = %self.id, %refused, "the task did not take what came of run {}", self.id);
                    return false;
                }
                Err(error) => {
                    let error = crate::error::chain(&error);
                    warn!(run.id = %self.id, error, "what came of run {} was not stored; trying again", self.id);
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Derives the id of a command from the run, so that saying it again changes nothing.
    fn command_id(&self, what: &str) -> CommandId {
        CommandId::from_key(&format!("{} {what}", self.id))
    }
}

/// Keeps the end of what an agent says, at a boundary of lines.
fn keep_tail(tail: &mut String, body: &Body) {
    let (Body::Text { text } | Body::Diagnostic { text }) = body else { return };
    tail.push_str(text);
    if !tail.ends_with('\n') {
        tail.push('\n');
    }
    let mut cut = tail.len().saturating_sub(TAIL);
    if cut > 0 {
        while !tail.is_char_boundary(cut) {
            cut = cut.saturating_add(1);
        }
        tail.drain(..cut);
    }
}
