//! The real Claude Code in the shipped program, with a model of ours on the loopback: what people do with it.
//!
//! `IPA_TEST_CLAUDE` names the program (`scripts/test` installs it); without it each test says that it is skipped.

mod login;
mod mishaps;
mod truth;

use std::fs;

use ipa_agent::testing::model::{FakeModel, Reply, Step};
use serde_json::{Value, json};

use crate::support::{World, eventually, git};

/// The key that Claude is given. It must be found nowhere.
pub(crate) const KEY: &str = "sk-ant-canary-7f3a9c1e5b";

/// Its end is enough to know it by.
const END: &str = "canary-7f3a9c1e5b";

/// A world whose agent is Claude, and the model behind it; none if there is no program to be tested.
pub(crate) fn claude(
    tools: &[&str],
    reply: impl Fn(&Step) -> Reply + Send + Sync + 'static,
) -> Option<(World, FakeModel)> {
    let Some(program) = std::env::var("IPA_TEST_CLAUDE").ok().filter(|it| !it.is_empty()) else {
        eprintln!("skipped: IPA_TEST_CLAUDE names no program");
        return None;
    };
    let world = World::new();
    let model = FakeModel::start(reply).unwrap();
    let config = format!(
        "[agents.claude]\ncommand = {program:?}\n\
         [agents.claude.env]\nANTHROPIC_BASE_URL = {:?}\nANTHROPIC_API_KEY = {KEY:?}\nDISABLE_TELEMETRY = \"1\"\n\
         DISABLE_ERROR_REPORTING = \"1\"\nCLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC = \"1\"\n\
         [roles.develop]\nagent = \"claude\"\nmodel = \"claude-sonnet-4-5\"\ntools = {tools:?}\n",
        model.url(),
    );
    fs::create_dir_all(world.path("config/ipa")).unwrap();
    fs::write(world.path("config/ipa/ipa.toml"), config).unwrap();
    Some((world, model))
}

/// What the model says in each role: a spec, a plan, one command, and then what became of it.
pub(crate) fn works(command: &'static str) -> impl Fn(&Step) -> Reply + Send + Sync + 'static {
    move |step| {
        if step.mentions("You clarify a piece of software work") {
            return Reply::say("# Spec\n\n## Acceptance criteria\n\n- AC1: the file says bye\n");
        }
        if step.mentions("You plan a piece of software work") {
            return Reply::say("# Plan\n\n1. Write it (AC1)\n");
        }
        match step.tool_results().pop() {
            None => Reply::tool("Bash", json!({"command": command, "description": "write it"})),
            Some(result) if result.failed => Reply::say(format!("refused: {}", result.text)),
            Some(_) => Reply::say("written"),
        }
    }
}

/// Waits until exactly this kind of decision is open, and returns it.
pub(crate) fn open(world: &World, task: &str, kind: &str) -> Value {
    let shown = world.until(task, kind, |task| {
        let open = task["open_decisions"].as_array().unwrap();
        decisions(task).any(|it| it["kind"] == kind && open.contains(&it["handle"]))
    });
    let open = shown["open_decisions"].as_array().unwrap().clone();
    decisions(&shown).find(|it| it["kind"] == kind && open.contains(&it["handle"])).unwrap().clone()
}

fn decisions(task: &Value) -> impl Iterator<Item = &Value> {
    task["decisions"].as_array().unwrap().iter()
}

#[test]
fn a_task_goes_from_a_sentence_to_its_branch_with_the_real_claude() {
    let Some((world, model)) = claude(&["Read"], works("echo its own > README.md")) else { return };
    let mut serving = world.serve(&[]);
    let task = world.task(&["--check", "grep -q bye README.md"]);
    for document in ["Acceptance criteria", "# Plan"] {
        let gate = open(&world, &task, "gate");
        assert!(gate["payload"]["document"]["text"].as_str().unwrap().contains(document), "{gate:#}");
        world.ipa(&["approve", gate["handle"].as_str().unwrap()]).ok();
    }
    // The server is killed while Claude waits; what a person says afterwards reaches it, once.
    let permission = open(&world, &task, "permission");
    assert_eq!(permission["payload"]["tool"], "Bash");
    serving.process.end("KILL");
    drop(serving);
    let serving = world.serve(&[]);
    let edited = json!({"command": "echo bye > README.md", "description": "write it"}).to_string();
    let handle = permission["handle"].as_str().unwrap();
    assert_eq!(world.ipa(&["approve", handle, "--input", "[1]"]).code, 2);
    world.ipa(&["approve", handle, "--input", &edited]).ok();
    world.ipa(&["approve", handle, "--input", &edited]).ok();
    let gate = open(&world, &task, "gate");
    assert_eq!(gate["payload"]["checks"], "passed", "{gate:#}");
    world.ipa(&["approve", gate["handle"].as_str().unwrap()]).ok();
    let done = world.until(&task, "its completion", |task| task["status"] == "completed");
    let branch = done["branch"].as_str().unwrap();
    assert_eq!(git(&world.path("repo"), &["show", &format!("{branch}:README.md")]), "bye\n");
    assert!(done["cost_usd"].as_f64().unwrap() > 0.0);
    // Each role one step, and one more after the command: nothing was done twice.
    assert_eq!(model.steps().len(), 4);
    assert!(model.steps().iter().all(|step| step.key.as_deref() == Some(KEY)));
    drop(serving);
    assert_eq!(holds(&world, END), Vec::<String>::new());
}

/// Names every file below the data directory that holds a secret.
fn holds(world: &World, secret: &str) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![world.data()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let bytes = fs::read(entry.path()).unwrap();
                if bytes.windows(secret.len()).any(|it| it == secret.as_bytes()) {
                    found.push(entry.path().display().to_string());
                }
            }
        }
    }
    found
}

