//! A phone: 360 px wide.

use super::chromium::{Browser, PHONE};
use super::scene::{Scene, is_at_gate};
use crate::support::World;

/// A title and a name that have no place to break.
const LONG: &str =
    "Make_the_retry_loop_of_the_connection_pool_stop_after_five_attempts_and_say_which_one_was_last";

#[test]
fn every_page_fits_on_a_phone_and_the_gate_can_be_opened_there() {
    let Some(scene) = Scene::set() else { return };
    let task = scene.task_at_gate();
    let Scene { browser, serving: _serving, world } = scene;
    more_tasks(&world);
    browser.screen(PHONE);
    for page in ["/", "/?status=paused", "/inbox", "/new", "/tasks/T-2"] {
        browser.visit(page);
        fits(&browser, page);
    }
    for page in
        ["", "?section=spec", "?section=checks", "?run=1", "/diff", "/files", "/files/agent.sh", "/timeline"]
    {
        let page = format!("/tasks/{task}{page}");
        browser.visit(&page);
        fits(&browser, &page);
    }
    browser.visit("/");
    browser.sees(LONG);
    browser.picture("board");
    browser.visit("/inbox");
    browser.picture("inbox");
    browser.screen(PHONE);
    browser.visit(&format!("/tasks/{task}"));
    browser.sees("approve spec v1");
    assert_eq!(browser.run(APPROVE), "seen", "the button to approve with is not on the screen");
    browser.click("Approve");
    browser.sees("approve plan v1");
    fits(&browser, "the page after a live change");
}

/// Whether the button is on the screen as the page was loaded, and nothing lies over it.
const APPROVE: &str = "
    const button = document.querySelector('.decision .primary'), at = button.getBoundingClientRect();
    const over = document.elementFromPoint(at.x + at.width / 2, at.y + at.height / 2);
    return over === button && at.top >= 0 && at.bottom <= innerHeight ? 'seen' : JSON.stringify(at);";

#[track_caller]
pub(super) fn fits(browser: &Browser, page: &str) {
    let widths =
        browser.run("return [innerWidth, document.documentElement.scrollWidth, document.body.scrollWidth]");
    assert_eq!(
        widths,
        serde_json::json!([360, 360, 360]),
        "{page} is wider than the screen:\n{}",
        browser.text()
    );
}

/// Seven tasks beside the first, in several states.
fn more_tasks(world: &World) {
    let paused = world.task(&["--agent", "scripted", "--title", LONG, "--start-at", "development"]);
    world.ipa(&["pause", &paused]).ok();
    for (title, start) in
        [("Fix the flaky retry test", "planning"), ("Say which file was not found", "development")]
    {
        world.task(&["--agent", "command:./agent.sh", "--title", title, "--start-at", start]);
    }
    world.task(&["--agent", "command:/not/there", "--title", "An agent that is not there"]);
    let cancelled = world.task(&["--agent", "scripted", "--title", "Not needed any more"]);
    world.ipa(&["cancel", &cancelled]).ok();
    for title in ["Bring the changelog up to date", "Make `--json` say the version"] {
        world.task(&["--agent", "command:./agent.sh", "--title", title]);
    }
    world.until("T-8", "its gate", is_at_gate);
}
