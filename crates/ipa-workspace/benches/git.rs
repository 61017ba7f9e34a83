//! Compares what ipa does with what plain git takes for the same, on one repository. Prints; gates nothing.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark: it times, prints, and fails loudly"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ipa_events::{AgentId, Handle, Helper, TaskId, WorkspaceId};
use ipa_workspace::{Config, Dirs, EnvMap, GitWorkspaces, Start, Workspace, WorkspaceSpec, Workspaces as _};
use tokio::runtime::Runtime;

/// How many files the repository has.
const FILES: u32 = 5000;
/// How often each thing is done; the median counts.
const TIMES: u32 = 5;

fn main() {
    let dir = tempfile::TempDir::new().unwrap();
    let bench = Bench::new(dir.path());
    bench.provision();
    bench.look();
    bench.keep();
}

struct Bench<'a> {
    dir: &'a Path,
    source: PathBuf,
    /// A bare clone, as the mirror is for ipa.
    bare: PathBuf,
    ipa: GitWorkspaces,
    runtime: Runtime,
}

impl<'a> Bench<'a> {
    fn new(dir: &'a Path) -> Self {
        let source = dir.join("source");
        for n in 0..FILES {
            let path = source.join(format!("d{}/f{n}", n % 100));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, format!("{n}\n").repeat(40)).unwrap();
        }
        git(&source, &["init", "-q"]);
        git(&source, &["add", "-A"]);
        git(&source, &["commit", "-q", "-m", "x"]);
        let bare = dir.join("bare.git");
        git(dir, &["clone", "-q", "--bare", text(&source), text(&bare)]);
        let at = |name: &str| dir.join(name);
        let dirs = Dirs { mirrors: at("mirrors"), shadow: at("shadow"), root: at("workspaces") };
        let helper = Helper { program: env!("CARGO_BIN_EXE_ipa-workspace-helper").into(), args: Vec::new() };
        let env: EnvMap = [("PATH".into(), std::env::var_os("PATH").unwrap())].into();
        let ipa = GitWorkspaces::open(Config::new(dirs, helper, env)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { dir, source, bare, ipa, runtime }
    }

    fn make(&self, number: u32) -> Workspace {
        let spec = WorkspaceSpec {
            id: id(number),
            handle: Handle::new(u64::from(number)),
            title: "bench".into(),
            repo: text(&self.source).parse().unwrap(),
            start: Start::Base(None),
        };
        self.runtime.block_on(self.ipa.provision(spec)).unwrap()
    }

    fn provision(&self) {
        self.make(0);
        let clone = |how: &'static str, from: &Path| {
            let (dir, from) = (self.dir, from.to_owned());
            median(move |n| git(dir, &["clone", "-q", how, text(&from), &format!("plain{how}{n}")]))
        };
        let (shared, full) = (clone("--shared", &self.bare), clone("--no-local", &self.source));
        let made = median(|n| drop(self.make(n + 1)));
        println!("provision {made:?}, clone --shared {shared:?}, full clone {full:?}");
    }

    fn look(&self) {
        let plain = self.dir.join("plain--shared0");
        let tree = median(|n| {
            change(&plain, n);
            git(&plain, &["add", "-A"]);
            git(&plain, &["write-tree"]);
        });
        let made = self.make(0);
        let status = median(|n| {
            change(&made.path, n);
            self.runtime.block_on(self.ipa.status(&made.id)).unwrap();
        });
        println!("status {status:?}, add and write-tree {tree:?}");
    }

    fn keep(&self) {
        let plain = self.dir.join("plain--shared0");
        let fetch = median(|n| {
            change(&plain, n);
            git(&plain, &["commit", "-q", "-a", "-m", &n.to_string()]);
            git(&self.bare, &["fetch", "-q", text(&plain), "+HEAD:refs/x/HEAD"]);
        });
        let made = self.make(0);
        let commit = median(|n| {
            change(&made.path, n + 100);
            self.runtime.block_on(self.ipa.commit(&made.id, n.to_string())).unwrap();
        });
        let checkpoint = median(|n| {
            change(&made.path, n + 200);
            self.runtime.block_on(self.ipa.checkpoint(&made.id, n.to_string())).unwrap();
        });
        println!("commit {commit:?}, checkpoint {checkpoint:?}, plain commit and fetch {fetch:?}");
        let remove = median(|n| drop(self.runtime.block_on(self.ipa.remove(&id(n + 1))).unwrap()));
        println!("remove, its checkpoint included {remove:?}");
    }
}

fn id(number: u32) -> WorkspaceId {
    WorkspaceId { task: TaskId::from_key(&number.to_string()), agent: AgentId::main() }
}

fn change(root: &Path, n: u32) {
    std::fs::write(root.join("d1/f1"), format!("change {n}\n")).unwrap();
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn median(mut act: impl FnMut(u32)) -> Duration {
    let mut times: Vec<Duration> = (0..TIMES)
        .map(|n| {
            let start = Instant::now();
            act(n);
            start.elapsed()
        })
        .collect();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn git(dir: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(dir).args(["-c", "user.name=x", "-c", "user.email=x@localhost"]).args(args);
    assert!(command.output().unwrap().status.success(), "git {args:?}");
}
