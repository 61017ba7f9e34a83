//! The real manager, supervisors and actors on doubles, under a paused clock: days pass in milliseconds, and the
//! same story has the same trace.

mod bombs;
mod budget;
mod cleanup;
mod down;
mod healing;
mod hooks;
mod hub;
mod queue;
mod rest;
mod storm;
mod time;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ipa_agent::RunSpec;
use ipa_agent::testing::{FakeRuntime, FakeStep};
use ipa_events::store::{MemoryStore, Position, Store};
use ipa_events::task::Gates;
use ipa_events::{Envelope, Phase, Role, TaskCommand, TaskId, Via};
use ipa_pod::{Edge, Engine, EngineBuilder, EngineConfig, Outlet, Scope, TaskDraft, TaskView};
use ipa_workspace::testing::FakeWorkspaces;
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::time::Instant;
use uuid::Uuid;

use self::bombs::{BombedRuntime, BombedStore, BombedWorkspaces, Bombs};
use crate::world::ann;

/// A machine made of doubles, and one engine on it.
struct Sim {
    dir: TempDir,
    memory: MemoryStore,
    workspaces: FakeWorkspaces,
    runtime: FakeRuntime,
    bombs: Arc<Bombs>,
    clock: Arc<Clock>,
    config: EngineConfig,
}

/// The paused clock as the engine's, and ids that count.
struct Clock {
    began: Instant,
    ids: Mutex<u128>,
    bombs: Arc<Bombs>,
}

impl Edge for Clock {
    fn now(&self) -> Timestamp {
        self.bombs.go_off(Child::Scheduler);
        Timestamp::UNIX_EPOCH.saturating_add(self.began.elapsed()).unwrap()
    }

    fn uuid(&self) -> Uuid {
        let mut ids = self.ids.lock().unwrap();
        *ids += 1;
        Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + *ids)
    }
}

/// A child of a pod that can be made to panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Child {
    Task,
    Workspaces,
    Agents,
    Scheduler,
    Sync,
}

impl Sim {
    /// A machine whose agents do what is wanted, each in a second.
    fn new() -> Self {
        Self::with(|spec| {
            let mut steps = vec![FakeStep::Wait(Duration::from_secs(1))];
            match spec.role {
                Role::Develop | Role::Review => steps.extend(done(spec)),
                Role::Spec | Role::Plan | Role::Check => steps.push(FakeStep::Say("a document".into())),
            }
            steps
        })
    }

    fn with(script: impl Fn(&RunSpec) -> Vec<FakeStep> + Send + Sync + 'static) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let repo = dir.path().join("repo");
        std::fs::create_dir(&repo).unwrap();
        std::fs::write(repo.join("answer.txt"), "none").unwrap();
        let bombs = Arc::<Bombs>::default();
        let clock = Arc::new(Clock { began: Instant::now(), ids: Mutex::default(), bombs: bombs.clone() });
        let workspaces = FakeWorkspaces::open(dir.path()).unwrap();
        let config = EngineConfig::new(dir.path().join("runs"));
        let runtime = FakeRuntime::new("fake", script);
        Self { dir, memory: MemoryStore::new(), workspaces, runtime, bombs, clock, config }
    }

    fn slots(mut self, runs: u32) -> Self {
        self.config.slots.runs = NonZeroU32::new(runs).unwrap();
        self.config.slots.per_repo = self.config.slots.runs;
        self.config.slots.per_runtime = self.config.slots.runs;
        self
    }

    fn store(&self) -> Store {
        let store = self.memory.store();
        Store { log: Arc::new(BombedStore::new(store.log.clone(), self.bombs.clone())), ..store }
    }

    async fn start(&self) -> Engine {
        let engine = self.builder().build();
        engine.start(Scope::All).await.unwrap();
        engine
    }

    /// Starts an engine with a connector.
    async fn start_with(&self, outlet: Outlet) -> Engine {
        let engine = self.builder().outlet(outlet).build();
        engine.start(Scope::All).await.unwrap();
        engine
    }

    fn builder(&self) -> EngineBuilder {
        let workspaces = BombedWorkspaces::new(self.workspaces.clone(), self.bombs.clone());
        let runtime = BombedRuntime::new(self.runtime.clone(), self.bombs.clone());
        Engine::builder(self.store(), self.config.clone(), Arc::new(workspaces))
            .edge(self.clock.clone())
            .runtime(Arc::new(runtime))
    }

    /// Makes another repository.
    fn repo(&self, number: u32) -> PathBuf {
        let repo = self.dir.path().join(format!("repo-{number}"));
        std::fs::create_dir(&repo).unwrap();
        std::fs::write(repo.join("answer.txt"), "none").unwrap();
        repo
    }

    fn draft(&self) -> TaskDraft {
        let repo = self.dir.path().join("repo");
        let mut draft = TaskDraft::new("do it", repo.to_str().unwrap().parse().unwrap());
        draft.agent = Some("fake".parse().unwrap());
        draft.gates = Some(Gates::auto());
        draft.start_at = Phase::Development;
        draft
    }

    async fn create(&self, engine: &Engine) -> TaskId {
        engine.create(engine.ctx(ann(), Via::Library), self.draft()).await.unwrap().id
    }

    /// Tells all events of the log: when, which task, what.
    async fn trace(&self) -> Vec<String> {
        let all = self.memory.store().log.read_all(Position::ZERO, 100_000).await.unwrap();
        all.into_iter().map(|raw| format!("{} {} {}", raw.record.at, raw.stream, raw.record.kind)).collect()
    }

    /// Counts the events of a task by type.
    async fn counts(&self, engine: &Engine, task: TaskId) -> BTreeMap<String, u32> {
        let mut counts = BTreeMap::new();
        for event in engine.task_events(task, ipa_events::store::Version::ZERO, 10_000).await.unwrap() {
            *counts.entry(event.record.kind).or_default() += 1;
        }
        counts
    }
}

/// Does what is wanted, at once.
fn done(spec: &RunSpec) -> Vec<FakeStep> {
    std::fs::write(spec.cwd.join("answer.txt"), format!("run {}", spec.run.number)).unwrap();
    vec![FakeStep::Say("done".into())]
}

async fn send(engine: &Engine, task: TaskId, body: TaskCommand) {
    engine.execute(task, Envelope { ctx: engine.ctx(ann(), Via::Library), body }).await.unwrap();
}

/// Waits, in virtual time, until a task is as it should be.
async fn until(engine: &Engine, task: TaskId, wanted: impl Fn(&TaskView) -> bool) -> TaskView {
    for _ in 0..100_000 {
        let view = engine.task(task).await.unwrap();
        if wanted(&view) {
            return view;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never came: {:#?}", engine.task(task).await.unwrap().state)
}

async fn until_phase(engine: &Engine, task: TaskId, phase: Phase) -> TaskView {
    until(engine, task, |view| view.state.phase == phase).await
}
