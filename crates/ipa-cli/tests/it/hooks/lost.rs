//! Webhooks that came while nothing ran: GitHub is asked to send them again.

use std::fs;

use super::{AGENT, SECRETS, wait};
use crate::forge::{Forge, Mailbox, REPO, Weather};
use crate::support::{World, eventually};

/// A machine that is an app at the forge.
fn world(forge: &Forge, secret: &str) -> World {
    let world = World::new();
    forge.person("o").push("main", "agent.sh", AGENT);
    fs::write(world.path("key"), include_str!("../../../../ipa-sync/tests/fixtures/github/app.pem")).unwrap();
    fs::write(world.path("secret"), secret).unwrap();
    let file = world.path("config/ipa/ipa.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let at = |name: &str| format!("{{ file = \"{}\" }}", world.path(name).display());
    let config = format!(
        "[connectors.hub]\nkind = \"github\"\nurl = \"{}\"\napp = {{ id = \"77\", installation = 7, key = {} }}\n\
         issues_of = [\"{REPO}\"]\npoll = \"1h\"\nhook_secrets = [{}]\n",
        forge.base(),
        at("key"),
        at("secret"),
    );
    fs::write(file, config).unwrap();
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_while_nothing_ran_is_sent_again_and_the_secret_may_be_mended_meanwhile() {
    let forge = Forge::start().await;
    let world = world(&forge, " ");
    let ann = forge.person("ann");
    let issue = ann.ask("Later", "");
    for _ in 0..3 {
        ann.comment(issue, "a word");
    }
    let nowhere = Mailbox { url: "http://127.0.0.1:1/hooks/github", secret: SECRETS[0] };
    assert!(forge.deliver(&nowhere, Weather::default()).await.iter().all(|(_, code)| *code == 502));

    let serving = world.serve(&[]);
    let sent_again = || forge.calls("apps/redeliver-webhook-delivery") == 3;
    assert!(eventually(sent_again), "{:?}", forge.requests());
    let doctor = || {
        let checks = world.ipa(&["doctor", "--json"]).json()["checks"].as_array().unwrap().clone();
        checks.into_iter().find(|check| check["name"] == "connector").unwrap()
    };
    // There is nothing in the file of the secret yet.
    let url = format!("{}/hooks/github", serving.ready["url"].as_str().unwrap());
    let here = Mailbox { url: &url, secret: SECRETS[0] };
    let line = doctor();
    assert_eq!(line["state"], "warning", "{line:#}");
    assert!(line["fix"].as_str().unwrap().contains("a secret of its webhooks: the file "), "{line:#}");
    let again = forge.deliver(&here, Weather::default()).await;
    assert_eq!(again.iter().map(|(_, code)| *code).collect::<Vec<_>>(), [404; 3], "it opens nothing");
    fs::write(world.path("secret"), SECRETS[0]).unwrap();
    world.ipa(&["sync", "resume", "hub"]).ok();
    let (first, _) = &again[0];
    assert!(first.again);
    assert_eq!(wait(forge.replay(&here, first)), 202, "its secret is read anew");
    let line = doctor();
    assert_eq!(line["state"], "good", "{line:#}");
    assert!(line["what"].as_str().unwrap().contains("; a webhook last came at 20"), "{line:#}");
    drop(serving);
    let status = world.ipa(&["sync", "status"]).ok().out;
    assert!(status.starts_with("hub was not asked yet"), "{status}");
}
