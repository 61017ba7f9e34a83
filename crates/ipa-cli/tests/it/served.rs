//! One process holds the data directory: who it is, how it ends, and that its clients see what a reader sees.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use crate::support::{Guard, Serving, World, eventually, finish, signal_to};

const AGENT: &str = "\
#!/bin/sh
cat > /dev/null
case \"$IPA_ROLE\" in
  spec) printf '# Spec\\n\\n## Acceptance criteria\\n\\n- AC1: the file says bye\\n' ;;
  plan) printf '# Plan\\n\\n1. Write it (AC1)\\n' ;;
  *) echo bye > README.md; echo written ;;
esac
";

/// Creates a task that goes to its end by itself, and waits for that.
pub(crate) fn complete(world: &World) -> String {
    world.program("agent.sh", AGENT);
    let task = world.task(&[
        "--agent",
        "command:./agent.sh",
        "--approve",
        "auto",
        "--check",
        "grep -q bye README.md",
    ]);
    let done = world.until(&task, "its completion", |task| task["status"] == "completed");
    assert_eq!(done["checks"]["evidence"], "passed");
    task
}

#[test]
fn a_server_says_how_it_is_reached_and_lets_in_who_has_its_token() {
    let world = World::new();
    let serving = world.serve(&[]);
    let ready = serving.ready.clone();
    let text = |name: &str| ready[name].as_str().unwrap().to_owned();
    assert_eq!(ready["pid"], serving.process.pid());
    assert!(text("login_url").starts_with(&format!("{}/login#t=", text("url"))));
    let token = fs::read_to_string(text("token_file")).unwrap();
    let elsewhere = world.path("elsewhere");
    let remote = |token: &str| {
        let mut command = world.command(&["ls", "--json", "--server", &text("url")]);
        command.env("IPA_DATA_DIR", &elsewhere).env("IPA_TOKEN", token);
        crate::support::said(&command.output().unwrap())
    };
    assert_eq!(remote(&token).ok().json()["schema"], "ipa.task.list/v1");
    let refused = remote(&"0".repeat(64));
    assert_eq!((refused.code, &refused.json()["error"]["code"]), (4, &"unauthorized".into()));
    drop(serving);
    assert_eq!(remote(&token).code, 8);
}

#[test]
fn who_listens_where_a_killed_server_did_is_told_nothing() {
    let world = World::new();
    let serving = world.serve(&[]);
    let task = world.task(&["--agent", "scripted"]);
    world.ipa(&["pause", &task]).ok();
    let port = serving.port();
    signal_to(serving.process.pid(), "KILL");
    drop(serving);
    assert!(world.data().join("server.json").exists(), "nobody removed what the server said of itself");
    let stranger = TcpListener::bind(("127.0.0.1", port)).unwrap();
    stranger.set_nonblocking(true).unwrap();
    world.ipa(&["ls"]).ok();
    world.ipa(&["resume", &task]).ok();
    assert!(world.ipa(&["doctor"]).out.contains("held by: nobody"));
    let next = world.serve(&[]);
    world.ipa(&["ls"]).ok();
    let asked = stranger.accept().map(drop);
    assert_eq!(asked.unwrap_err().kind(), ErrorKind::WouldBlock, "nobody may come to the stranger");
    drop(next);
}

#[test]
fn a_server_is_reached_by_its_own_address_and_by_the_names_it_was_given() {
    let world = World::new();
    let mut other = world.serve(&["--bind", "127.0.0.2"]);
    assert!(other.ready["url"].as_str().unwrap().starts_with("http://127.0.0.2:"));
    world.ipa(&["ls"]).ok();
    assert_eq!(status_for(&other, "127.0.0.2"), 200);
    assert_eq!(status_for(&other, "ipa.example.org"), 421);
    assert_eq!(other.process.end("TERM"), Some(0));
    let nameless = world.ipa(&["serve", "--bind", "0.0.0.0", "--port", "0"]);
    assert!(nameless.code == 2 && nameless.err.contains("--allow-host"), "{nameless:?}");
    let named = world.serve(&["--bind", "0.0.0.0", "--allow-host", "ipa.example.org"]);
    world.ipa(&["ls"]).ok();
    assert_eq!((status_for(&named, "ipa.example.org"), status_for(&named, "evil.example")), (200, 421));
}

