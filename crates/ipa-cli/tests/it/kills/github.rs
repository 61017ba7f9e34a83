//! GitHub, with a token and as an app: each kind of change to a pull request, its branch and its issue.

use std::fs;

use ipa_events::task::ChangeKind::{
    AddLabels, ClosePull, Comment, DeleteBranch, FinishTicket, MarkReady, Merge, OpenPull, PushBranch,
    Rename, Reply, ReportCheck, RequestReviewers, WriteSection, WriteStatus,
};
use serde_json::json;

use super::{Effect, Victim, assert_once, changes};
use crate::forge::{Forge, REPO};
use crate::github::{AGENT, ISSUE, others_say, wait_for};
use crate::support::{Serving, World};

/// What is done to a pull request that is merged, from one thing that a person does to the next.
pub(super) const MERGED: [&[Effect]; 5] = [DRAFTED, READY, ANSWERED, RENAMED, OVER];

const DRAFTED: &[Effect] = &[
    ("git/receive-pack", PushBranch),
    ("pulls/create", OpenPull),
    ("issues/create-comment", WriteStatus),
    ("issues/add-labels", AddLabels),
    ("repos/create-commit-status", ReportCheck),
];
const READY: &[Effect] = &[
    ("graphql/markPullRequestReadyForReview", MarkReady),
    ("issues/update-comment", WriteStatus),
    ("pulls/request-reviewers", RequestReviewers),
];
const ANSWERED: &[Effect] = &[("pulls/create-reply-for-review-comment", Reply)];
const RENAMED: &[Effect] = &[("pulls/update", WriteSection), ("pulls/update", Rename)];
const OVER: &[Effect] = &[
    ("pulls/merge", Merge),
    ("issues/update-comment", WriteStatus),
    ("git/receive-pack", DeleteBranch),
    ("issues/update", FinishTicket),
    ("issues/create-comment", Comment),
];

/// What is done to one whose task is given up, by an app.
pub(super) const GIVEN_UP: [Effect; 2] = [("checks/create", ReportCheck), ("pulls/update", ClosePull)];

