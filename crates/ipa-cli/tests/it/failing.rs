//! Bad input: what is wrong, what to do, and the exit code of the contract.

use std::fs;
use std::net::TcpListener;

use crate::support::{Said, World, eventually};

/// An error names what is wrong, and what to do; programs get the same as JSON on standard output.
#[track_caller]
fn refused(world: &World, args: &[&str], code: i32, says: &str) -> Said {
    let text = world.ipa(args);
    assert_eq!(text.code, code, "{args:?}: {text:?}");
    assert!(text.err.contains(says) && text.err.contains("help: "), "{args:?}: {text:?}");
    assert_eq!(text.out, "", "{args:?}");
    let json: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
    let json = world.ipa(&json);
    assert_eq!(json.code, code, "{json:?}");
    let error = &json.json()["error"];
    assert!(error["message"].as_str().unwrap().contains(says), "{error}");
    assert!(error["code"].is_string() && error["help"].is_string(), "{error}");
    json
}

#[test]
fn what_is_not_there_is_exit_3() {
    let world = World::new();
    world.task(&["--agent", "scripted"]);
    refused(&world, &["show", "T-9"], 3, "T-9");
    refused(&world, &["show", "12"], 3, "12");
    refused(&world, &["event", "show", "T-1", "7"], 3, "no event 7");
    refused(&world, &["event", "verify", "T-9"], 3, "T-9");
    refused(&world, &["approve", "T-1"], 3, "nothing is open");
    refused(&world, &["approve", "T-1.d3"], 3, "T-1.d3");
    refused(&world, &["logs", "T-1", "--run", "T-1.r1"], 3, "T-1.r1");
    refused(&world, &["workspace", "read", "T-1", "README.md"], 3, "workspace");
}

#[test]
fn what_cannot_be_used_is_exit_2() {
    let world = World::new();
    let repo = world.path("repo");
    let repo = repo.to_str().unwrap();
    refused(&world, &["run", "x", "--agent", "scripted"], 2, "no git repository around");
    refused(&world, &["run", "x", "--agent", "scripted", "--repo", "nowhere"], 2, "nowhere");
    refused(&world, &["task", "create", "x", "--repo", repo], 2, "no agent");
    for other in ["", ".", ".."] {
        refused(&world, &["show", other], 2, "names nothing");
        refused(&world, &["cancel", other], 2, "names nothing");
    }
    refused(&world, &["workspace", "read", "T-1", "../token"], 2, "names nothing");
    refused(&world, &["task", "create", " ", "--repo", repo, "--agent", "scripted"], 2, "request");
    refused(&world, &["ls", "--database-url", "mysql://x"], 2, "mysql://x");
    refused(&world, &["ls", "--server", "http://127.0.0.1:1"], 2, "token");
    let none = world.ipa(&["ls", "--json"]).ok().json();
    assert_eq!(none["items"], serde_json::json!([]), "nothing was written");
    for wrong in
        [&["nope"][..], &["show"], &["wait", "T-1", "--for", "x"], &["back", "T-1", "here", "-m", "y"]]
    {
        let json: Vec<&str> = wrong.iter().copied().chain(["--json"]).collect();
        let said = world.ipa(&json);
        assert_eq!((said.code, said.json()["error"]["code"].clone()), (2, "usage".into()), "{wrong:?}");
        assert_eq!(world.ipa(wrong).code, 2);
    }
}

#[test]
fn an_agent_that_is_not_there_is_told_before_anything_is_written() {
    let world = World::new();
    let repo = world.path("repo");
    let said = world.ipa(&["run", "x", "--repo", repo.to_str().unwrap(), "--agent", "codex"]);
    assert!(said.code == 3 && said.err.contains("codex") && said.err.contains("help: "), "{said:?}");
    let file = world.path("config/ipa/ipa.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "[agents.claude]\ncommand = \"/nowhere/claude\"\n").unwrap();
    let claude = world.ipa(&["run", "x", "--repo", repo.to_str().unwrap(), "--agent", "claude"]);
    assert!(claude.code == 2 && claude.err.contains("/nowhere/claude was not found"), "{claude:?}");
    let script =
        world.ipa(&["run", "x", "--repo", repo.to_str().unwrap(), "--agent", "scripted:/nowhere.json"]);
    assert!(script.code == 2 && script.err.contains("/nowhere.json"), "{script:?}");
    assert_eq!(world.ipa(&["ls", "--json"]).ok().json()["items"], serde_json::json!([]));
}

