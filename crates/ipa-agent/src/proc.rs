//! Processes as `/proc` shows them: who is whose child, and whether a pid is still the process it was.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use ipa_events::RunId;
use ipa_events::task::ProcessIdentity;
use rustix::process::{Pid, PidfdFlags, Signal};

/// One process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) start_time: u64,
    pub(crate) state: u8,
}

impl Process {
    /// Reads `/proc/PID/stat`; none if there is no such process.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        parse_stat(pid, &std::fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Tells whether it is only waiting to be reaped.
    pub(crate) const fn is_dead(self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }

    /// Sends a signal, if the pid still belongs to this very process.
    ///
    /// # Errors
    ///
    /// What the system said; not for a process that is gone.
    pub(crate) fn signal(self, signal: Signal) -> io::Result<()> {
        let Some(fd) = self.open()? else { return Ok(()) };
        match rustix::process::pidfd_send_signal(fd, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a handle on it; none if it is gone. First the handle, then the comparison: what the handle means
    /// cannot change any more.
    fn open(self) -> io::Result<Option<OwnedFd>> {
        let Some(pid) = Pid::from_raw(self.pid) else { return Ok(None) };
        let fd = match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
            Ok(fd) => fd,
            Err(rustix::io::Errno::SRCH) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(Self::of(self.pid).filter(|now| now.start_time == self.start_time).map(|_| fd))
    }
}

/// Parses the fields after the *last* closing parenthesis: a program's name may contain any character.
fn parse_stat(pid: i32, stat: &[u8]) -> Option<Process> {
    let end = memchr::memrchr(b')', stat)?;
    let rest = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let parent = fields.next()?.parse().ok()?;
    // The state is field 3, the parent field 4, the start time field 22.
    let start_time = fields.nth(17)?.parse().ok()?;
    Some(Process { pid, parent, start_time, state })
}

/// Returns the identity of this process.
pub(crate) fn own_identity() -> io::Result<ProcessIdentity> {
    let pid = std::process::id();
    let me = i32::try_from(pid).ok().and_then(Process::of).ok_or(io::ErrorKind::NotFound)?;
    Ok(ProcessIdentity { pid, start_time: me.start_time, boot_id: boot_id()? })
}

/// Tells whether a process is the one it was, and lives.
pub(crate) fn is_alive(identity: &ProcessIdentity) -> io::Result<bool> {
    if boot_id()? != identity.boot_id {
        return Ok(false);
    }
    let now = i32::try_from(identity.pid).ok().and_then(Process::of);
    Ok(now.is_some_and(|now| now.start_time == identity.start_time && !now.is_dead()))
}

/// Returns the id of the machine's boot.
pub(crate) fn boot_id() -> io::Result<Arc<str>> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().into())
}

/// Returns all processes that can be seen.
pub(crate) fn all() -> io::Result<Vec<Process>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        found.extend(Process::of(pid));
    }
    Ok(found)
}

/// Returns those of `all` that descend from one of `roots`, without these.
pub(crate) fn descendants(all: &[Process], roots: &[i32]) -> Vec<Process> {
    let mut family: std::collections::BTreeSet<i32> = roots.iter().copied().collect();
    let mut found = Vec::new();
    loop {
        let before = found.len();
        for process in all {
            if family.contains(&process.parent) && family.insert(process.pid) {
                found.push(*process);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// Tells whether a process of ours was started with `IPA_RUN_ID` set to this run.
pub(crate) fn belongs_to(process: Process, run: RunId) -> bool {
    let path = format!("/proc/{}/environ", process.pid);
    let owner = std::fs::metadata(&path).map(|meta| meta.uid());
    if !owner.is_ok_and(|uid| uid == rustix::process::geteuid().as_raw()) {
        return false;
    }
    let wanted = format!("IPA_RUN_ID={run}");
    std::fs::read(path).is_ok_and(|env| env.split(|b| *b == 0).any(|entry| entry == wanted.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_parentheses_and_blanks_does_not_shift_the_fields() {
        let stat = b"7 (a) b) (c) S 3 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 99 1 2";
        let process = parse_stat(7, stat).unwrap();
        assert_eq!((process.parent, process.start_time, process.state), (3, 4711, b'S'));
        for broken in [&b""[..], b"7 (a", b"7 (a) S", b"7 (a) S x", b"\xff)"] {
            assert_eq!(parse_stat(7, broken), None);
        }
    }

    #[test]
    fn descendants_are_found_whatever_the_order_of_the_list() {
        let process = |pid, parent| Process { pid, parent, start_time: 0, state: b'S' };
        let all = [process(5, 4), process(4, 2), process(9, 1), process(2, 1), process(3, 2)];
        let mut pids: Vec<_> = descendants(&all, &[2]).iter().map(|it| it.pid).collect();
        pids.sort_unstable();
        assert_eq!(pids, [3, 4, 5]);
    }
}
