//! Webhooks through the shipped program: whatever becomes of them on their way, a story goes to the same end.

mod jira;
mod lost;

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::forge::{Delivery, Entry, Forge, Mailbox, Order, REPO, Weather, Work};
use crate::support::{Serving, World, eventually};

pub(crate) const AGENT: &str = "#!/bin/sh
# Writes a line the first time, and a better one when it is asked again.
cat > /dev/null
case $IPA_ROLE in
  develop) if grep -q one fix.txt 2>/dev/null; then echo two > fix.txt; else echo one > fix.txt; fi ;;
  review) echo two > fix.txt ;;
esac
echo words > \"$IPA_OUTPUT\"
";

/// What webhooks were signed with, and are from now on.
const SECRETS: [&str; 2] = ["old-secret", "new-secret"];

/// A machine with a forge as its only connector, which is asked that often what moved.
fn world(forge: &Forge, poll: &str) -> World {
    let world = World::new();
    forge.person("o").push("main", "agent.sh", AGENT);
    for (name, text) in [("token", "token-ipa"), ("old", SECRETS[0]), ("new", SECRETS[1])] {
        fs::write(world.path(name), text).unwrap();
    }
    let at = |name: &str| format!("{{ file = \"{}\" }}", world.path(name).display());
    let (base, token, old, new) = (forge.base(), at("token"), at("old"), at("new"));
    let file = world.path("config/ipa/ipa.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let config = format!(
        "[roles.develop]\nagent = \"command:sh ./agent.sh\"\n\
         [gates]\nspec_clarification = \"auto\"\nplanning = \"auto\"\ndevelopment = \"auto\"\n\
         [connectors.hub]\nkind = \"github\"\nurl = \"{base}\"\ntoken = {token}\nissues_of = [\"{REPO}\"]\n\
         poll = \"{poll}\"\nhook_secrets = [{old}, {new}]\nreviewers = [\"ann\"]\n\
         [connectors.hub.publish]\nopen_pull = \"auto\"\nmark_ready = \"auto\"\nreply = \"auto\"\n\
         comment = \"auto\"\nfinish_ticket = \"auto\"\n"
    );
    fs::write(file, config).unwrap();
    world
}

/// Brings webhooks, in some weather.
struct Postman<'a> {
    forge: &'a Forge,
    url: String,
    weather: Weather,
    /// What was brought, each time that it was.
    brought: Vec<Delivery>,
}

impl<'a> Postman<'a> {
    fn new(forge: &'a Forge, serving: &Serving, weather: Weather) -> Self {
        let url = format!("{}/hooks/github", serving.ready["url"].as_str().unwrap());
        Self { forge, url, weather, brought: Vec::new() }
    }

    /// Brings what there is to bring; every second time it is still signed with the old secret.
    fn deliver(&mut self) {
        self.weather.seed += 1;
        let secret = if self.weather.seed.is_multiple_of(2) { SECRETS[0] } else { SECRETS[1] };
        let arrived = wait(self.forge.deliver(&Mailbox { url: &self.url, secret }, self.weather));
        assert!(arrived.iter().all(|(_, code)| matches!(code, 200 | 202)), "{arrived:?}");
        self.brought.extend(arrived.into_iter().map(|(delivery, _)| delivery));
    }

    /// Brings a webhook once more.
    fn replay(&self, delivery: &Delivery) -> u16 {
        wait(self.forge.replay(&Mailbox { url: &self.url, secret: SECRETS[1] }, delivery))
    }
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(work))
}

/// Waits until something holds, while webhooks come.
fn until(world: &World, post: &mut Postman<'_>, what: &str, mut holds: impl FnMut() -> bool) {
    let met = eventually(|| {
        post.deliver();
        holds()
    });
    let log = fs::read_to_string(world.path("serve.log")).unwrap_or_default();
    let shown = [world.ipa(&["sync", "status"]).out, world.ipa(&["show", "T-1"]).out].concat();
    assert!(met, "{what}: {shown}\n{log}");
}

/// Where a story ended.
#[derive(Debug, PartialEq, Eq)]
struct End {
    phase: String,
    merged: bool,
    issue: &'static str,
    /// How often each change was made.
    made: BTreeMap<&'static str, usize>,
    /// What the task was told that others did, each time that it was.
    told: Vec<String>,
}

/// What ipa changes in a story.
const CHANGES: [&str; 5] = [
    "pulls/create",
    "pulls/request-reviewers",
    "pulls/create-reply-for-review-comment",
    "issues/update",
    "git/receive-pack",
];