/// A machine with a forge as its only connector, which this secret lets in. A person lets work go to review.
fn world(forge: &Forge, secret: &str, credential: impl FnOnce(&str) -> String) -> World {
    let world = World::new();
    let key = world.path("key");
    fs::write(&key, secret).unwrap();
    let credential = credential(&format!("{{ file = \"{}\" }}", key.display()));
    forge.person("o").push("main", "agent.sh", AGENT);
    let file = world.path("config/ipa/ipa.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let base = forge.base();
    let config = format!(
        "[roles.develop]\nagent = \"command:sh ./agent.sh\"\n[checks]\ncommands = [\"test -e fix.txt\"]\n\
         [gates]\nspec_clarification = \"auto\"\nplanning = \"auto\"\ndevelopment = \"ask\"\n\
         [connectors.hub]\nkind = \"github\"\nurl = \"{base}\"\n{credential}\n\
         issues_of = [\"{REPO}\"]\npoll = \"500ms\"\nlabels = [\"made-by-ipa\"]\nreviewers = [\"ann\"]\n\
         [connectors.hub.publish]\nopen_pull = \"auto\"\nmark_ready = \"auto\"\nreply = \"auto\"\n\
         comment = \"auto\"\nfinish_ticket = \"auto\"\nclose_pull = \"auto\"\n"
    );
    fs::write(file, config).unwrap();
    world
}

/// Gives T-1 another title, as its page does.
fn rename(serving: &Serving, world: &World, title: &str) {
    let token = fs::read_to_string(world.data().join("token")).unwrap();
    let url = format!("{}/api/v1/tasks/T-1/commands", serving.ready["url"].as_str().unwrap());
    let asked = reqwest::Client::new().post(url).bearer_auth(token.trim());
    let asked = asked.json(&json!({ "type": "edit", "title": title })).send();
    let answer = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(asked)).unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_killed_after_each_effect_finds_it_and_makes_none_twice() {
    let forge = Forge::start().await;
    let world = world(&forge, "token-ipa", |file| format!("token = {file}"));
    let ann = forge.person("ann");
    let issue = ann.ask("Fix it", ISSUE);
    let number = issue + 1;
    let mut victim = Victim::new(&world);

    victim.killed_after(&forge, DRAFTED, |_| ann.label(issue, "ipa"));
    assert_eq!(forge.pull(number).unwrap()["draft"], true);
    victim.killed_after(&forge, READY, |_| {
        wait_for(&world, "the gate of its development", || world.ipa(&["approve", "T-1"]).code == 0);
    });
    let mut note = 0;
    victim.killed_after(&forge, ANSWERED, |_| {
        note = ann.comment_on_line(number, "fix.txt", 1, "one is not enough");
    });
    victim.killed_after(&forge, RENAMED, |serving| rename(serving, &world, "Mend it"));
    wait_for(&world, "its new title", || forge.pull(number).unwrap()["title"] == "Mend it");
    let body = forge.body(number);
    assert!(body.contains("**Mend it**") && !body.contains("Fix it"), "{body}");
    let head = forge.pull(number).unwrap()["head"].clone();
    victim.killed_after(&forge, OVER, |_| {
        forge.ci().check(head["sha"].as_str().unwrap(), "test", Some("success"));
        ann.review(number, "APPROVE", "");
        wait_for(&world, "the gate with what ann says", || others_say(&world)["approved_by"][0] == "ann");
        world.ipa(&["approve", "T-1"]).ok();
    });

    world.until("T-1", "its end", |task| task["phase"] == "completed");
    victim.settled();
    assert_eq!(victim.unheard.len(), MERGED.iter().map(|effects| effects.len()).sum::<usize>());
    let pull = forge.pull(number).unwrap();
    assert_eq!((&pull["merged"], &pull["head"]["sha"]), (&true.into(), &head["sha"]));
    assert_eq!((forge.issue_state(issue), forge.head(REPO, head["ref"].as_str().unwrap())), ("closed", None));
    assert_eq!(forge.notes(number).iter().filter(|it| it["in_reply_to_id"] == note).count(), 1);
    for (routes, kinds) in [
        (&["git/receive-pack"][..], &[PushBranch, DeleteBranch][..]),
        (&["pulls/create"], &[OpenPull]),
        (&["issues/create-comment", "issues/update-comment"], &[WriteStatus, Comment]),
        (&["issues/add-labels"], &[AddLabels]),
        (&["repos/create-commit-status"], &[ReportCheck]),
        (&["graphql/markPullRequestReadyForReview"], &[MarkReady]),
        (&["pulls/request-reviewers"], &[RequestReviewers]),
        (&["pulls/create-reply-for-review-comment"], &[Reply]),
        (&["pulls/update"], &[WriteSection, Rename]),
        (&["pulls/merge"], &[Merge]),
        (&["issues/update"], &[FinishTicket]),
    ] {
        assert_once(&world, &forge, routes, kinds);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_is_killed_after_its_check_and_after_it_closed_a_pull_request_does_neither_twice() {
    let forge = Forge::start().await;
    let pem = include_str!("../../../../ipa-sync/tests/fixtures/github/app.pem");
    let world = world(&forge, pem, |file| format!("app = {{ id = \"77\", installation = 7, key = {file} }}"));
    let ann = forge.person("ann");
    let issue = ann.ask("Fix it", ISSUE);
    let number = issue + 1;
    let mut victim = Victim::new(&world);
    let [check, close] = GIVEN_UP;
    victim.killed_after(&forge, &[check], |_| ann.label(issue, "ipa"));
    victim.killed_after(&forge, &[close], |_| {
        world.ipa(&["cancel", "T-1"]).ok();
    });
    victim.settled();
    let pull = forge.pull(number).unwrap();
    assert_eq!((&pull["state"], &pull["merged"]), (&"closed".into(), &false.into()));
    assert_once(&world, &forge, &["checks/create"], &[ReportCheck]);
    assert_once(&world, &forge, &["pulls/update"], &[ClosePull]);
    let said = ["issues/create-comment", "issues/update-comment"];
    assert_once(&world, &forge, &said, &[WriteStatus, Comment]);
    assert!(changes(&world).iter().any(|op| op["kind"] == "comment"), "{:#?}", changes(&world));
}