#[test]
fn claude_without_its_login_needs_a_person_at_once_and_works_when_that_is_mended() {
    let Some((world, _model)) = claude(&["Read"], |step| {
        if step.number == 1 {
            return Reply::status(401, "authentication_error", "invalid x-api-key");
        }
        Reply::say("# Spec\n\n## Acceptance criteria\n\n- AC1: it is there\n")
    }) else {
        return;
    };
    let serving = world.serve(&[]);
    let task = world.task(&[]);
    let escalation = open(&world, &task, "escalation");
    let detail = escalation["payload"]["detail"].as_str().unwrap();
    assert!(detail.contains("not logged in"), "{detail}");
    let run = world.ipa(&["show", &task, "--json"]).ok().json()["runs"][0].clone();
    assert_eq!(run["outcome"]["class"], "auth_required", "{run:#}");
    world.ipa(&["approve", escalation["handle"].as_str().unwrap()]).ok();
    open(&world, &task, "gate");
    drop(serving);
}

#[test]
fn an_interrupted_claude_goes_on_in_its_own_conversation() {
    let replies = |step: &Step| {
        if step.mentions("was cut short before it was done") {
            return match step.tool_results().pop() {
                None => {
                    Reply::tool("Bash", json!({"command": "echo bye > README.md", "description": "write"}))
                }
                Some(_) => Reply::say("written"),
            };
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
    world.ipa(&["send", &task, "be quick"]).ok();
    world.ipa(&["retry", &task]).ok();
    let done = world.until(&task, "its completion", |task| task["status"] == "completed");
    let runs = done["runs"].as_array().unwrap();
    assert_eq!(runs[0]["session_id"], runs[1]["session_id"], "{runs:#?}");
    assert_eq!(runs.len(), 2);
    let last = model.steps().pop().unwrap();
    assert!(
        last.mentions("You carry out a plan") && last.mentions("be quick"),
        "it knows what it heard before"
    );
    let branch = done["branch"].as_str().unwrap();
    assert_eq!(git(&world.path("repo"), &["show", &format!("{branch}:README.md")]), "bye\n");
    drop(serving);
}

#[test]
fn claude_is_listed_and_checked() {
    let Some((world, _model)) = claude(&["Read"], |_| Reply::say("hello")) else { return };
    let check = world.ipa(&["agent", "check", "claude"]).ok();
    assert!(check.out.contains("(Claude Code)"), "{check:?}");
    let shown = world.ipa(&["config", "show", "--origin"]).ok();
    assert!(!shown.out.contains(KEY) && shown.out.contains("(hidden)"), "{shown:?}");
    let agents = world.ipa(&["agent", "list", "--json"]).ok().json();
    let claude = agents["items"].as_array().unwrap().iter().find(|agent| agent["name"] == "claude");
    assert_eq!(claude.unwrap()["works"], true, "{agents:#}");
}
