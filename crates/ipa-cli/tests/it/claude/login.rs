//! The user's own login: shared with runs as one file that is read and never changed, unless somebody said no.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use ipa_agent::testing::model::{FakeModel, Reply};
use serde_json::{Value, json};

use super::{claude, holds, open};
use crate::support::{Said, World, said};

/// What lets the user in, and what would renew it.
const ACCESS: &str = "sk-ant-oat01-canary-31f7";
const REFRESH: &str = "sk-ant-ort01-canary-8c2e";

/// A world without a key, in which the user has a login that has run out by its own words: a Claude that could renew
/// it would.
fn without_key(command: String) -> Option<(World, FakeModel)> {
    let (world, model) = claude(&["Read", "Bash"], move |step| match step.tool_results().pop() {
        None => Reply::tool("Bash", json!({"command": command, "description": "look around"})),
        Some(_) => Reply::say("done"),
    })?;
    let config = world.path("config/ipa/ipa.toml");
    let text = fs::read_to_string(&config).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("ANTHROPIC_API_KEY"));
    // Nothing of the outside is reached.
    let closed = "HTTPS_PROXY = \"http://127.0.0.1:9\"\nNO_PROXY = \"127.0.0.1\"\nDISABLE_TELEMETRY";
    let text = lines.collect::<Vec<_>>().join("\n").replace("DISABLE_TELEMETRY", closed);
    fs::write(config, text).unwrap();
    Some((world, model))
}

fn login_of(world: &World) -> PathBuf {
    world.path(".claude/.credentials.json")
}

fn log_in(world: &World) -> Vec<u8> {
    let file = login_of(world);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let scopes = ["user:inference", "user:profile"];
    let login = json!({"claudeAiOauth": {
        "accessToken": ACCESS, "refreshToken": REFRESH, "expiresAt": 1_700_000_000_000_u64, "scopes": scopes,
        "subscriptionType": "max",
    }});
    fs::write(&file, login.to_string()).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(file.with_file_name("settings.json"), "{}").unwrap();
    fs::read(file).unwrap()
}

fn configure(world: &World, from: &str, to: &str) {
    let config = world.path("config/ipa/ipa.toml");
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(config, text.replace(from, to)).unwrap();
}

#[test]
fn a_task_is_done_with_the_users_login_which_stays_as_it_is() {
    let command = "d=$CLAUDE_SECURESTORAGE_CONFIG_DIR; cat $d/.credentials.json > /dev/null && echo 'read it'; \
                   cat $d/settings.json; ls $d; touch $d/new; echo x >> $d/.credentials.json; \
                   mkdir $d/.oauth_refresh.lock; echo bye > README.md";
    let Some((world, model)) = without_key(command.to_owned()) else { return };
    let before = log_in(&world);
    let serving = world.serve(&[]);
    let task = world.task(&["--start-at", "development", "--approve", "auto"]);
    let done = world.until(&task, "its completion", |task| task["status"] == "completed");
    let sandbox = done["runs"][0]["sandbox"].as_str().unwrap();
    assert!(sandbox.ends_with("; shared: the login of claude"), "{sandbox}");
    let steps = model.steps();
    assert!(steps.iter().all(|step| step.key.as_deref() == Some(ACCESS)), "{:?}", steps[0].key);
    let result = steps.last().unwrap().tool_results().pop().unwrap().text;
    assert!(result.contains("read it"), "{result}");
    assert_eq!(result.matches("ermission denied").count(), 5, "{result}");
    drop(serving);
    assert_eq!(fs::read(login_of(&world)).unwrap(), before);
    assert_eq!(fs::read_dir(world.path(".claude")).unwrap().count(), 2);
    for secret in [ACCESS, REFRESH] {
        assert_eq!(holds(&world, secret), Vec::<String>::new());
    }
}

#[test]
fn a_login_that_is_not_shared_lets_nobody_in() {
    let Some((world, model)) = without_key("true".to_owned()) else { return };
    log_in(&world);
    configure(&world, "[agents.claude]\n", "[agents.claude]\nlogin = \"none\"\n");
    let serving = world.serve(&[]);
    let task = world.task(&["--start-at", "development", "--approve", "auto"]);
    open(&world, &task, "escalation");
    let run = world.ipa(&["show", &task, "--json"]).ok().json()["runs"][0].clone();
    assert_eq!(run["outcome"]["class"], "auth_required", "{run:#}");
    assert!(!run["sandbox"].as_str().unwrap().contains("login"), "{run:#}");
    assert_eq!(model.steps().len(), 0);
    drop(serving);
}

