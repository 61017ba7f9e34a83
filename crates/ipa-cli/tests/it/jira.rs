//! The whole way over Jira and GitHub together: a ticket is worked on, its pull request merged, and the ticket is done.

pub(crate) mod story;

use std::fs;

use crate::forge::{Forge, REPO};
use crate::support::{World, eventually};
use crate::tracker::{Flavour, Tracker};

const AGENT: &str = "#!/bin/sh\ncat > /dev/null; echo fixed > fix.txt; echo words > \"$IPA_OUTPUT\"\n";

/// A machine with both as its connectors.
pub(crate) fn world(forge: &Forge, tracker: &Tracker) -> World {
    let world = World::new();
    forge.person("o").push("main", "agent.sh", AGENT);
    let file = world.path("config/ipa/ipa.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    for (name, token) in [("hub", "token-ipa"), ("desk", "token-ipa")] {
        fs::write(world.path(name), token).unwrap();
    }
    let user = match tracker.flavour() {
        Flavour::Cloud => "user = \"ipa@example.com\"\n",
        Flavour::DataCenter => "",
    };
    let (hub, desk) = (world.path("hub"), world.path("desk"));
    let config = format!(
        "[roles.develop]\nagent = \"command:sh ./agent.sh\"\n\
         [gates]\nspec_clarification = \"auto\"\nplanning = \"auto\"\ndevelopment = \"auto\"\nreview = \"auto\"\n\
         [connectors.hub]\nkind = \"github\"\nurl = \"{}\"\ntoken = {{ file = \"{}\" }}\npoll = \"500ms\"\n\
         [connectors.hub.publish]\nopen_pull = \"auto\"\nmark_ready = \"auto\"\nmerge = \"auto\"\n\
         [connectors.desk]\nkind = \"jira\"\nurl = \"{}\"\n{user}token = {{ file = \"{}\" }}\npoll = \"500ms\"\n\
         jql = \"labels = ipa\"\nrepos = {{ P = \"{}\" }}\n\
         [connectors.desk.publish]\ncomment = \"auto\"\nfinish_ticket = \"auto\"\n",
        forge.base(),
        hub.display(),
        tracker.url(),
        desk.display(),
        forge.git_url(REPO),
    );
    fs::write(file, config).unwrap();
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_is_worked_on_its_pull_request_merged_and_it_is_done() {
    for flavour in Flavour::BOTH {
        let (forge, tracker) = (Forge::start().await, Tracker::start(flavour).await);
        let world = world(&forge, &tracker);
        let ann = tracker.person("ann");
        let key = ann.create("Fix it", "Write fixed into fix.txt.");
        ann.label(&key, "ipa");
        let _serving = world.serve(&[]);
        let met = eventually(|| tracker.status(&key) == "Done" && tracker.comments(&key).len() == 1);
        let log = fs::read_to_string(world.path("serve.log")).unwrap_or_default();
        let shown = [world.ipa(&["sync", "status"]).out, world.ipa(&["show", "T-1"]).out].concat();
        assert!(met, "{} {:?}\n{shown}\n{log}", tracker.status(&key), tracker.comments(&key));
        let pull = forge.pull(1).unwrap();
        assert_eq!((&pull["merged"], &pull["title"]), (&true.into(), &"Fix it".into()));
        assert!(pull["body"].as_str().unwrap().contains(&format!("/browse/{key}")), "{}", pull["body"]);
        let status = world.ipa(&["sync", "status"]).ok().out;
        assert!(status.contains("link the pull request") && status.contains("desk works"), "{status}");
    }
}
