//! Each command says and does the same with a server and without one. The commands are the program's own list: a new one
//! has its row here, or says why not.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::served::complete;
use crate::support::{World, eventually};

/// How a command is compared.
enum How {
    /// It changes nothing: these lines print the same in one world, first with a server and then without.
    Reads(&'static [&'static str]),
    /// It changes something: these lines print and record the same in two worlds, one with a server.
    Writes(&'static [&'static str]),
    /// It is not compared, and why.
    Apart(&'static str),
}

use How::{Apart, Reads, Writes};

/// Every command; those of `task` that stand at the top as well are told once. Lines are carried out in this order; DONE is
/// a task that is completed, PAUSED one that is paused; in the two worlds T-1 is paused, T-2 waits for it, and T-3 to T-5
/// have an open gate.
const COMMANDS: &[(&str, How)] = &[
    ("demo", Apart("it holds the data directory, and is a client of who does: see `demo`")),
    ("serve", Apart("it is the server")),
    ("run", Apart("it holds the data directory, and is a client of who does: see `served`")),
    ("doctor", Apart("it says who holds the data directory")),
    ("pod restart", Apart("without a server there is no pod: exit 8, see `failing`")),
    ("pod stop", Apart("without a server there is no pod: exit 8, see `failing`")),
    ("sync now", Reads(&["sync now DONE --dry-run", "sync now PAUSED --dry-run", "sync now T-99 --dry-run"])),
    ("sync status", Reads(&["sync status", "sync status DONE"])),
    ("sync show", Reads(&["sync show DONE.o1", "sync show DONE.o9"])),
    ("ls", Reads(&["ls", "ls --phase completed", "ls --status paused"])),
    ("task list", Reads(&["task list"])),
    ("show", Reads(&["show DONE", "show PAUSED", "show PAUSED --at 2", "show T-99", "show .."])),
    ("why", Reads(&["why DONE", "why PAUSED"])),
    ("logs", Reads(&["logs DONE", "logs DONE --run DONE.r2", "logs DONE -f"])),
    ("diff", Reads(&["diff DONE", "diff DONE --stat", "diff PAUSED"])),
    ("wait", Reads(&["wait DONE", "wait PAUSED", "wait DONE --for phase:review"])),
    ("inbox", Reads(&["inbox"])),
    ("event list", Reads(&["event list DONE", "event list DONE --after 9"])),
    ("event show", Reads(&["event show DONE 2", "event show DONE 99"])),
    ("event verify", Reads(&["event verify", "event verify DONE"])),
    ("pod list", Reads(&["pod list"])),
    ("workspace list", Reads(&["workspace list", "workspace list DONE"])),
    ("workspace ls", Reads(&["workspace ls DONE", "workspace ls PAUSED"])),
    ("workspace read", Reads(&["workspace read DONE README.md", "workspace read DONE ../README.md"])),
    ("agent list", Reads(&["agent list"])),
    ("agent check", Reads(&["agent check scripted", "agent check codex"])),
    ("config show", Reads(&["config show", "config show --origin"])),
    ("completion", Reads(&["completion bash"])),
    ("help", Reads(&["help", "help task create", "help exit-codes"])),
    (
        "task create",
        Writes(&["task create Another --repo REPO --agent scripted --depends-on T-1", "task create x"]),
    ),
    ("send", Writes(&["send T-2 hello", "send T-9 hello"])),
    ("interrupt", Writes(&["interrupt T-2"])),
    ("retry", Writes(&["retry T-2"])),
    ("pause", Writes(&["pause T-2", "pause T-2"])),
    ("resume", Writes(&["resume T-2", "resume T-2"])),
    ("back", Writes(&["back T-2 planning -m why"])),
    ("complete", Writes(&["complete T-2"])),
    ("cancel", Writes(&["cancel T-6", "cancel T-6"])),
    ("approve", Writes(&["approve T-3.d1 -m fine", "approve T-3.d9", "approve T-2"])),
    ("reject", Writes(&["reject T-4.d1 -m no"])),
    ("answer", Writes(&["answer T-5.d1 this"])),
    ("sync approve", Writes(&["sync approve T-2.o9"])),
    ("sync reject", Writes(&["sync reject T-2.o9 -m no"])),
    ("sync retry", Writes(&["sync retry T-2.o9"])),
    ("sync drop", Writes(&["sync drop T-2.o9"])),
    ("sync pause", Writes(&["sync pause desk -m freeze"])),
    ("sync resume", Writes(&["sync resume desk"])),
    ("pod cleanup", Writes(&["pod cleanup T-1", "pod cleanup T-9"])),
];

#[test]
fn each_command_is_compared_or_says_why_not() {
    let world = World::new();
    let mut all = BTreeSet::new();
    for path in commands(&world, &[]) {
        let words: Vec<&str> = path.split(' ').collect();
        let promoted = words[1..].join(" ");
        if words[0] == "task" && commands(&world, &[]).contains(&promoted) {
            // One command under two names.
            let help = |words: &[&str]| world.ipa(&[&["help"], words].concat()).ok().out;
            assert_eq!(help(&words).replace("ipa task ", "ipa "), help(&words[1..]), "{path}");
        } else {
            all.insert(path);
        }
    }
    let rows: BTreeSet<String> = COMMANDS.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(all, rows);
    for (path, how) in COMMANDS {
        let (Reads(lines) | Writes(lines)) = how else { continue };
        assert!(!lines.is_empty() && lines.iter().all(|line| line.starts_with(path)), "{path}");
    }
    let reasons = COMMANDS.iter().filter_map(|(_, how)| if let Apart(why) = how { Some(why) } else { None });
    assert!(reasons.clone().count() < 9, "{:?}", reasons.collect::<Vec<_>>());
}

