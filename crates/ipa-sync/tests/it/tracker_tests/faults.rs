//! What goes wrong goes wrong where and how it was planned.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, got, text};
use crate::tracker::{Entry, Fault, Flavour, Repeat, Tracker, When, Work};

const ROUTE: &str = "addComment";

fn comment(ipa: &Client<'_>, key: &str) -> reqwest::RequestBuilder {
    let body = json!({ "body": text(Flavour::Cloud, "hello") });
    ipa.request(Method::POST, &format!("issue/{key}/comment")).json(&body)
}

#[tokio::test]
async fn a_tracker_that_refuses_leaves_all_as_it_was() {
    let tracker = Tracker::start(Flavour::Cloud).await;
    let ipa = Client::new(&tracker, "ipa");
    let key = tracker.person("ann").create("Fix the retry", "");
    for (fault, status, header) in [
        (Fault::burst(Some("5")), 429, ("ratelimit-reason", "jira-burst-based")),
        (Fault::burst(Some("5")), 429, ("retry-after", "5")),
        (Fault::issue_writes(None), 429, ("ratelimit-reason", "jira-per-issue-on-write")),
        (Fault::issue_writes(None), 429, ("retry-after", "")),
        (Fault::limited("jira-quota-global-based", Some("60")), 429, ("retry-after", "60")),
        (Fault::limited_without_reason(None), 429, ("ratelimit-reason", "")),
        (Fault::jira(500, "Internal server error", &[]), 500, ("retry-after", "")),
        (Fault::jira(403, "no", &[]), 403, ("retry-after", "")),
    ] {
        tracker.fail(ROUTE, When::Nth(1), fault);
        let failed = got(comment(&ipa, &key)).await;
        assert_eq!((failed.status, failed.header(header.0)), (status, header.1));
        assert!(failed.body["errorMessages"].is_array());
    }
    tracker.fail(ROUTE, When::Nth(1), Fault::page(503, "<h1>Jira is being updated</h1>"));
    let page = got(comment(&ipa, &key)).await;
    assert_eq!((page.status, page.header("content-type")), (503, "text/html; charset=utf-8"));
    assert_eq!(page.body, "<h1>Jira is being updated</h1>");
    tracker.fail(ROUTE, When::Nth(1), Fault::ResetBefore);
    let reset = comment(&ipa, &key).send().await.unwrap_err();
    assert!(!reset.is_connect() && !reset.is_timeout(), "{reset:?}");
    assert_eq!((tracker.comments(&key).len(), tracker.calls(ROUTE)), (0, 10));
}

#[tokio::test]
async fn a_tracker_that_is_not_heard_has_done_it() {
    let tracker = Tracker::start(Flavour::Cloud).await;
    let ipa = Client::new(&tracker, "ipa");
    let key = tracker.person("ann").create("Fix the retry", "");
    let count = || tracker.comments(&key).len();
    tracker.fail(ROUTE, When::Nth(1), Fault::BadGatewayAfter);
    assert_eq!((got(comment(&ipa, &key)).await.status, count()), (502, 1));
    tracker.fail(ROUTE, When::Nth(1), Fault::ResetAfter);
    let reset = comment(&ipa, &key).send().await.unwrap_err();
    assert!(!reset.is_connect() && !reset.is_timeout(), "{reset:?}");
    assert_eq!(count(), 2);
    tracker.fail(ROUTE, When::Nth(1), Fault::SilenceAfter);
    let silence = comment(&ipa, &key).timeout(Duration::from_secs(1)).send().await.unwrap_err();
    assert!(silence.is_timeout(), "{silence:?}");
    tracker.until_done(ROUTE, 3).await;
    assert_eq!(count(), 3);
    tracker.fail(ROUTE, When::Nth(1), Fault::CutJson);
    let cut = comment(&ipa, &key).send().await.unwrap();
    assert_eq!(cut.status(), 201);
    assert!(cut.json::<Value>().await.unwrap_err().is_decode());
    tracker.fail(ROUTE, When::Nth(1), Fault::CutBody);
    assert!(comment(&ipa, &key).send().await.unwrap().bytes().await.is_err());
    assert_eq!(count(), 5);
}

