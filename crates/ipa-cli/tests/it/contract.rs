//! What other programs are written against: the command lines, and the fields of what is printed, each with its type.

use std::fs;

use serde_json::Value;

use crate::console::is_taken;
use crate::served::complete;
use crate::support::World;

/// Fields with the first letter of their type; what ends in `?` may be null.
const TASK: &str = "id:s handle:s title:s phase:s status:s version:n agent:s repo:s branch:s? commit:s? \
                    waiting_for:s? cost_usd:n created_at:s updated_at:s";
const RUN: &str = "id:s handle:s task_id:s agent_id:s workspace_id:s role:s phase:s attempt:n runtime:s \
                   session_id:s? status:s outcome:o? pid:n? started_at:s? finished_at:s? usage:o";
const DECISION: &str = "id:s handle:s task_id:s kind:s title:s payload_hash:s created_at:s expires_at:s?";
const EVENT: &str = "id:s task_id:s version:n position:n type:s schema_version:n actor:s via:s at:s \
                     causation_id:s? correlation_id:s payload:o";
const PROBLEM: &str = "code:s message:s help:s";

/// The command lines, each with every flag that it takes.
const LINES: [&str; 45] = [
    "demo --keep --yes",
    "serve --bind 127.0.0.1 --port 0 --drain detach",
    "serve --drain stop",
    "run TEXT --repo . --base main --agent scripted --approve ask --check true --check false --start-at development",
    "task create TEXT --title T --repo . --base main --agent scripted --approve auto --check true --start-at planning \
     --priority -1 --depends-on T-1",
    "ls --phase review --status waiting",
    "ls --status queued",
    "ls --status running",
    "ls --status paused",
    "ls --status parked",
    "ls --status completed",
    "ls --status cancelled",
    "show T-1 --at 3",
    "why T-1",
    "logs T-1 -f --run T-1.r1",
    "diff T-1 --stat",
    "wait T-1 --for done --timeout 1m",
    "wait T-1 --for decision",
    "wait T-1 --for phase:review",
    "inbox",
    "approve T-1.d1 -m fine",
    "approve T-1",
    "reject T-1.d1 -m no",
    "answer T-1.d1 this",
    "send T-1 hello",
    "interrupt T-1 --run T-1.r1",
    "retry T-1",
    "back T-1 planning -m why",
    "pause T-1",
    "resume T-1",
    "complete T-1",
    "cancel T-1",
    "event list T-1 --after 3",
    "event show T-1 3",
    "event verify T-1",
    "pod list",
    "pod restart T-1",
    "pod stop T-1",
    "pod cleanup T-1",
    "workspace list T-1",
    "workspace read T-1 README.md --workspace main",
    "workspace ls T-1 src",
    "agent check command:./my-agent",
    "config show --origin",
    "ls --data-dir d --server http://127.0.0.1:1 --database-url sqlite://d --color never -q -v",
];

#[test]
fn each_command_line_of_the_contract_is_taken() {
    let world = World::new();
    let refused: Vec<_> = LINES.iter().filter(|line| !is_taken(&world, &words(line))).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    assert!(!is_taken(&world, &words("pod polish T-1")));
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn what_is_printed_for_programs_has_the_fields_of_the_contract() {
    let world = World::new();
    let script = world.path("script.json");
    fs::write(&script, r##"{ "roles": { "spec": [{ "result": "# Spec\n\n- AC1: it is" }] } }"##).unwrap();
    let _serving = world.serve(&[]);
    let done = complete(&world);
    let gated = world.task(&["--agent", &format!("scripted:{}", script.display())]);
    world.until(&gated, "its gate", |task| task["status"] == "waiting");
    for task in list(&world, &["ls"]) {
        has(&task, TASK);
    }
    for task in [&done, &gated] {
        let shown = world.ipa(&["show", task, "--json"]).ok().json();
        has(&shown, TASK);
        for run in shown["runs"].as_array().unwrap() {
            has(run, RUN);
        }
        for decision in shown["decisions"].as_array().unwrap() {
            has(decision, DECISION);
        }
        for event in list(&world, &["event", "list", task]) {
            has(&event, EVENT);
        }
    }
    let shown = world.ipa(&["show", &done, "--json"]).ok().json();
    assert!(shown["runs"].as_array().unwrap().len() > 2 && shown["branch"].is_string(), "{shown}");
    let open = list(&world, &["inbox"]);
    assert_eq!(open.len(), 1);
    has(&open[0], DECISION);
    has(&world.ipa(&["event", "show", &done, "1", "--json"]).ok().json(), EVENT);
    has(&world.ipa(&["show", "T-9", "--json"]).json()["error"], PROBLEM);
}

/// What a command lists.
fn list(world: &World, args: &[&str]) -> Vec<Value> {
    let listed = world.ipa(&[args, &["--json"]].concat()).ok().json();
    assert!(listed["schema"].is_string() && listed["next"].is_null(), "{listed}");
    let items = listed["items"].as_array().unwrap().clone();
    assert!(!items.is_empty(), "{args:?}");
    items
}

#[track_caller]
fn has(thing: &Value, fields: &str) {
    for field in fields.split_whitespace() {
        let (name, wanted) = field.split_once(':').unwrap();
        let value = thing.get(name).unwrap_or_else(|| panic!("{name} is not there: {thing}"));
        let is = match value {
            Value::Null => "?",
            Value::Bool(_) => "b",
            Value::Number(_) => "n",
            Value::String(_) => "s",
            Value::Array(_) => "a",
            Value::Object(_) => "o",
        };
        assert!(wanted.contains(is), "{name} is {value}: {thing}");
    }
}
