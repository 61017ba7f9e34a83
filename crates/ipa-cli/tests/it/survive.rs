//! What survives the end of the server: the agent, its log, the task.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Guard, World, eventually, finish, is_alive, signal_to};

/// A script that says numbered lines for some seconds.
fn script(world: &World, lines: u32) -> String {
    let mut steps = Vec::new();
    for number in 1..=lines {
        steps.push(json!({ "say": format!("line {number}") }));
        steps.push(json!({ "wait": 100 }));
    }
    steps.push(json!({ "write_file": { "path": "README.md", "content": "bye\n" } }));
    steps.push(json!({ "result": "said it all" }));
    let path = world.path("script.json");
    fs::write(&path, json!({ "roles": { "develop": steps } }).to_string()).unwrap();
    format!("scripted:{}", path.display())
}

fn run_of(task: &Value) -> &Value {
    &task["runs"][0]
}

#[test]
fn a_killed_server_loses_neither_the_agent_nor_a_line_of_its_log() {
    let world = World::new();
    let agent = script(&world, 40);
    let serving = world.serve(&[]);
    let task = world.task(&["--agent", &agent, "--approve", "auto", "--start-at", "development"]);
    let running = world.until(&task, "its agent", |task| run_of(task)["pid"].is_number());
    let host = u32::try_from(run_of(&running)["pid"].as_u64().unwrap()).unwrap();
    signal_to(serving.process.pid(), "KILL");
    drop(serving);
    assert!(is_alive(host), "the agent's host died with the server");
    // Nobody removed it; the next one is not misled.
    assert!(world.data().join("server.json").exists());
    assert_eq!(world.ipa(&["show", &task, "--json"]).ok().json()["runs"].as_array().unwrap().len(), 1);
    let _serving = world.serve(&[]);
    let done = world.until(&task, "its completion", |task| task["status"] == "completed");
    let pids: Vec<_> = done["runs"].as_array().unwrap().iter().map(|run| run["pid"].as_u64()).collect();
    assert_eq!(pids, [Some(u64::from(host))]);
    let log = world.ipa(&["logs", &task, "--json"]).ok().json();
    let entries = log["items"].as_array().unwrap();
    let said: Vec<_> =
        entries.iter().filter(|it| it["type"] == "text").map(|it| it["text"].clone()).collect();
    let numbered: Vec<_> = said.iter().filter(|text| text.as_str().unwrap().starts_with("line ")).collect();
    let wanted: Vec<Value> = (1..=40).map(|number| format!("line {number}").into()).collect();
    assert_eq!(numbered, wanted.iter().collect::<Vec<_>>());
    let numbers: Vec<_> = entries.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=u64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
    let events = world.ipa(&["event", "list", &task, "--json"]).ok().json();
    let adopted = events["items"].as_array().unwrap().iter().filter(|it| it["type"] == "run.adopted").count();
    assert_eq!(adopted, 1);
    world.ipa(&["event", "verify"]).ok();
}

