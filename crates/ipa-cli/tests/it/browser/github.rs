//! The story of an issue in a browser: what comes from outside is on the page as it comes, and the merge is agreed to there.

use super::chromium::{Browser, Scripts, wanted};
use crate::forge::Forge;
use crate::github::{ISSUE, world};
use crate::support::eventually;

#[test]
fn the_way_of_an_issue_is_seen_and_its_merge_agreed_to_in_a_browser() {
    if !wanted() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let forge = runtime.block_on(Forge::start());
    let world = world(&forge);
    let serving = world.serve(&[]);
    let browser = Browser::start(&serving, Scripts::On);
    browser.log_in(&serving);
    let ann = forge.person("ann");
    let issue = ann.ask("Fix it", ISSUE);
    ann.label(issue, "ipa");

    browser.sees("T-1");
    browser.visit("/tasks/T-1");
    browser.sees("ask for a review: ann");
    browser.picture("github-open");
    let note = ann.comment_on_line(issue + 1, "fix.txt", 1, "one is not enough");
    browser.sees("answer in a thread: Changed in");
    let answered = || forge.notes(issue + 1).iter().any(|it| it["in_reply_to_id"] == note);
    assert!(eventually(answered), "{}", browser.text());
    let head = forge.pull(issue + 1).unwrap()["head"]["sha"].as_str().unwrap().to_owned();
    forge.ci().check(&head, "test", Some("success"));
    ann.review(issue + 1, "APPROVE", "");
    browser.sees("✓ its checks passed, ✓ approved by ann");
    browser.sees("Approving lets this commit be merged.");
    browser.picture("github-card");
    browser.click("Approve");
    assert!(eventually(|| forge.pull(issue + 1).unwrap()["merged"] == true), "{}", browser.text());
    browser.sees("o/r#2 ✓ merged");
    browser.picture("github-merged");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
