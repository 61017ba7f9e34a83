//! The pipes of a running program: written and read side by side, without ever waiting for one of them alone.

use std::io::{ErrorKind, Read, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio};

/// How much of what a program says on its standard output is kept: its first part.
pub(super) const STDOUT_HEAD: usize = 64 << 20;
/// How much of what a program says on its standard error is kept: its last part.
const STDERR_TAIL: usize = 64 << 10;
/// How much is read at once.
const CHUNK: usize = 64 << 10;

/// A program's pipes with what came through them; one that has ended is dropped.
#[derive(Debug)]
pub(super) struct Pipes<'a> {
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    to_write: &'a [u8],
    out: Vec<u8>,
    err: Vec<u8>,
    chunk: Vec<u8>,
}

impl<'a> Pipes<'a> {
    /// Takes the pipes of a child, which is to read `stdin`.
    pub(super) fn of(child: &mut Child, stdin: &'a [u8]) -> std::io::Result<Self> {
        let pipes = Self {
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            to_write: stdin,
            out: Vec::new(),
            err: Vec::new(),
            chunk: vec![0; CHUNK],
        };
        let ends = [pipes.stdin.as_ref().map(AsFd::as_fd), pipes.stdout.as_ref().map(AsFd::as_fd)];
        for end in ends.into_iter().chain([pipes.stderr.as_ref().map(AsFd::as_fd)]).flatten() {
            ioctl_fionbio(end, true)?;
        }
        Ok(pipes)
    }

    /// Waits until something happens, for at most `timeout`, and moves what can be moved. Tells whether `also`
    /// is ready.
    pub(super) fn turn(&mut self, also: Option<&OwnedFd>, timeout: Duration) -> std::io::Result<bool> {
        let timeout = Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        let reading = [self.stdout.as_ref().map(AsFd::as_fd), self.stderr.as_ref().map(AsFd::as_fd)];
        let writing = self.stdin.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::OUT));
        let mut fds: Vec<PollFd<'_>> =
            also.map(|fd| PollFd::new(fd, PollFlags::IN)).into_iter().chain(writing).collect();
        fds.extend(reading.into_iter().flatten().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let is_ready = also.is_some() && fds.first().is_some_and(|fd| !fd.revents().is_empty());
        drop(fds);
        self.write();
        self.read()?;
        Ok(is_ready)
    }

    /// Tells whether both outputs have ended.
    pub(super) const fn have_ended(&self) -> bool {
        self.stdout.is_none() && self.stderr.is_none()
    }

    /// Says that nothing more will be written.
    pub(super) fn stop_writing(&mut self) {
        self.stdin = None;
    }

    /// Returns the standard output, and the standard error as text.
    pub(super) fn into_said(self) -> (Vec<u8>, String) {
        (self.out, String::from_utf8_lossy(&self.err).trim().to_owned())
    }

    /// Writes what fits; a program that does not read any more says so by its exit code.
    fn write(&mut self) {
        let Some(pipe) = &mut self.stdin else { return };
        let is_open = match pipe.write(self.to_write) {
            Ok(written) => {
                self.to_write = self.to_write.get(written..).unwrap_or_default();
                !self.to_write.is_empty()
            }
            Err(error) => is_for_now(&error),
        };
        if !is_open {
            self.stdin = None;
        }
    }

    /// Reads one piece of each output.
    fn read(&mut self) -> std::io::Result<()> {
        if let Some(read) = piece(&mut self.stdout, &mut self.chunk)? {
            let room = STDOUT_HEAD.saturating_sub(self.out.len());
            self.out.extend(read.iter().take(room));
        }
        if let Some(read) = piece(&mut self.stderr, &mut self.chunk)? {
            self.err.extend_from_slice(read);
            let surplus = self.err.len().saturating_sub(STDERR_TAIL);
            self.err.drain(..surplus);
        }
        Ok(())
    }
}

/// Reads what is there; drops a pipe that has ended.
fn piece<'c>(pipe: &mut Option<impl Read>, chunk: &'c mut [u8]) -> std::io::Result<Option<&'c [u8]>> {
    let Some(open) = pipe else { return Ok(None) };
    match open.read(chunk) {
        Ok(0) => {
            *pipe = None;
            Ok(None)
        }
        Ok(read) => Ok(chunk.get(..read)),
        Err(error) if is_for_now(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_for_now(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
