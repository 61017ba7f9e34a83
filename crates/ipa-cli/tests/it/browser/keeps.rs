//! What a person has in hand stays: through changes of the page, the end of the server, and another tab.

use super::scene::{Scene, go};
use crate::support::eventually;

#[test]
fn half_typed_text_survives_a_live_change_and_the_end_of_the_server() {
    let Some(Scene { browser, mut serving, world }) = Scene::set() else { return };
    let task =
        world.task(&["--agent", "command:./agent.sh", "--start-at", "development", "--approve", "auto"]);
    browser.visit(&format!("/tasks/{task}"));
    browser.sees("line 1: looking around");
    browser.types("#message", "half a mess");
    browser.run("window.kept = 'yes'");
    world.ipa(&["pause", &task]).ok();
    browser.sees("Paused by user:local: nothing more starts.");
    assert_eq!(browser.typed("#message"), "half a mess");
    let port = serving.port();
    serving.process.end("KILL");
    browser.sees("Offline: this page waits for the server. What you typed is kept.");
    browser.picture("task-offline");
    // The world goes on meanwhile: the agent does its work, somebody asks for more.
    go(&world);
    world.ipa(&["resume", &task]).ok();
    let _serving = world.serve_on(port, &[]);
    browser.sees("✓ completed");
    browser.sees("line 2: written");
    browser.loses("Offline:");
    browser.types("#message", "age");
    assert_eq!(browser.typed("#message"), "half a message");
    assert_eq!(browser.run("return window.kept"), "yes");
    assert_eq!(browser.text().matches("line 1: looking around").count(), 1, "{}", browser.text());
}

#[test]
fn two_tabs_agree_and_a_late_answer_says_what_happened_and_keeps_the_text() {
    let Some(scene) = Scene::set() else { return };
    let task = scene.task_at_gate();
    let Scene { browser, serving: _serving, world: _world } = scene;
    let first = browser.tab();
    browser.visit(&format!("/tasks/{task}"));
    browser.sees("approve spec v1");
    let second = browser.new_tab();
    browser.visit("/inbox");
    browser.sees("approve spec v1");
    let field = "textarea[id='text-T-1.d1']";
    browser.types(field, "I would rather have");
    browser.to(&first);
    browser.click("Approve");
    browser.sees("approve plan v1");
    browser.to(&second);
    browser.sees("approve plan v1");
    browser.sees("This is decided, or has changed. What you typed is kept here until you clear it.");
    browser.picture("inbox-stale");
    browser.run("document.querySelector('.stale .danger').click()");
    browser.sees("decision T-1.d1 is closed: user:local decided it");
    assert_eq!(browser.typed(field), "I would rather have");
    browser.picture("inbox-late");
    // What is there now is decided in the second tab, and shown in the first.
    browser.run("document.querySelector('.item:not(.stale) .primary').click()");
    browser.to(&first);
    browser.sees("line 1: looking around");
    let title = || browser.run("return document.title");
    assert!(eventually(|| title() == format!("{task} Do it · ipa")), "{}", title());
}