/// Asks whether a server is well, under a name; returns the status.
fn status_for(serving: &Serving, host: &str) -> u16 {
    let address = serving.ready["url"].as_str().unwrap().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn of_twenty_servers_started_at_once_one_holds_the_data() {
    let world = World::new();
    let start = |_| {
        let mut command = world.command(&["serve", "--port", "0", "--json"]);
        Guard(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    };
    let mut all: Vec<Guard> = (0..20).map(start).collect();
    let mut ended = Vec::new();
    assert!(eventually(|| {
        for at in (0..all.len()).rev() {
            if all[at].0.try_wait().unwrap().is_some() {
                ended.push(finish(all.swap_remove(at)));
            }
        }
        all.len() <= 1
    }));
    assert_eq!(all.len(), 1, "{ended:?}");
    let holder = format!("pid {}", all[0].pid());
    for said in &ended {
        assert_eq!(said.code, 8, "{said:?}");
        let message = said.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(&holder) && message.contains("http://127.0.0.1:"), "{message}");
    }
    world.task(&["--agent", "scripted"]);
}

#[test]
fn work_is_asked_for_in_one_process_and_approved_from_another() {
    let world = World::new();
    world.program("agent.sh", AGENT);
    let _serving = world.serve(&[]);
    let repo = world.path("repo");
    fs::write(repo.join("mine.txt"), "my own unfinished work").unwrap();
    let run = ["run", "say bye", "--repo", repo.to_str().unwrap(), "--agent", "command:./agent.sh"];
    let asked = world.ipa(&run);
    assert_eq!(asked.code, 7, "{asked:?}");
    assert!(asked.out.contains("✓ spec v1") && asked.err.contains("ipa approve T-1"), "{asked:?}");
    let inbox = world.ipa(&["inbox", "--json"]).ok().json();
    let spec = &inbox["items"][0];
    assert_eq!((&spec["handle"], &spec["kind"]), (&"T-1.d1".into(), &"gate".into()));
    let seen = spec["payload_hash"].as_str().unwrap();
    world.ipa(&["reject", "T-1.d1", "-m", "say how it is tested"]).ok();
    let again = world.until("T-1", "the second spec", |task| task["open_decisions"][0] == "T-1.d2");
    assert!(again["spec"]["version"] == 2, "{again}");
    stale_approvals_are_refused(&world, seen);
    world.ipa(&["approve", "T-1.d2", "-m", "good"]).ok();
    world.until("T-1", "the plan's gate", |task| task["open_decisions"][0] == "T-1.d3");
    world.ipa(&["approve", "T-1"]).ok();
    world.until("T-1", "the review's gate", |task| task["open_decisions"][0] == "T-1.d5");
    let diff = world.ipa(&["diff", "T-1"]).ok().out;
    assert!(diff.contains("-hello") && diff.contains("+bye"), "{diff}");
    world.ipa(&["approve", "T-1"]).ok();
    let done = world.until("T-1", "its end", |task| task["status"] == "completed");
    assert_eq!(world.ipa(&["wait", "T-1"]).code, 0);
    let branch = done["branch"].as_str().unwrap();
    assert_eq!(crate::support::git(&repo, &["show", &format!("{branch}:README.md")]), "bye\n");
    assert_eq!(fs::read_to_string(repo.join("README.md")).unwrap(), "hello\n");
    assert_eq!(fs::read_to_string(repo.join("mine.txt")).unwrap(), "my own unfinished work");
}

/// What was seen is not there any more: exit 5, and what to do.
#[track_caller]
fn stale_approvals_are_refused(world: &World, seen: &str) {
    for stale in [&["approve", "T-1.d1"][..], &["approve", "T-1.d2", "--seen", seen]] {
        let said = world.ipa(stale);
        assert_eq!(said.code, 5, "{stale:?} {said:?}");
        assert!(said.err.contains("help: "), "{said:?}");
    }
}

#[test]
fn a_run_that_nobody_watches_is_decided_later_and_goes_on_with_the_next_server() {
    let world = World::new();
    world.program("agent.sh", AGENT);
    let repo = world.path("repo");
    let run = ["run", "say bye", "--repo", repo.to_str().unwrap(), "--agent", "command:./agent.sh", "--json"];
    let asked = world.ipa(&run);
    assert_eq!((asked.code, &asked.json()["status"]), (7, &"waiting".into()), "{asked:?}");
    assert!(!world.data().join("server.json").exists());
    world.ipa(&["approve", "T-1"]).ok();
    assert_eq!(world.ipa(&["show", "T-1", "--json"]).ok().json()["status"], "queued");
    let _serving = world.serve(&[]);
    world.until("T-1", "the plan's gate", |task| task["phase"] == "planning" && task["status"] == "waiting");
}

#[test]
fn a_run_with_open_gates_holds_the_data_and_ends_with_the_work_done() {
    let world = World::new();
    world.program("agent.sh", AGENT);
    let repo = world.path("repo");
    let run = [
        "run",
        "say bye",
        "--repo",
        repo.to_str().unwrap(),
        "--agent",
        "command:./agent.sh",
        "--approve",
        "auto",
    ];
    let said = world.ipa(&run).ok();
    assert!(said.out.contains("written") && said.out.contains("T-1  completed, completed"), "{said:?}");
    let task = world.ipa(&["show", "T-1", "--json"]).ok().json();
    let branch = task["branch"].as_str().unwrap();
    assert_eq!(crate::support::git(&repo, &["show", &format!("{branch}:README.md")]), "bye\n");
}
