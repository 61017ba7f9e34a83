//! A whole site over doubles: the real router and engine, a store in memory, checkouts without git, and an agent
//! whose log the test writes itself. Nothing runs by itself: the test is the pod.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use ipa_agent::{
    AgentRuntime, AgentSession, Attach, AttachError, Capabilities, Probe, ProbeError, RunDir, RunSpec,
    StartError, Tail, TailError, TailReader,
};
use ipa_events::StreamId;
use ipa_events::store::{
    Append, AppendError, Appended, Log, MemoryStore, Position, RawRecord, ReadError, Snapshot, Snapshots,
    Store, StoreFault, StreamInfo, Version,
};
use ipa_events::task::{FinishedRun, Gates, ProcessIdentity, RunRequest, Usage, Verdict};
use ipa_events::{
    AgentId, CommandId, Envelope, Handle, Oid, Outcome, PayloadHash, Principal, RepoSource, Role, RunId,
    Runtime, TaskCommand, TaskId, Via, WorkspaceId,
};
use ipa_pod::log::{AgentEvent, Body as Did};
use ipa_pod::{Edge, Engine, EngineConfig, TaskDraft, TaskView};
use ipa_server::{ServerConfig, Token};
use ipa_workspace::testing::FakeWorkspaces;
use ipa_workspace::{Start, Workspace, WorkspaceSpec, Workspaces as _};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tower::ServiceExt as _;
use uuid::Uuid;

/// The site, with somebody logged in.
pub(crate) struct Site {
    dir: TempDir,
    pub(crate) store: MemoryStore,
    pub(crate) engine: Engine,
    pub(crate) agent: FakeAgent,
    workspaces: FakeWorkspaces,
    unread: Arc<AtomicU32>,
    router: Router,
    cookie: String,
    csrf: String,
}

