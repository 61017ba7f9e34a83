//! What goes wrong goes wrong where and how it was planned.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, got};
use crate::forge::{Entry, Fault, Forge, Repeat, When, Work};

const ROUTE: &str = "issues/create-comment";

fn pull(forge: &Forge) -> String {
    forge.person("ipa").push("b", "one.txt", "one\n");
    format!("issues/{}/comments", forge.person("ipa").open("b", "x"))
}

async fn comments(ipa: &Client<'_>, path: &str) -> usize {
    ipa.get(path).await.body.as_array().unwrap().len()
}

fn comment(ipa: &Client<'_>, path: &str) -> reqwest::RequestBuilder {
    ipa.request(Method::POST, path).json(&json!({ "body": "hello" }))
}

#[tokio::test]
async fn a_fault_before_the_work_leaves_all_as_it_was() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    let path = pull(&forge);
    for (fault, status, header) in [
        (Fault::unauthorized(), 401, None),
        (Fault::secondary_limit(Some("30")), 403, Some(("retry-after", "30"))),
        (Fault::secondary_limit(None), 403, None),
        (Fault::not_found(), 404, None),
        (
            Fault::too_many("Wed, 21 Oct 2026 07:28:00 GMT"),
            429,
            Some(("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")),
        ),
        (Fault::server_error(), 500, None),
        (
            Fault::status(503, "Unavailable", &[("x-ratelimit-remaining", "0")]),
            503,
            Some(("x-ratelimit-remaining", "0")),
        ),
    ] {
        forge.fail(ROUTE, When::Nth(1), fault);
        let failed = got(comment(&ipa, &path)).await;
        assert_eq!(failed.status, status);
        let (name, value) = header.unwrap_or(("retry-after", ""));
        assert_eq!(failed.header(name), value);
    }
    forge.fail(ROUTE, When::Nth(1), Fault::ResetBefore);
    let reset = comment(&ipa, &path).send().await.unwrap_err();
    assert!(!reset.is_connect() && !reset.is_timeout(), "{reset:?}");
    assert_eq!(comments(&ipa, &path).await, 0);
    assert_eq!(forge.calls(ROUTE), 8);
}

#[tokio::test]
async fn a_fault_after_the_work_hides_that_it_is_done() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    let path = pull(&forge);

    forge.fail(ROUTE, When::Nth(1), Fault::BadGatewayAfter);
    assert_eq!(got(comment(&ipa, &path)).await.status, 502);
    assert_eq!(comments(&ipa, &path).await, 1);
    forge.fail(ROUTE, When::Nth(1), Fault::ResetAfter);
    let reset = comment(&ipa, &path).send().await.unwrap_err();
    assert!(!reset.is_connect() && !reset.is_timeout(), "{reset:?}");
    assert_eq!(comments(&ipa, &path).await, 2);
    forge.fail(ROUTE, When::Nth(1), Fault::SilenceAfter);
    let silence = comment(&ipa, &path).timeout(Duration::from_secs(1)).send().await.unwrap_err();
    assert!(silence.is_timeout(), "{silence:?}");
    forge.until_done(ROUTE, 3).await;
    assert_eq!(comments(&ipa, &path).await, 3);
    forge.fail(ROUTE, When::Nth(1), Fault::CutJson);
    let cut = comment(&ipa, &path).send().await.unwrap();
    assert_eq!(cut.status(), 201);
    assert!(cut.json::<Value>().await.unwrap_err().is_decode());
    forge.fail(ROUTE, When::Nth(1), Fault::CutBody);
    let cut = comment(&ipa, &path).send().await.unwrap();
    assert!(cut.bytes().await.is_err());
    assert_eq!(comments(&ipa, &path).await, 5);
}

#[tokio::test]
async fn what_is_held_is_done_after_its_client_has_given_up() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    let path = pull(&forge);
    forge.fail(ROUTE, When::Nth(1), Fault::Held);
    {
        let sending = comment(&ipa, &path).send();
        tokio::select! {
            answer = sending => panic!("answered: {answer:?}"),
            () = forge.until_held() => {}
        }
    }
    assert_eq!(comments(&ipa, &path).await, 0);
    forge.release().await;
    assert_eq!(comments(&ipa, &path).await, 1);
}

#[tokio::test]
async fn faults_are_counted_per_route_from_when_they_are_planned() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    let path = pull(&forge);
    assert_eq!(comments(&ipa, &path).await, 0);
    forge.fail("issues/list-comments", When::Nth(2), Fault::server_error());
    let statuses = [ipa.get(&path).await.status, ipa.get("").await.status, ipa.get(&path).await.status];
    assert_eq!(statuses, [200, 200, 500]);
    forge.fail("graphql/viewer", When::Always, Fault::status(502, "Bad gateway", &[]));
    for _ in 0..2 {
        assert_eq!(ipa.graphql("{ viewer { login } }", json!({})).await["message"], "Bad gateway");
    }
    forge.mend();
    assert_eq!(ipa.graphql("{ viewer { login } }", json!({})).await["data"]["viewer"]["login"], "ipa");
    assert_eq!(forge.calls("graphql/viewer"), 3);
}

#[tokio::test]
async fn the_log_tells_what_was_asked_and_whether_it_was_done() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    let path = pull(&forge);
    ipa.get(&path).await;
    forge.fail(ROUTE, When::Nth(1), Fault::BadGatewayAfter);
    got(comment(&ipa, &path)).await;
    forge.fail(ROUTE, When::Nth(1), Fault::server_error());
    got(comment(&ipa, &path)).await;
    ipa.graphql("{ viewer { login } }", json!({})).await;
    let shown =
        |entry: &Entry| (entry.method.clone(), entry.route.clone(), entry.status, entry.kind, entry.work);
    let seen: Vec<_> = forge.requests().iter().map(shown).collect();
    let line = |method: &str, route: &str, status, kind, work| {
        (method.to_owned(), route.to_owned(), Some(status), kind, work)
    };
    assert_eq!(
        seen,
        [
            line("GET", "issues/list-comments", 200, Repeat::Idempotent, Work::Done),
            line("POST", ROUTE, 201, Repeat::NotIdempotent, Work::Done),
            line("POST", ROUTE, 500, Repeat::NotIdempotent, Work::NotDone),
            line("POST", "graphql/viewer", 200, Repeat::Idempotent, Work::Done),
        ]
    );
    assert_eq!(forge.requests()[1].path, format!("/api/v3/repos/o/r/{path}"));
}

#[tokio::test]
async fn a_fault_that_never_happens_fails_the_test() {
    let forge = Forge::start().await;
    forge.fail(ROUTE, When::Nth(1), Fault::server_error());
    let ended = catch_unwind(AssertUnwindSafe(|| drop(forge)));
    let words = *ended.unwrap_err().downcast::<String>().unwrap();
    assert!(words.contains("never happened") && words.contains(ROUTE), "{words}");
}
