//! Runs one program and waits for it: cleared environment, own process group, a deadline, nothing left running.

#![expect(clippy::disallowed_methods, reason = "the one place where git is spawned and timed")]

use std::ffi::{OsStr, OsString};
use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::config::EnvMap;

/// How much of what a program says on its standard error is kept: its last part.
const STDERR_TAIL: usize = 64 << 10;

/// A program to be run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) argv: Vec<OsString>,
    pub(super) env: EnvMap,
    pub(super) dir: PathBuf,
    pub(super) stdin: Vec<u8>,
    pub(super) deadline: Duration,
}

/// What it said.
#[derive(Debug)]
pub(crate) struct Output {
    /// None: it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// Runs a program to its end; none when it took too long.
pub(super) fn run(run: &Run) -> std::io::Result<Option<Output>> {
    let end = Instant::now() + run.deadline;
    let mut group = Group::spawn(run)?;
    let (stdin, stdout, stderr) =
        (group.child.stdin.take(), group.child.stdout.take(), group.child.stderr.take());
    std::thread::scope(|scope| {
        if let Some(mut pipe) = stdin {
            let bytes = &run.stdin;
            // A program that stops reading early says so by its exit code.
            scope.spawn(move || pipe.write_all(bytes).ok());
        }
        let out = stdout.map(|mut pipe| {
            scope.spawn(move || {
                let mut bytes = Vec::new();
                pipe.read_to_end(&mut bytes).map(|_| bytes)
            })
        });
        let err = stderr.map(|pipe| scope.spawn(move || tail(pipe)));
        let in_time = group.ends_before(end);
        // Before the readers are joined: what still holds a pipe must not keep us.
        let code = group.end()?;
        let stdout = out.and_then(|it| it.join().ok()).transpose()?.unwrap_or_default();
        let stderr = err.and_then(|it| it.join().ok()).unwrap_or_default();
        Ok(in_time?.then_some(Output { code, stdout, stderr }))
    })
}

/// Reads to the end and keeps the last part.
fn tail(mut pipe: impl std::io::Read) -> String {
    let mut kept = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(n) = pipe.read(&mut chunk) {
        let Some(read) = chunk.get(..n).filter(|read| !read.is_empty()) else { break };
        kept.extend_from_slice(read);
        let surplus = kept.len().saturating_sub(STDERR_TAIL);
        kept.drain(..surplus);
    }
    String::from_utf8_lossy(&kept).trim().to_owned()
}

/// A child with its process group, killed when this is dropped.
struct Group {
    child: Child,
    /// Once reaped, its number may be another group's.
    reaped: bool,
}

impl Group {
    fn spawn(run: &Run) -> std::io::Result<Self> {
        let mut argv = run.argv.iter();
        let program = argv.next().map_or(OsStr::new("git"), OsString::as_os_str);
        let mut command = Command::new(program);
        command.args(argv).env_clear().envs(&run.env).process_group(0).current_dir(&run.dir);
        command.stdin(if run.stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(Self { child: command.spawn()?, reaped: false })
    }

    /// Waits for the child; tells whether it ended in time.
    fn ends_before(&self, end: Instant) -> std::io::Result<bool> {
        let pidfd = pidfd_open(Pid::from_child(&self.child), PidfdFlags::empty())?;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            let timeout = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&timeout)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(true),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Kills the group and reaps its leader. A leader that has ended keeps the group's number until then.
    fn end(&mut self) -> std::io::Result<Option<i32>> {
        if !self.reaped {
            kill_process_group(Pid::from_child(&self.child), Signal::KILL).ok();
        }
        self.reaped = true;
        Ok(self.child.wait()?.code())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Run {
        Run {
            argv: ["sh", "-c", script].map(OsString::from).into(),
            env: [("PATH".into(), "/usr/bin:/bin".into())].into(),
            dir: "/".into(),
            stdin: Vec::new(),
            deadline: Duration::from_secs(20),
        }
    }

    fn said(call: &Run) -> String {
        String::from_utf8(run(call).unwrap().unwrap().stdout).unwrap()
    }

    #[test]
    fn what_git_leaves_running_is_ended_with_it() {
        // The one left behind holds the pipes: without its end this would wait for it.
        assert_ends(said(&shell("sleep 600 & echo $!")).trim());
    }

    #[test]
    fn a_git_that_takes_too_long_is_ended_and_so_is_what_it_started() {
        let dir = tempfile::TempDir::new().unwrap();
        let mut call = shell("sleep 600 & echo $! > pid; wait");
        call.dir = dir.path().to_owned();
        call.deadline = Duration::from_millis(200);
        assert!(run(&call).unwrap().is_none());
        assert_ends(std::fs::read_to_string(dir.path().join("pid")).unwrap().trim());
    }

    #[test]
    fn nothing_of_our_environment_reaches_git() {
        let env = said(&shell("env"));
        let names: Vec<&str> = env.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        assert!(names.iter().all(|name| ["PATH", "PWD", "SHLVL", "_", "OLDPWD"].contains(name)), "{names:?}");
    }

    /// A killed process is gone soon, not at once.
    fn assert_ends(pid: &str) {
        let end = Instant::now() + Duration::from_secs(20);
        let is_alive = || {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            !stat.is_empty() && !stat.contains(") Z ")
        };
        while is_alive() {
            assert!(Instant::now() < end, "process {pid} lives");
            std::thread::yield_now();
        }
    }
}
