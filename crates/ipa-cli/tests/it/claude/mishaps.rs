//! What ends in the middle of a turn of the real Claude: the server, Claude itself, its host.

use std::fs;
use std::time::Duration;

use ipa_agent::testing::model::{FakeModel, Part, Reply, Step};
use serde_json::{Value, json};

use super::{claude, open};
use crate::support::{World, eventually, git, is_alive, signal_to};

/// How the run is called that goes on with one that was cut short.
const RESUMED: &str = "was cut short before it was done";

/// What the model wants to have run.
fn bash(command: &str) -> Part {
    Part::tool("Bash", json!({"command": command, "description": "write it"}))
}

/// Starts work that goes to its end by itself, and waits until the model was asked for the first time.
fn begin(world: &World, model: &FakeModel) -> (String, Value) {
    let task = world.task(&["--start-at", "development", "--approve", "auto"]);
    assert!(eventually(|| !model.steps().is_empty()), "{}", world.ipa(&["event", "list", &task]).out);
    let running = world.until(&task, "its agent", |task| task["runs"][0]["pid"].is_number());
    (task, running["runs"][0].clone())
}

/// Finds the processes of the runs of a world: its agents and what they started.
fn processes(world: &World) -> Vec<u32> {
    let (place, run) = (world.path(""), "IPA_RUN_ID=");
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(env) = fs::read(format!("/proc/{pid}/environ")) else { continue };
        let env = String::from_utf8_lossy(&env).into_owned();
        if env.contains(run) && env.contains(place.to_str().unwrap()) && is_alive(pid) {
            found.push(pid);
        }
    }
    found.sort_unstable();
    found
}

/// Finds the agent itself: what the host of a run started.
fn agent_of(world: &World, host: u32) -> u32 {
    let parent = |pid: u32| -> u32 {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let rest = stat.rsplit(')').next().unwrap_or_default().to_owned();
        rest.split_whitespace().nth(1).and_then(|it| it.parse().ok()).unwrap_or_default()
    };
    let mut agents = processes(world).into_iter().filter(|pid| *pid != host && parent(*pid) == host);
    agents.next().unwrap_or_else(|| panic!("{host} has no agent"))
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

/// The work arrived, and nothing was left over.
fn is_done(world: &World, task: &str) -> Value {
    let done = world.until(task, "its completion", |task| task["status"] == "completed");
    let branch = done["branch"].as_str().unwrap();
    assert_eq!(git(&world.path("repo"), &["show", &format!("{branch}:README.md")]), "bye\n");
    assert_eq!(processes(world), Vec::<u32>::new());
    done
}

#[test]
fn a_server_killed_in_mid_turn_loses_neither_the_real_claude_nor_a_line_of_it() {
    // A line per piece, as the model says it.
    let lines: Vec<String> = (1..=60).map(|number| format!("line {number}\n")).collect();
    let said = lines.concat();
    let reply = move |step: &Step| match step.answered() {
        0 => Reply::Slowly {
            parts: vec![Part::text(said.clone()), bash("echo bye > README.md")],
            pause: Duration::from_millis(200),
        },
        _ => Reply::say("written"),
    };
    let Some((world, model)) = claude(&["Read", "Bash"], reply) else { return };
    let serving = world.serve(&[]);
    let (task, run) = begin(&world, &model);
    let host = number(&run["pid"]);
    let agent = agent_of(&world, host);
    signal_to(serving.process.pid(), "KILL");
    drop(serving);
    assert!(is_alive(agent), "it died with the server");
    assert_eq!(model.steps().len(), 1, "it is in the middle of its first turn");
    let serving = world.serve(&[]);
    world.until(&task, "its adoption", |task| task["runs"][0]["status"] == "running");
    assert_eq!(agent_of(&world, host), agent, "the same process goes on");
    let done = is_done(&world, &task);
    assert_eq!((done["runs"].as_array().unwrap().len(), number(&done["runs"][0]["pid"])), (1, host));
    let log = world.ipa(&["logs", &task, "--json"]).ok().json();
    let entries = log["items"].as_array().unwrap();
    let text: String =
        entries.iter().filter(|it| it["type"] == "text").filter_map(|it| it["text"].as_str()).collect();
    for line in lines {
        assert_eq!(text.matches(&line).count(), 1, "{line}: {text}");
    }
    let numbers: Vec<_> = entries.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=u64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
    assert_eq!(model.steps().len(), 2, "nothing was asked twice");
    drop(serving);
}

#[test]
fn a_message_to_the_living_claude_arrives_once_also_when_the_server_is_killed() {
    let reply = |step: &Step| match step.tool_results().pop() {
        None if step.answered() == 0 => Reply::Say(vec![bash("echo bye > README.md")]),
        _ => Reply::say("as you say"),
    };
    let Some((world, model)) = claude(&["Read"], reply) else { return };
    let serving = world.serve(&[]);
    let (task, run) = begin(&world, &model);
    let permission = open(&world, &task, "permission");
    world.ipa(&["send", &task, "mind the comma"]).ok();
    signal_to(serving.process.pid(), "KILL");
    drop(serving);
    let serving = world.serve(&[]);
    world.ipa(&["approve", permission["handle"].as_str().unwrap()]).ok();
    let done = is_done(&world, &task);
    assert_eq!(done["runs"][0]["pid"], run["pid"]);
    assert_eq!(done["runs"].as_array().unwrap().len(), 1, "no other run was told");
    let heard = model.steps().last().unwrap().body["messages"].to_string();
    assert_eq!(heard.matches("mind the comma").count(), 1, "{heard}");
    drop(serving);
}

/// Kills something of a run in mid-turn; what comes of it is of this class, and the task goes on by resuming.
fn cut_short(victim: fn(&World, u32) -> u32, class: &str) {
    let reply = |step: &Step| {
        if step.mentions(RESUMED) {
            return match step.tool_results().pop() {
                None => Reply::Say(vec![bash("echo bye > README.md")]),
                Some(_) => Reply::say("written"),
            };
        }
        match step.answered() {
            0 => Reply::Say(vec![bash("touch began; (setsid tail -f /dev/null > /dev/null 2>&1 &); true")]),
            _ => Reply::HangIn(vec![Part::text("half of a thought that is never said to its end")]),
        }
    };
    let Some((world, model)) = claude(&["Read", "Bash"], reply) else { return };
    let serving = world.serve(&[]);
    let (task, run) = begin(&world, &model);
    assert!(eventually(|| model.steps().len() == 2), "it is in the middle of its second answer");
    signal_to(victim(&world, number(&run["pid"])), "KILL");
    let over = world.until(&task, "the end of the run", |task| task["runs"][0]["status"] == "finished");
    assert_eq!(over["runs"][0]["outcome"]["class"], class, "{over:#}");
    let done = is_done(&world, &task);
    let runs = done["runs"].as_array().unwrap();
    assert_eq!((runs.len(), &runs[0]["session_id"]), (2, &runs[1]["session_id"]), "{runs:#?}");
    assert!(model.steps().last().unwrap().mentions("You carry out a plan"), "it knows what it heard before");
    drop(serving);
}

#[test]
fn a_killed_claude_is_resumed_and_nothing_of_it_is_left() {
    cut_short(agent_of, "crashed");
}

#[test]
fn a_claude_whose_host_was_killed_is_resumed_and_nothing_of_it_is_left() {
    cut_short(|_, host| host, "host_lost");
}
