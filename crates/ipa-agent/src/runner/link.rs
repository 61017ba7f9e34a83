//! The connection to a run's host: verbs to it, answers and hints from it.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::Path;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::blocking;
use crate::folder::{self, Claim};
use crate::wire::{FromHost, Request, Verb};

/// A connection.
pub(super) struct Link {
    stream: UnixStream,
    read: Vec<u8>,
    heard: VecDeque<FromHost>,
    last: u64,
}

impl Link {
    /// Connects to the host of the run in this folder, and shows it the run's token. The host's answer to that
    /// comes first, and tells its clock.
    pub(super) async fn connect(dir: &Path) -> io::Result<Self> {
        let claimed = dir.to_owned();
        let claim = blocking(move || folder::read::<Claim>(&claimed, folder::CLAIM)).await?;
        let token = claim.ok_or(io::ErrorKind::NotFound)?.token;
        // A socket's path may have 108 bytes, a folder's many more: the folder is reached by a handle.
        let handle = File::open(dir)?;
        let path = format!("/proc/self/fd/{}/{}", handle.as_raw_fd(), folder::SOCKET);
        let stream = UnixStream::connect(path).await?;
        drop(handle);
        let mut link = Self { stream, read: Vec::new(), heard: VecDeque::new(), last: 0 };
        link.send(Verb::Hello { token }).await?;
        Ok(link)
    }

    /// Sends a verb; returns the number that its answer will carry.
    pub(super) async fn send(&mut self, verb: Verb) -> io::Result<u64> {
        self.last += 1;
        let mut line = serde_json::to_vec(&Request { id: self.last, verb })?;
        line.push(b'\n');
        self.stream.write_all(&line).await?;
        Ok(self.last)
    }

    /// Returns what the host says next; none once it is gone. May be given up and called again.
    pub(super) async fn next(&mut self) -> Option<FromHost> {
        loop {
            if let Some(heard) = self.heard.pop_front() {
                return Some(heard);
            }
            match self.stream.read_buf(&mut self.read).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => self.split(),
            }
        }
    }

    fn split(&mut self) {
        let Some(end) = memchr::memrchr(b'\n', &self.read) else { return };
        let rest = self.read.split_off(end + 1);
        let lines = std::mem::replace(&mut self.read, rest);
        let lines = lines.split(|byte| *byte == b'\n');
        self.heard.extend(lines.filter_map(|line| serde_json::from_slice(line).ok()));
    }
}