impl End {
    fn of(forge: &Forge, world: &World, (issue, pull): (u64, u64)) -> Self {
        let done = |it: &Entry| it.work == Work::Done && it.status.is_some_and(|status| status < 300);
        let made = |route: &'static str| {
            (route, forge.requests().iter().filter(|it| it.route == route && done(it)).count())
        };
        Self {
            phase: world.ipa(&["show", "T-1", "--json"]).ok().json()["phase"].as_str().unwrap().to_owned(),
            merged: forge.pull(pull).unwrap()["merged"] == true,
            issue: forge.issue_state(issue),
            made: CHANGES.into_iter().map(made).collect(),
            told: told(world),
        }
    }
}

/// Lists what the task was told that others did, and how often it was. What the forge works out by itself late, or not
/// at all, is left out.
fn told(world: &World) -> Vec<String> {
    let events = world.ipa(&["event", "list", "T-1", "--json"]).ok().json();
    let news = events["items"].as_array().unwrap().iter().filter(|event| event["type"] == "external.changed");
    let news = news.map(|event| &event["payload"]["news"]);
    let theirs = news.filter(|news| {
        !matches!(news["what"].as_str(), Some("pull_found" | "pull_mergeable" | "pull_draft"))
    });
    let line = |news: &Value| {
        let said = [
            &news["remark"]["text"],
            &news["review"]["verdict"],
            &news["ci"]["state"],
            &news["status"],
            &news["by"],
        ];
        let said: Vec<&str> = said.into_iter().filter_map(Value::as_str).collect();
        format!("{} {}", news["what"].as_str().unwrap(), said.join(" ")).trim_end().to_owned()
    };
    let mut told: Vec<String> = theirs.map(line).collect();
    told.sort();
    told
}

/// From an issue over a pull request with a remark to the merge by a person, after which all webhooks come once more.
async fn story(poll: &str, weather: Weather) -> End {
    let forge = Forge::start().await;
    let world = world(&forge, poll);
    let ann = forge.person("ann");
    let issue = ann.ask("Fix it", "Write the fix into fix.txt.");
    ann.label(issue, "ipa");
    let serving = world.serve(&[]);
    let mut post = Postman::new(&forge, &serving, weather);
    let number = issue + 1;
    until(&world, &mut post, "a pull request that is ready", || {
        forge.pull(number).is_some_and(|pull| pull["requested_reviewers"][0]["login"] == "ann")
    });
    let note = ann.comment_on_line(number, "fix.txt", 1, "one is not enough");
    until(&world, &mut post, "an answer in the thread", || {
        forge.notes(number).iter().any(|it| it["in_reply_to_id"] == note)
    });
    let head = forge.pull(number).unwrap()["head"]["sha"].as_str().unwrap().to_owned();
    forge.ci().check(&head, "test", Some("success"));
    ann.review(number, "APPROVE", "fine");
    until(&world, &mut post, "what CI and ann say", || {
        let told = told(&world).join("\n");
        told.contains("ci_changed passed") && told.contains("reviewed approved")
    });
    // Of the rest not one comes: there is no later one that would lead to the same.
    if weather.lost > 0 {
        post.weather.lost = 100;
    }
    ann.merge(number);
    until(&world, &mut post, "its end", || {
        let ended = world.ipa(&["show", "T-1", "--json"]).ok().json()["phase"] == "completed";
        ended
            && forge.issue_state(issue) == "closed"
            && told(&world).join("\n").contains("ticket_moved closed")
    });
    let end = End::of(&forge, &world, (issue, number));
    replay(&world, &forge, &post);
    assert_eq!(End::of(&forge, &world, (issue, number)), end, "what comes after the merge changes nothing");
    end
}

/// Brings each webhook of a story once more, under its old name and under a new one.
fn replay(world: &World, forge: &Forge, post: &Postman<'_>) {
    for delivery in &post.brought {
        assert_eq!(post.replay(delivery), 200, "{}", delivery.guid);
    }
    let before = forge.calls("pulls/get");
    for delivery in &post.brought {
        let renamed = Delivery { guid: format!("again-{}", delivery.guid), ..delivery.clone() };
        assert!(matches!(post.replay(&renamed), 200 | 202), "{}", renamed.guid);
    }
    assert!(eventually(|| forge.calls("pulls/get") > before), "nobody looked");
    world.ipa(&["sync", "now", "T-1"]).ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_third_of_the_webhooks_lost_a_story_goes_to_the_same_end_as_in_order() {
    // By itself the first asks once, at its start; the other finds what was lost when it asks.
    let in_order = story("1h", Weather::default()).await;
    assert_eq!(in_order.phase, "completed");
    let weather = Weather { seed: 0, lost: 30, doubled: 40, late: 40, order: Order::Shuffled };
    assert_eq!(story("1s", weather).await, in_order);
}
