//! The first command: the main job, with nothing but git and a shell.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::support::{Guard, World, eventually, finish, git, said, signal_to};

#[test]
fn the_demo_turns_a_failing_test_green_with_nothing_but_a_path() {
    let world = World::new();
    let data = world.data();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipa"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir("/");
    command.args(["demo", "--yes", "--json", "--keep", "--data-dir", data.to_str().unwrap()]);
    let demo = said(&command.output().unwrap()).ok();
    let told = demo.json();
    let text = |name: &str| told[name].as_str().unwrap_or_else(|| panic!("{name}: {told}")).to_owned();
    assert_eq!(
        (text("task"), text("test_before"), text("test_after")),
        ("T-1".into(), "failed".into(), "passed".into())
    );
    assert!(demo.err.contains("stopped the pod to show recovery"), "{demo:?}");
    let repo = std::path::PathBuf::from(text("repo"));
    let test = |folder: &std::path::Path| Command::new("sh").arg(folder.join("test.sh")).output().unwrap();
    assert!(!test(&repo).status.success(), "the user's own checkout is as it was");
    let tip = git(&repo, &["rev-parse", &text("branch")]);
    assert_eq!(tip.trim(), text("commit"));
    let delivered = world.path("delivered");
    git(&repo, &["worktree", "add", "--quiet", delivered.to_str().unwrap(), &text("commit")]);
    assert!(test(&delivered).status.success());
    let readme = fs::read_to_string(delivered.join("README.md")).unwrap();
    assert!(readme.starts_with("# total") && readme.ends_with("an empty range is 0.\n"), "{readme}");
    let events = world.ipa(&["event", "list", "T-1", "--json"]).ok().json();
    let events = events["items"].as_array().unwrap();
    assert_eq!(events.len() as u64, told["events"].as_u64().unwrap());
    let approvers: Vec<_> =
        events.iter().filter(|it| it["type"] == "transition.approved").map(|it| &it["actor"]).collect();
    assert_eq!(approvers.iter().filter(|actor| ***actor == "policy:demo").count(), 4, "{approvers:?}");
    assert_eq!(events.iter().filter(|it| it["type"] == "run.adopted").count(), 1);
    // The whole way outside and back, in this order.
    let mut told = demo.err.as_str();
    for line in [
        "← DEMO-1: total leaves the last number out   is worked on as T-1",
        "→ DEMO-1 is in progress",
        "→ demo#1: a draft pull request of ipa/t-1-",
        "→ demo#1 is ready for review",
        "← rae comments on total.sh:1: Please say here what an empty range is, too.",
        "→ answered in the thread: Changed in `",
        "→ merged into main",
        "✓ review              1 of 1 checks passed on the commit, the review answered",
        "→ DEMO-1 is done",
    ] {
        told = told.split_once(line).unwrap_or_else(|| panic!("{line}: {}", demo.err)).1;
    }
    let outside = |name: &str| fs::read_to_string(repo.parent().unwrap().join("forge").join(name)).unwrap();
    assert!(outside("tickets/DEMO-1.md").contains("category = \"done\""));
    assert!(outside("pulls/1/pull.toml").contains("state = \"merged\""));
    let merged = git(&repo, &["show", "origin/main:total.sh"]);
    assert!(merged.contains("-le") && merged.contains("that of an empty range is 0"), "{merged}");
    // What it says to look at works afterwards, without a server.
    assert!(world.ipa(&["diff", "T-1", "--stat"]).ok().out.contains("total.sh"));
    world.ipa(&["event", "verify"]).ok();
    assert!(fs::read_dir(data.join("demo")).unwrap().next().is_some());
}

