//! A world of its own for each test: a data folder, a person's repository, an engine.

use std::path::{Path, PathBuf};
use std::process::Command;

use ipa_events::{AgentId, Handle, Helper, RepoSource, TaskId, WorkspaceId};
use ipa_workspace::{
    Config, Dirs, EnvMap, GitWorkspaces, SandboxBackend, Start, Workspace, WorkspaceSpec, Workspaces as _,
};
use tempfile::TempDir;

pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) source: PathBuf,
    pub(crate) config: Config,
    pub(crate) git: GitWorkspaces,
}

pub(crate) fn env(home: &Path) -> EnvMap {
    let path = std::env::var_os("PATH").unwrap();
    [("PATH".into(), path), ("HOME".into(), home.into())].into()
}

impl World {
    /// Landlock, with a folder name that a shell could trip over.
    pub(crate) fn new() -> Self {
        Self::with(SandboxBackend::Auto)
    }

    pub(crate) fn with(sandbox: SandboxBackend) -> Self {
        let dir = tempfile::Builder::new().prefix("ipa w'$(x) ").tempdir().unwrap();
        let source = dir.path().join("user/my repo");
        std::fs::create_dir_all(&source).unwrap();
        let data = dir.path().join("data");
        let dirs = Dirs {
            mirrors: data.join("mirrors"),
            shadow: data.join("shadow"),
            root: data.join("workspaces"),
        };
        let helper = Helper { program: env!("CARGO_BIN_EXE_ipa-workspace-helper").into(), args: Vec::new() };
        let mut config = Config::new(dirs, helper, env(dir.path()));
        config.sandbox = sandbox;
        config.reserve_bytes = 0;
        let git = GitWorkspaces::open(config.clone()).unwrap();
        let world = Self { dir, source, config, git };
        world.user(&["init", "-q", "-b", "main"]);
        world.put("README.md", "hello\n");
        world.put("src/lib.rs", "fn one() {}\nfn two() {}\n");
        world.user(&["add", "-A"]);
        world.user(&["commit", "-q", "-m", "first"]);
        world
    }

    pub(crate) fn repo(&self) -> RepoSource {
        self.source.to_str().unwrap().parse().unwrap()
    }

    /// Runs git as the person, in their repository.
    pub(crate) fn user(&self, args: &[&str]) -> String {
        git_in(&self.source, self.dir.path(), args)
    }

    pub(crate) fn put(&self, path: &str, text: &str) {
        put(&self.source.join(path), text);
    }

    pub(crate) fn spec(&self, title: &str) -> WorkspaceSpec {
        WorkspaceSpec {
            id: id(1),
            handle: Handle::new(12),
            title: title.into(),
            repo: self.repo(),
            start: Start::Base(None),
        }
    }

    pub(crate) async fn provision(&self) -> Workspace {
        self.git.provision(self.spec("Fix the retry")).await.unwrap()
    }

    /// The only mirror.
    pub(crate) fn mirror(&self) -> PathBuf {
        let local = self.config.dirs.mirrors.join("local");
        let mut dirs =
            std::fs::read_dir(local).unwrap().map(|it| it.unwrap().path()).filter(|it| it.is_dir());
        dirs.next().unwrap()
    }

    /// Runs git on the mirror.
    pub(crate) fn in_mirror(&self, args: &[&str]) -> String {
        git_in(&self.mirror(), self.dir.path(), args)
    }
}

/// Runs git as the agent, in its checkout.
pub(crate) fn agent(workspace: &Workspace, args: &[&str]) -> String {
    git_in(&workspace.path, &workspace.home, args)
}

pub(crate) fn git_command(dir: &Path, home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.current_dir(dir).args(args).env_clear().envs(env(home));
    for (name, value) in [
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_AUTHOR_NAME", "Ann"),
        ("GIT_AUTHOR_EMAIL", "ann@example.org"),
        ("GIT_COMMITTER_NAME", "Ann"),
        ("GIT_COMMITTER_EMAIL", "ann@example.org"),
    ] {
        command.env(name, value);
    }
    command
}

#[track_caller]
pub(crate) fn git_in(dir: &Path, home: &Path, args: &[&str]) -> String {
    let output = git_command(dir, home, args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub(crate) fn put(path: &Path, text: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

pub(crate) fn id(number: u32) -> WorkspaceId {
    WorkspaceId { task: TaskId::from_key(&number.to_string()), agent: AgentId::main() }
}

/// Every file below a folder with its kind and bytes, for comparing; `skip` names what is left out.
pub(crate) fn tree_of(dir: &Path, skip: &[&str]) -> std::collections::BTreeMap<PathBuf, (String, Vec<u8>)> {
    let mut found = std::collections::BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(dir).unwrap().to_owned();
            if skip.iter().any(|skip| name == Path::new(skip)) {
                continue;
            }
            let meta = path.symlink_metadata().unwrap();
            let (kind, bytes) = if meta.is_symlink() {
                ("link".to_owned(), std::fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes())
            } else if meta.is_dir() {
                folders.push(path.clone());
                ("dir".to_owned(), Vec::new())
            } else if meta.is_file() {
                use std::os::unix::fs::PermissionsExt as _;
                (format!("file {:o}", meta.permissions().mode() & 0o111), std::fs::read(&path).unwrap())
            } else {
                ("special".to_owned(), Vec::new())
            };
            found.insert(name, (kind, bytes));
        }
    }
    found
}

pub(crate) fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
