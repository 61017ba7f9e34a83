//! What is configured to hold and to end agents: limits and budgets. With the scripted agent, and with the real Claude
//! Code where `IPA_TEST_CLAUDE` names it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use ipa_agent::testing::model::{Reply, Step};
use serde_json::{Value, json};

use crate::claude::{KEY, claude, open};
use crate::support::{Serving, World, eventually};

/// Adds to the user's configuration.
fn configure(world: &World, text: &str) {
    let file = world.path("config/ipa/ipa.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let known = fs::read_to_string(&file).unwrap_or_default();
    fs::write(&file, format!("{known}{text}")).unwrap();
}

/// Begins a task whose agent plays these steps in development.
fn scripted(world: &World, steps: &Value) -> String {
    let script = world.path("script.json");
    fs::write(&script, json!({"roles": {"develop": steps}}).to_string()).unwrap();
    let agent = format!("scripted:{}", script.display());
    world.task(&["--agent", &agent, "--start-at", "development", "--approve", "auto"])
}

/// Reads a page, as somebody with the server's token.
fn page(serving: &Serving, path: &str) -> String {
    let address = serving.ready["url"].as_str().unwrap().strip_prefix("http://").unwrap();
    let token = fs::read_to_string(serving.ready["token_file"].as_str().unwrap()).unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n", token.trim());
    stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    said
}

#[test]
fn each_limit_of_a_run_that_is_configured_is_kept() {
    let talks = json!([{"say": "1"}, {"say": "2"}, {"say": "3"}, {"wait": 60_000}, {"result": "done"}]);
    let busy: Vec<Value> =
        (0..100).map(|_| json!({"wait": 200})).flat_map(|wait| [json!({"say": "on"}), wait]).collect();
    for (key, steps, wanted) in [
        ("silence = \"1s\"", json!(["hang"]), "stalled"),
        ("turn = \"2s\"", json!(busy), "turn_timeout"),
        ("total = \"2s\"", json!(busy), "total_timeout"),
        ("max_turns = 2", talks, "max_turns"),
    ] {
        let world = World::new();
        configure(&world, &format!("[limits]\nattempts = 1\n{key}\n"));
        let serving = world.serve(&[]);
        let task = scripted(&world, &steps);
        open(&world, &task, "escalation");
        let run = world.ipa(&["show", &task, "--json"]).ok().json()["runs"][0].clone();
        assert_eq!(run["outcome"]["class"], wanted, "{key}: {run:#}");
        drop(serving);
    }
}

#[test]
fn a_budget_is_a_text_and_more_than_nothing() {
    let world = World::new();
    for (wrong, help) in
        [("2.5", "string"), ("\"2,50\"", "2.50"), ("\"-1\"", "2.50"), ("\"0\"", "more than 0")]
    {
        let mut command = world.command(&["ls"]);
        configure(&world, &format!("[budget]\nrun = {wrong}\n"));
        let said = crate::support::said(&command.output().unwrap());
        assert!(said.code == 2 && said.err.contains(help), "{wrong}: {said:?}");
        fs::remove_file(world.path("config/ipa/ipa.toml")).unwrap();
    }
    configure(&world, "[budget]\nrun = \"2.5\"\nday = \"0.001\"\n");
    let shown = world.ipa(&["config", "show", "--json"]).ok().json();
    let rows = shown["items"].as_array().unwrap();
    let value = |key: &str| rows.iter().find(|row| row["key"] == key).map(|row| row["value"].clone());
    assert_eq!((value("budget.run"), value("budget.task")), (Some("2.5".into()), None));
    assert_eq!(value("budget.day"), Some("0.001".into()));
}

#[test]
fn a_budget_that_is_nearly_used_up_is_shown_and_a_person_lets_the_work_go_on() {
    let world = World::new();
    configure(&world, "[budget]\nrun = \"1.00\"\ntask = \"10.00\"\n");
    let serving = world.serve(&[]);
    let use_up = |cost: f64| json!({"usage": {"cost_usd": cost}});
    let steps = json!([
        {"when": "make an end now", "steps": [{"result": "The tests are missing."}]},
        {"when": "there is more money", "steps": [{"run": "echo bye > README.md"}, {"result": "done"}]},
        {"steps": [use_up(0.85), {"run": "true"}, {"ask_question": {"question": "on?"}}, use_up(0.07), {"run": "true"},
                   {"wait": 1000}, {"result": "so far"}]},
    ]);
    let task = scripted(&world, &steps);
    let question = open(&world, &task, "question");
    let shown = world.until(&task, "the warning", |task| task["runs"][0]["budget"].is_string());
    assert_eq!(shown["runs"][0]["budget"], "the budget of the run ($0.85 of 1.00)");
    assert!(page(&serving, &format!("/tasks/{task}")).contains("the budget of the run ($0.85 of 1.00)"));
    world.ipa(&["answer", question["handle"].as_str().unwrap(), "yes"]).ok();

    let escalation = open(&world, &task, "escalation");
    let detail = escalation["payload"]["detail"].as_str().unwrap();
    assert!(detail.contains("($0.92 of 1.00)") && detail.contains("The tests are missing."), "{detail}");
    let shown = world.ipa(&["show", &task]).ok().out;
    assert!(shown.contains("cost       $0.92 of 10.00"), "{shown}");
    assert!(page(&serving, &format!("/tasks/{task}")).contains("$0.92 of 10.00"));
    let events = world.ipa(&["event", "list", &task]).ok().out;
    assert!(events.contains("budget.warned") && events.contains("budget.reached"), "{events}");
    world.ipa(&["send", &task, "go on, there is more money"]).ok();
    world.ipa(&["approve", escalation["handle"].as_str().unwrap()]).ok();
    world.until(&task, "its completion", |task| task["status"] == "completed");
    drop(serving);
}

/// Tells whether a process has this in its command line.
fn runs(what: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|it| fs::read(it.path().join("cmdline")).ok())
        .any(|line| String::from_utf8_lossy(&line).contains(what))
}

