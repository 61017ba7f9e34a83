//! The program that becomes the helper processes in this crate's tests and benches; as `server`, it plays the
//! program that starts a run and is then killed.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;

use ipa_agent::{AgentRuntime, CommandRuntime, Policy, RunDir, RunLimits, RunSpec, ScriptedRuntime, Session};
use ipa_events::{Helper, Role, Runtime};
use serde_json::json;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let first = args.next().unwrap_or_default();
    if first == Helper::MARKER {
        let name = args.next().unwrap_or_default();
        let code = name.to_str().and_then(|name| ipa_agent::helper::dispatch(name, args.collect()));
        return code.unwrap_or(ExitCode::from(2));
    }
    if first == "silent" {
        return silent(&args.collect::<Vec<_>>());
    }
    if first == "server" {
        server(&args.map(|it| it.into_string().unwrap()).collect::<Vec<_>>());
    }
    ExitCode::from(2)
}

/// Starts a run in the folder, prints `started`, and waits to be killed.
fn server(args: &[String]) {
    let [base, run, runtime] = args else { return };
    let base = PathBuf::from(base);
    let runtime: Runtime = runtime.parse().unwrap();
    let spec = RunSpec {
        run: run.parse().unwrap(),
        role: Role::Develop,
        runtime: runtime.clone(),
        dir: RunDir::new(base.join("run")),
        cwd: base.join("work"),
        lease: base.join("lease"),
        output: base.join("output.md"),
        prompt: "do it".into(),
        session: Session::Fresh,
        model: None,
        policy: Policy::default(),
        limits: RunLimits::default(),
        env: BTreeMap::from([("PATH".into(), std::env::var_os("PATH").unwrap())]),
        prefix: Vec::new(),
    };
    let helper = Helper { program: std::env::current_exe().unwrap(), args: Vec::new() };
    let agent: Box<dyn AgentRuntime> = match runtime.kind() {
        "command" => Box::new(CommandRuntime::new(helper)),
        _ => Box::new(ScriptedRuntime::new(helper)),
    };
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let mut session = agent.start(spec).await.unwrap();
        println!("started");
        while session.events.recv().await.is_some() {}
    });
}

/// Becomes the helper processes; but the host says nothing at its start, is slow, and has run nothing.
fn silent(args: &[OsString]) -> ExitCode {
    let [_marker, name, rest @ ..] = args else { return ExitCode::from(2) };
    if name != "agent-host" {
        let code = ipa_agent::helper::dispatch(name.to_str().unwrap(), rest.to_vec());
        return code.unwrap_or(ExitCode::from(2));
    }
    let order: serde_json::Value = serde_json::from_reader(std::io::stdin()).unwrap();
    let dir = PathBuf::from(order["dir"].as_str().unwrap());
    let claim = File::open(dir.join("claim")).unwrap();
    rustix::fs::flock(&claim, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let null = File::options().write(true).open("/dev/null").unwrap();
    rustix::stdio::dup2_stdout(&null).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(500));
    let host = json!({"pid": std::process::id(), "start_time": 1, "boot_id": "none"});
    std::fs::write(dir.join("host.json"), host.to_string()).unwrap();
    let exit = json!({"code": 0, "signal": null, "ended": "exited", "swept": 0, "left": 0, "spool_len": 0});
    std::fs::write(dir.join("exit.json"), exit.to_string()).unwrap();
    ExitCode::SUCCESS
}
