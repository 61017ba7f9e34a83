//! What does not fit Jira's description is found.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, got, text};
use crate::tracker::routes::operations;
use crate::tracker::{Flavour, Tracker, schema};

#[tokio::test]
async fn a_wrong_request_is_found_and_fails_the_test() {
    let tracker = Tracker::start(Flavour::Cloud).await;
    let ipa = Client::new(&tracker, "ipa");
    let key = tracker.person("ann").create("Fix the retry", "");
    let body = text(Flavour::Cloud, "hello");
    for (path, body, expected) in [
        (
            "transitions",
            json!({ "transition": { "id": 21 } }),
            "/transition/id: 21 is not of type \"string\"",
        ),
        ("transitions", json!({ "transition": {} }), "/transition: \"id\" is a required property"),
        ("comment", json!({ "body": "hello" }), "/body: \"hello\" is not of type \"object\""),
        ("comment", json!({ "body": body, "daft": true }), "/daft: no such field"),
        (
            "comment",
            json!({ "body": body, "properties": [{ "key": "ipa" }] }),
            "\"value\" is a required property",
        ),
        ("remotelink", json!({ "globalId": "x" }), "\"object\" is a required property"),
        (
            "remotelink",
            json!({ "globalId": "x".repeat(256), "object": { "url": "u", "title": "t" } }),
            "/globalId: ",
        ),
    ] {
        ipa.post(&format!("issue/{key}/{path}"), body.clone()).await;
        let wrong = tracker.take_wrong();
        assert!(wrong.iter().any(|one| one.contains(expected)), "{body}: {wrong:?}");
        assert!(wrong[0].starts_with(&format!("POST /rest/api/3/issue/{key}/{path}")), "{wrong:?}");
    }
    for (path, expected) in [
        ("issue/P-1?field=summary", "?field: no such parameter"),
        ("issue/P-1?updateHistory=maybe", "?updateHistory: \"maybe\" is not of type \"boolean\""),
        ("issue/P-1/comment?maxResults=many", "?maxResults: \"many\" is not of type \"integer\""),
        ("issue/P-1/comment?orderBy=updated", "?orderBy: \"updated\" is not one of"),
        ("issue/P-1?expand=renderedFields", "?expand: renderedFields is not simulated for getIssue"),
        ("nowhere", "the tracker has no GET /rest/api/3/nowhere"),
        ("/rest/api/2/issue/P-1", "the tracker has no GET /rest/api/2/issue/P-1"),
    ] {
        ipa.get(path).await;
        assert!(tracker.take_wrong()[0].contains(expected), "{path}");
    }
    let named_twice =
        ipa.request(Method::GET, "myself").header("user-agent", "one").header("user-agent", "two");
    got(named_twice).await;
    assert!(tracker.take_wrong()[0].contains("more than one user-agent"));
    ipa.get("issue/P-1?field=summary").await;
    let ended = catch_unwind(AssertUnwindSafe(|| drop(tracker)));
    let words = *ended.unwrap_err().downcast::<String>().unwrap();
    assert!(words.contains("/rest/api/3/issue/P-1?field=summary ?field: no such parameter"), "{words}");
}

#[tokio::test]
async fn a_wrong_body_is_refused_too() {
    let tracker = Tracker::start(Flavour::Cloud).await;
    let ipa = Client::new(&tracker, "ipa");
    let key = tracker.person("ann").create("Fix the retry", "");
    let many: Vec<String> = (0..101).map(|number| format!("P-{number}")).collect();
    let fetched = ipa.post("issue/bulkfetch", json!({ "issueIdsOrKeys": many })).await;
    assert_eq!(fetched.status, 400);
    assert!(tracker.take_wrong()[0].contains("has more than 100 items"));
    ipa.put(&format!("issue/{key}"), json!({ "fields": {}, "update": { "labels": [{ "plus": "x" }] } }))
        .await;
    assert!(tracker.take_wrong()[0].contains("/update/labels/0"));
    let untyped = ipa.request(Method::PUT, "issue/P-1").body("{}");
    assert_eq!(got(untyped).await.status, 415);
    assert!(tracker.take_wrong().iter().any(|one| one.contains("not said to be JSON")));
    let broken = ipa.request(Method::PUT, "issue/P-1").header("content-type", "application/json").body("{");
    assert_eq!(got(broken).await.status, 400);
    assert!(tracker.take_wrong()[0].contains("the body is no JSON"));
}

