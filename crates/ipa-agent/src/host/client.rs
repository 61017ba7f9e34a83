//! One connection to a host: lines in, lines out, never waited for.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;

use rustix::event::PollFlags;

use crate::wire::{FromHost, Request};

/// The longest request; a prompt of 8 MB fits.
const REQUEST: usize = 64 * 1024 * 1024;

/// A connection.
pub(super) struct Client {
    pub(super) id: u64,
    stream: UnixStream,
    read: Vec<u8>,
    write: Vec<u8>,
    told: u64,
    gone: bool,
}

impl Client {
    /// Takes a connection up, if it comes from the same user.
    pub(super) fn accept(id: u64, stream: UnixStream) -> Option<Self> {
        let peer = rustix::net::sockopt::socket_peercred(&stream).ok()?;
        stream.set_nonblocking(true).ok()?;
        (peer.uid == rustix::process::geteuid()).then_some(Self {
            id,
            stream,
            read: Vec::new(),
            write: Vec::new(),
            told: 0,
            gone: false,
        })
    }

    pub(super) const fn is_gone(&self) -> bool {
        self.gone
    }

    pub(super) fn wants(&self) -> (BorrowedFd<'_>, PollFlags) {
        let flags = if self.write.is_empty() { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT };
        (self.stream.as_fd(), flags)
    }

    /// Reads what is there, and returns the requests that are complete.
    pub(super) fn requests(&mut self, buffer: &mut [u8]) -> Vec<Request> {
        for _ in 0..16 {
            match self.stream.read(buffer) {
                Ok(0) => {
                    self.gone = true;
                    break;
                }
                Ok(n) => self.read.extend_from_slice(buffer.get(..n).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.gone = true;
                    break;
                }
            }
        }
        let Some(end) = memchr::memrchr(b'\n', &self.read) else {
            self.gone |= self.read.len() > REQUEST;
            return Vec::new();
        };
        let rest = self.read.split_off(end + 1);
        let lines = std::mem::replace(&mut self.read, rest);
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let requests: Result<Vec<_>, _> = lines.map(serde_json::from_slice).collect();
        // A line that is no request comes from a program that is none of ours.
        self.gone |= requests.is_err();
        requests.unwrap_or_default()
    }

    /// Says something.
    pub(super) fn say(&mut self, what: &FromHost) {
        serde_json::to_writer(&mut self.write, what).ok();
        self.write.push(b'\n');
        self.send();
    }

    /// Says how long the spool is, if it was not told yet, and is not still being told something.
    pub(super) fn hint(&mut self, pos: u64) {
        if self.told < pos && self.write.is_empty() {
            self.told = pos;
            self.say(&FromHost::Head { pos });
        }
    }

    /// Sends what waits.
    pub(super) fn send(&mut self) {
        while !self.write.is_empty() {
            match self.stream.write(&self.write) {
                Ok(n) => drop(self.write.drain(..n)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.gone = true;
                    return;
                }
            }
        }
    }
}
