//! Pages of tasks that cannot be read.

use axum::http::StatusCode;
use ipa_events::TaskCommand;

use super::pages::at_spec_gate;
use super::pages_support::{Site, element, shows};

#[tokio::test]
async fn a_task_that_cannot_be_read_shows_its_last_good_state_and_the_fault() {
    let site = Site::new().await;
    let task = at_spec_gate(&site).await;
    site.person(task, TaskCommand::PostMessage { text: "hello".into() }).await;
    let last = site.view(task).await.version;
    let raw = site.engine.events(ipa_events::store::Position::new(0), 100).await.unwrap().pop().unwrap();
    let damaged = ipa_events::store::NewRecord { kind: "task.from_the_future".to_owned(), ..raw.record };
    site.store.replace(raw.position, damaged);
    shows(&site.page("/").await, &["T-1 Fix the answer", "▲ parked", "task.from_the_future"]);
    let page = site.page("/tasks/T-1").await;
    shows(
        &element(&page, "head-T-1"),
        &["▲ parked", "Parked:", "task.from_the_future", "Restart", "Clean up"],
    );
    shows(&page, &["approve spec v1", "The answer is 42."]);
    shows(&site.page("/tasks/T-1/timeline").await, &[&format!("{last} task.from_the_future")]);
    let cleanup = site.post("/tasks/T-1/pod", &[("type", "cleanup")]).await;
    assert_eq!(cleanup.status, StatusCode::CONFLICT);
    shows(&cleanup.body, &["task.from_the_future", "nothing of it runs any more"]);
}

#[tokio::test]
async fn a_task_that_cannot_be_read_hides_no_other_in_the_inbox() {
    let site = Site::new().await;
    let (spoiled, _) = (at_spec_gate(&site).await, at_spec_gate(&site).await);
    site.person(spoiled, TaskCommand::PostMessage { text: "hello".into() }).await;
    let raw = site.engine.events(ipa_events::store::Position::ZERO, 100).await.unwrap().pop().unwrap();
    let damaged = ipa_events::store::NewRecord { kind: "task.from_the_future".to_owned(), ..raw.record };
    site.store.replace(raw.position, damaged);
    assert!(site.engine.task(spoiled.id).await.is_err());
    // What waits in the spoiled task is shown as it last was.
    shows(&element(&site.page("/inbox").await, "inbox"), &["T-1 Fix the answer", "T-2 Fix the answer"]);
    let listed: serde_json::Value = serde_json::from_str(&site.page("/api/v1/inbox").await).unwrap();
    let listed = listed["items"].as_array().unwrap().iter();
    assert!(listed.clone().any(|item| item["handle"] == "T-2.d1"), "{listed:?}");
    let frames = super::live::read_frames(&site, "/live?topics=inbox&after=0", 1).await;
    shows(&frames.last().unwrap().data, &["T-1 Fix the answer", "T-2 Fix the answer"]);
}
