//! A task from the form to the branch, in a browser and nothing else: with scripts, and without.

use std::fs;

use super::chromium::{Browser, Scripts};
use super::scene::{Scene, at_gate, go, stage};
use crate::support::{World, git};

const REJECTION: &str = "textarea[id='text-T-1.d1']";

#[test]
fn a_task_goes_from_the_form_to_its_branch_in_a_browser() {
    let Some(Scene { browser, serving: _serving, world }) = Scene::set() else { return };
    browser.sees("No tasks yet.");
    browser.picture("board-empty");
    browser.click("Inbox");
    browser.sees("Nothing waits for you.");
    browser.picture("inbox-empty");
    create(&browser, &world);
    the_spec_is_rejected_and_approved(&browser);
    browser.sees("approve plan v1");
    browser.sees("Write bye into README.md (AC1)");
    browser.click("Approve");
    the_log_is_live(&browser, &world);
    the_review_is_approved(&browser);
    browser.sees("✓ completed");
    browser.sees("✓ there");
    browser.picture("task-completed");
    let branch = world.ipa(&["show", "T-1", "--json"]).ok().json()["branch"].as_str().unwrap().to_owned();
    browser.sees(&branch);
    let repo = world.path("repo");
    assert_eq!(git(&repo, &["show", &format!("{branch}:README.md")]), "bye\n");
    assert_eq!(fs::read_to_string(repo.join("README.md")).unwrap(), "hello\n");
    the_pages_beside_it(&browser);
    assert_eq!(browser.complaints(), Vec::<String>::new());
    what_a_page_may_not_do_is_complained_about(&browser);
}

fn create(browser: &Browser, world: &World) {
    browser.click("New task");
    browser.types("#request", "Say bye instead of hello");
    browser.types("#repo", world.path("repo").to_str().unwrap());
    browser.types("#agent", "command:./agent.sh");
    browser.click("More");
    browser.types("#checks", "grep -q bye README.md # AC1");
    browser.picture("new");
    browser.click("Create the task");
    browser.sees("T-1 Say bye instead of hello");
}

fn the_spec_is_rejected_and_approved(browser: &Browser) {
    browser.sees("approve spec v1");
    browser.sees("nobody has said how yet");
    browser.picture("task-gate");
    browser.types(REJECTION, "say how it is tested");
    browser.click("Reject");
    browser.sees("approve spec v2");
    browser.sees("tested with grep");
    browser.sees("rejected: spec v1");
    browser.click("What changed from v1 to v2");
    browser.picture("task-gate-2");
    browser.click("Approve");
}

/// The page is not loaded again: what it was told stays in it.
fn the_log_is_live(browser: &Browser, world: &World) {
    browser.run("window.kept = 'yes'");
    browser.sees("line 1: looking around");
    browser.sees("● running");
    browser.picture("task-running");
    assert!(!browser.text().contains("line 2"), "{}", browser.text());
    go(world);
    browser.sees("line 2: written");
    browser.sees("approve commit");
    assert_eq!(browser.run("return window.kept"), "yes");
}

fn the_review_is_approved(browser: &Browser) {
    browser.sees("✓ checks passed");
    browser.sees("AC1 the file says bye ✓ passed");
    browser.picture("task-review");
    browser.click("Read the diff");
    browser.sees("README.md");
    let lines = browser.text();
    assert!(lines.contains("hello") && lines.contains("bye"), "{lines}");
    browser.picture("diff");
    browser.visit("/tasks/T-1");
    browser.click("Approve");
}

fn the_pages_beside_it(browser: &Browser) {
    for (page, shows) in [
        ("?section=spec", "tested with grep"),
        ("?section=plan", "Look at it"),
        ("?section=checks", "exit 0"),
        ("?run=4", "line 2: written"),
        ("/files", "agent.sh"),
        ("/files/README.md", "bye"),
        ("/timeline", "transition.approved"),
        ("/timeline?at=6", "1, spec at work"),
    ] {
        browser.visit(&format!("/tasks/T-1{page}"));
        browser.sees(shows);
        browser.picture(&format!("task{}", page.replace(['/', '?', '='], "-")));
    }
}

/// The check itself finds what it looks for.
fn what_a_page_may_not_do_is_complained_about(browser: &Browser) {
    browser
        .run("const it = document.createElement('script'); it.textContent = '1'; document.body.append(it);");
    let complaints = browser.complaints();
    assert!(complaints.iter().any(|it| it.contains("Content Security Policy")), "{complaints:?}");
    browser.run("setTimeout(() => { throw new Error('on purpose'); })");
    assert!(crate::support::eventually(|| browser.complaints().iter().any(|it| it.contains("on purpose"))));
}

#[test]
fn a_gate_is_approved_in_a_browser_that_runs_no_script() {
    let Some((world, serving)) = stage() else { return };
    let task = at_gate(&world);
    let browser = Browser::start(&serving, Scripts::Off);
    browser.visit(&format!("/tasks/{task}"));
    browser.sees("Log in to ipa");
    let login = serving.ready["login_url"].as_str().unwrap();
    browser.types("#token", login.split_once("#t=").unwrap().1);
    browser.click("Log in");
    browser.sees("approve spec v1");
    assert_eq!(
        browser.run("return document.querySelector('noscript').offsetWidth > 0"),
        true,
        "scripts are off"
    );
    browser.sees("approve spec v1");
    browser.click("Reject");
    assert!(browser.text().contains("approve spec v1"), "a rejection without its reason is not sent");
    browser.types(REJECTION, "good as it is");
    browser.picture("task-gate-no-script");
    browser.click("Approve");
    browser.sees("approved: spec v1");
    browser.sees("good as it is");
    world.until(&task, "the plan's gate", |task| task["phase"] == "planning" && task["status"] == "waiting");
    browser.reload();
    browser.sees("approve plan v1");
    browser.visit("/inbox");
    browser.click("Approve");
    world.until(&task, "the work", |task| task["phase"] == "development");
    go(&world);
    world.until(&task, "the review", |task| task["phase"] == "review" && task["status"] == "waiting");
}
