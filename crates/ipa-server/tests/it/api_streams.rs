//! Streams: whoever comes and goes sees every event once, in order.

use ipa_agent::{Body, Finished};
use ipa_events::task::Usage;
use ipa_events::{Outcome, Role};
use proptest::prelude::*;
use serde_json::json;

use crate::support::House;

const LINES: &str = "application/x-ndjson";

#[tokio::test]
async fn json_lines_go_on_after_a_position() {
    let house = House::new();
    house.at_gate().await;
    let all = house.get("/api/v1/events?follow=0").header("accept", LINES).bearer().send().await;
    assert_eq!(all.header("content-type"), LINES);
    let positions: Vec<u64> = positions(&all.text);
    assert_eq!(positions, (1..=house.head().get()).collect::<Vec<_>>());
    let rest = house.get("/api/v1/events?follow=0&after=3").header("accept", LINES).bearer().send().await;
    assert_eq!(self::positions(&rest.text), positions[3..]);
    let first: serde_json::Value = serde_json::from_str(all.text.lines().next().unwrap()).unwrap();
    for field in [
        "id",
        "task_id",
        "version",
        "position",
        "type",
        "schema_version",
        "actor",
        "via",
        "at",
        "causation_id",
        "correlation_id",
        "payload",
    ] {
        assert!(first.get(field).is_some(), "{field} is missing: {first}");
    }
}

fn positions(lines: &str) -> Vec<u64> {
    lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["position"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn server_sent_events_go_on_after_the_last_id() {
    let house = House::new();
    house.task("one").await;
    let mut stream = house.get("/api/v1/events").bearer().open().await;
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    assert_eq!(
        (&stream.headers["cache-control"], &stream.headers["x-accel-buffering"]),
        (&"no-store".parse().unwrap(), &"no".parse().unwrap())
    );
    let (id, event) = stream.event("event").await.unwrap();
    assert_eq!((id.as_str(), &event["type"]), ("1", &json!("task.created")));
    house.task("two").await;
    let (second, _) = stream.event("event").await.unwrap();
    drop(stream);
    house.task("three").await;
    // What a browser sends when it reconnects stands over what the page's address says.
    let mut stream =
        house.get("/api/v1/events?after=0").header("last-event-id", &second).bearer().open().await;
    let (third, event) = stream.event("event").await.unwrap();
    assert_eq!((third.as_str(), &event["payload"]["title"]), ("3", &json!("three")));
}

#[tokio::test]
async fn one_task_alone_can_be_followed() {
    let house = House::new();
    house.task("one").await;
    house.task("two").await;
    let mut stream = house.get("/api/v1/events?task=T-2").header("accept", LINES).bearer().open().await;
    assert_eq!(stream.line().await.unwrap()["payload"]["title"], "two");
    for task in ["T-1", "T-2"] {
        house
            .post(&format!("/api/v1/tasks/{task}/commands"), &json!({ "type": "pause" }))
            .bearer()
            .send()
            .await;
    }
    let paused = stream.line().await.unwrap();
    assert_eq!((&paused["type"], &paused["position"]), (&json!("task.paused"), &json!(4)));
}

#[tokio::test]
async fn a_cursor_of_another_log_is_said_to_be_one() {
    let house = House::new();
    house.task("one").await;
    let mut stream = house.get("/api/v1/events?after=1000").bearer().open().await;
    let (id, data) = stream.event("reset").await.unwrap();
    assert_eq!((id.as_str(), &data["position"]), ("1", &json!(1)));
    house.task("two").await;
    assert_eq!(stream.event("event").await.unwrap().0, "2");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Each step stores some events or reads some of the stream; now and then the reader is cut off and comes
    /// back with the id that it saw last.
    #[test]
    fn a_reader_that_comes_and_goes_sees_each_event_once(steps in proptest::collection::vec((0u8..3, 1usize..6), 1..25), sse: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let house = House::new();
            let (mut seen, mut stored) = (Vec::new(), 0);
            let mut stream = None;
            for (kind, count) in steps.into_iter().chain([(1, usize::MAX)]) {
                match kind {
                    0 => for _ in 0..count {
                        house.task("x").await;
                        stored += 1;
                    },
                    1 => while seen.len() < stored.min(seen.len().saturating_add(count)) {
                        if stream.is_none() {
                            let last = seen.last().map_or("0".to_owned(), ToString::to_string);
                            let ask = house.get("/api/v1/events").header("last-event-id", &last).bearer();
                            stream = Some(if sse { ask } else { ask.header("accept", LINES) }.open().await);
                        }
                        let stream = stream.as_mut().unwrap();
                        let position = if sse {
                            stream.event("event").await.unwrap().0.parse::<u64>().unwrap()
                        } else {
                            stream.line().await.unwrap()["position"].as_u64().unwrap()
                        };
                        seen.push(position);
                    },
                    _ => stream = None,
                }
            }
            assert_eq!(seen, (1..=stored as u64).collect::<Vec<_>>());
        });
    }
}

#[tokio::test]
async fn a_run_is_followed_to_its_end_and_read_again_from_any_line() {
    let house = House::new();
    let (task, _) = house.task("talk").await;
    let run = house.run(task, Role::Spec).await;
    house.log.text("first");
    let mut stream = house.get("/api/v1/runs/T-1.r1/log?follow=1").bearer().open().await;
    assert_eq!(stream.line().await.unwrap()["text"], "first");
    house.log.text("second");
    let second = stream.line().await.unwrap();
    assert_eq!((&second["type"], &second["seq"]), (&json!("text"), &json!(2)));
    drop(stream);
    let mut stream = house.get("/api/v1/runs/T-1.r1/log?follow=1&after=1").bearer().open().await;
    assert_eq!(stream.line().await.unwrap()["text"], "second");
    let (outcome, usage) = (Outcome::Completed, Usage::default());
    house.log.say(Body::Finished(Finished { outcome, exit_code: Some(0), product: None, usage }));
    assert_eq!(stream.line().await.unwrap()["type"], "finished");
    assert!(stream.line().await.is_none(), "the stream ends with the run");
    let now = house.get("/api/v1/runs/T-1.r1/log?after=2").bearer().send().await;
    assert_eq!(now.text.lines().count(), 1);
    house.finish(run, "done").await;
}

#[tokio::test]
async fn following_a_run_that_is_over_ends_though_its_log_has_no_end() {
    let house = House::new();
    let (task, _) = house.task("talk").await;
    let run = house.run(task, Role::Spec).await;
    house.log.text("only");
    let mut stream = house.get("/api/v1/runs/T-1.r1/log?follow=1").bearer().open().await;
    assert_eq!(stream.line().await.unwrap()["text"], "only");
    house.finish(run, "done").await;
    assert!(stream.line().await.is_none());
}
