//! Commands without a server: what is recorded, what is read, and that many at once lose nothing.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::support::{World, at_once};

#[test]
fn tasks_are_recorded_listed_and_shown_without_a_server() {
    let world = World::new();
    let repo = world.path("repo");
    let text = "Fix; $(touch x) --upload-pack=y";
    let created =
        world.ipa(&["task", "create", text, "--repo", repo.to_str().unwrap(), "--agent", "scripted"]).ok();
    assert_eq!(created.out, format!("T-1  {text}\n"));
    assert_eq!(created.err, "recorded; nothing is running: `ipa serve`\n");
    assert!(!world.path("x").exists() && !repo.join("x").exists());
    let list = world.ipa(&["ls", "--json"]).ok().json();
    assert_eq!((&list["schema"], &list["next"]), (&"ipa.task.list/v1".into(), &Value::Null));
    assert_eq!(list["items"][0]["title"], text);
    assert_eq!(world.ipa(&["task", "list", "--json"]).ok().json(), list);
    world.ipa(&["pause", "T-1"]).ok();
    assert_eq!(world.ipa(&["wait", "T-1", "--for", "decision"]).code, 7, "there is nothing to decide");
    world.ipa(&["resume", "t-1"]).ok();
    assert_eq!(world.ipa(&["show", "T-1", "--json"]).ok().json()["version"], 3);
    let before = world.ipa(&["show", "T-1", "--at", "2", "--json"]).ok().json();
    assert_eq!((&before["version"], &before["status"]), (&2.into(), &"paused".into()));
    let events = world.ipa(&["event", "list", "T-1", "--after", "1", "--json"]).ok().json();
    let kinds: Vec<_> = events["items"].as_array().unwrap().iter().map(|event| &event["type"]).collect();
    assert_eq!(kinds, ["task.paused", "task.resumed"]);
    let one = world.ipa(&["event", "show", "T-1", "2", "--json"]).ok().json();
    assert_eq!((&one["type"], &one["via"]), (&"task.paused".into(), &"cli".into()));
    assert_eq!(one["schema"], "ipa.event/v1");
    world.ipa(&["cancel", "T-1"]).ok();
    assert_eq!(
        world.ipa(&["ls", "--status", "queued", "--json"]).ok().json()["items"],
        Value::Array(Vec::new())
    );
    assert_eq!(world.ipa(&["wait", "T-1"]).code, 6);
}

#[test]
fn a_list_with_nothing_in_it_is_valid_and_makes_no_store() {
    let world = World::new();
    for list in [
        &["ls"][..],
        &["task", "list"],
        &["inbox"],
        &["pod", "list"],
        &["workspace", "list"],
        &["ls", "--phase", "review"],
    ] {
        let json: Vec<&str> = list.iter().copied().chain(["--json"]).collect();
        let listed = world.ipa(&json).ok().json();
        assert_eq!(
            (&listed["items"], &listed["next"]),
            (&Value::Array(Vec::new()), &Value::Null),
            "{list:?}"
        );
        assert!(listed["schema"].as_str().unwrap().starts_with("ipa."), "{list:?}");
        assert!(!world.ipa(list).ok().out.is_empty(), "{list:?}");
    }
    assert_eq!(world.ipa(&["event", "verify", "--json"]).ok().json()["events"], 0);
    let doctor = world.ipa(&["doctor", "--json"]).ok().json();
    let checks = doctor["checks"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["name"] == "free space" && check["state"] != "bad"), "{doctor}");
    assert!(!world.data().exists(), "reading made the data directory");
    // Not even in one that is there, and cannot be written.
    std::fs::create_dir(world.data()).unwrap();
    world.ipa(&["ls"]).ok();
    assert_eq!(std::fs::read_dir(world.data()).unwrap().count(), 0);
}

#[test]
fn fifty_tasks_created_at_once_without_a_server_are_fifty_tasks() {
    let world = World::new();
    let repo = world.path("repo");
    let create = |n: usize| {
        let text = format!("task {n}");
        world.command(&["task", "create", &text, "--repo", repo.to_str().unwrap(), "--agent", "scripted"])
    };
    let all = at_once((0..50).map(create).collect());
    let failed: Vec<_> = all.iter().filter(|said| said.code != 0).collect();
    assert!(failed.is_empty(), "{failed:?}");
    let list = world.ipa(&["ls", "--json"]).ok().json();
    let mut titles: Vec<_> =
        list["items"].as_array().unwrap().iter().map(|task| task["title"].to_string()).collect();
    titles.sort();
    titles.dedup();
    assert_eq!(titles.len(), 50);
    assert_eq!(world.ipa(&["event", "verify", "--json"]).ok().json()["events"], 50);
}

