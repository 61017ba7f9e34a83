//! The whole way over GitHub through the shipped program: from an issue to a merged pull request, with a person and CI on
//! the other side, over real sockets, with real git.

use std::fs;

use serde_json::{Value, json};

use crate::forge::{Entry, Forge, Mailbox, Order, REPO, Scope, Weather};
use crate::support::{World, eventually};

pub(crate) const AGENT: &str = "#!/bin/sh
# Plans nothing, writes a line the first time it develops, and a better one when it is asked again.
cat > /dev/null
case $IPA_ROLE in
  develop) if grep -q one fix.txt 2>/dev/null; then echo two > fix.txt; else echo one > fix.txt; fi ;;
  review) echo two > fix.txt ;;
esac
echo words > \"$IPA_OUTPUT\"
";

/// What the issue asks for.
pub(crate) const ISSUE: &str = "Write the fix into fix.txt.";

/// A machine with a forge as its only connector.
pub(crate) fn world(forge: &Forge) -> World {
    world_asking(forge, "500ms")
}

/// The same, which asks that often what moved.
pub(crate) fn world_asking(forge: &Forge, poll: &str) -> World {
    let world = World::new();
    let base = forge.base();
    fs::write(world.path("token"), "token-ipa\n").unwrap();
    fs::write(world.path("secret"), "hook-secret\n").unwrap();
    forge.person("o").push("main", "agent.sh", AGENT);
    let (token, file) = (world.path("token"), world.path("config/ipa/ipa.toml"));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let (token, secret) = (token.display(), world.path("secret"));
    let secret = secret.display();
    let config = format!(
        "[roles.develop]\nagent = \"command:sh ./agent.sh\"\n\
         [gates]\nspec_clarification = \"auto\"\nplanning = \"auto\"\ndevelopment = \"auto\"\n\
         [connectors.hub]\nkind = \"github\"\nurl = \"{base}\"\ntoken = {{ file = \"{token}\" }}\n\
         issues_of = [\"{REPO}\"]\npoll = \"{poll}\"\nhook_secrets = [{{ file = \"{secret}\" }}]\nlabels = [\"made-by-ipa\"]\nreviewers = [\"ann\"]\n\
         [connectors.hub.publish]\nopen_pull = \"auto\"\nmark_ready = \"auto\"\nreply = \"auto\"\n\
         comment = \"auto\"\nfinish_ticket = \"auto\"\n"
    );
    fs::write(file, config).unwrap();
    world
}

/// Waits until something holds at the forge or here, and says what was there if it never did.
pub(crate) fn wait_for(world: &World, what: &str, holds: impl FnMut() -> bool) {
    let met = eventually(holds);
    let log = fs::read_to_string(world.path("serve.log")).unwrap_or_default();
    assert!(
        met,
        "{what}: {}\n{}\n{log}",
        world.ipa(&["sync", "status"]).out,
        world.ipa(&["show", "T-1"]).out
    );
}

