//! Driving the built program: a world of its own per test, processes that end with the test, and waiting for a
//! condition instead of for a while.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const IPA: &str = env!("CARGO_BIN_EXE_ipa");

/// How long a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(40);

/// A folder with a data directory and a repository, for one test.
pub(crate) struct World {
    folder: tempfile::TempDir,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        world.repository("repo");
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// A git repository with one commit and the program `agent`, which does what each role is asked for.
    pub(crate) fn repository(&self, name: &str) -> PathBuf {
        let repo = self.path(name);
        fs::create_dir_all(&repo).unwrap();
        fs::write(repo.join("README.md"), "hello\n").unwrap();
        git(&repo, &["init", "--quiet", "--initial-branch=main"]);
        git(&repo, &["add", "--all"]);
        git(&repo, &["commit", "--quiet", "--message=first"]);
        repo
    }

    /// Writes an executable file into the repository and commits it.
    pub(crate) fn program(&self, name: &str, text: &str) {
        let repo = self.path("repo");
        let path = repo.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        git(&repo, &["add", "--all"]);
        git(&repo, &["commit", "--quiet", "--message=a program"]);
    }

    /// The program with a cleared environment and this world's data directory.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(IPA);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("XDG_CONFIG_HOME", self.path("config")).env("HOME", self.folder.path());
        command.env("IPA_DATA_DIR", self.data()).env("IPA__LIMITS__COOLDOWN", "0s");
        command.current_dir(self.folder.path()).args(args).stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn ipa(&self, args: &[&str]) -> Said {
        said(&self.command(args).output().unwrap())
    }

    /// Creates a task on the repository and returns its handle.
    pub(crate) fn task(&self, args: &[&str]) -> String {
        let repo = self.path("repo");
        let mut all = vec!["task", "create", "Do it", "--repo", repo.to_str().unwrap(), "--json"];
        all.extend(args);
        let created = self.ipa(&all).ok().json();
        created["handle"].as_str().unwrap().to_owned()
    }

    /// Starts `ipa serve` on a free port and waits until it is ready.
    pub(crate) fn serve(&self, args: &[&str]) -> Serving {
        self.serve_on(0, args)
    }

    /// Starts `ipa serve` on a port and waits until it is ready.
    pub(crate) fn serve_on(&self, port: u16, args: &[&str]) -> Serving {
        let port = port.to_string();
        let mut all = vec!["--port", &port];
        all.extend(args);
        self.serve_as(&all)
    }

    /// Starts `ipa serve` with just these arguments and waits until it is ready.
    pub(crate) fn serve_as(&self, args: &[&str]) -> Serving {
        let mut all = vec!["serve", "--json"];
        all.extend(args);
        let log = fs::File::create(self.path("serve.log")).unwrap();
        let mut child = self.command(&all).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let guard = Guard(child);
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!("serve said {line:?}: {}", fs::read_to_string(self.path("serve.log")).unwrap())
        });
        Serving { process: guard, ready, _out: out }
    }

    /// Waits until a task is as wanted, and returns it.
    pub(crate) fn until(&self, task: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let met = eventually(|| {
            last = self.ipa(&["show", task, "--json"]).ok().json();
            wanted(&last)
        });
        let log = fs::read_to_string(self.path("serve.log")).unwrap_or_default();
        assert!(met, "{what} did not come: {last:#}\n{}\n{log}", self.ipa(&["event", "list", task]).out);
        last
    }
}

/// A server that runs until it is dropped.
pub(crate) struct Serving {
    pub(crate) process: Guard,
    pub(crate) ready: Value,
    _out: BufReader<ChildStdout>,
}

impl Serving {
    /// Returns the port that it listens on.
    pub(crate) fn port(&self) -> u16 {
        let url = self.ready["url"].as_str().unwrap();
        url.rsplit(':').next().unwrap().parse().unwrap()
    }
}

/// A process that does not outlive its test.
pub(crate) struct Guard(pub(crate) Child);

impl Guard {
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Sends a signal by name and waits for the end; returns the exit code.
    pub(crate) fn end(&mut self, signal: &str) -> Option<i32> {
        signal_to(self.pid(), signal);
        self.0.wait().unwrap().code()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.0.try_wait().unwrap().is_none() {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }
}

/// Runs several copies of a command at once and returns what each said.
pub(crate) fn at_once(commands: Vec<Command>) -> Vec<Said> {
    let children: Vec<Guard> = commands
        .into_iter()
        .map(|mut command| Guard(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()))
        .collect();
    children.into_iter().map(finish).collect()
}

/// Reads what a process says to its end.
pub(crate) fn finish(mut child: Guard) -> Said {
    let (mut out, mut err) = (String::new(), String::new());
    child.0.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.0.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    Said { code: child.0.wait().unwrap().code().unwrap_or(-1), out, err }
}

pub(crate) fn said(output: &Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout.clone()).unwrap(),
        err: String::from_utf8(output.stderr.clone()).unwrap(),
    }
}

/// Tries a condition until it holds or it was too long.
pub(crate) fn eventually(mut holds: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

pub(crate) fn signal_to(pid: u32, signal: &str) {
    let killed = Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status().unwrap();
    assert!(killed.success(), "kill -{signal} {pid}");
}

pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

/// Runs git with an author and nothing of the machine's configuration; returns what it printed.
pub(crate) fn git(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Ann").env(format!("GIT_{who}_EMAIL"), "ann@localhost");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
