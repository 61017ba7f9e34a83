//! What the tests share: a place for a run, its spec, and how to follow it with a deadline.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ipa_agent::{
    AgentEvent, AgentRuntime, AgentSession, Body, CommandRuntime, Finished, Grace, Hosting, Policy, RunDir,
    RunLimits, RunSpec, Session,
};
use ipa_events::{Helper, Outcome, Principal, Role, RunId, TaskId};
use tempfile::TempDir;
use uuid::Uuid;

/// How long a test waits for what must happen.
pub const DEADLINE: Duration = Duration::from_mins(1);

pub fn helper() -> Helper {
    Helper { program: PathBuf::from(env!("CARGO_BIN_EXE_ipa-agent-helper")), args: Vec::new() }
}

/// Short steps, so that a test of the whole ladder is short.
pub fn grace() -> Grace {
    let short = Duration::from_millis(300);
    Grace { protocol: short, eof: short, interrupt: short, terminate: short }
}

pub fn hosting() -> Hosting {
    Hosting::new(helper()).with_grace(grace())
}

pub fn command() -> CommandRuntime {
    CommandRuntime::new(hosting())
}

pub fn ann() -> Principal {
    Principal::User("ann".to_owned())
}

/// A place for one run; what is still alive when it is dropped is ended.
pub struct Place {
    pub dir: TempDir,
    pub run: RunId,
}

impl Place {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Unique on the machine: leftovers of another test must not be found under it.
        let seed = format!("{}-{number}-{:?}", std::process::id(), std::time::SystemTime::now());
        let task = TaskId::new(Uuid::new_v5(&Uuid::NAMESPACE_OID, seed.as_bytes()));
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join("work")).unwrap();
        Self { dir, run: RunId::new(task, number) }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    pub fn run_dir(&self) -> RunDir {
        RunDir::new(self.dir.path().join("run"))
    }

    pub fn spec(&self, runtime: &str) -> RunSpec {
        RunSpec {
            run: self.run,
            role: Role::Develop,
            runtime: runtime.parse().unwrap(),
            dir: self.run_dir(),
            cwd: self.work(),
            lease: self.dir.path().join("lease"),
            output: self.dir.path().join("output.md"),
            prompt: "do it".into(),
            session: Session::Fresh,
            model: None,
            policy: Policy::default(),
            limits: RunLimits::default(),
            env: BTreeMap::from([("PATH".into(), std::env::var_os("PATH").unwrap())]),
            prefix: Vec::new(),
        }
    }

    /// The next run in the same workspace: its id and folder.
    pub fn again(&self) -> (RunId, RunDir) {
        let run = RunId::new(self.run.task, self.run.number + 1);
        (run, RunDir::new(self.dir.path().join("run-again")))
    }

    /// Pids of processes that were started with this run's id.
    pub fn alive(&self) -> Vec<i32> {
        let wanted = format!("IPA_RUN_ID={}", self.run);
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|it| it.parse().ok()) else { continue };
            let Ok(env) = std::fs::read(format!("/proc/{pid}/environ")) else { continue };
            if env.split(|b| *b == 0).any(|it| it == wanted.as_bytes()) {
                found.push(pid);
            }
        }
        found
    }

    /// The host's pid, as its file says.
    pub fn host(&self) -> i32 {
        let json = std::fs::read(self.run_dir().path().join("host.json")).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
        i32::try_from(value["pid"].as_i64().unwrap()).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for pid in self.alive() {
            kill(pid, rustix::process::Signal::KILL);
        }
    }
}

pub fn kill(pid: i32, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal).ok();
}

/// Waits until a condition holds.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < end, "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Reads all events of a run to its end, and checks what holds for every run.
pub async fn to_end(session: &mut AgentSession) -> Vec<AgentEvent> {
    let mut events = Vec::new();
    while let Some(event) = next(session).await {
        events.push(event);
    }
    check(&events);
    events
}

pub async fn next(session: &mut AgentSession) -> Option<AgentEvent> {
    tokio::time::timeout(DEADLINE, session.events.recv()).await.expect("no event for too long")
}

/// Reads until an event that fits.
pub async fn wait_for(session: &mut AgentSession, fits: impl Fn(&Body) -> bool) -> Vec<AgentEvent> {
    let mut events = Vec::new();
    loop {
        let event = next(session).await.unwrap_or_else(|| panic!("it ended before: {events:#?}"));
        let fit = fits(&event.body);
        events.push(event);
        if fit {
            return events;
        }
    }
}

/// What holds for every run: numbers without gaps, one `Finished`, last; nothing left open.
pub fn check(events: &[AgentEvent]) {
    let mut open = std::collections::BTreeSet::new();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.seq, index as u64 + 1, "{events:#?}");
        let last = index + 1 == events.len();
        assert_eq!(matches!(event.body, Body::Finished(_)), last, "{events:#?}");
        match &event.body {
            Body::Asked(
                ipa_agent::Asked::Permission { key, .. } | ipa_agent::Asked::Question { key, .. },
            ) => assert!(open.insert(key.clone())),
            Body::Resolved { key } | Body::Withdrawn { key, .. } => assert!(open.remove(key)),
            Body::Finished(_) => assert!(open.is_empty(), "{open:?}"),
            _ => {}
        }
    }
}

pub fn finished(events: &[AgentEvent]) -> &Finished {
    match &events.last().unwrap().body {
        Body::Finished(finished) => finished,
        other => panic!("{other:?}"),
    }
}

pub fn class(finished: &Finished) -> String {
    match &finished.outcome {
        Outcome::Failed { class, .. } => class.as_str().to_owned(),
        other => other.as_str().to_owned(),
    }
}

/// All text that was said.
pub fn text(events: &[AgentEvent]) -> Vec<String> {
    events
        .iter()
        .filter_map(|event| match &event.body {
            Body::Text { text } => Some(text.to_string()),
            _ => None,
        })
        .collect()
}

/// Reads a run anew from its folder.
pub async fn reread(runtime: &dyn AgentRuntime, place: &Place, max: usize) -> Vec<AgentEvent> {
    let mut tail = runtime.tail(place.run_dir());
    let mut all = Vec::new();
    loop {
        let events = tail.read(max).await.unwrap();
        if events.is_empty() {
            return all;
        }
        all.extend(events);
    }
}