/// A task of the site.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TheTask {
    pub(crate) id: TaskId,
    pub(crate) handle: Handle,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Site {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let repo = dir.path().join("repo");
        std::fs::create_dir(&repo).unwrap();
        std::fs::write(repo.join("answer.txt"), "41\n").unwrap();
        let store = MemoryStore::new();
        let workspaces = FakeWorkspaces::open(&dir.path().join("data")).unwrap();
        let agent = FakeAgent::default();
        let mut config = EngineConfig::new(dir.path().join("runs"));
        config.defaults.gates = Gates::default();
        let unread = Arc::new(AtomicU32::new(0));
        let log = Faulty { log: store.store().log, unread: unread.clone() };
        let engine = Engine::builder(
            Store { snapshots: Arc::new(NoSnapshots), log: Arc::new(log), ..store.store() },
            config,
            Arc::new(workspaces.clone()),
        )
        .edge(Arc::new(TestEdge::default()))
        .runtime(Arc::new(agent.clone()))
        .build();
        let token = Token::generate().unwrap();
        let router = ipa_server::router(engine.clone(), ServerConfig::new(token.clone()));
        let (cookie, csrf) = (String::new(), String::new());
        let mut site = Self { dir, store, engine, agent, workspaces, unread, router, cookie, csrf };
        site.log_in(&token).await;
        site
    }

    async fn log_in(&mut self, token: &Token) {
        let answer = self.post("/login", &[("token", token.expose()), ("next", "/")]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
        self.cookie = cookie.split(';').next().unwrap().to_owned();
        let page = self.get("/new").await;
        let (_, rest) = page.body.split_once(r#"name="csrf" value=""#).unwrap();
        self.csrf = rest.split('"').next().unwrap().to_owned();
    }

    /// Lets the next so many reads of a task's events go wrong.
    pub(crate) fn fail_reads_of_tasks(&self, times: u32) {
        self.unread.store(times, Ordering::Relaxed);
    }

    pub(crate) fn repo(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::ACCEPT, "text/html")
            .header(header::COOKIE, &self.cookie)
            .header("sec-fetch-site", "same-origin")
    }

    /// Opens a stream; its frames are read by the caller.
    pub(crate) async fn open(&self, path: &str, last: Option<&str>) -> axum::response::Response {
        let mut request = self.request(Method::GET, path);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).body(Body::empty()).unwrap()).await
    }

    /// Loads a page that must be there.
    pub(crate) async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", text(&answer.body));
        answer.body
    }

    /// Sends a form as a browser without a script does.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let fields: Vec<(&str, &str)> =
            fields.iter().copied().chain([("csrf", self.csrf.as_str())]).collect();
        self.send(self.form(path, &fields).body(Body::from(encode(&fields))).unwrap()).await
    }

    /// Sends a form as the script of a page does.
    pub(crate) async fn post_by_script(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.form(path, fields).header("x-ipa", "1");
        self.send(request.body(Body::from(encode(fields))).unwrap()).await
    }

    fn form(&self, path: &str, _fields: &[(&str, &str)]) -> axum::http::request::Builder {
        self.request(Method::POST, path)
            .header(header::ORIGIN, "http://localhost")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
    }

    /// Sends the form of a decision that is open, with the hash that the page shows.
    pub(crate) async fn decide(&self, task: TheTask, number: u32, fields: &[(&str, &str)]) -> Answer {
        let hash = self.hash(task, number).await;
        let fields: Vec<_> = fields.iter().copied().chain([("payload_hash", hash.as_str())]).collect();
        self.post(&format!("/tasks/{}/decisions/{number}", task.handle), &fields).await
    }

    pub(crate) async fn hash(&self, task: TheTask, number: u32) -> PayloadHash {
        let view = self.view(task).await;
        view.state.decisions[number as usize - 1].payload_hash.clone()
    }

    pub(crate) async fn view(&self, task: TheTask) -> TaskView {
        self.engine.task(task.id).await.unwrap()
    }

    /// Creates a task with a workspace.
    pub(crate) async fn task(&self, title: &str, request: &str) -> TheTask {
        let repo: RepoSource = self.repo().to_str().unwrap().parse().unwrap();
        let mut draft = TaskDraft::new(request, repo.clone());
        draft.title = Some(title.into());
        draft.agent = Some("fake".parse().unwrap());
        draft.checks = Some(vec!["./test.sh".into()]);
        let created = self.engine.create(self.engine.ctx(ann(), Via::Web), draft).await.unwrap();
        let task = TheTask { id: created.id, handle: created.handle };
        let workspace = self.workspace(task, (repo, title)).await;
        let (agent, branch) = (AgentId::main(), workspace.branch.unwrap());
        self.pod(task, TaskCommand::RequestWorkspace { agent: agent.clone() }).await;
        let path = workspace.path.to_str().unwrap().into();
        self.pod(task, TaskCommand::RecordWorkspace { agent, path, branch, base: workspace.base }).await;
        task
    }

    async fn workspace(&self, task: TheTask, (repo, title): (RepoSource, &str)) -> Workspace {
        let id = WorkspaceId { task: task.id, agent: AgentId::main() };
        let spec =
            WorkspaceSpec { id, handle: task.handle, title: title.into(), repo, start: Start::Base(None) };
        self.workspaces.provision(spec).await.unwrap()
    }

    /// Writes a file where the agent works.
    pub(crate) async fn write(&self, task: TheTask, path: &str, contents: &str) {
        let id = WorkspaceId { task: task.id, agent: AgentId::main() };
        self.workspaces.write(&id, path.parse().unwrap(), contents.into()).await.unwrap();
    }

    /// Commits what lies there.
    pub(crate) async fn commit(&self, task: TheTask) -> Oid {
        let id = WorkspaceId { task: task.id, agent: AgentId::main() };
        self.workspaces.commit(&id, "work".to_owned()).await.unwrap().head
    }

    /// Does what the task's pod would do.
    pub(crate) async fn pod(&self, task: TheTask, body: TaskCommand) {
        let ctx = self.engine.ctx(Principal::Scheduler, Via::Engine);
        self.engine.execute(task.id, Envelope { ctx, body }).await.unwrap();
    }

    /// Does what a person does on another way in.
    pub(crate) async fn person(&self, task: TheTask, body: TaskCommand) {
        let ctx = self.engine.ctx(ann(), Via::Cli);
        self.engine.execute(task.id, Envelope { ctx, body }).await.unwrap();
    }

    /// Starts a run; what its agent does is said with [`FakeAgent::does`].
    pub(crate) async fn run(&self, task: TheTask, role: Role, check: Option<&str>) -> RunId {
        let number = self.view(task).await.state.runs.len() as u32 + 1;
        let runtime: Runtime = "fake".parse().unwrap();
        let check = check.map(Into::into);
        let request =
            RunRequest { role, agent: AgentId::main(), runtime, session: None, resumes: None, check };
        self.pod(task, TaskCommand::RequestRun(Box::new(request))).await;
        let run = RunId::new(task.id, number);
        let process = ProcessIdentity { pid: 4711, start_time: 1, boot_id: "boot".into() };
        let (session, sandbox) = (None, "none".into());
        self.pod(task, TaskCommand::RecordStarted { run, process, session, sandbox }).await;
        run
    }

    /// Ends a run.
    pub(crate) async fn finish(&self, task: TheTask, finished: FinishedRun) {
        self.pod(task, TaskCommand::FinishRun(Box::new(finished))).await;
    }

    /// Lets a run write a document and opens the gate for it.
    pub(crate) async fn document(&self, task: TheTask, role: Role, text: &str) -> RunId {
        let run = self.run(task, role, None).await;
        self.finish(task, FinishedRun { document: Some(text.into()), ..completed(run) }).await;
        self.pod(task, TaskCommand::RequestTransition).await;
        run
    }

    /// Approves what is open, and enters the phase behind.
    pub(crate) async fn approve(&self, task: TheTask, number: u32) {
        let decision = ipa_events::DecisionId::new(task.id, number);
        let verdict = Verdict::Approve { note: None };
        self.person(task, TaskCommand::Answer { decision, seen: None, verdict }).await;
        self.pod(task, TaskCommand::EnterPhase).await;
    }
}

