//! Secrets in everything that goes in, and in nothing that is kept, shown or logged: neither as they are nor encoded.
//!
//! Two places are left out: the workspaces with their HOME, and git's own files. There lies what the agent itself
//! wrote.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::claude::claude;
use crate::support::{Serving, World};
use ipa_agent::testing::model::Reply;

/// What every canary has in it, behind its number. Letters and digits are the same in JSON and in a URL.
const REST: &str = "0a1b2c3d4e5f6a7b8c9d";

/// The core of a canary: all that is looked for.
fn core(number: u32) -> String {
    format!("c4n4ry{number:02}{REST}")
}

/// The core of the one that has capital letters only.
const CAPITALS: &str = "C4N4RY090A1B2C3D";

/// Keys that are configured, by the way in which the agent prints them.
fn configured() -> Vec<(&'static str, String)> {
    vec![
        ("PLAIN_KEY", core(1)),
        ("BASE64_KEY", core(2)),
        ("URL_TOKEN", format!("u/r l+{}&?", core(3))),
        ("SPLIT_SECRET", core(4)),
        ("JSON_PASSWORD", format!("q\"uo\\te/{}", core(5))),
    ]
}

/// Tokens that nobody configured, by what they begin with.
fn token(number: u32) -> String {
    match number {
        6 => format!("ghp_{}e0f1a2b3", core(6)),
        7 => format!("sk-ant-{}", core(7)),
        8 => format!("xoxb-{}", core(8)),
        9 => format!("AKIA{CAPITALS}"),
        10 => format!("eyJhbGciOiJIUzI1NiJ9.eyJ{}.s1gnature", core(10)),
        _ => format!("github_pat_{}", core(11)),
    }
}

/// All that may be found nowhere, in the forms in which it could be.
fn canaries() -> Vec<Vec<u8>> {
    let cores = (1..=11).filter(|number| *number != 9).map(core).chain([CAPITALS.to_owned()]);
    cores
        .flat_map(|core| (0..3).map(|at| base64(&core, at)).chain([core.clone()]).collect::<Vec<_>>())
        .map(String::into_bytes)
        .collect()
}

/// What of base64 is a text's alone when `before` bytes stand before it.
fn base64(text: &str, before: usize) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> = std::iter::repeat_n(0, before).chain(text.bytes()).collect();
    let bit = |at: usize| usize::from(bytes[at / 8] >> (7 - at % 8) & 1);
    let letter = |at: usize| LETTERS[(0..6).fold(0, |value, n| value << 1 | bit(at * 6 + n))] as char;
    ((before * 8).div_ceil(6)..bytes.len() * 8 / 6).map(letter).collect()
}

/// A program that speaks as Claude Code does, and cannot keep a secret.
fn agent() -> String {
    let quoted = |text: &str| json!(text).to_string().trim_matches('"').to_owned();
    let document = format!("# Spec\n\nWith {}\n\n## Acceptance criteria\n\n- AC1: it is there\n", token(10));
    [
        ("{document}", quoted(&document)),
        ("{url}", format!("https://x.example/?k=u%2Fr%20l%2B{}%26%3F", core(3))),
        ("{json}", quoted(&configured()[4].1)),
        ("{result}", token(7)),
        ("{stderr}", token(8)),
        ("{check}", token(9)),
        ("{name}", token(11)),
    ]
    .iter()
    .fold(include_str!("canary/agent.sh").to_owned(), |script, (place, text)| script.replace(place, text))
}

/// A world whose agent tells all its secrets.
fn world() -> World {
    let world = World::new();
    let program = world.path("agent.sh");
    fs::write(&program, agent()).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut config = format!("[agents.claude]\ncommand = {}\n[agents.claude.env]\n", json!(program));
    for (name, value) in configured() {
        config += &[name, " = ", &json!(value).to_string(), "\n"].concat();
    }
    fs::create_dir_all(world.path("config/ipa")).unwrap();
    fs::write(world.path("config/ipa/ipa.toml"), config).unwrap();
    world
}

/// Returns every file that ipa keeps.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (kind, path) = (entry.file_type().unwrap(), entry.path());
        let agents_own = ["workspaces", "mirrors", "shadow"].iter().any(|name| entry.file_name() == *name);
        if kind.is_dir() && !agents_own {
            found.extend(files(&path));
        } else if kind.is_file() {
            found.push((path.display().to_string(), fs::read(path).unwrap()));
        }
    }
    found
}

