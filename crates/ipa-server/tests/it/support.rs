//! What the tests share: an engine that runs nothing, the router over it, and how to ask it.

mod ask;
pub mod doubles;

pub use ask::{Ask, DEADLINE, Login};
pub use doubles::FakeLog;

use std::sync::Arc;

use axum::Router;
use ipa_events::store::{MemoryStore, Position};
use ipa_events::task::{Ask as Question, FinishedRun, ProcessIdentity, RunRequest, Usage};
use ipa_events::{
    AgentId, Envelope, Executed, Handle, Outcome, Principal, Role, RunId, TaskCommand, TaskId, Via,
};
use ipa_pod::{Engine, EngineConfig, TaskDraft};
use ipa_server::{ServerConfig, Token, router};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The commit that the work begins at.
pub const BASE: &str = "1111111111111111111111111111111111111111";

/// A router over an engine that records and runs nothing: what its pods would do, a test does itself.
pub struct House {
    pub engine: Engine,
    pub config: ServerConfig,
    pub router: Router,
    pub memory: MemoryStore,
    /// What the agents of all runs say.
    pub log: FakeLog,
    _runs: TempDir,
}

impl House {
    pub fn new() -> Self {
        let (memory, runs, log) = (MemoryStore::new(), TempDir::new().unwrap(), FakeLog::default());
        let config = EngineConfig::new(runs.path().to_owned());
        let engine = Engine::builder(memory.store(), config, Arc::new(doubles::Files));
        let engine = engine.runtime(Arc::new(doubles::Fake(log.clone()))).build();
        let mut config = ServerConfig::new(Token::generate().unwrap());
        config.user = Principal::User("ann".to_owned());
        config.default_repo = Some("/srv/repo".parse().unwrap());
        let router = router(engine.clone(), config.clone());
        Self { engine, config, router, memory, log, _runs: runs }
    }

    pub fn get(&self, path: &str) -> Ask {
        Ask::new(self, "GET", path)
    }

    pub fn post(&self, path: &str, body: &Value) -> Ask {
        Ask::new(self, "POST", path).json(body)
    }

    pub fn head(&self) -> Position {
        *self.engine.head().borrow()
    }

    /// Logs a browser in.
    pub async fn log_in(&self) -> Login {
        let body = format!("token={}", self.config.token.expose());
        let got = Ask::new(self, "POST", "/login").form(&body).send().await;
        assert_eq!(got.status, 303, "{}", got.text);
        let cookie = got.header("set-cookie").split(';').next().unwrap().to_owned();
        let page = self.get("/new").header("cookie", &cookie).header("accept", "text/html").send().await;
        let csrf = page.text.split("name=\"csrf\" value=\"").nth(1).expect("a form with a token");
        let csrf = csrf.split('"').next().unwrap().to_owned();
        Login { cookie, csrf }
    }

    /// Creates a task through the library, as an embedder does.
    pub async fn task(&self, request: &str) -> (TaskId, Handle) {
        let mut draft = TaskDraft::new(request, "/srv/repo".parse().unwrap());
        draft.agent = Some("fake".parse().unwrap());
        let ctx = self.engine.ctx(self.config.user.clone(), Via::Library);
        let created = self.engine.create(ctx, draft).await.unwrap();
        (created.id, created.handle)
    }

    /// Does what a pod does.
    pub async fn pod(&self, task: TaskId, body: TaskCommand) -> Executed {
        let ctx = self.engine.ctx(Principal::Scheduler, Via::Engine);
        self.engine.execute(task, Envelope { ctx, body }).await.unwrap()
    }

    /// Starts a run of a role.
    pub async fn run(&self, task: TaskId, role: Role) -> RunId {
        let agent = AgentId::main();
        if self.engine.task(task).await.unwrap().state.base().is_none() {
            self.pod(task, TaskCommand::RequestWorkspace { agent: agent.clone() }).await;
            let (path, branch) = ("/srv/checkouts/1".into(), "ipa/t-1".parse().unwrap());
            let base = BASE.parse().unwrap();
            self.pod(task, TaskCommand::RecordWorkspace { agent: agent.clone(), path, branch, base }).await;
        }
        let runtime = "fake".parse().unwrap();
        let request = RunRequest { role, agent, runtime, session: None, resumes: None, check: None };
        self.pod(task, TaskCommand::RequestRun(Box::new(request))).await;
        let run = self.engine.task(task).await.unwrap().state.open_run().unwrap().id;
        let process = ProcessIdentity { pid: 1, start_time: 1, boot_id: "boot".into() };
        let sandbox = "nothing confines it".into();
        self.pod(task, TaskCommand::RecordStarted { run, process, session: None, sandbox }).await;
        run
    }

    /// Lets a run end with a document.
    pub async fn finish(&self, run: RunId, document: &str) {
        let finished = FinishedRun {
            run,
            outcome: Outcome::Completed,
            document: Some(document.into()),
            head: None,
            check: None,
            usage: Usage::default(),
        };
        self.pod(run.task, TaskCommand::FinishRun(Box::new(finished))).await;
    }

    /// Brings a new task to its first gate.
    pub async fn at_gate(&self) -> (TaskId, Handle) {
        let (task, handle) = self.task("Mend the flaky test").await;
        let run = self.run(task, Role::Spec).await;
        self.finish(run, "# Spec\n\n## Acceptance criteria\n- it passes").await;
        self.pod(task, TaskCommand::RequestTransition).await;
        (task, handle)
    }

    /// Lets the agent of a run ask something.
    pub async fn asks(&self, run: RunId, text: &str) {
        let ask = Question { text: text.into(), choices: vec!["yes".into(), "no".into()] };
        self.pod(run.task, TaskCommand::AskQuestion { run, key: text.into(), ask }).await;
    }

    /// Returns the one decision that waits.
    pub async fn open_decision(&self) -> Value {
        let inbox = self.get("/api/v1/inbox").bearer().send().await.json();
        assert_eq!(inbox["items"].as_array().unwrap().len(), 1, "{inbox}");
        inbox["items"][0].clone()
    }
}

/// A body that approves a decision as it was shown.
pub fn approval(decision: &Value) -> Value {
    json!({ "verdict": "approve", "payload_hash": decision["payload_hash"] })
}