#[tokio::test]
async fn data_center_takes_other_requests_than_cloud() {
    let tracker = Tracker::start(Flavour::DataCenter).await;
    let ipa = Client::new(&tracker, "ipa");
    let key = tracker.person("ann").create("Fix the retry", "");
    for (path, body, expected) in [
        ("comment", text(Flavour::Cloud, "hello"), "\"body\" is a required property"),
        ("comment", json!({ "body": text(Flavour::Cloud, "hello") }), "is not of type \"string\""),
        ("comment", json!({ "body": "hello", "properties": [] }), "/properties: no such field"),
    ] {
        ipa.post(&format!("issue/{key}/{path}"), body.clone()).await;
        let wrong = tracker.take_wrong();
        assert!(wrong.iter().any(|one| one.contains(expected)), "{body}: {wrong:?}");
    }
    let comment = tracker.person("ipa").comment(&key, "hello");
    ipa.put(&format!("issue/{key}/comment/{comment}?notifyUsers=false"), json!({ "body": "again" })).await;
    assert!(tracker.take_wrong()[0].contains("?notifyUsers: no such parameter"));
    for path in [format!("issue/{key}/changelog"), "search/jql".to_owned()] {
        assert_eq!(ipa.get(&path).await.status, 404);
        assert!(tracker.take_wrong()[0].contains("the tracker has no GET"), "{path}");
    }
}

#[tokio::test]
async fn a_client_may_ask_in_both_versions_what_the_site_is() {
    for (flavour, path, status) in [
        (Flavour::Cloud, "/rest/api/2/serverInfo", 200),
        (Flavour::Cloud, "/rest/api/3/serverInfo", 200),
        (Flavour::DataCenter, "/rest/api/2/serverInfo", 200),
        (Flavour::DataCenter, "/rest/api/3/serverInfo", 404),
    ] {
        let tracker = Tracker::start(flavour).await;
        assert_eq!(Client::new(&tracker, "").get(path).await.status, status, "{flavour:?} {path}");
    }
}

#[tokio::test]
async fn a_wrong_answer_is_found() {
    let tracker = Tracker::start(Flavour::Cloud).await;
    let schemas = schema::load(Flavour::Cloud);
    let key = tracker.person("ann").create("Fix the retry", "It retries.");
    tracker.person("ann").comment(&key, "hello");
    tracker.person("ann").assign(&key, "ipa");
    let issue = Client::new(&tracker, "ipa").get(&format!("issue/{key}")).await.body;
    assert_eq!(schemas.answer("getIssue", 200, &issue), Vec::<String>::new());
    for (pointer, value, expected) in [
        ("/id", json!(10_001), "/id: 10001 is not of type \"string\""),
        ("/fields/updated", json!("2026-01-17T12:34:00.000Z"), "/fields/updated: "),
        ("/fields/status/statusCategory/key", json!(7), "/fields/status/statusCategory/key: 7 is not"),
        ("/fields/labels", json!("ipa"), "/fields/labels: \"ipa\" is not of type \"array\""),
        ("/fields/description", json!("text"), "/fields/description: \"text\" is not"),
        (
            "/fields/comment/comments/0/body",
            json!("text"),
            "/fields/comment/comments/0/body: \"text\" is not",
        ),
        ("/fields/assignee", json!({ "login": "ipa" }), "/fields/assignee: "),
    ] {
        let mut wrong = issue.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        let found = schemas.answer("getIssue", 200, &wrong);
        assert!(found.iter().any(|one| one.starts_with(expected)), "{pointer}: {found:?}");
    }
    for (operation, status, body, expected) in [
        ("doTransition", 204, json!({}), "has no body"),
        ("getIssue", 202, json!({}), "an answer of 202 is not described"),
        ("getIssue", 404, json!({ "message": "no" }), "\"errorMessages\" is a required property"),
        ("addComment", 418, json!({ "errorMessages": "no", "errors": {} }), "/errorMessages: \"no\" is not"),
        ("getComments", 200, json!({ "comments": [] }), "\"total\" is a required property"),
    ] {
        let found = schemas.answer(operation, status, &body);
        assert!(found.iter().any(|one| one.contains(expected)), "{operation}: {found:?}");
    }
}

#[tokio::test]
async fn a_wrong_answer_of_the_tracker_fails_the_test() {
    let tracker = Tracker::start(Flavour::Cloud).await;
    let key = tracker.person("ann").create("Fix the retry", "");
    tracker.spoil(&key);
    Client::new(&tracker, "ipa").get(&format!("issue/{key}?fields=description")).await;
    let ended = catch_unwind(AssertUnwindSafe(|| drop(tracker)));
    let words = *ended.unwrap_err().downcast::<String>().unwrap();
    assert!(words.contains("answer /fields/description: 7 is not"), "{words}");
}

#[test]
fn each_operation_is_one_of_jiras() {
    for flavour in Flavour::BOTH {
        let description: Value = serde_json::from_str(schema::text(flavour)).unwrap();
        let mut served = BTreeSet::new();
        for operation in operations(flavour) {
            let path = format!("{}{}", flavour.api(), operation.path);
            let described = &description["paths"][&path][operation.method.to_lowercase()];
            assert_eq!(described["operationId"], operation.id, "{} {path}", operation.method);
            served.insert(operation.id);
        }
        let paths = description["paths"].as_object().unwrap().values();
        let described: usize = paths.map(|methods| methods.as_object().unwrap().len()).sum();
        assert_eq!(described, served.len());
    }
}
