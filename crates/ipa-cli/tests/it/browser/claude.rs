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
    browser.picture("claude-completed");
    let branch = world.ipa(&["show", "T-1", "--json"]).ok().json()["branch"].as_str().unwrap().to_owned();
    assert_eq!(git(&world.path("repo"), &["show", &format!("{branch}:README.md")]), "bye\n");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
