//! Runs one program and waits for it: cleared environment, own process group, a deadline, nothing left running.

#![expect(clippy::disallowed_methods, reason = "the one place where git is spawned and timed")]

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::pipes::Pipes;
use crate::config::EnvMap;

/// How long is read on after a program and its group have ended.
const GRACE: Duration = Duration::from_secs(1);

/// A program to be run.
pub(super) struct Run {
    pub(super) argv: Vec<OsString>,
    pub(super) env: EnvMap,
    pub(super) dir: PathBuf,
    pub(super) stdin: Vec<u8>,
    pub(super) deadline: Duration,
}

impl std::fmt::Debug for Run {
    /// Shows no environment: it may hold a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("argv", &self.argv).finish_non_exhaustive()
    }
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
    let mut pipes = Pipes::of(&mut group.child, &run.stdin)?;
    let in_time = group.ends_before(end, &mut pipes);
    let code = group.end()?;
    // Something that left the group may hold the pipes for ever: it must not keep us.
    drain(&mut pipes, Instant::now() + GRACE)?;
    let (stdout, stderr) = pipes.into_said();
    Ok(in_time?.then_some(Output { code, stdout, stderr }))
}

/// Reads what a program that has ended left in its pipes, until these end, or until `end`.
fn drain(pipes: &mut Pipes<'_>, end: Instant) -> std::io::Result<()> {
    pipes.stop_writing();
    while !pipes.have_ended() {
        let left = end.saturating_duration_since(Instant::now());
        pipes.turn(None, left)?;
        if left.is_zero() {
            break;
        }
    }
    Ok(())
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

    /// Waits for the child, talking to it meanwhile; tells whether it ended in time.
    fn ends_before(&self, end: Instant, pipes: &mut Pipes<'_>) -> std::io::Result<bool> {
        let pidfd = pidfd_open(Pid::from_child(&self.child), PidfdFlags::empty())?;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            if pipes.turn(Some(&pidfd), left)? {
                return Ok(true);
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
    fn what_left_the_group_and_holds_the_pipes_keeps_nobody_waiting() {
        let dir = tempfile::TempDir::new().unwrap();
        let mut call =
            shell("setsid sh -c 'echo $$ > pid; exec sleep 600' & while ! test -s pid; do :; done; echo x");
        call.dir = dir.path().to_owned();
        call.deadline = Duration::from_mins(10);
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || sender.send(said(&call)));
        let ended = receiver.recv_timeout(Duration::from_mins(1));
        let pid = std::fs::read_to_string(dir.path().join("pid")).unwrap();
        let left = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(left, Signal::KILL).unwrap();
        assert_eq!(ended.unwrap(), "x\n");
    }

    #[test]
    fn what_a_program_says_and_hears_is_whole_up_to_a_bound() {
        let mut call = shell("cat; echo done >&2");
        call.stdin = vec![b'x'; 3 << 20];
        let output = run(&call).unwrap().unwrap();
        assert_eq!((output.stdout.len(), output.stderr.as_str()), (3 << 20, "done"));
        let output = run(&shell("head -c 70000000 /dev/zero; echo done >&2")).unwrap().unwrap();
        assert_eq!((output.stdout.len(), output.stderr.as_str()), (super::super::pipes::STDOUT_HEAD, "done"));
        // One that stops reading early says so by its exit code.
        let mut call = shell("exit 3");
        call.stdin = vec![b'x'; 3 << 20];
        assert_eq!(run(&call).unwrap().unwrap().code, Some(3));
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