#[test]
fn who_follows_a_log_loses_no_line_when_the_server_is_killed_and_started_again() {
    let world = World::new();
    let agent = script(&world, 40);
    let serving = world.serve(&[]);
    let task = world.task(&["--agent", &agent, "--approve", "auto", "--start-at", "development"]);
    world.until(&task, "its agent", |task| run_of(task)["pid"].is_number());
    let mut command = world.command(&["logs", &task, "-f", "--json"]);
    let mut follower = Guard(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(follower.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut told: Vec<String> = lines.by_ref().take(5).collect();
    signal_to(serving.process.pid(), "KILL");
    drop(serving);
    let _serving = world.serve(&[]);
    told.extend(lines);
    assert_eq!(follower.0.wait().unwrap().code(), Some(0));
    let told: Vec<Value> = told.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers: Vec<_> = told.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=u64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
    assert_eq!(told.last().unwrap()["type"], "finished", "{told:?}");
    let lines = told.iter().filter(|it| it["text"].as_str().is_some_and(|text| text.starts_with("line ")));
    assert_eq!(lines.count(), 40);
}

/// Starts `ipa run --json`, which holds the data directory, and waits until its agent works; returns its host too.
fn running(world: &World) -> (Guard, u32) {
    let agent = script(world, 600);
    // `ipa run` begins nothing with an agent that cannot go on to the end.
    let path = world.path("script.json");
    let mut script: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    for role in ["spec", "plan", "review"] {
        script["roles"][role] = json!([{ "result": "nothing" }]);
    }
    fs::write(&path, script.to_string()).unwrap();
    let repo = world.path("repo");
    let run = ["run", "say a lot", "--repo", repo.to_str().unwrap(), "--agent", &agent, "--json"];
    let run: Vec<&str> = run.into_iter().chain(["--approve", "auto", "--start-at", "development"]).collect();
    let mut command = world.command(&run);
    let run = Guard(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    assert!(eventually(|| world.ipa(&["show", "T-1"]).code == 0));
    let running = world.until("T-1", "its agent", |task| run_of(task)["pid"].is_number());
    (run, u32::try_from(run_of(&running)["pid"].as_u64().unwrap()).unwrap())
}

#[test]
fn a_signal_interrupts_the_run_that_ipa_run_holds_and_says_so() {
    let world = World::new();
    let (run, host) = running(&world);
    signal_to(run.pid(), "INT");
    let said = finish(run);
    let error = said.json()["error"].clone();
    assert_eq!((said.code, &error["code"]), (130, &"interrupted".into()), "{said:?}");
    assert!(error["message"].as_str().unwrap().contains("the run was interrupted"), "{error}");
    assert!(!is_alive(host), "the agent works on");
    let task = world.ipa(&["show", "T-1", "--json"]).ok().json();
    assert_eq!(run_of(&task)["outcome"]["result"], "interrupted");
}

#[test]
fn a_second_signal_ends_ipa_run_at_once_and_programs_are_told() {
    let world = World::new();
    let (run, _host) = running(&world);
    // Two of a kind at once would be one.
    signal_to(run.pid(), "INT");
    signal_to(run.pid(), "TERM");
    let said = finish(run);
    assert_eq!((said.code, &said.json()["error"]["code"]), (130, &"interrupted".into()), "{said:?}");
    let _serving = world.serve(&["--drain", "stop"]);
    world.ipa(&["cancel", "T-1"]).ok();
    world.until("T-1", "the end of its run", |task| run_of(task)["status"] == "finished");
}

#[test]
fn a_server_that_is_told_to_stop_its_agents_leaves_none() {
    let world = World::new();
    let agent = script(&world, 600);
    let mut serving = world.serve(&["--drain", "stop"]);
    let task = world.task(&["--agent", &agent, "--approve", "auto", "--start-at", "development"]);
    let running = world.until(&task, "its agent", |task| run_of(task)["pid"].is_number());
    let host = u32::try_from(run_of(&running)["pid"].as_u64().unwrap()).unwrap();
    assert_eq!(serving.process.end("TERM"), Some(0));
    assert!(!is_alive(host));
    let stopped = world.ipa(&["show", &task, "--json"]).ok().json();
    assert_eq!(run_of(&stopped)["status"], "finished");
}

#[test]
fn an_interrupted_run_is_followed_to_its_end_and_tried_again() {
    let world = World::new();
    let agent = script(&world, 600);
    let _serving = world.serve(&[]);
    let task = world.task(&["--agent", &agent, "--approve", "auto", "--start-at", "development"]);
    world.until(&task, "its agent", |task| run_of(task)["pid"].is_number());
    world.ipa(&["send", &task, "hurry up"]).ok();
    world.ipa(&["interrupt", &task]).ok();
    let over = world.until(&task, "its end", |task| run_of(task)["status"] == "finished");
    assert_eq!(run_of(&over)["outcome"]["result"], "interrupted");
    assert_eq!(world.ipa(&["wait", &task]).code, 7);
    world.ipa(&["retry", &task]).ok();
    world.until(&task, "the second run", |task| task["runs"][1]["pid"].is_number());
    for verb in ["stop", "restart"] {
        let steered = world.ipa(&["pod", verb, &task, "--json"]).ok().json();
        assert_eq!(steered["schema"], "ipa.command/v1", "{steered}");
    }
    assert_eq!(world.ipa(&["wait", &task, "--timeout", "100ms"]).code, 124);
    world.ipa(&["cancel", &task]).ok();
    assert_eq!(world.ipa(&["wait", &task, "--json"]).code, 6);
    world.until(&task, "the end of the second run", |task| task["runs"][1]["status"] == "finished");
}
