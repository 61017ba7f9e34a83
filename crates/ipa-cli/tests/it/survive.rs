//! What survives the end of the server: the agent, its log, the task.

use std::fs;

use serde_json::{Value, json};

use crate::support::{World, is_alive, signal_to};

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
    world.ipa(&["pod", "restart", &task]).ok();
    assert_eq!(world.ipa(&["wait", &task, "--timeout", "100ms"]).code, 124);
    world.ipa(&["cancel", &task]).ok();
    assert_eq!(world.ipa(&["wait", &task, "--json"]).code, 6);
    world.until(&task, "the end of the second run", |task| task["runs"][1]["status"] == "finished");
}
