//! What is said of the sandbox is so: the real Claude tries what it can, in the sandbox and without one, and what
//! came of it is compared with what is reported, both ways.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

use ipa_agent::testing::model::{Reply, Step, ToolResult};
use serde_json::{Value, json};

use super::claude;
use crate::support::{Guard, Serving, World, is_alive};

/// What must not be read.
const CANARY: &str = "canary-5d1e90";

const WRITES: &str = "writes outside the workspace";
const READS: &str = "reads outside the workspace and the system";
const OUTLIVE: &str = "processes that outlive a run";

/// One that lies where a sandbox lets everybody read.
const PYTHON: &str = "/usr/bin/python3";

/// What Claude runs; it says of each thing whether it succeeded.
const TRIES: &str = include_str!("tries.py");

/// What is there to be tried, for as long as this lives.
struct Ground {
    /// Folders that are none of the run's business, each with a canary.
    places: Vec<PathBuf>,
    /// May be read by configuration, and not written.
    readable: PathBuf,
    _held: (Guard, TcpListener, UnixListener, File, Vec<tempfile::TempDir>),
}

impl Ground {
    fn lay(world: &World, neighbour: &Path) -> Self {
        let shared = ["/tmp", "/var/tmp", "/dev/shm"].map(|place| tempfile::tempdir_in(place).unwrap());
        let mut places = vec![
            world.path(".ssh"),
            world.path(".claude"),
            world.data().join("runs"),
            world.path("repo"),
            neighbour.to_owned(),
        ];
        places.extend(shared.iter().map(|place| place.path().to_owned()));
        let readable = world.path("toolchain");
        for place in places.iter().chain([&readable]) {
            fs::create_dir_all(place).unwrap();
            fs::write(place.join("canary"), CANARY).unwrap();
        }
        let other = Guard(Command::new("cat").stdin(Stdio::piped()).spawn().unwrap());
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let unix = UnixListener::bind(world.path("socket")).unwrap();
        let pair = File::options().read(true).write(true).open("/dev/ptmx").unwrap();
        let pair_info = fs::read_to_string(format!("/proc/self/fdinfo/{}", pair.as_raw_fd())).unwrap();
        let number = pair_info.lines().find_map(|line| line.strip_prefix("tty-index:")).unwrap().trim();
        // The inside has its own canary; it is the repository's.
        world.program("tries.py", TRIES);
        let mut told = json!({
            "places": places, "pid": other.pid(), "port": tcp.local_addr().unwrap().port(),
            "socket": world.path("socket"), "terminal": format!("/dev/pts/{number}"),
        });
        fs::write(world.path("told.json"), told.to_string()).unwrap();
        let limits =
            Command::new(PYTHON).arg(world.path("repo/tries.py")).current_dir(world.path("")).output();
        told["limits"] = serde_json::from_slice(&limits.unwrap().stdout).unwrap();
        world.program("told.json", &told.to_string());
        Self { places, readable, _held: (other, tcp, unix, pair, shared.into()) }
    }
}

/// What the model asks for: every tool in every place, and everything once inside.
fn calls(ground: &Ground, inside: &Path) -> Vec<(&'static str, Value)> {
    let mut calls = Vec::new();
    for place in ground.places.iter().map(PathBuf::as_path).chain([inside]) {
        calls.push(("Read", json!({"file_path": place.join("canary")})));
        calls.push(("Write", json!({"file_path": place.join("by-claude"), "content": "x"})));
    }
    for place in [&ground.readable, inside] {
        let file = place.join("canary");
        calls.push(("Read", json!({"file_path": file})));
        let edit = json!({"file_path": file, "old_string": CANARY, "new_string": "edited"});
        calls.push(("Edit", edit));
    }
    calls.push(("Bash", json!({"command": format!("{PYTHON} tries.py"), "description": "try"})));
    calls
}

/// What could be done, each time that it was tried.
type Could = BTreeMap<String, Vec<bool>>;