#[test]
fn a_demo_that_is_stopped_gives_its_task_up_and_leaves_nothing() {
    let world = World::new();
    let mut command = world.command(&["demo", "--yes", "--json"]);
    let demo = Guard(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let works = || {
        let task = world.ipa(&["show", "T-1", "--json"]);
        task.code == 0 && task.json()["runs"][0]["pid"].is_number()
    };
    assert!(eventually(works));
    signal_to(demo.pid(), "INT");
    let said = finish(demo);
    assert_eq!((said.code, &said.json()["error"]["code"]), (130, &"interrupted".into()), "{said:?}");
    assert_eq!(world.ipa(&["show", "T-1", "--json"]).ok().json()["status"], "cancelled");
    assert_eq!(fs::read_dir(world.data().join("demo")).unwrap().count(), 0);
    assert_eq!(
        world.ipa(&["ls", "--status", "waiting", "--json"]).ok().json()["items"],
        serde_json::json!([])
    );
}

/// The demo at a terminal: what it says there, and what somebody types.
struct Terminal {
    process: Guard,
    seen: Arc<Mutex<String>>,
    told: usize,
}

impl Terminal {
    fn open(world: &World) -> Self {
        let mut command = Command::new("script");
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("SHELL", "/bin/sh");
        command.env("HOME", world.path("")).env("IPA_DATA_DIR", world.data()).env("NO_COLOR", "1");
        let demo = format!("{} demo", env!("CARGO_BIN_EXE_ipa"));
        command.args(["-qfec", &demo, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child: Child = command.spawn().unwrap();
        let (mut out, seen) = (child.stdout.take().unwrap(), Arc::new(Mutex::new(String::new())));
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(read @ 1..) = out.read(&mut part) {
                shared.lock().unwrap().push_str(&String::from_utf8_lossy(&part[..read]));
            }
        });
        Self { process: Guard(child), seen, told: 0 }
    }

    /// Waits until something is said after what was waited for before.
    #[track_caller]
    fn sees(&mut self, text: &str) {
        let mut at = None;
        let met = eventually(|| {
            at = self.seen.lock().unwrap()[self.told..].find(text);
            at.is_some()
        });
        assert!(met, "{text:?} was not said:\n{}", self.seen.lock().unwrap());
        self.told += at.unwrap() + text.len();
    }

    fn types(&mut self, line: &str) {
        writeln!(self.process.0.stdin.as_mut().unwrap(), "{line}").unwrap();
    }
}

#[test]
fn the_demo_asks_who_sits_at_a_terminal_and_shows_what_is_asked() {
    let world = World::new();
    let mut terminal = Terminal::open(&world);
    terminal.sees("Enter opens a gate, n sends the work back");
    terminal.sees("? approve spec v1? [Y/n/d=read it]");
    terminal.types("d");
    terminal.sees("AC1: both ends count");
    terminal.sees("? approve spec v1?");
    // Only a no is one.
    terminal.types("what?");
    terminal.sees("Enter or y opens the gate, n sends the work back, d shows it");
    terminal.sees("? approve spec v1?");
    terminal.types("");
    terminal.sees("? approve plan v1? [Y/n/d=read it]");
    terminal.types("n");
    terminal.sees("sent back: the agent looks at it once more");
    terminal.sees("? approve plan v2?");
    terminal.types("y");
    terminal.sees("and let others review it? [Y/n/d=diff]");
    terminal.types("d");
    terminal.sees("-le");
    terminal.sees("and let others review it?");
    // What the page decides is decided.
    let gate = world.ipa(&["inbox", "--json"]).ok().json()["items"][0]["handle"].clone();
    world.ipa(&["approve", gate.as_str().unwrap()]).ok();
    terminal.sees("and merge it? [Y/n/d=diff]");
    terminal.types("y");
    terminal.sees("✓ completed");
    assert_eq!(terminal.process.0.wait().unwrap().code(), Some(0));
    let events = world.ipa(&["event", "list", "T-1"]).ok().out;
    let by_me = events.lines().filter(|it| it.contains("transition.approved") && it.contains("user:local"));
    assert_eq!(by_me.count(), 4, "{events}");
}
