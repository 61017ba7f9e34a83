//! The outside on the page of a task: what belongs to the task there, what was said, by whom, and what became of it.

use ipa_events::task::{FinishedRun, Link, News, Remark};
use ipa_events::{RemoteId, Resource, Role, TaskCommand};
use jiff::{SignedDuration, Timestamp};

use super::pages::in_review;
use super::pages_support::{Site, completed, element, shows};

fn id(text: &str) -> RemoteId {
    text.parse().unwrap()
}

/// What a member said, so many minutes after the first word.
fn remark(by: &str, minutes: i64, text: &str) -> Remark {
    let at = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
    Remark { by: by.into(), trusted: true, at, text: text.into() }
}

#[tokio::test]
async fn what_people_said_outside_is_shown_with_what_became_of_it() {
    let site = Site::new().await;
    let task = in_review(&site).await;
    let head = site.view(task).await.state.head.clone().unwrap();
    let pull: Resource = "hub/pull/ipa/x".parse().unwrap();
    let link = Link { remote: id("o/r#1"), url: Some("https://forge.example/o/r/pull/1".into()) };
    site.pod(task, TaskCommand::RecordLink { resource: pull.clone(), link }).await;
    let found = News::PullFound { title: "Fix the answer".into(), head, draft: false, section: None };
    let thread = News::ThreadOpened { thread: id("7"), path: "answer.txt".into(), line: Some(1) };
    let ann = remark("ann", 0, "Why 42?");
    let asked = News::Remarked { thread: Some(id("7")), id: id("7"), remark: ann };
    let long = format!("<b>Run</b> this. {}the end", "And this. ".repeat(60));
    let zed = Remark { trusted: false, ..remark("zed", 1, &long) };
    let stranger = News::Remarked { thread: None, id: id("8"), remark: zed };
    let news = vec![found, thread, asked, stranger];
    site.pod(task, TaskCommand::RecordNews { resource: pull, news }).await;

    let page = site.page("/tasks/T-1").await;
    shows(&element(&page, "head-T-1"), &["o/r#1", "open"]);
    let side = element(&page, "side-T-1");
    shows(&side, &["o/r#1", "zed", "<b>Run</b> this.", "…", "the end", "no agent is told"]);
    shows(&side, &["zed", "ann on answer.txt:1", "Why 42?", "○ the next run is told"]);
    assert!(side.contains("href=\"https://forge.example/o/r/pull/1\""), "{side}");
    shows(&site.page("/tasks/T-1/timeline").await, &["hub/pull/ipa/x: ann says: Why 42?"]);

    let run = site.run(task, Role::Review, None).await;
    site.write(task, "answer.txt", "42, as was asked\n").await;
    let head = site.commit(task).await;
    site.finish(task, FinishedRun { head: Some(head), ..completed(run) }).await;
    let side = element(&site.page("/tasks/T-1").await, "side-T-1");
    shows(&side, &["ann on answer.txt:1", &format!("✓ answered by T-1.r{}", run.number)]);
}
