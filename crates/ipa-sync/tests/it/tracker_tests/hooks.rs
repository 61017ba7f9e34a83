//! Webhooks: signed, in Jira's shape, and as unreliable as a test wants.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::client::Client;
use crate::peer::receiver::Receiver;
use crate::tracker::{Flavour, Order, Tracker, Weather};

/// Everything once.
async fn live(tracker: &Tracker) -> String {
    let ann = tracker.person("ann");
    let key = ann.create("Fix the retry", "It retries.\nFor ever.");
    let comment = ann.comment(&key, "hello");
    ann.edit_comment(&key, comment, "hello again");
    ann.delete_comment(&key, comment);
    ann.edit_title(&key, "Mend the retry");
    ann.assign(&key, "ipa");
    ann.move_to(&key, "In Progress");
    let ipa = Client::new(tracker, "ipa");
    ipa.put(&format!("issue/{key}/properties/ipa"), json!({ "task": "T-1" })).await;
    ann.delete(&key);
    key
}

#[tokio::test]
async fn what_happened_on_a_tracker_is_told_in_jiras_shape() {
    for flavour in Flavour::BOTH {
        let tracker = Tracker::start(flavour).await;
        let receiver = Receiver::start(SIGNATURE, NAME).await;
        let key = live(&tracker).await;
        let arrived = tracker.deliver(&receiver.mailbox(), Weather::default()).await;
        assert!(arrived.iter().all(|(_, code)| *code == 202), "{arrived:?}");
        let mut told = Vec::new();
        for (delivery, _) in &arrived {
            let body: Value = serde_json::from_str(&delivery.body).unwrap();
            assert_eq!(body["webhookEvent"], delivery.event);
            assert!(body["timestamp"].is_i64(), "{body}");
            if flavour == Flavour::DataCenter && delivery.event.starts_with("comment_") {
                assert!(body["issue"].is_null(), "it does not say of which issue: {body}");
            } else {
                assert_eq!(body["issue"]["key"], key);
                assert!(body["issue"]["id"].is_string(), "{body}");
            }
            let what = body["issue_event_type_name"].as_str().unwrap_or_default();
            let item = &body["changelog"]["items"][0];
            let change = if item.is_null() { String::new() } else { format!("{}", item["toString"]) };
            let line = format!("{} {what} {change}", delivery.event).replace('"', "");
            told.push(line.trim_end().to_owned());
        }
        assert_eq!(
            told,
            [
                "jira:issue_created issue_created",
                "comment_created",
                "jira:issue_updated issue_commented",
                "comment_updated",
                "jira:issue_updated issue_comment_edited",
                "comment_deleted",
                "jira:issue_updated issue_comment_deleted",
                "jira:issue_updated issue_updated Mend the retry",
                "jira:issue_updated issue_assigned Ipa",
                "jira:issue_updated issue_generic In Progress",
                "issue_property_set",
                "jira:issue_deleted issue_deleted",
            ]
        );
        let created: Value = serde_json::from_str(&arrived[0].0.body).unwrap();
        assert_eq!(created["issue"]["fields"]["description"], "It retries.\nFor ever.");
        assert_eq!(created["user"]["displayName"], "Ann");
        let said: Value = serde_json::from_str(&arrived[1].0.body).unwrap();
        assert_eq!(
            (&said["comment"]["body"], &said["comment"]["author"]["displayName"]),
            (&json!("hello"), &json!("Ann"))
        );
        let status = &said["issue"]["fields"]["status"]["name"];
        assert_eq!(status.as_str(), (flavour == Flavour::Cloud).then_some("To Do"));
    }
}

const SIGNATURE: &str = "x-hub-signature";
const NAME: &str = "x-atlassian-webhook-identifier";

#[tokio::test]
async fn the_webhooks_of_a_tracker_suffer_the_same_weather_each_time() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let tracker = Tracker::start(Flavour::Cloud).await;
        let receiver = Receiver::start(SIGNATURE, NAME).await;
        live(&tracker).await;
        let weather = Weather { seed: 7, lost: 30, doubled: 30, late: 30, order: Order::Shuffled };
        tracker.deliver(&receiver.mailbox(), weather).await;
        let stormy = receiver.names();
        tracker.deliver(&receiver.mailbox(), Weather::default()).await;
        seen.push((stormy.clone(), receiver.names()[stormy.len()..].to_vec()));
    }
    assert_eq!(seen[0], seen[1]);
    let (stormy, late) = &seen[0];
    let once: BTreeSet<&String> = stormy.iter().collect();
    assert!(!stormy.is_sorted(), "all came in order");
    assert!(!late.is_empty() && late.iter().all(|name| !once.contains(name)), "nothing was late");
}

#[tokio::test]
async fn a_webhook_with_an_old_secret_is_refused_and_a_replay_keeps_its_name() {
    let tracker = Tracker::start(Flavour::Cloud).await;
    let receiver = Receiver::start(SIGNATURE, NAME).await;
    tracker.person("ann").create("Fix the retry", "");
    let old = crate::tracker::Mailbox { secret: "old secret", ..receiver.mailbox() };
    let arrived = tracker.deliver(&old, Weather::default()).await;
    assert_eq!(arrived[0].1, 401);
    assert_eq!(tracker.replay(&receiver.mailbox(), &arrived[0].0).await, 202);
    assert_eq!(receiver.names(), [arrived[0].0.guid.as_str()]);
}

#[tokio::test]
async fn what_failed_is_tried_again_under_its_old_name() {
    let tracker = Tracker::start(Flavour::Cloud).await;
    let receiver = Receiver::start(SIGNATURE, NAME).await;
    for title in ["one", "two"] {
        tracker.person("ann").create(title, "");
    }
    let lost = Weather { lost: 100, ..Weather::default() };
    assert_eq!(tracker.deliver(&receiver.mailbox(), lost).await, []);
    tracker.person("ann").create("three", "");
    let nowhere = crate::tracker::Mailbox { url: "http://127.0.0.1:1/", ..receiver.mailbox() };
    let failed = tracker.deliver(&nowhere, Weather::default()).await;
    assert_eq!(failed[0].1, 502);
    tracker.person("ann").create("four", "");
    let old = crate::tracker::Mailbox { secret: "old secret", ..receiver.mailbox() };
    // Who is refused is not tried again.
    assert_eq!(tracker.deliver(&old, Weather::default()).await[0].1, 401);
    assert_eq!(tracker.try_again(), 3);
    let again = tracker.deliver(&receiver.mailbox(), Weather::default()).await;
    assert!(again.iter().all(|(delivery, code)| delivery.again && *code == 202), "{again:?}");
    assert_eq!(receiver.names()[2], failed[0].0.guid);
    assert_eq!((receiver.names().len(), tracker.try_again()), (3, 3));
}
