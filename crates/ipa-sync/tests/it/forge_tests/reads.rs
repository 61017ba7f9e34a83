//! Reading: pages, tags, limits.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::json;

use super::client::{Client, got};
use crate::forge::Forge;

#[tokio::test]
async fn what_was_seen_already_is_not_modified_and_costs_nothing() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    forge.person("ipa").push("b", "one.txt", "one\n");
    let path = format!("pulls/{}", ipa.open("b").await);
    ipa.get(&path).await;
    let seen = ipa.get(&path).await;
    assert!(seen.header("last-modified").ends_with(" GMT"), "{:?}", seen.headers);
    let again =
        async || got(ipa.request(Method::GET, &path).header("if-none-match", seen.header("etag"))).await;

    let same = again().await;
    assert_eq!((same.status, same.header("etag")), (304, seen.header("etag")));
    assert_eq!(same.header("x-ratelimit-used"), seen.header("x-ratelimit-used"));
    forge.person("ann").edit_title(1, "Their title");
    let changed = again().await;
    assert_eq!((changed.status, &changed.body["title"]), (200, &json!("Their title")));
    assert_ne!(changed.header("etag"), seen.header("etag"));
}

#[tokio::test]
async fn a_long_list_comes_in_pages_that_link_each_other() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    forge.person("ipa").push("b", "one.txt", "one\n");
    let number = ipa.open("b").await;
    for text in ["1", "2", "3", "4", "5"] {
        forge.person("ann").comment(number, text);
    }
    let mut next = format!("/repos/o/r/issues/{number}/comments?per_page=2");
    let mut seen = Vec::new();
    while !next.is_empty() {
        let page = ipa.get(&next).await;
        seen.extend(
            page.body.as_array().unwrap().iter().map(|comment| comment["body"].as_str().unwrap().to_owned()),
        );
        let link =
            page.header("link").split(", ").find(|link| link.ends_with("rel=\"next\"")).unwrap_or_default();
        let url = link.split(['<', '>']).nth(1).unwrap_or_default();
        next = url.strip_prefix(&forge.url()).unwrap_or_default().to_owned();
    }
    assert_eq!(seen, ["1", "2", "3", "4", "5"]);
    let last = ipa.get(&format!("issues/{number}/comments?per_page=2&page=3")).await;
    assert!(last.header("link").contains("rel=\"prev\""), "{:?}", last.headers);
}

#[tokio::test]
async fn who_has_used_up_the_hour_is_refused_until_it_is_over() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    let reset = Timestamp::now() + SignedDuration::from_mins(10);
    forge.leave_requests("ipa", "core", 1, reset);
    let last = ipa.get("").await;
    assert_eq!((last.status, last.header("x-ratelimit-remaining")), (200, "0"));
    let refused = ipa.get("").await;
    assert_eq!((refused.status, refused.header("x-ratelimit-remaining")), (403, "0"));
    assert_eq!(refused.header("x-ratelimit-reset"), reset.as_second().to_string());
    assert!(refused.message().starts_with("API rate limit exceeded"), "{}", refused.body);
    // Asking how much is left is free.
    let left = ipa.get("/rate_limit").await;
    assert_eq!((left.status, &left.body["rate"]["remaining"]), (200, &json!(0)));
    assert_eq!(Client::new(&forge, "token-ann").get("").await.status, 200);
    forge.set_clock_ahead(SignedDuration::from_mins(11));
    assert_eq!(ipa.get("").await.header("x-ratelimit-remaining"), "4999");
}
