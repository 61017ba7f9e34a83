//! How many lines a second go through host, spool and fold to who follows a run, and how long it takes to come to a
//! run whose spool is large; beside it, the same bytes merely copied. Prints, and gates nothing but that no line is
//! lost.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a bench"
)]

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ipa_agent::{
    AgentRuntime, Attach, Body, ClaudeRuntime, CommandRuntime, Policy, Program, RunDir, RunLimits, RunSpec,
    ScriptedRuntime, Session,
};
use ipa_events::{Helper, Role, RunId, TaskId};
use serde_json::Value;
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
    let (time, seen) = refold(&ScriptedRuntime::new(helper.clone()), base.path(), 2);
    report("read again, stream-json", lines, time, seen);
    claude(&helper, base.path(), if args.iter().any(|arg| arg == "--bench") { 100 } else { 4 });
}

/// What was recorded of Claude Code, printed again and again until the spool has so many megabytes.
fn claude(helper: &Helper, base: &Path, megabytes: usize) {
    let recorded = include_str!("../tests/fixtures/claude-02-multiturn-permission-partial.jsonl");
    let (mut round, mut result) = (Vec::new(), String::new());
    for line in recorded.lines() {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let message = line["msg"].take();
        match message["type"].as_str() {
            Some("assistant" | "stream_event") => round.push(message.to_string()),
            Some("user") if message["message"]["content"].is_array() => round.push(message.to_string()),
            Some("result") => result = message.to_string(),
            _ => {}
        }
    }
    let texts =
        round.iter().filter(|line| line.contains(r#""text""#) && line.contains(r#""assistant""#)).count();
    let bytes: usize = round.iter().map(|line| line.len() + 1).sum();
    let rounds = megabytes * 1_000_000 / bytes;
    let path = base.join("printed.jsonl");
    std::fs::write(&path, format!("{}\n", round.join("\n")).repeat(rounds) + &result + "\n").unwrap();
    let lines = (round.len() * rounds) as u64;
    let argv = ["/bin/sh", "-c", "cat \"$0\"", path.to_str().unwrap()].map(Into::into).to_vec();
    let runtime = ClaudeRuntime::new(helper.clone(), Program { argv, env: BTreeMap::new() });

    let copied = copy(&format!("cat '{}'", path.display()));
    report("Claude's, copied into a file", lines, copied, lines);
    let of_lines = |seen: u64| if seen == (texts * rounds) as u64 { lines } else { seen };
    let (time, seen) = follow(&runtime, base, 3, "claude");
    report("Claude's, host and spool", lines, time, of_lines(seen));
    let spool = base.join("3/spool.jsonl");
    let began = Instant::now();
    let size = std::io::copy(&mut File::open(&spool).unwrap(), &mut tempfile::tempfile().unwrap()).unwrap();
    println!("spool of {} MB, copied", size / 1_000_000);
    report("… its bytes", lines, began.elapsed(), lines);
    let (time, seen) = attach(&runtime, base, 3);
    report("… attached to, to its end", lines, time, of_lines(seen));
}

/// Comes to a run that is over, and reads it whole.
fn attach(runtime: &dyn AgentRuntime, base: &Path, number: u32) -> (Duration, u64) {
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    tokio.block_on(async {
        let began = Instant::now();
        let mut seen = 0;
        let Attach::Ended(mut session) = runtime.attach(dir(base, number)).await.unwrap() else {
            return (began.elapsed(), seen);
        };
        while let Some(event) = session.events.recv().await {
            seen += u64::from(matches!(event.body, Body::Text { .. }));
        }
        (began.elapsed(), seen)
    })
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
                    // One that prints and leaves is gone by now.
                    session.control.finish().await.ok();
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