/// What the gate of the review shows that others say.
pub(crate) fn others_say(world: &World) -> Value {
    let inbox = world.ipa(&["inbox", "--json"]).ok().json();
    inbox.pointer("/items/0/payload/others/0").cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issue_becomes_a_pull_request_that_is_reviewed_answered_and_merged() {
    let forge = Forge::start().await;
    let world = world(&forge);
    let ann = forge.person("ann");
    let issue = ann.ask("Fix it", ISSUE);
    ann.label(issue, "ipa");
    let _serving = world.serve(&[]);

    // From the issue to the pull request that is to be reviewed.
    let number = issue + 1;
    let pull = || forge.pull(number);
    wait_for(&world, "a pull request that is ready", || pull().is_some_and(|pull| pull["draft"] == false));
    wait_for(&world, "what it is labelled with, and who is asked", || {
        let pull = pull().unwrap_or_default();
        pull["labels"][0]["name"] == "made-by-ipa" && pull["requested_reviewers"][0]["login"] == "ann"
    });
    let opened = pull().unwrap();
    assert_eq!(opened["title"], "Fix it");
    let issue_url = format!("{}/{REPO}/issues/{issue}", forge.base());
    assert!(opened["body"].as_str().unwrap().contains(&issue_url), "{}", opened["body"]);
    let first = opened["head"]["sha"].as_str().unwrap().to_owned();

    // What ann says in the code is answered by a run, and in her thread.
    let note = ann.comment_on_line(number, "fix.txt", 1, "one is not enough");
    wait_for(&world, "a commit that answers", || pull().unwrap()["head"]["sha"] != first.as_str());
    wait_for(&world, "an answer in the thread", || {
        forge.notes(number).iter().any(|it| it["in_reply_to_id"] == note && it["user"]["login"] == "ipa")
    });

    // Checks and an approval of exactly this commit lead to the card for the merge.
    let second = pull().unwrap()["head"]["sha"].as_str().unwrap().to_owned();
    forge.ci().check(&second, "test", Some("success"));
    ann.review(number, "APPROVE", "");
    let says = json!({
        "pull": "o/r#2", "url": opened["html_url"], "checks": "passed", "approved_by": ["ann"], "objected_by": [],
        "open_threads": 1,
    });
    wait_for(&world, "the gate with what others say", || others_say(&world) == says);
    assert_eq!(world.ipa(&["inbox"]).ok().out.matches("T-1.d").count(), 1, "asked once");
    world.ipa(&["approve", "T-1"]).ok();
    world.until("T-1", "its end", |task| task["phase"] == "completed");
    wait_for(&world, "a closed issue", || forge.issue_state(issue) == "closed");
    wait_for(&world, "a branch that is gone", || {
        let branch = opened["head"]["ref"].as_str().unwrap();
        forge.head(REPO, branch).is_none()
    });
    assert_eq!(pull().unwrap()["merged"], true);
    let status = world.ipa(&["sync", "status"]).ok().out;
    assert!(status.contains("hub works"), "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_revoked_pauses_the_connector_and_a_new_one_lets_all_go_on() {
    let forge = Forge::start().await;
    let world = world(&forge);
    let ann = forge.person("ann");
    let issue = ann.ask("Fix it", ISSUE);
    ann.label(issue, "ipa");
    let _serving = world.serve(&[]);
    let number = issue + 1;
    wait_for(&world, "a pull request that is ready", || {
        forge.pull(number).is_some_and(|pull| pull["requested_reviewers"][0]["login"] == "ann")
    });
    forge.revoke("token-ipa");
    let note = ann.comment_on_line(number, "fix.txt", 1, "one is not enough");
    let status = || world.ipa(&["sync", "status"]).ok().out;
    wait_for(&world, "the refusal on the page of the outside", || status().contains("mend its credential"));
    let refused = |it: &Entry| it.status == Some(401);
    let before = forge.requests().len();
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(forge.requests().len(), before, "nothing is asked with what was refused");
    assert_eq!(forge.requests().iter().filter(|it| refused(it)).count(), 1, "{}", status());

    // The file holds the new token; a person says so.
    forge.add_token("token-new", "ipa", Scope::All);
    fs::write(world.path("token"), "token-new\n").unwrap();
    world.ipa(&["sync", "resume", "hub"]).ok();
    wait_for(&world, "an answer in the thread", || {
        forge.notes(number).iter().any(|it| it["in_reply_to_id"] == note)
    });
    assert!(status().contains("hub works"), "{}", status());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_else_pushes_stays_and_a_person_is_asked() {
    let forge = Forge::start().await;
    let world = world(&forge);
    let ann = forge.person("ann");
    let issue = ann.ask("Fix it", ISSUE);
    ann.label(issue, "ipa");
    let _serving = world.serve(&[]);
    let number = issue + 1;
    let pull = || forge.pull(number).unwrap_or_default();
    wait_for(&world, "a pull request that is ready", || pull()["requested_reviewers"][0]["login"] == "ann");
    let branch = pull()["head"]["ref"].as_str().unwrap().to_owned();
    let theirs = forge.person("o").push(&branch, "fix.txt", "theirs\n");
    let asked = || world.ipa(&["inbox"]).ok().out;
    wait_for(&world, "the question", || asked().contains("somebody else pushed to the pull request"));
    assert!(asked().contains(&theirs[..9]), "{}", asked());
    assert_eq!(forge.head(REPO, &branch), Some(theirs));
    // A person merges it there, with what was pushed.
    ann.merge(number);
    world.until("T-1", "its end", |task| task["phase"] == "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_alone_lead_from_a_pull_request_to_its_merge_however_they_come() {
    let forge = Forge::start().await;
    // By itself it asks once, at its start.
    let world = world_asking(&forge, "1h");
    let ann = forge.person("ann");
    let issue = ann.ask("Fix it", ISSUE);
    ann.label(issue, "ipa");
    let serving = world.serve(&[]);
    let address = format!("{}/hooks/github", serving.ready["url"].as_str().unwrap());
    let mut seed = 0;
    let mut deliver = || {
        seed += 1;
        let weather = Weather { seed, lost: 0, doubled: 40, late: 40, order: Order::Shuffled };
        let mailbox = Mailbox { url: &address, secret: "hook-secret" };
        let sent = forge.deliver(&mailbox, weather);
        let arrived = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(sent));
        assert!(arrived.iter().all(|(_, code)| matches!(code, 200 | 202)), "{arrived:?}");
    };
    let number = issue + 1;
    wait_for(&world, "a pull request that is ready", || {
        deliver();
        forge.pull(number).is_some_and(|pull| pull["requested_reviewers"][0]["login"] == "ann")
    });
    let note = ann.comment_on_line(number, "fix.txt", 1, "one is not enough");
    wait_for(&world, "an answer in the thread", || {
        deliver();
        forge.notes(number).iter().any(|it| it["in_reply_to_id"] == note)
    });
    let head = forge.pull(number).unwrap()["head"]["sha"].as_str().unwrap().to_owned();
    forge.ci().check(&head, "test", Some("success"));
    ann.review(number, "APPROVE", "");
    wait_for(&world, "the gate with what ann says", || {
        deliver();
        others_say(&world)["approved_by"][0] == "ann"
    });
    // A person merges there instead.
    ann.merge(number);
    wait_for(&world, "its end", || {
        deliver();
        world.ipa(&["show", "T-1", "--json"]).ok().json()["phase"] == "completed"
    });

    // What is signed with another secret is not taken.
    let forged = Mailbox { url: &address, secret: "another" };
    ann.comment(number, "a word");
    let arrived = forge.deliver(&forged, Weather::default()).await;
    assert!(!arrived.is_empty() && arrived.iter().all(|(_, code)| *code == 401), "{arrived:?}");
}
