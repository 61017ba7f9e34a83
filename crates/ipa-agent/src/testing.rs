//! A double of a kind of agent, for tests of what holds runs: no process, no disk, only tokio's clock.
//!
//! A [`FakeRuntime`] is the machine: its runs go on when nobody holds them, so a test "restarts the server" by
//! dropping everything but the runtime, and attaching again.

#![expect(clippy::disallowed_methods, reason = "a fake run goes on without an owner, like a real one")]

pub mod model;
mod run;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use ipa_events::task::{ProcessIdentity, Usage};
use ipa_events::{Outcome, Runtime};
use tokio::sync::mpsc;

use crate::error::{AttachError, ProbeError, StartError, TailError};
use crate::event::{AgentEvent, Asked, Body};
use crate::runtime::{AgentRuntime, Attach, Capabilities, Probe};
use crate::session::{AgentControl, AgentSession, RunDir, Tail, TailReader};
use crate::spec::{RunSpec, Session};
use run::FakeRun;

/// One step that a fake agent takes.
#[derive(Debug, Clone)]
pub enum FakeStep {
    /// Says something; the last of it becomes its product.
    Say(Arc<str>),
    /// Does anything else that an agent can do.
    Emit(Body),
    /// Waits for a person.
    Ask(Asked),
    /// Says what it used.
    Use(Usage),
    /// Takes its time.
    Wait(Duration),
    /// Ends its turn; the next steps are taken when it is told something more.
    EndTurn,
    /// Says as many lines.
    Flood(u32),
    /// Says nothing any more, until it is stopped or its silence has lasted too long.
    Hang,
    /// Ends like this.
    End(Outcome),
    /// Is killed.
    Die,
    /// Ends without saying how it went.
    NoResult,
    /// Its host is killed: who attaches finds it lost.
    LoseHost,
}

type Script = dyn Fn(&RunSpec) -> Vec<FakeStep> + Send + Sync;

/// A kind of agent that exists in memory alone. Cheap to clone; all clones are the same machine.
#[derive(Clone)]
pub struct FakeRuntime {
    kind: &'static str,
    script: Arc<Script>,
    runs: Arc<Mutex<BTreeMap<RunDir, Arc<FakeRun>>>>,
}

impl FakeRuntime {
    /// Makes a kind of agent that takes the steps that `script` gives for a run.
    pub fn new(
        kind: &'static str,
        script: impl Fn(&RunSpec) -> Vec<FakeStep> + Send + Sync + 'static,
    ) -> Self {
        Self { kind, script: Arc::new(script), runs: Arc::default() }
    }

    /// Returns the specs of all runs that were started, in the order of their folders.
    pub fn started(&self) -> Vec<RunSpec> {
        self.lock().values().map(|run| run.spec.clone()).collect()
    }

    /// Returns what a run was told, by key, in order: each key once.
    pub fn told(&self, dir: &RunDir) -> Vec<(String, String)> {
        self.find(dir).map(|run| run.told()).unwrap_or_default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<RunDir, Arc<FakeRun>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, dir: &RunDir) -> Option<Arc<FakeRun>> {
        self.lock().get(dir).cloned()
    }
}

impl AgentRuntime for FakeRuntime {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { multi_turn: true, permissions: true, questions: true, resume: true }
    }

    fn probe<'a>(&'a self, _runtime: &'a Runtime) -> BoxFuture<'a, Result<Probe, ProbeError>> {
        Box::pin(async { Ok(Probe::default()) })
    }

    fn start(&self, spec: RunSpec) -> BoxFuture<'_, Result<AgentSession, StartError>> {
        Box::pin(async move {
            let steps = (self.script)(&spec);
            let run = {
                let mut runs = self.lock();
                if runs.contains_key(&spec.dir) {
                    return Err(StartError::Claimed(spec.run));
                }
                let pid = u32::try_from(runs.len()).unwrap_or(u32::MAX).saturating_add(1);
                let identity = ProcessIdentity { pid, start_time: u64::from(pid), boot_id: "fake".into() };
                let dir = spec.dir.clone();
                let run = FakeRun::new(spec, identity);
                runs.insert(dir, Arc::clone(&run));
                run
            };
            tokio::spawn(Arc::clone(&run).play(steps));
            Ok(session(run))
        })
    }

    fn attach(&self, dir: RunDir) -> BoxFuture<'_, Result<Attach, AttachError>> {
        Box::pin(async move {
            let Some(run) = self.find(&dir) else { return Ok(Attach::Unclaimed) };
            if run.close_if_lost() {
                return Ok(Attach::Lost(Box::new(session(run))));
            }
            let over = run.is_over();
            let session = Box::new(session(run));
            Ok(if over { Attach::Ended(session) } else { Attach::Live(session) })
        })
    }

    fn tail(&self, dir: RunDir) -> Tail {
        Tail::new(Box::new(FakeTail { runtime: self.clone(), dir, read: 0 }))
    }
}

fn session(run: Arc<FakeRun>) -> AgentSession {
    let (sender, events) = mpsc::channel(256);
    let session = match &run.spec.session {
        Session::Fresh => None,
        Session::New(id) | Session::Resume(id) => Some(id.clone()),
    };
    let identity = Some(run.identity.clone());
    let control = AgentControl::new(Arc::clone(&run) as Arc<_>);
    tokio::spawn(forward(run, sender));
    AgentSession { identity, session, control, events }
}

/// Hands the events of a run on, from the first, until the last or until nobody listens.
async fn forward(run: Arc<FakeRun>, sender: mpsc::Sender<AgentEvent>) {
    let mut grown = run.grown();
    let mut next = 0;
    loop {
        grown.mark_unchanged();
        while let Some(event) = run.event(next) {
            next += 1;
            let last = matches!(event.body, Body::Finished(_));
            if sender.send(event).await.is_err() || last {
                return;
            }
        }
        tokio::select! {
            biased;
            () = sender.closed() => return,
            changed = grown.changed() => if changed.is_err() { return },
        }
    }
}

struct FakeTail {
    runtime: FakeRuntime,
    dir: RunDir,
    read: usize,
}

impl TailReader for FakeTail {
    fn read(&mut self, max: usize) -> BoxFuture<'_, Result<Vec<AgentEvent>, TailError>> {
        Box::pin(async move {
            let run = self.runtime.find(&self.dir);
            let events: Vec<_> = run
                .map(|run| (self.read..self.read + max).map_while(|at| run.event(at)).collect())
                .unwrap_or_default();
            self.read += events.len();
            Ok(events)
        })
    }
}
