//! Webhooks: signed, in GitHub's shape, and as unreliable as a test wants.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::access::good_app_token;
use super::client::Client;
use crate::forge::{Forge, Mailbox, Order, Weather};
use crate::peer::receiver::Receiver;
use crate::peer::signature;

async fn receiver() -> Receiver {
    Receiver::start("x-hub-signature-256", "x-github-delivery").await
}

/// Everything once: a pull request with comments, reviews, threads, checks, and its merge.
async fn live(forge: &Forge) {
    let ipa = Client::new(forge, "token-ipa");
    let (o, ann) = (forge.person("o"), forge.person("ann"));
    let commit = o.push("b", "one.txt", "one\n");
    let number = ipa.open("b").await;
    o.push("b", "two.txt", "two\n");
    let pull = ipa.get(&format!("pulls/{number}")).await.body["node_id"].clone();
    for change in ["convertPullRequestToDraft", "markPullRequestReadyForReview"] {
        let text = format!(
            "mutation($id: ID!) {{ {change}(input: {{ pullRequestId: $id }}) {{ pullRequest {{ id }} }} }}"
        );
        ipa.graphql(&text, json!({ "id": pull })).await;
    }
    ipa.post(&format!("pulls/{number}/requested_reviewers"), json!({ "reviewers": ["ann"] })).await;
    let review = ann.review(number, "APPROVE", "fine");
    ann.dismiss(number, review);
    let note = ann.comment_on_line(number, "one.txt", 1, "why?");
    for change in ["resolveReviewThread", "unresolveReviewThread"] {
        let text =
            format!("mutation($id: ID!) {{ {change}(input: {{ threadId: $id }}) {{ thread {{ id }} }} }}");
        ipa.graphql(&text, json!({ "id": format!("PRRT_{note}") })).await;
    }
    ann.label(number, "bug");
    ipa.delete(&format!("issues/{number}/labels/bug")).await;
    let comment = ann.comment(number, "hello");
    ann.edit_comment(comment, "hello again");
    ipa.delete(&format!("issues/comments/{comment}")).await;
    ipa.post(&format!("statuses/{commit}"), json!({ "state": "success" })).await;
    forge.ci().check(&commit, "test", None);
    forge.ci().check(&commit, "test", Some("success"));
    ann.edit_title(number, "Their title");
    ann.close(number);
    ann.reopen(number);
    ann.merge(number);
}

#[tokio::test]
async fn what_happened_is_told_in_githubs_shape() {
    let forge = Forge::start().await;
    let receiver = receiver().await;
    live(&forge).await;
    let arrived = forge.deliver(&receiver.mailbox(), Weather::default()).await;
    assert!(arrived.iter().all(|(_, code)| *code == 202), "{arrived:?}");

    let examples: Value =
        serde_json::from_str(include_str!("../../fixtures/github/webhooks/examples.json")).unwrap();
    let keys = |value: &Value| -> BTreeSet<String> {
        // Whose installation and organization it is depends on who has set the webhook up.
        let all = value
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| !matches!(key.as_str(), "installation" | "organization"));
        all.cloned().collect()
    };
    let mut told = BTreeSet::new();
    for (delivery, _) in &arrived {
        let body: Value = serde_json::from_str(&delivery.body).unwrap();
        let action = delivery.action.clone().unwrap_or_default();
        let example = &examples[&delivery.event][&action];
        if !example.is_null() {
            assert_eq!(keys(&body), keys(example), "{} {action}", delivery.event);
        }
        told.insert(format!("{} {action}", delivery.event));
    }
    let expected = [
        "check_run completed",
        "check_run created",
        "check_suite completed",
        "issue_comment created",
        "issue_comment deleted",
        "issue_comment edited",
        "pull_request closed",
        "pull_request converted_to_draft",
        "pull_request edited",
        "pull_request labeled",
        "pull_request opened",
        "pull_request ready_for_review",
        "pull_request reopened",
        "pull_request review_requested",
        "pull_request synchronize",
        "pull_request unlabeled",
        "pull_request_review dismissed",
        "pull_request_review submitted",
        "pull_request_review_comment created",
        "pull_request_review_thread resolved",
        "pull_request_review_thread unresolved",
        "push ",
        "status ",
    ];
    assert_eq!(told.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn webhooks_get_lost_doubled_late_and_out_of_order_the_same_way_each_time() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let forge = Forge::start().await;
        let receiver = receiver().await;
        live(&forge).await;
        let weather = Weather { seed: 7, lost: 30, doubled: 30, late: 30, order: Order::Shuffled };
        forge.deliver(&receiver.mailbox(), weather).await;
        let stormy = receiver.names();
        forge.deliver(&receiver.mailbox(), Weather::default()).await;
        let late = receiver.names()[stormy.len()..].to_vec();
        seen.push((stormy, late));
    }
    assert_eq!(seen[0], seen[1]);
    let (stormy, late) = &seen[0];
    let once: BTreeSet<&String> = stormy.iter().collect();
    assert!(once.len() < stormy.len(), "nothing came twice");
    assert!(!stormy.is_sorted(), "all came in order");
    assert!(!late.is_empty() && late.iter().all(|guid| !once.contains(guid)), "nothing was late");
}

#[tokio::test]
async fn what_was_lost_is_listed_and_sent_again_under_its_old_name() {
    let forge = Forge::start().await;
    let receiver = receiver().await;
    let app = Client::new(&forge, &good_app_token());
    for branch in ["a", "b", "c"] {
        forge.person("o").push(branch, &format!("{branch}.txt"), "text\n");
    }
    let lost = Weather { lost: 100, ..Weather::default() };
    assert_eq!(forge.deliver(&receiver.mailbox(), lost).await, []);
    let first = app.get("/app/hook/deliveries?per_page=2&status=failure").await;
    assert_eq!((first.body.as_array().unwrap().len(), &first.body[0]["status_code"]), (2, &json!(502)));
    let next = first.header("link").split(['<', '>']).nth(1).unwrap().to_owned();
    let second = app.get(next.strip_prefix(&forge.url()).unwrap()).await.body;
    assert_eq!((second.as_array().unwrap().len(), &second[0]["event"]), (1, &json!("push")));

    let again = format!("/app/hook/deliveries/{}/attempts", second[0]["id"]);
    assert_eq!(app.post(&again, Value::Null).await.status, 202);
    forge.deliver(&receiver.mailbox(), Weather::default()).await;
    assert_eq!(receiver.names(), [second[0]["guid"].as_str().unwrap()]);
    let listed = app.get("/app/hook/deliveries?status=success").await.body;
    assert_eq!((&listed[0]["redelivery"], &listed[0]["guid"]), (&json!(true), &second[0]["guid"]));
    assert_eq!(app.post("/app/hook/deliveries/999/attempts", Value::Null).await.status, 404);
}

#[tokio::test]
async fn an_old_secret_signs_otherwise_and_a_replay_keeps_its_name() {
    let forge = Forge::start().await;
    let receiver = receiver().await;
    forge.person("o").push("b", "one.txt", "one\n");
    let old = Mailbox { secret: "old secret", ..receiver.mailbox() };
    let arrived = forge.deliver(&old, Weather::default()).await;
    assert_eq!(arrived[0].1, 401);
    assert_eq!(forge.replay(&receiver.mailbox(), &arrived[0].0).await, 202);
    assert_eq!(receiver.names(), [arrived[0].0.guid.as_str()]);
}

#[test]
fn the_signature_is_the_one_of_githubs_documentation() {
    assert_eq!(
        signature("It's a Secret to Everybody", "Hello, World!"),
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    );
}
