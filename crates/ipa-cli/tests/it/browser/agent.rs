//! What an agent does, as a person follows it: tools as one line, the one that failed open, its list of steps, what
//! it asks answered where it asked, and at the review only what changed since the last one.

use std::fs;

use serde_json::{Value, json};

use super::chromium::{Browser, PHONE};
use super::narrow::fits;
use super::scene::{Scene, go};
use crate::support::{World, eventually};

/// An agent that uses many tools. In review it adds a second file.
fn script(world: &World) -> String {
    let steps = |first: &str, second: &str| {
        json!({"plan": [
            {"content": "Look at what is there", "status": first},
            {"content": "Write the first file", "status": second},
        ]})
    };
    let (go, here) = (world.path("go"), world.path("repo"));
    let waits = format!(
        "while [ ! -e '{}' ]; do [ -d '{}' ] || exit 1; sleep 0.05; done",
        go.display(),
        here.display()
    );
    let develop = json!([
        steps("in_progress", "pending"),
        {"say": "I look at **what is there**"},
        {"run": "echo quiet-1"}, {"run": "echo quiet-2"}, {"run": "echo quiet-3"},
        {"run": "echo 'assertion failed: it says hello'; exit 3"},
        {"run": "echo quiet-4"},
        steps("completed", "in_progress"),
        {"say": "Now I would like to clean up"},
        {"ask_permission": {"tool": "Deploy", "input": {"command": "echo rm-everything"}}},
        {"run": "echo quiet-5"}, {"run": "echo quiet-6"},
        {"usage": {"input_tokens": 12000, "output_tokens": 345, "cost_usd": 0.42}},
        {"run": waits},
        {"write_file": {"path": "first.txt", "content": "one\n"}},
        {"say": "The first file is there."},
        {"result": "done"},
    ]);
    let review = json!([
        {"write_file": {"path": "second.txt", "content": "two\n"}},
        {"say": "The second file is there."},
        {"result": "done"},
    ]);
    let path = world.path("script.json");
    fs::write(&path, json!({"roles": {"develop": develop, "review": review}}).to_string()).unwrap();
    format!("scripted:{}", path.display())
}

#[test]
fn an_agents_work_is_followed_answered_and_reviewed_in_a_browser() {
    let Some(Scene { browser, serving: _serving, world }) = Scene::set() else { return };
    let task = world.task(&["--agent", &script(&world), "--start-at", "development"]);
    browser.visit(&format!("/tasks/{task}"));
    the_agent_asks(&browser);
    the_permission_is_given_in_place(&browser);
    what_was_unfolded_stays(&browser, &world);
    browser.sees("approve commit");
    browser.sees("$0.42");
    let first = browser.text();
    assert!(first.contains("turn 1") && first.contains("12,345 tokens"), "{first}");
    browser.picture("agent-review");
    the_second_round_shows_what_is_new(&browser, &world, &task);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

fn the_agent_asks(browser: &Browser) {
    browser.sees("Answer it in the log");
    browser.sees("4 tools");
    browser.sees("assertion failed: it says hello");
    browser.sees("Plan: 1 of 2 done");
    browser.sees("STEPS 1 OF 2 DONE");
    browser.sees("waits for you");
    let text = browser.text();
    assert!(!text.contains("quiet-1"), "what went well is folded:\n{text}");
    browser.picture("agent-asks");
    browser.screen(PHONE);
    fits(browser, "the page of an agent that asks");
    browser.screen(super::chromium::DESK);
}

/// By the keyboard alone: the link above leads to the form in the log.
fn the_permission_is_given_in_place(browser: &Browser) {
    browser.click("Answer it in the log");
    let is_in_log = "return document.querySelectorAll('.log .decision').length + ' ' + document.querySelectorAll('.decision').length";
    assert_eq!(browser.run(is_in_log), "1 1");
    browser.types(".log textarea[name=text]", "with care");
    let changed = json!({"command": "echo one-thing"}).to_string();
    browser.run(&format!("document.querySelector('.log textarea[name=input]').value = {changed:?}"));
    browser.click("Allow once");
    browser.sees("allowed with changes");
    browser.sees("with care");
    browser.loses("Answer it in the log");
    browser.run("document.querySelector('.log .change summary').click()");
    let shown = browser.run("return document.querySelector('.log .change').innerText");
    let shown = shown.as_str().unwrap();
    assert!(shown.contains("rm-everything") && shown.contains("one-thing"), "{shown}");
    assert_eq!(browser.run("return document.querySelectorAll('.decision').length"), 0);
}

fn what_was_unfolded_stays(browser: &Browser, world: &World) {
    browser.sees("uses Bash");
    let line = |what: &str| {
        browser.run(&format!(
            "const all = document.querySelectorAll('.fold:not([hidden])'); return all[all.length - 1]{what}"
        ))
    };
    assert!(eventually(|| line(".textContent") != Value::Null), "{}", browser.text());
    let before = line(".textContent");
    line(".querySelector('summary').click()");
    browser.sees("quiet-6");
    browser.picture("agent-works");
    go(world);
    browser.sees("The first file is there.");
    assert_ne!(line(".textContent"), before, "the line says more tools now");
    assert_eq!(line(".open"), true, "what a person unfolded stays unfolded");
    assert!(browser.text().contains("quiet-6"), "{}", browser.text());
}

fn the_second_round_shows_what_is_new(browser: &Browser, world: &World, task: &str) {
    browser.types(".decision textarea[name=text]", "and a second file");
    browser.click("Reject");
    browser.sees("The second file is there.");
    browser.sees("what changed since the last review");
    browser.click("what changed since the last review");
    browser.sees("second.txt");
    let text = browser.text();
    assert!(text.contains("Since the last review") && !text.contains("first.txt"), "{text}");
    browser.picture("diff-since-review");
    browser.visit(&format!("/tasks/{task}/diff"));
    browser.sees("second.txt");
    assert!(browser.text().contains("first.txt"), "{}", browser.text());
    let since = |what| world.ipa(&["diff", task, "--stat", "--since", what]).ok().out;
    assert!(!since("review").contains("first.txt") && since("review").contains("second.txt"));
    assert!(since("base").contains("first.txt"));
    browser.visit(&format!("/tasks/{task}"));
    browser.click("Approve");
    browser.sees("✓ completed");
}
