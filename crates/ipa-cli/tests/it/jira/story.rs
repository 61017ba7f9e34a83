//! The full story: from a ticket over a draft, a comment in the code and its answer to a merge that a person agreed to, and
//! the ticket done; told afterwards in a terminal.

use std::fs;

use serde_json::Value;

use crate::forge::Forge;
use crate::support::{World, eventually};
use crate::tracker::{Flavour, Tracker};

const AGENT: &str = "#!/bin/sh
# Writes a line when it develops, and a better one when somebody asks for it in the code.
cat > /dev/null
case $IPA_ROLE in
  spec) printf '# Spec\\n\\nThe fix is in fix.txt.\\n' > \"$IPA_OUTPUT\" ;;
  plan) printf '# Plan\\n\\n1. Write fix.txt.\\n' > \"$IPA_OUTPUT\" ;;
  develop) echo one > fix.txt; echo 'The fix is in fix.txt.' > \"$IPA_OUTPUT\" ;;
  review) echo two > fix.txt; echo 'It says two now.' > \"$IPA_OUTPUT\" ;;
esac
";

/// A machine with both as its connectors, on which a person opens the gates of the work and agrees to what is merged.
pub(crate) fn world(forge: &Forge, tracker: &Tracker) -> World {
    let world = super::world(forge, tracker);
    forge.person("o").push("main", "agent.sh", AGENT);
    let file = world.path("config/ipa/ipa.toml");
    let config = fs::read_to_string(&file).unwrap();
    let asking = config
        .replace("development = \"auto\"\nreview = \"auto\"", "development = \"ask\"\nreview = \"ask\"")
        .replace("merge = \"auto\"", "reply = \"auto\"");
    assert_eq!(asking.matches("\"ask\"").count(), 2, "{config}");
    fs::write(file, asking).unwrap();
    world
}

/// Waits until something holds outside or here, and says what was there if it never did.
#[track_caller]
fn wait_for(world: &World, what: &str, holds: impl FnMut() -> bool) {
    let met = eventually(holds);
    let log = fs::read_to_string(world.path("serve.log")).unwrap_or_default();
    let told = ["sync status", "show T-1"].map(|it| world.ipa(&it.split(' ').collect::<Vec<_>>()).out);
    assert!(met, "{what} did not come:\n{}\n{log}", told.concat());
}

/// The open gate of a phase, by its handle.
fn gate(world: &World, from: &str) -> Option<String> {
    let inbox = world.ipa(&["inbox", "--json"]).ok().json();
    let items = inbox["items"].as_array()?;
    let found = items.iter().find(|it: &&Value| it["kind"] == "gate" && it["payload"]["from"] == from)?;
    found["handle"].as_str().map(str::to_owned)
}