#[tokio::test]
async fn what_a_tracker_holds_is_done_when_the_test_lets_go() {
    let tracker = Tracker::start(Flavour::Cloud).await;
    let ipa = Client::new(&tracker, "ipa");
    let key = tracker.person("ann").create("Fix the retry", "");
    tracker.fail(ROUTE, When::Nth(1), Fault::Held);
    {
        let sending = comment(&ipa, &key).send();
        tokio::select! {
            answer = sending => panic!("answered: {answer:?}"),
            () = tracker.until_held() => {}
        }
    }
    assert_eq!(tracker.comments(&key).len(), 0);
    tracker.release().await;
    assert_eq!(tracker.comments(&key).len(), 1);
}

#[tokio::test]
async fn the_log_of_a_tracker_tells_what_may_be_asked_again() {
    let tracker = Tracker::start(Flavour::Cloud).await;
    let ipa = Client::new(&tracker, "ipa");
    let key = tracker.person("ann").create("Fix the retry", "");
    tracker.fail(ROUTE, When::Nth(2), Fault::jira(500, "no", &[]));
    tracker.fail("doTransition", When::Always, Fault::jira(500, "no", &[]));
    got(comment(&ipa, &key)).await;
    got(comment(&ipa, &key)).await;
    ipa.get(&format!("issue/{key}")).await;
    ipa.put(&format!("issue/{key}"), json!({ "fields": { "summary": "x" } })).await;
    let transition = json!({ "transition": { "id": "21" } });
    for _ in 0..2 {
        assert_eq!(ipa.post(&format!("issue/{key}/transitions"), transition.clone()).await.status, 500);
    }
    tracker.mend();
    assert_eq!(ipa.post(&format!("issue/{key}/transitions"), transition).await.status, 204);
    ipa.search("project = P").await;
    let link = json!({ "globalId": "x", "object": { "url": "https://example.com", "title": "x" } });
    ipa.post(&format!("issue/{key}/remotelink"), link).await;
    let shown = |entry: &Entry| (entry.route.clone(), entry.status, entry.kind, entry.work);
    let line = |route: &str, status, kind, work| (route.to_owned(), Some(status), kind, work);
    assert_eq!(
        tracker.requests().iter().map(shown).collect::<Vec<_>>(),
        [
            line(ROUTE, 201, Repeat::NotIdempotent, Work::Done),
            line(ROUTE, 500, Repeat::NotIdempotent, Work::NotDone),
            line("getIssue", 200, Repeat::Idempotent, Work::Done),
            line("editIssue", 204, Repeat::Idempotent, Work::Done),
            line("doTransition", 500, Repeat::NotIdempotent, Work::NotDone),
            line("doTransition", 500, Repeat::NotIdempotent, Work::NotDone),
            line("doTransition", 204, Repeat::NotIdempotent, Work::Done),
            line("searchAndReconsileIssuesUsingJqlPost", 200, Repeat::Idempotent, Work::Done),
            line("createOrUpdateRemoteIssueLink", 201, Repeat::Idempotent, Work::Done),
        ]
    );
}

#[tokio::test]
async fn every_answer_says_what_the_trackers_clock_shows() {
    let tracker = Tracker::start(Flavour::Cloud).await;
    tracker.set_clock_ahead(
        "2030-01-01T00:00:00Z".parse::<Timestamp>().unwrap().duration_since(Timestamp::now()),
    );
    let ipa = Client::new(&tracker, "ipa");
    let key = tracker.person("ann").create("Fix the retry", "");
    tracker.fail(ROUTE, When::Nth(2), Fault::burst(None));
    tracker.fail(ROUTE, When::Nth(3), Fault::BadGatewayAfter);
    for status in [201, 429, 502] {
        let answer = got(comment(&ipa, &key)).await;
        assert_eq!((answer.status, answer.headers.get_all("date").iter().count()), (status, 1));
        assert!(answer.header("date").starts_with("Tue, 01 Jan 2030 00:"), "{}", answer.header("date"));
    }
    let updated = ipa.get(&format!("issue/{key}")).await.body["fields"]["updated"].clone();
    assert!(updated.as_str().unwrap().starts_with("2030-01-01T00:"), "{updated}");
}

#[tokio::test]
async fn a_fault_that_a_tracker_never_had_fails_the_test() {
    let tracker = Tracker::start(Flavour::Cloud).await;
    tracker.fail(ROUTE, When::Nth(1), Fault::burst(None));
    let ended = catch_unwind(AssertUnwindSafe(|| drop(tracker)));
    let words = *ended.unwrap_err().downcast::<String>().unwrap();
    assert!(words.contains("never happened") && words.contains(ROUTE), "{words}");
}