#[test]
fn a_claude_that_used_up_its_budget_ends_and_goes_on_when_a_person_grants_it_again() {
    let replies = |step: &Step| {
        if step.mentions("was cut short before it was done") {
            return Reply::say("written");
        }
        Reply::tool("Bash", json!({"command": "echo bye > README.md; sleep 1", "description": "write"}))
    };
    let Some((world, model)) = claude(&["Read", "Bash"], replies) else { return };
    configure(&world, "[budget]\nrun = \"0.0031\"\n");
    let serving = world.serve(&[]);
    let task = world.task(&["--start-at", "development", "--approve", "auto"]);
    let escalation = open(&world, &task, "escalation");
    let shown = world.ipa(&["show", &task, "--json"]).ok().json();
    let run = &shown["runs"][0];
    assert_eq!(
        (&run["outcome"]["class"], &escalation["payload"]["reason"]),
        (&"budget".into(), &"run_budget".into())
    );
    assert!(run["budget"].as_str().unwrap().starts_with("the budget of the run ($0.00"), "{run:#}");
    let session = run["session_id"].as_str().unwrap();
    assert!(eventually(|| !runs(session)), "something of it is left");
    let asked = model.steps().len();
    assert!((4..8).contains(&asked), "{asked}");
    world.ipa(&["approve", escalation["handle"].as_str().unwrap()]).ok();
    let done = world.until(&task, "its completion", |task| task["status"] == "completed");
    assert_eq!(done["runs"][1]["session_id"], done["runs"][0]["session_id"]);
    assert_eq!(done["runs"][1]["resumes"], format!("{task}.r1"));
    drop(serving);
}