/// Finds these in a text one after the other.
#[track_caller]
fn tells(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        rest = rest.split_once(part).unwrap_or_else(|| panic!("{part:?} is not where it belongs:\n{text}")).1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_full_story_of_a_ticket_in_the_cloud_and_its_history() {
    full_story(Flavour::Cloud).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_full_story_of_a_ticket_in_a_data_center_and_its_history() {
    full_story(Flavour::DataCenter).await;
}

async fn full_story(flavour: Flavour) {
    let (forge, tracker) = (Forge::start().await, Tracker::start(flavour).await);
    let world = world(&forge, &tracker);
    let reporter = tracker.person("ann");
    let key = reporter.create("Fix it", "Write fixed into fix.txt.");
    reporter.label(&key, "ipa");
    let _serving = world.serve(&[]);
    let pull = || forge.pull(1).unwrap_or_default();
    let ticket = || tracker.issue(&key).unwrap();

    // While development waits for a person, others see a draft, and the ticket leads to it.
    let mut open = None;
    wait_for(&world, "the gate of the development", || {
        open = gate(&world, "development");
        open.is_some()
    });
    wait_for(&world, "a draft", || pull()["draft"] == true);
    wait_for(&world, "a ticket in progress", || tracker.status(&key) == "In Progress");
    wait_for(&world, "the way to the draft", || ticket()["links"][0]["object"]["url"] == pull()["html_url"]);
    assert!(world.ipa(&["ls"]).ok().out.contains("waiting: "));
    world.ipa(&["approve", open.as_deref().unwrap(), "-m", "let others see it"]).ok();
    wait_for(&world, "a pull request that is ready", || pull()["draft"] == false);

    // What a person says in the code is answered by a run, and in that person's thread.
    let first = pull()["head"]["sha"].clone();
    let ann = forge.person("ann");
    let note = ann.comment_on_line(1, "fix.txt", 1, "one is not enough");
    let answer = || forge.notes(1).into_iter().find(|it| it["in_reply_to_id"] == note);
    wait_for(&world, "an answer in the thread", || answer().is_some());
    assert_ne!(pull()["head"]["sha"], first);

    // Green checks and an approval are seen before the gate is opened: that is the merge.
    forge.ci().check(pull()["head"]["sha"].as_str().unwrap(), "test", Some("success"));
    ann.review(1, "APPROVE", "Good now.");
    let news = || world.ipa(&["event", "list", "T-1", "--json"]).ok().json()["items"].clone();
    let knows =
        |what: &str| news().as_array().unwrap().iter().any(|it| it["payload"]["news"]["what"] == what);
    wait_for(&world, "what others say", || knows("reviewed") && knows("ci_changed"));
    wait_for(&world, "the gate of the review", || {
        open = gate(&world, "review");
        open.is_some()
    });
    assert_eq!((&pull()["merged"], tracker.status(&key)), (&false.into(), "In Progress".to_owned()));
    world.ipa(&["approve", open.as_deref().unwrap()]).ok();
    wait_for(&world, "its end", || tracker.status(&key) == "Done" && tracker.comments(&key).len() == 1);
    assert_eq!(pull()["merged"], true);
    let (by, said) = tracker.comments(&key).remove(0);
    assert!(by == "ipa" && said.starts_with("T-1 is done: Fix it."), "{by}: {said}");
    wait_for(&world, "that it is merged, on the ticket", || {
        ticket()["links"][0]["object"]["status"]["resolved"] == true
    });
    history(&world, &key);
}

/// What is told afterwards in a terminal.
fn history(world: &World, key: &str) {
    let said = |line: &str| world.ipa(&line.split(' ').collect::<Vec<_>>()).ok().out;
    tells(
        &said("sync status T-1"),
        &[
            "move the ticket to active",
            "open a draft pull request: Fix it",
            "link the pull request",
            "mark the pull request as ready for review",
            "answer in a thread: ",
            "merge ",
            "move the ticket to done",
            "comment: T-1 is done: Fix it.",
        ],
    );
    tells(
        &said("event list T-1"),
        &[
            &format!("desk/ticket/{key}: it is In Progress"),
            "hub/pull/ipa/t-1-fix-it: there is a draft: Fix it",
            "transition.approved",
            "mark the pull request as ready for review",
            "a thread begins on fix.txt:1",
            "ann says: one is not enough",
            "answer in a thread: ",
            "the checks of ",
            "ann approves ",
            "it was merged by ipa",
            "task.completed",
            &format!("desk/ticket/{key}: it is Done"),
        ],
    );
    tells(
        &said("show T-1"),
        &[
            "── outside",
            &format!("{key}  Done  http://"),
            "o/r#1  merged, its checks passed  http://",
            "ann on fix.txt:1: one is not enough  (answered by T-1.r4)",
            "ann approves: Good now.",
            "── decisions",
            "approved by user:local  approve commit ",
            ": let others see it",
            "withdrawn  approve commit ",
            "the review of the pull request asks for changes",
            "approved by user:local  approve commit ",
        ],
    );
}
