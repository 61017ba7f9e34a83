//! Webhooks of Jira, in the cloud and in a data center: what they lead to is what polls lead to.

use std::fs;

use super::{told, wait};
use crate::support::{Serving, World, eventually};
use crate::tracker::{Flavour, Mailbox, Order, Tracker, Weather};

/// What webhooks are signed with.
const SECRET: &str = "desk-secret";

/// A machine with a tracker as its only connector, which is only observed, and is asked that often what moved.
fn world(tracker: &Tracker, poll: &str) -> World {
    let world = World::new();
    world.program("agent.sh", "#!/bin/sh\ncat > /dev/null; echo words > \"$IPA_OUTPUT\"\n");
    let user = match tracker.flavour() {
        Flavour::Cloud => "user = \"ipa@example.com\"\n",
        Flavour::DataCenter => "",
    };
    for (name, text) in [("token", "token-ipa"), ("secret", SECRET)] {
        fs::write(world.path(name), text).unwrap();
    }
    let file = world.path("config/ipa/ipa.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let at = |name: &str| format!("{{ file = \"{}\" }}", world.path(name).display());
    let config = format!(
        "[roles.develop]\nagent = \"command:sh ./agent.sh\"\n\
         [connectors.desk]\nkind = \"jira\"\nmode = \"observe\"\nurl = \"{}\"\n{user}token = {}\npoll = \"{poll}\"\n\
         hook_secrets = [{}]\njql = \"labels = ipa\"\nrepos = {{ P = \"{}\" }}\n",
        tracker.url(),
        at("token"),
        at("secret"),
        world.path("repo").display(),
    );
    fs::write(file, config).unwrap();
    world
}

/// Whether webhooks are brought.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Post {
    None,
    Comes,
}

struct Story<'a> {
    world: &'a World,
    tracker: &'a Tracker,
    url: String,
    post: Post,
    seed: u64,
}

impl<'a> Story<'a> {
    fn new(world: &'a World, tracker: &'a Tracker, (serving, post): (&Serving, Post)) -> Self {
        let url = format!("{}/hooks/jira/desk", serving.ready["url"].as_str().unwrap());
        Self { world, tracker, url, post, seed: 0 }
    }

    fn deliver(&mut self) {
        if self.post == Post::None {
            return;
        }
        self.seed += 1;
        let weather = Weather { seed: self.seed, lost: 0, doubled: 40, late: 40, order: Order::Shuffled };
        let arrived = wait(self.tracker.deliver(&Mailbox { url: &self.url, secret: SECRET }, weather));
        assert!(arrived.iter().all(|(_, code)| matches!(code, 200 | 202)), "{arrived:?}");
    }

    /// Waits until the task was told of something.
    fn until_told(&mut self, news: &str) {
        let met = eventually(|| {
            self.deliver();
            self.world.ipa(&["show", "T-1"]).code == 0 && told(self.world).iter().any(|told| told == news)
        });
        let log = fs::read_to_string(self.world.path("serve.log")).unwrap_or_default();
        assert!(met, "{news}: {}\n{log}", self.world.ipa(&["sync", "status"]).out);
    }
}

/// A ticket appears, is talked about, renamed, and moved by a person. Returns what its task was told.
async fn story(flavour: Flavour, poll: &str, post: Post) -> Vec<String> {
    let tracker = Tracker::start(flavour).await;
    let world = world(&tracker, poll);
    let serving = world.serve(&[]);
    let mut story = Story::new(&world, &tracker, (&serving, post));
    let asked = || tracker.requests().iter().any(|it| it.route.to_lowercase().contains("search"));
    assert!(eventually(asked), "it asks once, at its start: {:?}", tracker.requests());
    let ann = tracker.person("ann");
    let key = ann.create("Fix it", "Write fixed into fix.txt.");
    ann.label(&key, "ipa");
    story.until_told("ticket_found To Do");
    let comment = ann.comment(&key, "and test it");
    story.until_told("remarked and test it");
    ann.edit_comment(&key, comment, "and test it well");
    story.until_told("remarked and test it well");
    ann.edit_title(&key, "Fix it well");
    story.until_told("ticket_renamed");
    ann.move_to(&key, "In Progress");
    story.until_told("ticket_moved In Progress");
    ann.delete_comment(&key, comment);
    story.until_told("remark_gone");
    let status = world.ipa(&["sync", "status"]).ok().out;
    assert!(status.starts_with("desk works"), "{status}");
    assert_eq!(status.contains("a webhook last came at 20"), post == Post::Comes, "{status}");
    told(&world)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_is_told_of_by_webhooks_alone_as_by_polls_in_the_cloud() {
    same(Flavour::Cloud).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_is_told_of_by_webhooks_alone_as_by_polls_in_a_data_center() {
    same(Flavour::DataCenter).await;
}

async fn same(flavour: Flavour) {
    let hooked = story(flavour, "1h", Post::Comes).await;
    let polled = story(flavour, "200ms", Post::None).await;
    assert_eq!((hooked.len(), &hooked), (6, &polled));
}
