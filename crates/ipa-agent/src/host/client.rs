//! One connection to a host: lines in, lines out, never waited for.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;

use rustix::event::PollFlags;

use crate::folder::Token;
use crate::wire::{FromHost, Request, Verb};

/// The longest request; a prompt of 8 MB fits.
const REQUEST: usize = 64 * 1024 * 1024;
/// The longest request of somebody who did not show the run's token yet.
const GREETING: usize = 4 * 1024;

/// A connection.
pub(super) struct Client {
    pub(super) id: u64,
    stream: UnixStream,
    heard: Vec<u8>,
    write: Vec<u8>,
    told: u64,
    known: Known,
    gone: bool,
}

/// Whether somebody showed the run's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Yes,
    No,
}

impl Client {
    /// Takes a connection up, if it comes from the same user.
    pub(super) fn accept(id: u64, stream: UnixStream) -> Option<Self> {
        let peer = rustix::net::sockopt::socket_peercred(&stream).ok()?;
        stream.set_nonblocking(true).ok()?;
        (peer.uid == rustix::process::geteuid()).then_some(Self {
            id,
            stream,
            heard: Vec::new(),
            write: Vec::new(),
            told: 0,
            known: Known::No,
            gone: false,
        })
    }

    pub(super) const fn is_gone(&self) -> bool {
        self.gone
    }

    /// Tells whether it may steer the run.
    pub(super) fn is_known(&self) -> bool {
        self.known == Known::Yes
    }

    /// Ends it.
    pub(super) const fn leave(&mut self) {
        self.gone = true;
    }

    pub(super) fn wants(&self) -> (BorrowedFd<'_>, PollFlags) {
        let flags = if self.write.is_empty() { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT };
        (self.stream.as_fd(), flags)
    }

    /// Reads what is there, and returns the requests that are complete, if they come from somebody who knows the
    /// run's token.
    pub(super) fn requests(&mut self, buffer: &mut [u8], token: &Token) -> Vec<Request> {
        let requests = self.read(buffer);
        for request in &requests {
            match &request.verb {
                Verb::Hello { token: shown } if token.admits(shown) => self.known = Known::Yes,
                Verb::Hello { .. } => self.known = Known::No,
                Verb::Write { .. } | Verb::Eof | Verb::Stop { .. } | Verb::Clock { .. } | Verb::Sync => {}
            }
            if self.known == Known::No {
                self.gone = true;
                return Vec::new();
            }
        }
        requests
    }

    fn read(&mut self, buffer: &mut [u8]) -> Vec<Request> {
        let longest = if self.is_known() { REQUEST } else { GREETING };
        for _ in 0..16 {
            match self.stream.read(buffer) {
                Ok(0) => {
                    self.gone = true;
                    break;
                }
                Ok(n) => self.heard.extend_from_slice(buffer.get(..n).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.gone = true;
                    break;
                }
            }
        }
        let Some(end) = memchr::memrchr(b'\n', &self.heard) else {
            self.gone |= self.heard.len() > longest;
            return Vec::new();
        };
        let rest = self.heard.split_off(end + 1);
        let lines = std::mem::replace(&mut self.heard, rest);
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

    /// Says how long the spool is, if it may know it, was not told yet, and is not still being told something.
    pub(super) fn hint(&mut self, pos: u64) {
        if self.is_known() && self.told < pos && self.write.is_empty() {
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
