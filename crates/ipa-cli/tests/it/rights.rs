//! A credential that may not do all that is wanted, through the shipped program: it is told in the host's words and not
//! tried again and again, it is in nobody else's way, and everything follows in order once the right is given.

use std::fs;

use crate::forge::{Forge, REPO, Scope};
use crate::github::{ISSUE, wait_for};
use crate::support::World;
use crate::tracker::{Flavour, Role, Tracker};

/// What stops tasks, in one text.
fn asked(world: &World) -> String {
    world.ipa(&["inbox", "--json"]).ok().out
}

/// The open escalation of a task, by its handle.
fn escalation(world: &World, task: &str) -> Option<String> {
    let inbox = world.ipa(&["inbox", "--json"]).ok().json();
    let of_task = |it: &&serde_json::Value| it["kind"] == "escalation" && it["task_handle"] == task;
    inbox["items"].as_array()?.iter().find(of_task)?["handle"].as_str().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_token_may_not_do_is_told_and_done_in_order_once_it_may() {
    let forge = Forge::start().await;
    let world = crate::github::world(&forge);
    let may = ["contents", "issues", "statuses"].map(str::to_owned).to_vec();
    forge.add_token("token-poor", "ipa", Scope::Only(may));
    fs::write(world.path("token"), "token-poor\n").unwrap();
    let ann = forge.person("ann");
    for title in ["Fix it", "And this"] {
        ann.label(ann.ask(title, ISSUE), "ipa");
    }
    let _serving = world.serve(&[]);
    let tried = || forge.requests().iter().filter(|it| it.route == "pulls/create").count();
    for task in ["T-1", "T-2"] {
        wait_for(&world, "the question", || escalation(&world, task).is_some());
    }
    assert_eq!(asked(&world).matches("pull_requests=write").count(), 2, "{}", asked(&world));
    // Its branch is there: what it may do is done, for each of them.
    assert!(forge.head(REPO, "ipa/t-1-fix-it").is_some() && forge.head(REPO, "ipa/t-2-and-this").is_some());
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(tried(), 2, "nobody tries again what is not allowed");

    fs::write(world.path("token"), "token-ipa\n").unwrap();
    world.ipa(&["sync", "resume", "hub"]).ok();
    for task in ["T-1", "T-2"] {
        world.ipa(&["approve", &escalation(&world, task).unwrap()]).ok();
    }
    for number in [3, 4] {
        wait_for(&world, "all that was to follow", || {
            forge.pull(number).is_some_and(|pull| pull["requested_reviewers"][0]["login"] == "ann")
        });
    }
    assert_eq!((tried(), forge.pull(5)), (4, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_user_may_not_do_to_a_ticket_is_told_and_done_once_it_may() {
    let (forge, tracker) = (Forge::start().await, Tracker::start(Flavour::Cloud).await);
    let world = crate::jira::world(&forge, &tracker);
    tracker.set_role("P", "ipa", Role::Viewer);
    let ann = tracker.person("ann");
    let key = ann.create("Fix it", "Write fixed into fix.txt.");
    ann.label(&key, "ipa");
    let _serving = world.serve(&[]);
    wait_for(&world, "the question", || escalation(&world, "T-1").is_some());
    let refused = || tracker.requests().iter().filter(|it| it.status.is_some_and(|it| it >= 400)).count();
    let (before, status) = (refused(), world.ipa(&["sync", "status", "T-1"]).ok().out);
    assert!(status.contains("dead") || status.contains("given up"), "{status}");
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(refused(), before, "nobody tries again what is not allowed");

    tracker.set_role("P", "ipa", Role::Member);
    wait_for(&world, "the end of the ticket", || {
        if let Some(open) = escalation(&world, "T-1") {
            world.ipa(&["approve", &open]);
        }
        tracker.status(&key) == "Done" && tracker.comments(&key).len() == 1
    });
}