/// Lets Claude try everything; returns what it could and what was said of its bounds in all places where it is. None
/// without a program to be tested.
fn tried(backend: &str) -> Option<(Could, String)> {
    let script: Arc<OnceLock<Ground>> = Arc::default();
    let (world, model) = {
        let (script, inside) = (Arc::clone(&script), OnceLock::new());
        claude(&["Read", "Write", "Edit", "Bash"], move |step| {
            let Some(at) = step.answered().checked_sub(1) else {
                return Reply::tool("Bash", json!({"command": "pwd", "description": "look where I am"}));
            };
            let inside =
                inside.get_or_init(|| PathBuf::from(step.tool_results()[0].text.lines().next().unwrap()));
            let next = calls(script.get().unwrap(), inside).into_iter().nth(at);
            next.map_or_else(|| Reply::say("tried"), |(tool, input)| Reply::tool(tool, input))
        })?
    };
    let toolchain = world.path("toolchain").display().to_string();
    let limits = format!("[sandbox]\nbackend = {backend:?}\nread = [{toolchain:?}]\n");
    let mut config = File::options().append(true).open(world.path("config/ipa/ipa.toml")).unwrap();
    config.write_all(limits.as_bytes()).unwrap();
    let serving = world.serve(&[]);
    let neighbour = world.task(&["--agent", "command:echo '# Spec'"]);
    world.until(&neighbour, "its gate", |task| task["status"] == "waiting");
    let neighbour = world.ipa(&["workspace", "list", &neighbour, "--json"]).ok().json();
    let ground = Ground::lay(&world, Path::new(neighbour["items"][0]["path"].as_str().unwrap()));
    let calls = script.get_or_init(|| ground);
    let task = world.task(&["--start-at", "development", "--approve", "auto"]);
    let over = world.until(&task, "the end of the run", |task| {
        for open in task["open_decisions"].as_array().unwrap() {
            world.ipa(&["approve", open.as_str().unwrap()]);
        }
        task["runs"][0]["status"] == "finished"
    });
    assert_eq!(over["runs"][0]["outcome"]["result"], "completed", "{over:#}");
    let results: Vec<ToolResult> = model.steps()[2..].iter().flat_map(Step::tool_results).collect();
    let could = outcome(calls, &results);

    let told = over["runs"][0]["sandbox"].as_str().unwrap().to_owned();
    let shown = world.ipa(&["show", &task]).ok().out;
    assert!(shown.contains(&format!("sandbox    {told}\n")), "{shown}");
    let doctor = world.ipa(&["doctor", "--json"]).json();
    let line = doctor["checks"].as_array().unwrap().iter().find(|it| it["name"] == "sandbox").unwrap();
    assert_eq!(line["what"], told.as_str());
    let page = page(&serving, &format!("/tasks/{task}"));
    let (by, bounds) = told.split_once("; ").unwrap();
    assert!(page.contains(by) && page.contains(bounds), "{page}");
    Some((could, told))
}

/// Reads a page as who has the token.
fn page(serving: &Serving, path: &str) -> String {
    let token = fs::read_to_string(serving.ready["token_file"].as_str().unwrap()).unwrap();
    let address = serving.ready["url"].as_str().unwrap().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n", token.trim());
    write!(stream, "{head}Connection: close\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

/// Says what Claude could, by what its tools say and by what lies there now; fails if it cannot work inside.
fn outcome(ground: &Ground, results: &[ToolResult]) -> Could {
    let mut could = Could::new();
    let mut add = |words: &str, done: bool| could.entry(words.to_owned()).or_default().push(done);
    let (tools, program) = results.split_at(results.len() - 1);
    let (outside, inside) = tools.split_at(2 * ground.places.len());
    for (place, result) in ground.places.iter().zip(outside.chunks(2)) {
        add(READS, !result[0].failed && result[0].text.contains(CANARY));
        add(WRITES, place.join("by-claude").exists());
    }
    assert_eq!(inside.len(), 6);
    assert!(inside.iter().enumerate().all(|(at, it)| at == 3 || !it.failed), "{inside:#?}");
    // It was read before: only the sandbox has something against it.
    add(WRITES, fs::read_to_string(ground.readable.join("canary")).unwrap().contains("edited"));
    let said = &program[0].text;
    for line in said.lines().filter(|line| !line.is_empty()) {
        let (sign, rest) = line.split_at(3);
        let words = rest.split(" # ").next().unwrap();
        match sign {
            "OK " => add(words, true),
            "NO " => add(words, false),
            // What Claude says itself.
            _ => {}
        }
    }
    let left = said.lines().find_map(|line| line.strip_prefix("LEFT ")).unwrap();
    add(OUTLIVE, is_alive(left.parse().unwrap()));
    could
}

/// Compares what could be done with what is said, in both directions.
fn check(backend: &str, by: &str, limits: &[&str]) {
    let Some((could, told)) = tried(backend) else { return };
    let mut parts = told.split("; ");
    assert_eq!(parts.next(), Some(by), "{told}");
    let mut list = |name: &str| -> BTreeSet<String> {
        let list = parts.next().and_then(|part| part.strip_prefix(name)).unwrap_or_else(|| panic!("{told}"));
        list.split(", ").map(str::to_owned).collect()
    };
    let (limited, free) = (list("limited: "), list("not limited: "));
    assert_eq!(parts.next(), None, "{told}");
    // What is limited in one place only is neither.
    for (words, tries) in &could {
        assert!(tries.iter().all(|it| it == &tries[0]), "{words}: {tries:?}");
    }
    let (can, cannot): (Vec<_>, Vec<_>) = could.iter().partition(|(_, tries)| tries[0]);
    let names = |list: Vec<(&String, &Vec<bool>)>| -> BTreeSet<String> {
        list.into_iter().map(|(words, _)| words.clone()).collect()
    };
    assert_eq!((names(cannot), names(can)), (limited.clone(), free));
    assert!(limits.iter().all(|words| limited.contains(*words)), "{limited:?}");
    assert!(backend != "none" || limited.len() == limits.len(), "{limited:?}");
}

#[test]
fn what_is_said_of_the_sandbox_is_what_the_real_claude_finds_in_it() {
    check("auto", "landlock", &[WRITES, READS, OUTLIVE]);
}

#[test]
fn what_is_said_without_a_sandbox_is_what_the_real_claude_finds_there() {
    check("none", "there is no sandbox", &[OUTLIVE]);
}