#[test]
fn a_usage_limit_of_claude_holds_its_task_over_a_restart_until_a_person_says_retry() {
    let reset = jiff::Timestamp::now().as_second() + 7200;
    let replies = move |step: &Step| {
        if step.number > 1 {
            return Reply::say("# Spec\n\n## Acceptance criteria\n\n- AC1: it is there\n");
        }
        Reply::limit_reached(reset)
    };
    let Some((world, _model)) = claude(&["Read"], replies) else { return };
    // Logged in with a subscription instead of a key.
    let file = world.path("config/ipa/ipa.toml");
    let config = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        config.replace("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN").replace(KEY, "sk-ant-oat01-fake"),
    )
    .unwrap();
    // Of its own choice it takes a large model, and goes on with a smaller one.
    configure(&world, "[roles.spec]\nmodel = \"claude-sonnet-4-5\"\n");
    let serving = world.serve(&[]);
    let task = world.task(&[]);
    let until = jiff::Timestamp::from_second(reset).unwrap();
    let wanted = format!("the usage limit of claude, until {until}");
    let held = world.until(&task, "the hold", |task| task["retry_at"].is_string());
    assert_eq!((&held["status"], &held["waiting_for"]), (&"queued".into(), &wanted.clone().into()));
    assert_eq!(held["runs"][0]["outcome"]["class"], "rate_limited");
    drop(serving);

    let serving = world.serve(&[]);
    for shown in [
        world.ipa(&["why", &task]).ok().out,
        world.ipa(&["ls", "--json"]).ok().out,
        page(&serving, &format!("/tasks/{task}")),
        page(&serving, "/"),
    ] {
        assert!(shown.contains(&wanted), "{shown}");
    }
    world.ipa(&["retry", &task]).ok();
    let gate = open(&world, &task, "gate");
    assert!(gate["payload"]["document"]["text"].as_str().unwrap().contains("AC1"));
    let runs = world.ipa(&["show", &task, "--json"]).ok().json()["runs"].clone();
    assert_eq!((&runs[1]["attempt"], &runs[1]["resumes"]), (&1.into(), &format!("{task}.r1").into()));
    drop(serving);
}

#[test]
fn a_conversation_that_claude_lost_is_handed_over_to_a_new_one() {
    let replies = |step: &Step| {
        if step.mentions("You take this over from an agent") {
            return Reply::say("written");
        }
        if step.tool_results().is_empty() {
            return Reply::tool("Bash", json!({"command": "echo bye > README.md", "description": "write"}));
        }
        let command = "touch began; python3 -c 'import time; time.sleep(600)'";
        Reply::tool("Bash", json!({"command": command, "description": "take long"}))
    };
    let Some((world, model)) = claude(&["Read", "Bash"], replies) else { return };
    let serving = world.serve(&[]);
    let task = world.task(&["--start-at", "development", "--approve", "auto"]);
    assert!(eventually(|| world.ipa(&["workspace", "read", &task, "began"]).code == 0));
    world.ipa(&["interrupt", &task]).ok();
    world.until(&task, "the end of the run", |task| task["runs"][0]["outcome"]["result"] == "interrupted");
    forget(&world);
    world.ipa(&["retry", &task]).ok();
    let done = world.until(&task, "its completion", |task| task["status"] == "completed");
    assert_eq!(done["runs"][1]["outcome"]["class"], "session_lost");
    assert_eq!(done["runs"][2]["takes_over"], format!("{task}.r2"));
    let last = model.steps().pop().unwrap();
    assert!(last.mentions("README.md +1 -1"), "it is told what differs");
    assert!(last.mentions("You carry out a plan"), "it is told all anew");
    assert!(world.ipa(&["show", &task]).ok().out.contains(&format!("takes over from {task}.r2")));
    assert!(world.ipa(&["event", "list", &task]).ok().out.contains("run.handed_over"));
    assert!(page(&serving, &format!("/tasks/{task}")).contains("takes over from r2"));
    drop(serving);
}

/// Removes all conversations that Claude keeps in the homes of its workspaces.
fn forget(world: &World) {
    let mut folders = vec![world.data().join("workspaces")];
    let mut forgotten = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten().filter(|it| it.file_type().unwrap().is_dir()) {
            if entry.path().ends_with(".claude/projects") {
                fs::remove_dir_all(entry.path()).unwrap();
                forgotten += 1;
            } else {
                folders.push(entry.path());
            }
        }
    }
    assert_eq!(forgotten, 1);
}
