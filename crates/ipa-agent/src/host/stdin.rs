//! What the agent is told: whole frames, each once per key, in order, without ever waiting for the agent.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::process::ChildStdin;

use rustix::event::{PollFd, PollFlags, Timespec};

use super::order::Frame;
use super::spool::Spool;

/// How many frames may wait for the agent to take them.
const WAITING: usize = 64;

/// The agent's standard input, as seen from here.
pub(super) struct Stdin {
    pipe: Option<ChildStdin>,
    queue: VecDeque<Queued>,
    /// Keys of what is in the spool.
    keys: BTreeSet<String>,
    settled: Vec<Settled>,
    ends: bool,
}

struct Queued {
    frame: Frame,
    done: usize,
    /// Who wants to know when it was taken.
    waiters: Vec<Waiter>,
}

/// Who wants to know: a connection, and the number of its request.
pub(super) type Waiter = (u64, u64);

/// A waiter, and what it waited for: that the agent took a frame, or why it never will.
pub(super) type Settled = (Waiter, Result<(), &'static str>);

/// Why a frame is not taken.
const ENDED: &str = "its standard input has ended";

/// What became of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It was written before.
    Already,
    /// It will be written; the waiter is told then.
    Queued,
    /// It will not be.
    Refused(&'static str),
}

impl Stdin {
    /// Wraps a pipe that does not block.
    pub(super) const fn new(pipe: ChildStdin) -> Self {
        Self {
            pipe: Some(pipe),
            queue: VecDeque::new(),
            keys: BTreeSet::new(),
            settled: Vec::new(),
            ends: false,
        }
    }

    /// Takes a frame. It counts as told, and is in the spool, when the agent is about to take its first byte.
    pub(super) fn tell(&mut self, frame: Frame, waiter: Option<Waiter>) -> Taken {
        if let Some(queued) = self.queue.iter_mut().find(|queued| queued.frame.key == frame.key) {
            queued.waiters.extend(waiter);
            return Taken::Queued;
        }
        if self.keys.contains(&frame.key) {
            return Taken::Already;
        }
        if self.pipe.is_none() || self.ends {
            return Taken::Refused(ENDED);
        }
        if self.queue.len() >= WAITING {
            return Taken::Refused("it does not read what it is told");
        }
        self.queue.push_back(Queued { frame, done: 0, waiters: waiter.into_iter().collect() });
        Taken::Queued
    }

    /// Ends it when all that waits was taken.
    pub(super) fn end(&mut self) {
        self.ends = true;
        self.close_if_done();
    }

    /// Ends it now. What waits is not told any more.
    pub(super) fn close(&mut self) {
        self.pipe = None;
        let waiters = self.queue.drain(..).flat_map(|queued| queued.waiters);
        self.settled.extend(waiters.map(|waiter| (waiter, Err(ENDED))));
    }

    /// Tells whether something can still be said.
    pub(super) const fn is_open(&self) -> bool {
        self.pipe.is_some() && !self.ends
    }

    /// Tells whether it has ended for the agent.
    pub(super) const fn is_closed(&self) -> bool {
        self.pipe.is_none()
    }

    /// Returns what to wait for, when something waits to be written.
    pub(super) fn wants(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().filter(|_| !self.queue.is_empty()).map(ChildStdin::as_fd)
    }

    /// Returns who need not wait any more, and what for.
    pub(super) fn settled(&mut self) -> Vec<Settled> {
        std::mem::take(&mut self.settled)
    }

    /// Writes what the agent takes. What it is told is in the spool's file before it is told.
    pub(super) fn write(&mut self, spool: &mut Spool) {
        while let (Some(pipe), Some(first)) = (self.pipe.as_mut(), self.queue.front_mut()) {
            if !self.keys.contains(&first.frame.key) {
                if !takes(pipe) {
                    break;
                }
                spool.told(&first.frame.key, &first.frame.data);
                self.keys.insert(first.frame.key.clone());
            }
            if spool.flush().is_err() {
                break;
            }
            let rest = first.frame.data.as_bytes().get(first.done..).unwrap_or_default();
            match pipe.write(rest) {
                Ok(n) => first.done += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // It closed its standard input; it will hear nothing more.
                Err(_) => {
                    self.close();
                    break;
                }
            }
            if first.done >= first.frame.data.len() {
                let waiters = self.queue.pop_front().into_iter().flat_map(|it| it.waiters);
                self.settled.extend(waiters.map(|waiter| (waiter, Ok(()))));
            }
        }
        self.close_if_done();
    }

    fn close_if_done(&mut self) {
        if self.ends && self.queue.is_empty() {
            self.pipe = None;
        }
    }
}

/// Tells whether a write would not have to wait; one into a pipe that nobody reads does not, and fails.
fn takes(pipe: &ChildStdin) -> bool {
    let mut fds = [PollFd::new(pipe, PollFlags::OUT)];
    rustix::event::poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
}