pub(crate) fn ann() -> Principal {
    Principal::User("ann".to_owned())
}

/// A run that did what it was asked for.
pub(crate) fn completed(run: RunId) -> FinishedRun {
    FinishedRun {
        run,
        outcome: Outcome::Completed,
        document: None,
        head: None,
        check: None,
        usage: Usage { input_tokens: 900, output_tokens: 100, cost_microusd: 120_000 },
    }
}

fn encode(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| {
        text.bytes().fold(String::new(), |mut out, byte| {
            if byte.is_ascii_alphanumeric() {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
            out
        })
    };
    let pairs: Vec<_> =
        fields.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    pairs.join("&")
}

/// A log whose tasks cannot be read now and then.
struct Faulty {
    log: Arc<dyn Log>,
    unread: Arc<AtomicU32>,
}

impl Log for Faulty {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        self.log.append(append)
    }

    fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<RawRecord>, ReadError>> {
        let take = |left: u32| left.checked_sub(1);
        if self.unread.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
            let error = ReadError { what: stream.to_string(), source: StoreFault::new("injected") };
            return futures::future::ready(Err(error)).boxed();
        }
        self.log.read_stream(stream, after, max)
    }

    fn read_all(&self, after: Position, max: usize) -> BoxFuture<'_, Result<Vec<RawRecord>, ReadError>> {
        self.log.read_all(after, max)
    }

    fn outcome(&self, command: CommandId) -> BoxFuture<'_, Result<Option<Appended>, ReadError>> {
        self.log.outcome(command)
    }

    fn streams(&self, after: u64, max: usize) -> BoxFuture<'_, Result<Vec<StreamInfo>, ReadError>> {
        self.log.streams(after, max)
    }

    fn head(&self) -> tokio::sync::watch::Receiver<Position> {
        self.log.head()
    }
}

/// Keeps nothing: every state is folded from the log, so that a damaged record is met.
struct NoSnapshots;

impl Snapshots for NoSnapshots {
    fn load(&self, _stream: &StreamId) -> BoxFuture<'_, Result<Option<Snapshot>, ReadError>> {
        futures::future::ready(Ok(None)).boxed()
    }

    fn save(&self, _stream: &StreamId, _snapshot: Snapshot) -> BoxFuture<'_, Result<(), ReadError>> {
        futures::future::ready(Ok(())).boxed()
    }
}

/// A clock that goes on a second with each look, and ids in order.
#[derive(Default)]
struct TestEdge(AtomicU64);

impl Edge for TestEdge {
    fn now(&self) -> Timestamp {
        let second = i64::try_from(self.0.fetch_add(1, Ordering::Relaxed)).unwrap();
        let begin: Timestamp = "2026-11-26T09:00:00Z".parse().unwrap();
        begin + SignedDuration::from_secs(second)
    }

    fn uuid(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)) + 1)
    }
}

