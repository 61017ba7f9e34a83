//! The end of a run: no process of it is left, all that it printed is on the disk, and a record says so.

#![expect(clippy::disallowed_methods, reason = "the host gives the last output a second")]

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{Mode, OFlags, ResolveFlags};

use super::serve::Host;
use crate::folder::{self, Ended, ExitRecord, Note};
use crate::sweep;

/// How long output is awaited after the last process is gone: somebody else may hold the pipe.
const DRAIN: Duration = Duration::from_secs(1);
/// The most of a document that is kept.
const PRODUCT: u64 = 4 * 1024 * 1024;

impl Host {
    /// Sweeps first, then reads what is left: a daemon may hold the pipe.
    pub(super) fn end(mut self) -> io::Result<()> {
        let swept = sweep::descendants()?;
        self.drain();
        let product = document(&self.order.output).unwrap_or_else(|error| {
            self.spool.note(&Note::Unkept(format!("its document cannot be read: {error}")));
            None
        });
        let product = product.map(|bytes| self.spool.secrets().redact_bytes(bytes));
        let kept = patiently(|| {
            self.spool.sync()?;
            product.as_ref().map_or(Ok(()), |bytes| write_here(folder::PRODUCT, bytes))
        });
        if let Err(error) = kept {
            self.spool.note(&Note::Unkept(format!("its document cannot be kept: {error}")));
        }
        let (code, signal) = self.agent.status();
        patiently(|| {
            self.spool.sync()?;
            let record = ExitRecord {
                code,
                signal,
                ended: Ended::Exited,
                swept: swept.ended,
                left: swept.left,
                spool_len: self.spool.written(),
            };
            write_here(folder::EXIT, &serde_json::to_vec(&record)?)
        })?;
        std::fs::remove_file(folder::SOCKET)
    }

    fn drain(&mut self) {
        let until = Instant::now() + DRAIN;
        loop {
            self.agent.out.read(&mut self.buffer, &mut self.spool);
            self.agent.err.read(&mut self.buffer, &mut self.spool);
            self.spool.flush().ok();
            let left = until.saturating_duration_since(Instant::now());
            let pipes = [self.agent.out.wants(), self.agent.err.wants()];
            let mut fds: Vec<_> =
                pipes.into_iter().flatten().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
            if fds.is_empty() || left.is_zero() {
                break;
            }
            let left = Timespec { tv_sec: 0, tv_nsec: left.subsec_nanos().into() };
            rustix::event::poll(&mut fds, Some(&left)).ok();
        }
        self.agent.out.end(&mut self.spool);
        self.agent.err.end(&mut self.spool);
    }
}

/// Tries until it is done, for ten minutes: the disk may be full, and what was printed is not given up.
fn patiently(mut work: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    for _ in 0..600 {
        match work() {
            Ok(()) => return Ok(()),
            // The run's folder was removed: there is nothing to wait for.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
        rustix::event::poll(&mut [], Some(&Timespec { tv_sec: 1, tv_nsec: 0 })).ok();
    }
    work()
}

fn write_here(name: &str, bytes: &[u8]) -> io::Result<()> {
    folder::write_whole(Path::new("."), name, bytes)
}

/// Reads the agent's document, to be copied into the run's folder, where nothing changes it any more.
///
/// The agent may have put anything in its place; a link could point at what only the host may read.
fn document(output: &Path) -> io::Result<Option<Vec<u8>>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened =
        rustix::fs::openat2(rustix::fs::CWD, output, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS);
    let Ok(file) = opened.map(File::from) else { return Ok(None) };
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.take(PRODUCT).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