/// Asks whether Claude works, and what the look at the machine says of it.
fn asked(world: &World) -> (i32, String, Value) {
    let check = world.ipa(&["agent", "check", "claude"]);
    let row = world.ipa(&["agent", "check", "claude", "--json"]).json();
    let doctor = world.ipa(&["doctor"]).out;
    let line = doctor.lines().find(|line| line.contains("agent: claude")).unwrap().to_owned();
    let version = row["version"].as_str().unwrap();
    assert!(version.ends_with("(Claude Code)") && check.out.contains(version), "{check:?}");
    assert!(line.contains(version), "{line}");
    assert!(check.out.contains(&format!("login: {}", row["login"].as_str().unwrap())), "{check:?} {row}");
    (check.code, line, row)
}

#[test]
fn a_check_says_how_claude_is_let_in_and_what_to_do() {
    let Some((world, _model)) = without_key("true".to_owned()) else { return };
    let (code, line, row) = asked(&world);
    assert_eq!((code, &row["login"], &row["works"]), (1, &"none".into(), &false.into()));
    assert!(row["problem"].as_str().unwrap().contains("log in with `claude` yourself"), "{row}");
    assert!(line.starts_with("– ") && line.contains("login: none   fix: log in"), "{line}");

    log_in(&world);
    let (code, line, row) = asked(&world);
    assert_eq!((code, &row["login"], &row["problem"]), (0, &"shared".into(), &Value::Null));
    let file = login_of(&world);
    assert!(line.contains(&format!("login: shared, from {}", file.display())), "{line}");
    // It is there, and is none.
    fs::write(&file, "{}").unwrap();
    let (code, _, row) = asked(&world);
    assert_eq!((code, &row["login"]), (1, &"none".into()));
    assert!(row["problem"].as_str().unwrap().contains(file.to_str().unwrap()), "{row}");

    log_in(&world);
    configure(&world, "[agents.claude]\n", "[agents.claude]\nlogin = \"none\"\n");
    assert_eq!(asked(&world).2["login"], "none");
    configure(&world, "[agents.claude.env]\n", "[agents.claude.env]\nANTHROPIC_API_KEY = \"x\"\n");
    let (code, line, row) = asked(&world);
    assert_eq!((code, &row["login"]), (0, &"key".into()));
    assert!(line.ends_with("login: key"), "{line}");
    assert_eq!(fs::read_dir(world.path(".claude")).unwrap().count(), 2, "nothing was made there");
}

#[test]
fn a_check_that_cannot_confine_says_so() {
    let Some((world, _model)) = without_key("true".to_owned()) else { return };
    let mut command = world.command(&["agent", "check", "claude"]);
    let check = said(&command.env("IPA__SANDBOX__READ", r#"["/"]"#).output().unwrap());
    assert!(check.code != 0 && check.err.contains("reads outside"), "{check:?}");
}

#[test]
fn a_repository_does_not_share_the_users_login() {
    let world = World::new();
    fs::create_dir_all(world.path("config/ipa")).unwrap();
    fs::write(world.path("config/ipa/ipa.toml"), "[agents.claude]\nlogin = \"none\"\n").unwrap();
    fs::write(world.path("repo/ipa.toml"), "[agents.claude]\nlogin = \"share\"\n").unwrap();
    let inside = |args: &[&str]| -> Said {
        said(&world.command(args).current_dir(world.path("repo")).output().unwrap())
    };
    let shown = inside(&["config", "show", "--json"]).ok();
    let rows = shown.json();
    let row =
        rows["items"].as_array().unwrap().iter().find(|row| row["key"] == "agents.claude.login").unwrap();
    assert_eq!(row["value"], "none", "{rows:#}");
    assert!(shown.err.contains("ignored agents"), "{shown:?}");
    // The control: in the user's own file the same line counts.
    fs::copy(world.path("repo/ipa.toml"), world.path("config/ipa/ipa.toml")).unwrap();
    let rows = inside(&["config", "show", "--json"]).ok().json();
    let row =
        rows["items"].as_array().unwrap().iter().find(|row| row["key"] == "agents.claude.login").unwrap();
    assert_eq!(row["value"], "share", "{rows:#}");
}
