//! How many lines a second go through host, spool and fold to who follows a run; beside it, the same lines
//! merely copied from the program into a file. Prints, and gates nothing but that no line is lost.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::wildcard_enum_match_arm,
    reason = "a bench"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ipa_agent::{
    AgentRuntime, Body, CommandRuntime, Policy, RunDir, RunLimits, RunSpec, ScriptedRuntime, Session,
};
use ipa_events::{Helper, Role, RunId, TaskId};
use uuid::Uuid;

fn main() {
    let args: Vec<_> = std::env::args().collect();
    if args.iter().any(|arg| arg == "--list") {
        return;
    }
    let lines: u64 = if args.iter().any(|arg| arg == "--bench") { 500_000 } else { 20_000 };
    let shell = format!(
        "yes 'a line of output as an agent might print it, with some eighty bytes in it' | head -n {lines}"
    );
    let copied = copy(&shell);
    report("copied into a file", lines, copied, lines);
    let base = tempfile::TempDir::new().unwrap();
    let helper = Helper { program: PathBuf::from(env!("CARGO_BIN_EXE_ipa-agent-helper")), args: Vec::new() };
    let (time, seen) =
        follow(&CommandRuntime::new(helper.clone()), base.path(), 1, &format!("command:{shell}"));
    report("host, spool, text", lines, time, seen);
    let script = base.path().join("script.json");
    std::fs::write(&script, format!(r#"{{"roles":{{"develop":[{{"flood":{lines}}}]}}}}"#)).unwrap();
    let name = format!("scripted:{}", script.display());
    let (time, seen) = follow(&ScriptedRuntime::new(helper.clone()), base.path(), 2, &name);
    report("host, spool, stream-json", lines, time, seen);
    let (time, seen) = refold(&ScriptedRuntime::new(helper), base.path(), 2);
    report("read again, stream-json", lines, time, seen);
}

fn report(what: &str, lines: u64, time: Duration, seen: u64) {
    let rate = lines as f64 / time.as_secs_f64();
    println!(
        "{what:<28} {lines:>8} lines {:>8.0} ms {rate:>10.0} lines/s, lost {}",
        time.as_secs_f64() * 1e3,
        lines - seen
    );
    assert_eq!(lines, seen, "{what}");
}

fn copy(shell: &str) -> Duration {
    let mut file = tempfile::tempfile().unwrap();
    let began = Instant::now();
    let mut child = Command::new("/bin/sh").args(["-c", shell]).stdout(Stdio::piped()).spawn().unwrap();
    std::io::copy(&mut child.stdout.take().unwrap(), &mut file).unwrap();
    file.sync_data().unwrap();
    child.wait().unwrap();
    began.elapsed()
}

fn dir(base: &Path, number: u32) -> RunDir {
    RunDir::new(base.join(number.to_string()))
}

fn follow(runtime: &dyn AgentRuntime, base: &Path, number: u32, name: &str) -> (Duration, u64) {
    let spec = RunSpec {
        run: RunId::new(
            TaskId::new(Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{}", std::process::id()).as_bytes())),
            number,
        ),
        role: Role::Develop,
        runtime: name.parse().unwrap(),
        dir: dir(base, number),
        cwd: base.to_owned(),
        lease: base.join("lease"),
        output: base.join("output.md"),
        prompt: "go".into(),
        session: Session::Fresh,
        model: None,
        policy: Policy::default(),
        limits: RunLimits { output_bytes: u64::MAX, ..RunLimits::default() },
        env: BTreeMap::from([("PATH".into(), std::env::var_os("PATH").unwrap())]),
        prefix: Vec::new(),
    };
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    tokio.block_on(async {
        let began = Instant::now();
        let mut session = runtime.start(spec).await.unwrap();
        let (mut seen, mut took) = (0, Duration::ZERO);
        while let Some(event) = session.events.recv().await {
            match event.body {
                Body::Text { .. } => seen += 1,
                Body::TurnFinished => {
                    took = began.elapsed();
                    session.control.finish().await.unwrap();
                }
                Body::Finished(_) if took.is_zero() => took = began.elapsed(),
                _ => {}
            }
        }
        (took, seen)
    })
}

fn refold(runtime: &dyn AgentRuntime, base: &Path, number: u32) -> (Duration, u64) {
    let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
    tokio.block_on(async {
        let began = Instant::now();
        let (mut tail, mut seen) = (runtime.tail(dir(base, number)), 0);
        loop {
            let events = tail.read(1024).await.unwrap();
            if events.is_empty() {
                return (began.elapsed(), seen);
            }
            seen += events.iter().filter(|event| matches!(event.body, Body::Text { .. })).count() as u64;
        }
    })
}