/// Lists the commands below a word, by what the program's help says.
fn commands(world: &World, below: &[&str]) -> Vec<String> {
    let help = world.ipa(&[&["help"], below].concat()).ok().out;
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let names = list.lines().take_while(|line| !line.is_empty());
    let names = names.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    let mut all = Vec::new();
    for name in names.filter_map(|line| line.split(' ').next()) {
        let path = [below, &[name]].concat();
        if world.ipa(&[&["help"], &path[..]].concat()).ok().out.contains("<COMMAND>") {
            all.extend(commands(world, &path));
        } else {
            all.push(path.join(" "));
        }
    }
    all
}

#[test]
fn output_is_the_same_with_and_without_a_server() {
    let world = World::new();
    let paused = world.task(&["--agent", "scripted", "--title", "not yet"]);
    world.ipa(&["pause", &paused]).ok();
    let mut serving = world.serve(&[]);
    let done = complete(&world);
    world.until(&done, "its tidying", |task| task["workspaces"][0]["state"] == "trashed");
    let no_pods = || world.ipa(&["pod", "list", "--json"]).ok().json()["items"] == Value::Array(Vec::new());
    assert!(eventually(no_pods));
    let lines = |how: &'static How| if let Reads(lines) = how { *lines } else { &[] };
    let reads: Vec<String> = COMMANDS
        .iter()
        .flat_map(|(_, how)| lines(how))
        .map(|line| line.replace("DONE", &done).replace("PAUSED", &paused))
        .collect();
    let all = || -> Vec<String> {
        let say = |line: &String| {
            let args: Vec<&str> = line.split(' ').collect();
            let json = world.ipa(&[&args[..], &["--json"]].concat());
            let mut text = format!("{line} {} {}", json.code, json.out);
            // Text for people has an age in lists; everything else in it is the same too.
            if !matches!(args[0], "ls" | "task" | "inbox") {
                text.push_str(&world.ipa(&args).out);
            }
            text
        };
        reads.iter().map(say).collect()
    };
    let with = all();
    assert_eq!(serving.process.end("TERM"), Some(0));
    assert!(!world.data().join("server.json").exists());
    let without = all();
    for (with, without) in with.iter().zip(&without) {
        assert_eq!(with, without);
    }
    assert!(with.len() > 30);
}

#[test]
fn what_changes_something_does_the_same_with_and_without_a_server() {
    let (served, alone) = (twin(), twin());
    let _serving = served.serve(&[]);
    for line in COMMANDS.iter().flat_map(|(_, how)| if let Writes(lines) = how { *lines } else { &[] }) {
        let [with, without] = [&served, &alone].map(|world| {
            let repo = world.path("repo");
            let args = line.split(' ').map(|word| if word == "REPO" { repo.to_str().unwrap() } else { word });
            let said = world.ipa(&args.chain(["--json"]).collect::<Vec<_>>());
            (said.code, without_names(world, &said.out))
        });
        assert_eq!(with, without, "{line}");
    }
    for task in (1..=6).map(|number| format!("T-{number}")) {
        let [with, without] = [&served, &alone].map(|world| recorded(world, &task));
        // Where a server runs, the task goes on.
        assert!(with.starts_with(&without), "{task}: {with:#?} {without:#?}");
    }
}

/// Makes a world with a task that is paused, one that waits for it, and three with an open gate. Nothing runs in it.
fn twin() -> World {
    let world = World::new();
    let script = world.path("script.json");
    fs::write(&script, r##"{ "roles": { "spec": [{ "result": "# Spec\n\n- AC1: it is" }] } }"##).unwrap();
    let paused = world.task(&["--agent", "scripted"]);
    world.ipa(&["pause", &paused]).ok();
    world.task(&["--agent", "scripted", "--depends-on", &paused, "--start-at", "development"]);
    let gated: Vec<String> =
        (0..3).map(|_| world.task(&["--agent", &format!("scripted:{}", script.display())])).collect();
    let mut serving = world.serve(&[]);
    for task in &gated {
        world.until(task, "its gate", |task| task["open_decisions"].as_array().unwrap().len() == 1);
    }
    assert_eq!(serving.process.end("TERM"), Some(0));
    world
}

/// What a command printed, but for what two worlds cannot have in common: ids, places, times.
fn without_names(world: &World, out: &str) -> Value {
    let mut out = out.replace(world.path("").to_str().unwrap(), "/");
    for task in world.ipa(&["ls", "--json"]).ok().json()["items"].as_array().unwrap() {
        out = out.replace(task["id"].as_str().unwrap(), task["handle"].as_str().unwrap());
    }
    let mut value: Value = serde_json::from_str(&out).unwrap();
    if let Some(fields) = value.as_object_mut() {
        for (name, field) in fields {
            if matches!(name.as_str(), "position" | "created_at" | "updated_at" | "request_id") {
                *field = Value::Null;
            }
        }
    }
    value
}

/// What is recorded of a task: what happened, by whom and through what.
fn recorded(world: &World, task: &str) -> Vec<[String; 3]> {
    let events = world.ipa(&["event", "list", task, "--json"]).ok().json();
    let text = |event: &Value, name: &str| event[name].as_str().unwrap().to_owned();
    let events = events["items"].as_array().unwrap().iter();
    events.map(|event| ["type", "actor", "via"].map(|name| text(event, name))).collect()
}
