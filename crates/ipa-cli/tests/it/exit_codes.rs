//! Each exit code that is documented is the end of some run of the program.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Guard, Said, Serving, World, eventually, finish, said, signal_to};

/// The codes of the page.
fn documented(world: &World) -> BTreeSet<i32> {
    let page = world.ipa(&["help", "exit-codes", "--json"]).ok().json();
    assert_eq!((&page["schema"], &page["next"]), (&"ipa.exit_code.list/v1".into(), &Value::Null));
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| i32::try_from(item["code"].as_i64().unwrap()).unwrap()).collect()
}

#[test]
fn each_documented_exit_code_ends_a_run_of_the_program() {
    let world = World::new();
    let mut seen = BTreeSet::new();
    let mut ends = |code: i32, said: &Said| {
        assert_eq!(said.code, code, "{said:?}");
        seen.insert(code);
    };
    let pending = never_begun(&world);
    ends(0, &world.ipa(&["ls"]));
    ends(1, &unwritable(&world));
    ends(2, &world.ipa(&["no-such-command"]));
    ends(3, &world.ipa(&["show", "T-9"]));
    world.ipa(&["cancel", "T-1"]).ok();
    ends(5, &world.ipa(&["resume", "T-1"]));
    ends(6, &world.ipa(&["wait", "T-1"]));
    ends(7, &world.ipa(&["wait", "T-2"]));
    ends(8, &world.ipa(&["wait", &pending]));
    let serving = world.serve(&[]);
    ends(4, &with_another_token(&world, &serving));
    ends(124, &world.ipa(&["wait", &pending, "--timeout", "1ms"]));
    ends(130, &stopped(&world, &pending));
    assert_eq!(seen, documented(&world));
}

/// Creates tasks: T-1, T-2, which is paused, and one that waits for T-2 and so never begins, which is returned.
fn never_begun(world: &World) -> String {
    world.task(&["--agent", "scripted"]);
    let paused = world.task(&["--agent", "scripted"]);
    world.ipa(&["pause", &paused]).ok();
    world.task(&["--agent", "scripted", "--depends-on", &paused])
}

fn unwritable(world: &World) -> Said {
    fs::write(world.path("file"), "").unwrap();
    let mut command = world.command(&["pause", "T-1"]);
    said(&command.env("IPA_DATA_DIR", world.path("file/data")).output().unwrap())
}

fn with_another_token(world: &World, serving: &Serving) -> Said {
    let url = serving.ready["url"].as_str().unwrap();
    let mut command = world.command(&["ls", "--server", url]);
    said(&command.env("IPA_TOKEN", "0".repeat(64)).output().unwrap())
}

/// Waits for a task, and is told to stop once it listens for that.
fn stopped(world: &World, task: &str) -> Said {
    let mut command = world.command(&["wait", task]);
    let wait = Guard(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    assert!(eventually(|| catches_interrupts(wait.pid())));
    signal_to(wait.pid(), "INT");
    finish(wait)
}

/// Tells whether a process handles SIGINT, the second bit of what it catches.
fn catches_interrupts(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or_default();
    u64::from_str_radix(caught.trim(), 16).is_ok_and(|caught| caught & 0b10 != 0)
}

#[test]
fn help_explains_commands_and_exit_codes_without_data_or_configuration() {
    let world = World::new();
    let broken = world.path("config/ipa/ipa.toml");
    fs::create_dir_all(broken.parent().unwrap()).unwrap();
    fs::write(broken, "[nonsense").unwrap();
    let page = world.ipa(&["help", "exit-codes"]).ok();
    assert!(page.out.starts_with("CODE  MEANING\n0     done\n"), "{page:?}");
    assert!(page.out.contains("\n130   interrupted\n") && page.out.contains("--json"), "{page:?}");
    for (asked, same) in
        [(&["help"][..], &["--help"][..]), (&["help", "task", "create"], &["task", "create", "--help"])]
    {
        assert_eq!(world.ipa(asked).ok().out, world.ipa(same).ok().out);
    }
    let all = world.ipa(&["help", "--json"]).ok().json();
    let text = all["text"].as_str().unwrap();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(all["schema"], "ipa.help/v1");
    assert!(text.contains("6 the task was cancelled, or is parked; 7 a person is needed;"), "{text}");
    let unknown = world.ipa(&["help", "task", "nonsense"]);
    assert!(unknown.code == 2 && unknown.err.contains("`task nonsense`"), "{unknown:?}");
    assert_eq!(world.ipa(&["help", "nonsense", "--json"]).json()["error"]["code"], "usage");
    assert!(!world.data().exists());
}