#[test]
fn a_broken_configuration_file_is_exit_2_with_file_line_and_the_nearest_name() {
    let world = World::new();
    let file = world.path("config/ipa/ipa.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let cases = [
        ("[limits]\nruns = 2\n\n[gate]\nplanning = \"ask\"\n", 4, "did you mean `gates`?"),
        ("[limits]\nper_repos = 2\n", 2, "did you mean `per_repo`?"),
        ("[limits]\nruns = 2\n[limits\n", 3, "TOML"),
        ("[gates]\nplanning = \"maybe\"\n", 2, "mend the value"),
        ("[limits]\ncooldown = \"soon\"\n", 2, "mend the value"),
    ];
    for (text, line, help) in cases {
        fs::write(&file, text).unwrap();
        let said = refused(&world, &["ls"], 2, &format!("{}:{line}", file.display()));
        assert!(said.out.contains(help), "{said:?}");
    }
    fs::write(&file, "[limits]\nruns = 7\n").unwrap();
    let shown = world.ipa(&["config", "show", "--origin", "--json"]).ok().json();
    let rows = shown["items"].as_array().unwrap();
    let runs = rows.iter().find(|row| row["key"] == "limits.runs").unwrap();
    assert_eq!((&runs["value"], &runs["origin"]), (&7.into(), &file.to_str().unwrap().into()));
    let cooldown = rows.iter().find(|row| row["key"] == "limits.cooldown").unwrap();
    assert_eq!((&cooldown["value"], &cooldown["origin"]), (&"0s".into(), &"environment".into()));
    let mut environment = world.command(&["ls"]);
    let wrong = crate::support::said(&environment.env("IPA__LIMITS__RUN", "3").output().unwrap());
    assert!(wrong.code == 2 && wrong.err.contains("environment"), "{wrong:?}");
}

#[test]
fn a_repositorys_file_can_only_be_stricter() {
    let world = World::new();
    let file = "[gates]\ndevelopment = \"ask\"\nreview = \"auto\"\n[checks]\ncommands = [\"rm -rf /\"]\n\
                [roles.develop]\nagent = \"command:evil\"\n\
                [roles.plan]\nagent = \"codex\"\nmodel = \"dearest\"\n";
    fs::write(world.path("repo/ipa.toml"), file).unwrap();
    let mut command = world.command(&["config", "show", "--json"]);
    let said = crate::support::said(&command.current_dir(world.path("repo")).output().unwrap());
    for ignored in ["gates.review", "checks.commands", "roles.develop.agent", "roles.plan.model"] {
        assert!(said.err.contains(ignored), "{said:?}");
    }
    let rows = said.json();
    let value = |key: &str| {
        let rows = rows["items"].as_array().unwrap();
        rows.iter().find(|row| row["key"] == key).map(|row| row["value"].clone())
    };
    assert_eq!(value("gates.development"), Some("ask".into()));
    assert_eq!(value("gates.review"), Some("ask".into()));
    assert_eq!(value("checks.commands"), Some(serde_json::json!([])));
    assert_eq!(value("roles.develop.agent"), None);
    assert_eq!((value("roles.plan.agent"), value("roles.plan.model")), (Some("codex".into()), None));
}

#[test]
fn a_port_in_use_is_exit_1_and_the_usual_one_gives_way() {
    let world = World::new();
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port().to_string();
    refused(&world, &["serve", "--port", &port], 1, &port);
    let mut usual = None;
    let ours = eventually(|| {
        usual = TcpListener::bind("127.0.0.1:7474").ok();
        usual.is_some()
    });
    assert!(ours, "the usual port stays taken by another test");
    let gave_way = world.serve_as(&[]).port();
    assert!((7475..7525).contains(&gave_way), "{gave_way}");
    drop(usual);
}

#[test]
fn a_data_directory_that_cannot_be_written_is_exit_1() {
    let world = World::new();
    fs::write(world.path("file"), "").unwrap();
    let data = world.path("file/data");
    let repo = world.path("repo");
    let args = ["--data-dir", data.to_str().unwrap(), "task", "create", "x", "--agent", "scripted", "--repo"];
    let args: Vec<&str> = args.into_iter().chain([repo.to_str().unwrap()]).collect();
    refused(&world, &args, 1, data.to_str().unwrap());
}

#[test]
fn following_what_nothing_moves_is_exit_8() {
    let world = World::new();
    world.task(&["--agent", "scripted"]);
    refused(&world, &["wait", "T-1"], 8, "nothing is running");
    refused(&world, &["logs", "T-1", "-f"], 8, "nothing is running");
    refused(&world, &["pod", "restart", "T-1"], 8, "nothing is running");
}
