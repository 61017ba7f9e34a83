//! What the agent is told: whole frames, each once per key, in order, without ever waiting for the agent.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::process::ChildStdin;

use super::order::Frame;
use super::spool::Spool;

/// How many frames may wait for the agent to take them.
const WAITING: usize = 64;

/// The agent's standard input, as seen from here.
pub(super) struct Stdin {
    pipe: Option<ChildStdin>,
    queue: VecDeque<Queued>,
    keys: BTreeSet<String>,
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
        Self { pipe: Some(pipe), queue: VecDeque::new(), keys: BTreeSet::new(), ends: false }
    }

    /// Takes a frame: it is in the spool from here on.
    pub(super) fn tell(&mut self, frame: Frame, waiter: Option<Waiter>, spool: &mut Spool) -> Taken {
        if self.keys.contains(&frame.key) {
            let waits = self.queue.iter_mut().find(|queued| queued.frame.key == frame.key);
            return waits.map_or(Taken::Already, |queued| {
                queued.waiters.extend(waiter);
                Taken::Queued
            });
        }
        if self.pipe.is_none() || self.ends {
            return Taken::Refused("its standard input has ended");
        }
        if self.queue.len() >= WAITING {
            return Taken::Refused("it does not read what it is told");
        }
        spool.told(&frame.key, &frame.data);
        self.keys.insert(frame.key.clone());
        self.queue.push_back(Queued { frame, done: 0, waiters: waiter.into_iter().collect() });
        Taken::Queued
    }

    /// Ends it when all that waits was taken.
    pub(super) fn end(&mut self) {
        self.ends = true;
        self.close_if_done();
    }

    /// Ends it now.
    pub(super) fn close(&mut self) {
        self.pipe = None;
        self.queue.clear();
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

    /// Writes what the agent takes, and returns who waited for it.
    pub(super) fn write(&mut self) -> Vec<Waiter> {
        let mut told = Vec::new();
        while let (Some(pipe), Some(first)) = (self.pipe.as_mut(), self.queue.front_mut()) {
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
                told.extend(self.queue.pop_front().into_iter().flat_map(|it| it.waiters));
            }
        }
        self.close_if_done();
        told
    }

    fn close_if_done(&mut self) {
        if self.ends && self.queue.is_empty() {
            self.pipe = None;
        }
    }
}
