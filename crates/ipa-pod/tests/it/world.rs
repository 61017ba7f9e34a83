//! A real world for an engine: a repository on disk, checkouts, agents under hosts, a store in a file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use ipa_agent::{CommandRuntime, ScriptedRuntime};
use ipa_events::store::{SqliteOptions, SqliteStore, Store};
use ipa_events::task::Gates;
use ipa_events::{Envelope, Helper, Phase, Principal, TaskCommand, TaskId, Via};
use ipa_pod::{Engine, EngineBuilder, EngineConfig, TaskDraft, TaskView};
use ipa_workspace::{Config, Dirs, GitWorkspaces, SandboxBackend};
use tempfile::TempDir;

/// How long anything may take before a test gives up.
const DEADLINE: Duration = Duration::from_mins(1);

pub(crate) struct World {
    pub(crate) dir: TempDir,
}

impl World {
    /// Makes a repository whose test fails: `./test.sh` wants `answer.txt` to say 42.
    pub(crate) fn new() -> Self {
        let world = Self { dir: tempfile::tempdir().unwrap() };
        let repo = world.repo();
        std::fs::create_dir(&repo).unwrap();
        git(&repo, &["init", "--quiet", "--initial-branch=main"]);
        std::fs::write(repo.join("answer.txt"), "41\n").unwrap();
        std::fs::write(repo.join("test.sh"), "#!/bin/sh\ngrep -qx 42 answer.txt\n").unwrap();
        make_executable(&repo.join("test.sh"));
        git(&repo, &["add", "--all"]);
        git(&repo, &["commit", "--quiet", "-m", "begin"]);
        world
    }

    pub(crate) fn repo(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Writes a program that works as an agent; it is given its role as `$IPA_ROLE`.
    pub(crate) fn agent(&self, script: &str) -> String {
        let (path, text) = (self.dir.path().join("agent.sh"), format!("#!/bin/sh\nset -eu\n{script}\n"));
        // One that an earlier engine started may be reading it.
        if std::fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            std::fs::write(&path, text).unwrap();
            make_executable(&path);
        }
        format!("command:{}", path.display())
    }

    /// Writes a script for the scripted agent.
    pub(crate) fn script(&self, script: &str) -> String {
        let path = self.dir.path().join("script.json");
        std::fs::write(&path, script).unwrap();
        format!("scripted:{}", path.display())
    }

    /// Opens an engine over this world's data, without a sandbox; nothing runs yet.
    pub(crate) async fn engine(&self) -> Engine {
        self.engine_with(SandboxBackend::None, |_| {}).await
    }

    /// Opens an engine over this world's data that is told something else; nothing runs yet.
    pub(crate) async fn engine_with(
        &self,
        sandbox: SandboxBackend,
        change: impl FnOnce(&mut EngineConfig),
    ) -> Engine {
        self.builder(sandbox, change).await.build()
    }

    /// Begins an engine over this world's data, to be given more.
    pub(crate) async fn builder(
        &self,
        sandbox: SandboxBackend,
        change: impl FnOnce(&mut EngineConfig),
    ) -> EngineBuilder {
        self.builder_over(self.store().await, sandbox, change)
    }

    /// Opens this world's store.
    pub(crate) async fn store(&self) -> Store {
        let data = self.data();
        std::fs::create_dir_all(&data).unwrap();
        SqliteStore::open(&data.join("ipa.db"), SqliteOptions::default()).await.unwrap()
    }

    /// Begins an engine over a store, to be given more.
    pub(crate) fn builder_over(
        &self,
        store: Store,
        sandbox: SandboxBackend,
        change: impl FnOnce(&mut EngineConfig),
    ) -> EngineBuilder {
        let data = self.data();
        let helper = helper();
        let dirs = Dirs {
            mirrors: data.join("mirrors"),
            shadow: data.join("shadow"),
            root: data.join("workspaces"),
        };
        let mut config = Config::new(dirs, helper.clone(), env());
        config.sandbox = sandbox;
        config.reserve_bytes = 0;
        let workspaces = GitWorkspaces::open(config).unwrap();
        let mut config = EngineConfig::new(data.join("runs"));
        config.agent_env = env();
        config.cooldown = Duration::from_millis(10);
        config.pod.idle = Duration::from_millis(300);
        change(&mut config);
        Engine::builder(store, config, Arc::new(workspaces))
            .runtime(Arc::new(CommandRuntime::new(helper.clone())))
            .runtime(Arc::new(ScriptedRuntime::new(helper)))
    }

    pub(crate) fn draft(&self, agent: &str) -> TaskDraft {
        let mut draft = TaskDraft::new("make the test pass", self.repo().to_str().unwrap().parse().unwrap());
        draft.agent = Some(agent.parse().unwrap());
        draft.gates = Some(Gates::auto());
        draft.checks = Some(vec!["./test.sh".into()]);
        draft.start_at = Phase::Development;
        draft
    }
}

pub(crate) fn helper() -> Helper {
    Helper { program: env!("CARGO_BIN_EXE_ipa-pod-helper").into(), args: Vec::new() }
}

/// What git and agents find: the programs of this machine, and nothing else.
fn env() -> BTreeMap<OsString, OsString> {
    BTreeMap::from([("PATH".into(), std::env::var_os("PATH").unwrap())])
}

pub(crate) fn ann() -> Principal {
    Principal::User("ann".to_owned())
}

pub(crate) async fn create(engine: &Engine, draft: TaskDraft) -> TaskId {
    engine.create(engine.ctx(ann(), Via::Library), draft).await.unwrap().id
}

/// Waits until a task is as it should be.
pub(crate) async fn until(engine: &Engine, task: TaskId, wanted: impl Fn(&TaskView) -> bool) -> TaskView {
    let mut head = engine.head();
    let found = tokio::time::timeout(DEADLINE, async {
        loop {
            let view = engine.task(task).await.unwrap();
            if wanted(&view) {
                return view;
            }
            let _news = tokio::time::timeout(Duration::from_millis(200), head.changed()).await;
        }
    });
    let Ok(view) = found.await else { panic!("never came: {:#?}", engine.task(task).await.unwrap().state) };
    view
}

pub(crate) async fn until_phase(engine: &Engine, task: TaskId, phase: Phase) -> TaskView {
    until(engine, task, |view| view.state.phase == phase).await
}

pub(crate) fn git(repo: &Path, args: &[&str]) -> String {
    let author = ["-c", "user.name=Ann", "-c", "user.email=ann@localhost"];
    let output = Command::new("git").arg("-C").arg(repo).args(author).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub(crate) async fn send(engine: &Engine, task: TaskId, body: TaskCommand) {
    engine.execute(task, Envelope { ctx: engine.ctx(ann(), Via::Library), body }).await.unwrap();
}

fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Counts the processes that belong to a run: those that have it in their environment.
pub(crate) fn processes_of(run: ipa_events::RunId) -> usize {
    let wanted = format!("IPA_RUN_ID={run}");
    let environments = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let path = entry.ok()?.path();
        path.file_name()?.to_str()?.parse::<u32>().ok()?;
        std::fs::read(path.join("environ")).ok()
    });
    environments.filter(|it| it.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes())).count()
}
