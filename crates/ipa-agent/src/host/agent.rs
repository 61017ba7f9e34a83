//! The agent's own process: started behind the exec stage, in a process group of its own, with nothing of the
//! host's environment.

#![expect(clippy::disallowed_methods, reason = "this is where agents are started")]

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, Stdio};

use rustix::fs::OFlags;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, WaitStatus};

use super::lines::Lines;
use super::order::{Aim, HostOrder};
use super::spool::Spool;
use crate::redact::{Redactor, Secrets};
use crate::spool::Source;

/// What a pipe may hold before the agent has to wait for the host.
const PIPE: usize = 1024 * 1024;

/// A started agent.
pub(super) struct Agent {
    pid: Pid,
    handle: OwnedFd,
    status: Option<WaitStatus>,
    pub(super) out: Output<ChildStdout>,
    pub(super) err: Output<ChildStderr>,
    pub(super) stdin: Option<ChildStdin>,
}

impl Agent {
    /// Starts it.
    pub(super) fn start(order: &HostOrder, secrets: &Secrets) -> io::Result<Self> {
        let broken = || io::Error::from(io::ErrorKind::InvalidInput);
        let host = OsString::from(std::process::id().to_string());
        let (program, args) = order.exec.split_first().ok_or_else(broken)?;
        let mut child = Command::new(program)
            .args(args)
            .arg(host)
            .args(&order.argv)
            .env_clear()
            .envs(order.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&order.cwd)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or_else(broken)?;
        let handle = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
        let stdin = child.stdin.take();
        if let Some(stdin) = &stdin {
            unblock(stdin)?;
        }
        let out = Output::new(child.stdout.take(), Source::Out, secrets)?;
        let err = Output::new(child.stderr.take(), Source::Err, secrets)?;
        Ok(Self { pid, handle, status: None, out, err, stdin })
    }

    /// Returns what becomes readable when it ends.
    pub(super) fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    /// Reaps it, if it has ended, and every orphan that has; tells whether it has.
    pub(super) fn has_ended(&mut self) -> bool {
        while self.status.is_none() {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.pid => self.status = Some(status),
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        self.status.is_some()
    }

    /// Returns its exit code and the signal that ended it.
    pub(super) fn status(&self) -> (Option<i32>, Option<i32>) {
        self.status.map_or((None, None), |it| (it.exit_status(), it.terminating_signal()))
    }

    /// Sends it a signal. Its pid cannot be another's: it was not reaped.
    pub(super) fn signal(&self, signal: Signal, aim: Aim) {
        if self.status.is_some() {
            return;
        }
        // It may have ended just now; then there is nobody to tell.
        match aim {
            Aim::Agent => rustix::process::pidfd_send_signal(&self.handle, signal).ok(),
            Aim::Group => rustix::process::kill_process_group(self.pid, signal).ok(),
        };
    }
}

/// One of the agent's two outputs.
pub(super) struct Output<P> {
    pipe: Option<P>,
    /// Nothing of it is kept that did not pass here.
    redactor: Redactor,
    lines: Lines,
    source: Source,
}

impl<P: AsFd + io::Read> Output<P> {
    fn new(pipe: Option<P>, source: Source, secrets: &Secrets) -> io::Result<Self> {
        if let Some(pipe) = &pipe {
            unblock(pipe)?;
            // Only a matter of speed, and limited for some users.
            rustix::pipe::fcntl_setpipe_size(pipe, PIPE).ok();
        }
        let redactor = Redactor::new(secrets.clone());
        Ok(Self { pipe, redactor, lines: Lines::default(), source })
    }

    /// Returns what to wait for; none once it has ended.
    pub(super) fn wants(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Reads what is there, but not without end.
    pub(super) fn read(&mut self, buffer: &mut [u8], spool: &mut Spool) {
        for _ in 0..4 {
            let Some(pipe) = self.pipe.as_mut() else { return };
            match pipe.by_ref().read(buffer) {
                Ok(0) => return self.end(spool),
                Ok(n) => {
                    let Self { redactor, lines, source, .. } = self;
                    redactor.push(buffer.get(..n).unwrap_or_default(), |safe| {
                        lines.feed(safe, |line, piece| spool.push(*source, line, piece));
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => return self.end(spool),
            }
        }
    }

    /// Reads no more.
    pub(super) fn end(&mut self, spool: &mut Spool) {
        let Self { pipe, redactor, lines, source } = self;
        *pipe = None;
        redactor.finish(|safe| lines.feed(safe, |line, piece| spool.push(*source, line, piece)));
        lines.end(|line, piece| spool.push(*source, line, piece));
    }
}

fn unblock(pipe: impl AsFd) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(&pipe)?;
    Ok(rustix::fs::fcntl_setfl(&pipe, flags | OFlags::NONBLOCK)?)
}