/// An agent that never starts anything: the test says what it did.
#[derive(Clone, Default)]
pub(crate) struct FakeAgent {
    spools: Arc<Mutex<BTreeMap<RunId, Vec<AgentEvent>>>>,
}

impl FakeAgent {
    /// Adds to the log of a run.
    pub(crate) fn does(&self, run: RunId, all: impl IntoIterator<Item = Did>) {
        let mut spools = self.spools.lock().unwrap_or_else(PoisonError::into_inner);
        let spool = spools.entry(run).or_default();
        for body in all {
            let seq = spool.len() as u64 + 1;
            spool.push(AgentEvent { seq, at_ms: seq * 100, body });
        }
    }
}

impl AgentRuntime for FakeAgent {
    fn kind(&self) -> &'static str {
        "fake"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { multi_turn: true, permissions: true, questions: true, resume: true }
    }

    fn probe<'a>(&'a self, _runtime: &'a Runtime) -> BoxFuture<'a, Result<Probe, ProbeError>> {
        futures::future::ready(Ok(Probe::default())).boxed()
    }

    fn start(&self, _spec: RunSpec) -> BoxFuture<'_, Result<AgentSession, StartError>> {
        unreachable!("nothing starts by itself here")
    }

    fn attach(&self, _dir: RunDir) -> BoxFuture<'_, Result<Attach, AttachError>> {
        unreachable!("nothing starts by itself here")
    }

    fn tail(&self, dir: RunDir) -> Tail {
        let mut parts = dir.path().iter().rev().map(|part| part.to_str().unwrap());
        let number = parts.next().unwrap().parse().unwrap();
        let run = RunId::new(parts.next().unwrap().parse().unwrap(), number);
        Tail::new(Box::new(Reader { spools: self.spools.clone(), run, at: 0 }))
    }
}

struct Reader {
    spools: Arc<Mutex<BTreeMap<RunId, Vec<AgentEvent>>>>,
    run: RunId,
    at: usize,
}

impl TailReader for Reader {
    fn read(&mut self, max: usize) -> BoxFuture<'_, Result<Vec<AgentEvent>, TailError>> {
        let spools = self.spools.lock().unwrap_or_else(PoisonError::into_inner);
        let spool = spools.get(&self.run).map_or(&[][..], Vec::as_slice);
        let new: Vec<_> = spool.iter().skip(self.at).take(max).cloned().collect();
        drop(spools);
        self.at += new.len();
        futures::future::ready(Ok(new)).boxed()
    }
}

/// Elements that do not part words.
const INLINE: [&str; 8] = ["span", "b", "mark", "bdi", "strong", "em", "code", "a"];

/// Reads a page as a person does: without its tags, with its entities read, one space between words.
pub(crate) fn text(html: &str) -> String {
    let mut shown = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        shown.push_str(before);
        let (tag, after) = tag.split_once('>').unwrap_or((tag, ""));
        let name: String =
            tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        if !INLINE.contains(&name.as_str()) {
            shown.push(' ');
        }
        rest = after;
    }
    shown.push_str(rest);
    let shown = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Checks that a page shows these texts, one after the other.
#[track_caller]
pub(crate) fn shows(page: &str, texts: &[&str]) {
    let page = text(page);
    let mut rest = page.as_str();
    for text in texts {
        let Some((_, after)) = rest.split_once(text) else {
            panic!("{text:?} is not shown (in this order)\n{page}");
        };
        rest = after;
    }
}

/// Cuts the element with an id out of a page.
#[track_caller]
pub(crate) fn element(page: &str, id: &str) -> String {
    let mark = format!(" id=\"{id}\"");
    let at = page.find(&mark).unwrap_or_else(|| panic!("no element {id}"));
    let from = page[..at].rfind('<').unwrap();
    let name: String = page[from + 1..].chars().take_while(char::is_ascii_alphanumeric).collect();
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let (mut depth, mut end) = (0, from);
    loop {
        let rest = &page[end..];
        let next_close = rest.find(&close).unwrap();
        let is_tag = |at: &usize| rest[at + open.len()..].starts_with([' ', '>']);
        match rest.match_indices(&open).map(|(at, _)| at).filter(is_tag).find(|at| *at < next_close) {
            Some(at) => (depth, end) = (depth + 1, end + at + open.len()),
            None => (depth, end) = (depth - 1, end + next_close + close.len()),
        }
        if depth == 0 {
            return page[from..end].to_owned();
        }
    }
}
