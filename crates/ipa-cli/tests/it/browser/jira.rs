//! The full story of a ticket in a browser, and a connector that is paused there: all of it seen without loading the page
//! again.

use super::chromium::{Browser, Scripts, wanted};
use super::narrow::fits;
use crate::forge::Forge;
use crate::jira::story::world;
use crate::support::{Serving, World, eventually};
use crate::tracker::{Flavour, Tracker};

/// Both hosts, the program that knows them, and a browser that is logged in.
struct Stage {
    // Dropped first: a browser that waits for a server closes late.
    browser: Browser,
    _serving: Serving,
    _world: World,
    forge: Forge,
    tracker: Tracker,
    _runtime: tokio::runtime::Runtime,
}

impl Stage {
    /// Sets it up; none where browsers are not wanted.
    fn set() -> Option<Self> {
        if !wanted() {
            return None;
        }
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (forge, tracker) =
            runtime.block_on(async { (Forge::start().await, Tracker::start(Flavour::Cloud).await) });
        let world = world(&forge, &tracker);
        let serving = world.serve(&[]);
        let browser = Browser::start(&serving, Scripts::On);
        browser.log_in(&serving);
        Some(Self { browser, _serving: serving, _world: world, forge, tracker, _runtime: runtime })
    }

    /// Somebody wants something; returns the ticket's key.
    fn ticket(&self, title: &str) -> String {
        let ann = self.tracker.person("ann");
        let key = ann.create(title, "Write fixed into fix.txt.");
        ann.label(&key, "ipa");
        key
    }
}

#[test]
fn the_full_story_of_a_ticket_is_seen_and_decided_in_a_browser() {
    let Some(stage) = Stage::set() else { return };
    let Stage { browser, forge, tracker, .. } = &stage;
    let key = stage.ticket("Fix it");
    browser.sees("T-1");
    browser.visit("/tasks/T-1");
    browser.run("window.kept = 'yes'");
    browser.sees("o/r#1 draft");
    browser.sees(&format!("{key} In Progress"));
    browser.sees("link the pull request");
    browser.sees("approve commit");
    browser.picture("jira-draft");
    browser.click("Approve");
    browser.sees("mark the pull request as ready for review ✓ there");
    assert_eq!(forge.pull(1).unwrap()["draft"], false);

    let ann = forge.person("ann");
    let note = ann.comment_on_line(1, "fix.txt", 1, "one is not enough");
    browser.sees("ann on fix.txt:1");
    browser.sees("one is not enough");
    browser.sees("answered by T-1.r4");
    browser.sees("answer in a thread: ");
    let answered = || forge.notes(1).iter().any(|it| it["in_reply_to_id"] == note);
    assert!(eventually(answered), "{}", browser.text());
    browser.picture("jira-answered");
    let head = forge.pull(1).unwrap()["head"]["sha"].as_str().unwrap().to_owned();
    forge.ci().check(&head, "test", Some("success"));
    ann.review(1, "APPROVE", "Good now.");
    browser.sees("ann ✓ approves");
    browser.sees("Good now.");
    browser.sees("✓ its checks passed");
    browser.picture("jira-approved");
    browser.click("Approve");
    browser.sees("✓ merged");
    browser.sees(&format!("{key} ✓ Done"));
    browser.sees("comment: T-1 is done: Fix it. ✓ there");
    browser.sees("✓ completed");
    browser.picture("jira-done");
    assert_eq!(
        (forge.pull(1).unwrap()["merged"].clone(), tracker.status(&key)),
        (true.into(), "Done".into())
    );
    assert_eq!(browser.run("return window.kept"), "yes", "nothing was loaded again");
    browser.screen(super::chromium::PHONE);
    fits(browser, "the task's page");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_connector_is_paused_and_resumed_in_a_browser() {
    let Some(stage) = Stage::set() else { return };
    let Stage { browser, tracker, .. } = &stage;
    browser.visit("/inbox");
    browser.sees("desk");
    browser.picture("connectors");
    browser.click("Pause");
    browser.types("#why-desk", "a freeze");
    browser.picture("connector-pause");
    browser.run("document.querySelector('form[action=\"/connectors/desk\"] button').click()");
    browser.sees("paused by local");
    browser.sees(": a freeze");
    browser.picture("connector-paused");
    let asked = tracker.requests().len();
    let key = stage.ticket("Fix it");
    browser.click("Resume");
    browser.loses("paused by local");
    browser.visit("/");
    browser.sees("T-1");
    assert!(tracker.requests().len() > asked, "{key} is worked on");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