/// Asks the server for a page or an answer.
fn get(serving: &Serving, path: &str) -> (String, Vec<u8>) {
    let token = fs::read_to_string(serving.ready["token_file"].as_str().unwrap()).unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", serving.port())).unwrap();
    let host = format!("127.0.0.1:{}", serving.port());
    let token = token.trim();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{path}: {}", String::from_utf8_lossy(&answer));
    (path.to_owned(), answer)
}

/// Everything that the server shows of a task and of itself.
fn shown(world: &World, serving: &Serving, task: &str) -> Vec<(String, Vec<u8>)> {
    let detail = world.ipa(&["show", task, "--json"]).ok().json();
    let mut paths: Vec<String> = ["/", "/inbox", "/new", "/api/v1/tasks", "/api/v1/inbox", "/api/v1/agents"]
        .into_iter()
        .chain(["/api/v1/agents/claude", "/api/v1/workspaces", "/api/v1/pods", "/api/v1/sync"])
        .map(str::to_owned)
        .collect();
    paths.extend(
        ["", "/diff", "/timeline", "/files", "/files/out.txt"].map(|it| format!("/tasks/{task}{it}")),
    );
    let of_api = ["", "/why", "/events", "/diff", "/files", "/files/out.txt"];
    paths.extend(of_api.map(|it| format!("/api/v1/tasks/{task}{it}")));
    for run in detail["runs"].as_array().unwrap() {
        let run = run["handle"].as_str().unwrap();
        paths.extend(["", "/log", "/prompt"].map(|it| format!("/api/v1/runs/{run}{it}")));
    }
    for decision in detail["decisions"].as_array().unwrap() {
        paths.push(format!("/api/v1/inbox/{}", decision["handle"].as_str().unwrap()));
    }
    paths.iter().map(|path| get(serving, path)).collect()
}

/// Names the places in which a canary is.
fn hits(places: &[(String, Vec<u8>)]) -> Vec<String> {
    let canaries = canaries();
    let mut hits = Vec::new();
    for (place, bytes) in places {
        for canary in &canaries {
            if let Some(at) = bytes.windows(canary.len()).position(|window| window == canary) {
                let around = &bytes[at.saturating_sub(80)..(at + 80).min(bytes.len())];
                hits.push(format!("{place}: …{}…", String::from_utf8_lossy(around)));
            }
        }
    }
    hits
}

/// Everything that is kept, shown and logged.
fn everything(world: &World, serving: &Serving, task: &str) -> Vec<(String, Vec<u8>)> {
    let mut places = files(&world.data());
    places.extend(shown(world, serving, task));
    places.push(("serve.log".to_owned(), fs::read(world.path("serve.log")).unwrap()));
    places
}

/// Waits until a decision of this kind is open whose payload has this text, and returns its handle.
fn decision(world: &World, task: &str, kind: &str, text: &str) -> String {
    let fits = |task: &Value| {
        let open = task["open_decisions"].as_array().unwrap().clone();
        let decisions = task["decisions"].as_array().unwrap().iter();
        let mut found = decisions.filter(|it| it["kind"] == kind && open.contains(&it["handle"]));
        found.find(|it| it["payload"].to_string().contains(text)).map(|it| it["handle"].clone())
    };
    let shown = world.until(task, text, |task| fits(task).is_some());
    fits(&shown).unwrap().as_str().unwrap().to_owned()
}

