//! Ends every process that a run made: from inside, by its host, or from outside, when the host is gone.
//!
//! Never by name. The host knows its descendants, because orphans come back to it (it is their subreaper);
//! without the host there is only what every process of a run was started with: `IPA_RUN_ID`.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use ipa_events::RunId;
use rustix::process::{Signal, WaitOptions};

use crate::proc::{self, Process};

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Swept {
    /// Processes that were ended.
    pub(crate) ended: u32,
    /// Processes that may not be signalled.
    pub(crate) left: u32,
}

/// Ends all descendants of this process, and reaps them. Returns when none is left.
///
/// # Errors
///
/// When `/proc` cannot be read.
pub(crate) fn descendants() -> io::Result<Swept> {
    let me = rustix::process::getpid().as_raw_nonzero().get();
    sweep(|| {
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
    sweep(|| {
        let all = proc::all()?;
        let mut found: Vec<_> = all.iter().copied().filter(|it| proc::belongs_to(*it, run)).collect();
        let roots: Vec<_> = found.iter().map(|it| it.pid).collect();
        found.extend(proc::descendants(&all, &roots));
        Ok(found)
    })
}

/// Stops all, so that none can make another, then kills all, until there is none that can be killed.
fn sweep(mut find: impl FnMut() -> io::Result<Vec<Process>>) -> io::Result<Swept> {
    let mut ended = BTreeSet::new();
    let mut left = BTreeSet::new();
    let mut pause = Duration::from_millis(1);
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
            return Ok(Swept { ended: count(&ended), left: count(&left) });
        }
        for process in found {
            if process.signal(Signal::KILL).is_err() {
                left.insert(key(process));
            } else {
                ended.insert(key(process));
            }
        }
        wait(pause);
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

fn count<T>(set: &BTreeSet<T>) -> u32 {
    u32::try_from(set.len()).unwrap_or(u32::MAX)
}
