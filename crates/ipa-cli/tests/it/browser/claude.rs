//! The whole story with the real Claude Code, in a browser and nothing else.

use ipa_agent::testing::model::{Reply, Step};
use serde_json::json;

use super::chromium::{Browser, Scripts, wanted};
use crate::claude::{claude, works};
use crate::support::git;

/// Asks before it writes the spec; else works.
fn asks_first(step: &Step) -> Reply {
    if step.mentions("You clarify a piece of software work") && step.tool_results().is_empty() {
        let options =
            json!([{"label": "bye", "description": "short"}, {"label": "goodbye", "description": "long"}]);
        let question =
            json!({"question": "Which word?", "header": "Word", "multiSelect": false, "options": options});
        return Reply::tool("AskUserQuestion", json!({"questions": [question]}));
    }
    works("echo its own > README.md")(step)
}

#[test]
fn the_real_claude_is_asked_allowed_and_reviewed_in_a_browser() {
    if !wanted() {
        return;
    }
    let Some((world, model)) = claude(&["Read"], asks_first) else { return };
    let serving = world.serve(&[]);
    let browser = Browser::start(&serving, Scripts::On);
    browser.log_in(&serving);
    world.task(&["--check", "grep -q bye README.md # AC1"]);
    browser.visit("/tasks/T-1");
    browser.sees("Which word?");
    browser.picture("claude-question");
    browser.click("bye");
    browser.sees("approve spec v1");
    assert!(model.steps().last().unwrap().tool_results()[0].text.contains("bye"));
    browser.click("Approve");
    browser.sees("approve plan v1");
    browser.click("Approve");
    browser.sees("The agent wants to use Bash");
    browser.picture("claude-permission");
    let changed = json!({"command": "echo bye > README.md", "description": "as wished"});
    browser.run(&format!("document.querySelector('textarea[name=input]').value = {:?}", changed.to_string()));
    browser.click("Allow once");
    browser.sees("approve commit");
    browser.sees("✓ checks passed");
    browser.sees("allowed with changes");
    browser.picture("claude-review");
    browser.click("Approve");
    browser.sees("✓ completed");
    browser.sees("✓ there");
    browser.picture("claude-completed");
    let branch = world.ipa(&["show", "T-1", "--json"]).ok().json()["branch"].as_str().unwrap().to_owned();
    assert_eq!(git(&world.path("repo"), &["show", &format!("{branch}:README.md")]), "bye\n");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// Wants to write its own words; goes on with what it hears.
fn listens(step: &Step) -> Reply {
    let write = |words: &str| {
        let command = format!("echo {words} > README.md");
        Reply::tool("Bash", json!({"command": command, "description": "write it"}))
    };
    match step.tool_results().pop() {
        None if step.answered() == 0 => write("its own"),
        Some(result) if result.failed => write("bye"),
        _ => Reply::say("as you say"),
    }
}

#[test]
fn a_denial_and_a_message_in_a_browser_reach_the_real_claude_once_also_over_the_end_of_the_server() {
    if !wanted() {
        return;
    }
    let Some((world, model)) = claude(&["Read"], listens) else { return };
    let mut serving = world.serve(&[]);
    let browser = Browser::start(&serving, Scripts::On);
    browser.log_in(&serving);
    let task = world.task(&["--start-at", "development"]);
    browser.visit(&format!("/tasks/{task}"));
    browser.sees("The agent wants to use Bash");
    browser.types("textarea[id='text-T-1.d1']", "say bye, in one word");
    browser.click("Deny");
    browser.sees("say bye, in one word");
    // It heard why, and asks again.
    browser.sees("T-1.d2");
    browser.sees("echo bye > README.md");
    let denied = model.steps().last().unwrap().tool_results().pop().unwrap();
    assert!(denied.failed && denied.text.contains("say bye, in one word"), "{denied:?}");
    let host = world.ipa(&["show", &task, "--json"]).ok().json()["runs"][0]["pid"].clone();
    browser.types("#message", "and nothing else");
    browser.click("Send");
    browser.sees("and nothing else");
    let port = serving.port();
    serving.process.end("KILL");
    browser.sees("Offline: this page waits for the server.");
    let serving = world.serve_on(port, &[]);
    browser.loses("Offline:");
    browser.click("Allow once");
    browser.sees("approve commit");
    browser.click("Approve");
    browser.sees("✓ completed");
    browser.sees("✓ there");
    let done = world.ipa(&["show", &task, "--json"]).ok().json();
    assert_eq!((done["runs"].as_array().unwrap().len(), &done["runs"][0]["pid"]), (1, &host), "{done:#}");
    let heard = model.steps().last().unwrap().body["messages"].to_string();
    assert_eq!(heard.matches("and nothing else").count(), 1, "{heard}");
    let branch = done["branch"].as_str().unwrap();
    assert_eq!(git(&world.path("repo"), &["show", &format!("{branch}:README.md")]), "bye\n");
    drop(serving);
}
