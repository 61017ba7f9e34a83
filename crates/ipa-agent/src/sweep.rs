//! Ends every process that a run made: from inside, by its host, or from outside, when the host is gone.
//!
//! Never by name. The host knows its descendants, because orphans come back to it (it is their subreaper);
//! without the host there is only what every process of a run was started with: `IPA_RUN_ID`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use ipa_events::RunId;
use rustix::process::{Signal, WaitOptions};

use crate::proc::{self, Process};

/// How long a process may take to die once it was killed: one that waits for a broken disk does not.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Swept {
    /// Processes that were ended.
    pub(crate) ended: u32,
    /// Processes that may not be signalled, or that were killed and do not die.
    pub(crate) left: u32,
}

/// Ends all descendants of this process, and reaps them. Returns when none is left.
///
/// # Errors
///
/// When `/proc` cannot be read.
pub(crate) fn descendants() -> io::Result<Swept> {
    let me = rustix::process::getpid().as_raw_nonzero().get();
    sweep(PATIENCE, || {
        reap();
        Ok(proc::descendants(&proc::all()?, &[me]))
    })
}

/// Ends all processes that were started with `IPA_RUN_ID` of this run, and their descendants.
///
/// # Errors
///
/// When `/proc` cannot be read.
pub(crate) fn run(run: RunId) -> io::Result<Swept> {
    sweep(PATIENCE, || {
        let all = proc::all()?;
        let mut found: Vec<_> = all.iter().copied().filter(|it| proc::belongs_to(*it, run)).collect();
        let roots: Vec<_> = found.iter().map(|it| it.pid).collect();
        found.extend(proc::descendants(&all, &roots));
        Ok(found)
    })
}

/// Stops all, so that none can make another, then kills all, until there is none that can be killed.
fn sweep(patience: Duration, mut find: impl FnMut() -> io::Result<Vec<Process>>) -> io::Result<Swept> {
    // What was killed, and how long ago that was counted in pauses.
    let mut ended: BTreeMap<_, Duration> = BTreeMap::new();
    let mut left = BTreeSet::new();
    let mut pause = Duration::from_millis(1);
    let mut waited = Duration::ZERO;
    loop {
        let mut stopped = BTreeSet::new();
        loop {
            let new: Vec<_> = alive(&find()?, &left).filter(|it| stopped.insert(*it)).collect();
            if new.is_empty() {
                break;
            }
            for process in new {
                if process.signal(Signal::STOP).is_err() {
                    left.insert(key(process));
                }
            }
        }
        let found: Vec<_> = alive(&find()?, &left).collect();
        if found.is_empty() {
            return Ok(Swept { ended: count(ended.len()), left: count(left.len()) });
        }
        for process in found {
            if process.signal(Signal::KILL).is_err() {
                left.insert(key(process));
            } else {
                ended.entry(key(process)).or_insert(waited);
            }
        }
        wait(pause);
        waited += pause;
        let deaf: Vec<_> = alive(&find()?, &left)
            .map(key)
            .filter(|it| ended.get(it).is_some_and(|killed| waited.saturating_sub(*killed) >= patience))
            .collect();
        for key in deaf {
            ended.remove(&key);
            left.insert(key);
        }
        pause = (pause * 2).min(Duration::from_millis(200));
    }
}

/// Tells a process from others, whatever its state or parent became.
const fn key(process: Process) -> (i32, u64) {
    (process.pid, process.start_time)
}

fn alive(found: &[Process], left: &BTreeSet<(i32, u64)>) -> impl Iterator<Item = Process> {
    // The state and the parent change while one looks; they do not make another process.
    found.iter().filter(|it| !it.is_dead() && !left.contains(&key(**it))).map(|it| Process {
        parent: 0,
        state: 0,
        ..*it
    })
}

/// Reaps what has ended, without waiting.
pub(crate) fn reap() {
    while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
}

/// Lets the kernel carry the signals out; a sweep runs where blocking is allowed.
fn wait(pause: Duration) {
    let pause = rustix::event::Timespec { tv_sec: 0, tv_nsec: pause.subsec_nanos().into() };
    rustix::event::poll(&mut [], Some(&pause)).ok();
}

fn count(processes: usize) -> u32 {
    u32::try_from(processes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_does_not_die_is_left_after_a_while() {
        // No process has this pid; that is as good as one that takes no notice.
        let deaf = Process { pid: i32::MAX, parent: 1, start_time: 1, state: b'D' };
        let swept = sweep(Duration::from_millis(5), || Ok(vec![deaf])).unwrap();
        assert_eq!(swept, Swept { ended: 0, left: 1 });
    }
}