/// Brings a task to the gate behind its work, with canaries in all that a person says and an agent does.
fn worked(world: &World) -> (String, String) {
    let (repo, request) = (world.path("repo"), format!("Log in with {} and say so", token(6)));
    let repo = repo.to_str().unwrap();
    let check = "cat out.txt tried; test -e again";
    let created =
        ["task", "create", &request, "--repo", repo, "--agent", "claude", "--json", "--check", check];
    let created = world.ipa(&created).ok();
    assert!(created.err.contains("[redacted]"), "the author is told: {created:?}");
    let task = created.json()["handle"].as_str().unwrap().to_owned();
    // It fails first, in words that hold a secret.
    let failure = decision(world, &task, "escalation", "cannot log in with [redacted]");
    world.ipa(&["send", &task, &format!("the key is {}", token(7))]).ok();
    world.ipa(&["approve", &failure]).ok();
    for document in ["With [redacted]", "# Plan"] {
        let gate = decision(world, &task, "gate", document);
        world.ipa(&["approve", &gate]).ok();
    }
    // A check fails, too, with a secret in its output, and the next run is told of it.
    let gate = decision(world, &task, "gate", r#""checks":"passed""#);
    (task, gate)
}

#[test]
fn a_secret_is_found_in_nothing_that_is_kept_shown_or_logged() {
    let world = world();
    let serving = world.serve(&["-vv"]);
    let (task, gate) = worked(&world);
    let places = everything(&world, &serving, &task);
    assert_eq!(hits(&places), Vec::<String>::new());
    // The texts that held them are there.
    let count = |place: &str| {
        let named = places.iter().filter(|(name, _)| name.contains(place));
        named.map(|(_, text)| String::from_utf8_lossy(text).matches("[redacted]").count()).sum::<usize>()
    };
    let at_least = [
        ("ipa.db", 6),
        ("spool.jsonl", 20),
        ("prompt.md", 4),
        ("/api/v1/runs/", 16),
        ("/tasks/T-1/diff", 2),
        ("/files/out.txt", 2),
        ("/events", 4),
        ("/api/v1/agents/claude", 1),
        ("/api/v1/tasks/T-1/files", 2),
    ];
    for (place, least) in at_least {
        assert!(count(place) >= least, "{place}: {}", count(place));
    }
    assert!(
        !hits(&files(&world.data().join("workspaces"))).is_empty(),
        "the agent's own files are as it wrote them"
    );
    world.ipa(&["approve", &gate]).ok();
    world.until(&task, "its end", |task| task["status"] == "completed");
    assert_eq!(hits(&everything(&world, &serving, &task)), Vec::<String>::new());
    drop(serving);
    // What is looked for is found where it is.
    fs::write(world.data().join("planted"), base64(&format!("xx{}", token(8)), 0)).unwrap();
    let planted = hits(&files(&world.data()));
    assert!(planted.len() == 1 && planted[0].contains("planted"), "{planted:?}");
}

#[test]
fn what_would_be_run_with_a_secret_in_it_is_refused() {
    let world = world();
    let repo = world.path("repo");
    let check = format!("curl -H 'authorization: {}' localhost", token(6));
    let command = format!("command:TOKEN={} ./agent.sh", token(7));
    for (agent, check) in [("claude", &*check), (&*command, "true")] {
        let repo = repo.to_str().unwrap();
        let all = ["task", "create", "Do it", "--repo", repo, "--agent", agent, "--check", check, "--json"];
        let refused = world.ipa(&all);
        assert_eq!(
            (refused.code, &refused.json()["error"]["code"]),
            (2, &"invalid_request".into()),
            "{refused:?}"
        );
        assert_eq!(hits(&[(String::new(), refused.out.into_bytes())]), Vec::<String>::new());
    }
    assert_eq!(hits(&files(&world.data())), Vec::<String>::new());
}

#[test]
fn what_the_real_claude_prints_of_its_key_is_kept_nowhere() {
    let command = "echo $ANTHROPIC_API_KEY; printf %s $ANTHROPIC_API_KEY | base64 -w0; echo bye > README.md";
    let Some((world, model)) = claude(&["Read", "Bash"], move |step| match step.tool_results().pop() {
        None => Reply::tool("Bash", json!({"command": command, "description": "look"})),
        Some(result) => Reply::say(format!("it said {}", result.text)),
    }) else {
        return;
    };
    let config = world.path("config/ipa/ipa.toml");
    let key = format!("sk-ant-{}", core(1));
    fs::write(&config, fs::read_to_string(&config).unwrap().replace(crate::claude::KEY, &key)).unwrap();
    let serving = world.serve(&["-vv"]);
    let task = world.task(&["--start-at", "development", "--approve", "auto"]);
    world.until(&task, "its completion", |task| task["status"] == "completed");
    // Its model was told the key as it is: only what is kept has none.
    assert!(
        model.steps().iter().any(|step| step.tool_results().iter().any(|result| result.text.contains(&key)))
    );
    let run =
        world.ipa(&["show", &task, "--json"]).ok().json()["runs"][0]["handle"].as_str().unwrap().to_owned();
    let mut places = files(&world.data());
    places.extend(
        [format!("/tasks/{task}"), format!("/api/v1/runs/{run}/log")].map(|path| get(&serving, &path)),
    );
    places.push(("serve.log".to_owned(), fs::read(world.path("serve.log")).unwrap()));
    assert_eq!(hits(&places), Vec::<String>::new());
    let spools = places.iter().filter(|(name, _)| name.ends_with("spool.jsonl"));
    let marks: usize =
        spools.map(|(_, text)| String::from_utf8_lossy(text).matches("[redacted]").count()).sum();
    assert!(marks >= 4, "{marks}");
}