#[test]
fn what_lies_in_the_data_directory_is_for_its_owner_alone() {
    let world = World::new();
    // Also one that was there before, and what lay in it.
    std::fs::create_dir(world.data()).unwrap();
    world.task(&["--agent", "scripted"]);
    for (path, mode) in [(world.data(), 0o755), (world.data().join("ipa.db"), 0o644)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let _serving = world.serve(&[]);
    world.task(&["--agent", "scripted"]);
    let mode = |path: &std::path::Path| path.symlink_metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&world.data()), 0o700);
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(world.data()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(mode(&path), if path.is_dir() { 0o700 } else { 0o600 }, "{name}");
        seen.push(name);
    }
    for name in ["lock", "token", "server.json", "ipa.db", "ipa.db-wal", "mirrors", "workspaces"] {
        assert!(seen.iter().any(|it| it == name), "{name} is not in {seen:?}");
    }
}

#[test]
fn a_corrupted_record_is_found_by_event_verify() {
    let world = World::new();
    world.task(&["--agent", "scripted"]);
    world.task(&["--agent", "scripted", "--title", "a title to be spoiled"]);
    for task in ["T-1", "T-2"] {
        world.ipa(&["pause", task]).ok();
    }
    assert_eq!(world.ipa(&["event", "verify"]).ok().out, "4 events of 2 tasks verified\n");
    spoil(&world, "title", "a title to be spoiled");
    let verified = world.ipa(&["event", "verify", "--json"]);
    assert_eq!(verified.code, 1, "{verified:?}");
    let report = verified.json();
    assert_eq!((&report["ok"], report["problems"].as_array().unwrap().is_empty()), (&false.into(), false));
    // One broken task is one broken task.
    assert_eq!(world.ipa(&["show", "T-1", "--json"]).ok().json()["handle"], "T-1");
    assert_eq!(world.ipa(&["event", "verify", "T-1"]).code, 0);
    assert_ne!(world.ipa(&["show", "T-2"]).code, 0);
}

/// Changes a byte of every record that has this in it, as a failing disk would. No server may be running.
pub(crate) fn spoil(world: &World, field: &str, value: &str) {
    // A server that ends well leaves everything in the one file.
    assert_eq!(world.serve(&[]).process.end("TERM"), Some(0));
    let path = world.data().join("ipa.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let needle = format!("\"{field}\":\"{value}\"");
    let found: Vec<usize> =
        (0..bytes.len()).filter(|at| bytes[*at..].starts_with(needle.as_bytes())).collect();
    assert!(!found.is_empty(), "nothing to spoil");
    for at in found {
        bytes[at + 2] = b'!';
    }
    std::fs::write(&path, bytes).unwrap();
}

#[test]
fn what_an_agent_was_told_is_kept_with_its_run() {
    let world = World::new();
    let task = world.task(&[
        "--agent",
        "scripted",
        "--approve",
        "auto",
        "--start-at",
        "development",
        "--check",
        "test -e README.md",
    ]);
    let serving = world.serve(&[]);
    world.until(&task, "its completion", |task| task["status"] == "completed");
    drop(serving);
    let told = world.ipa(&["logs", &task, "--prompt"]).ok().out;
    assert!(told.contains("develop  T-1.r1") && told.contains("## Request\n\n```text\nDo it\n```"), "{told}");
    let told = world.ipa(&["logs", &task, "--prompt", "--json"]).ok().json();
    assert_eq!(told["schema"], "ipa.prompt.list/v1");
    assert_eq!((&told["items"][1]["run"], &told["items"][1]["text"]), (&"T-1.r2".into(), &Value::Null));
    let one = world.ipa(&["logs", &task, "--run", "T-1.r1", "--prompt", "--json"]).ok().json();
    assert_eq!(one["items"], serde_json::json!([told["items"][0]]));
}
