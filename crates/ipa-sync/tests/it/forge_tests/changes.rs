//! Comments, labels and issues: what a client writes, what it finds by asking since when.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::client::Client;
use crate::forge::Forge;

#[tokio::test]
async fn a_comment_is_written_found_edited_and_deleted() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    forge.person("ipa").push("b", "one.txt", "one\n");
    let number = ipa.open("b").await;
    let list = format!("issues/{number}/comments");

    let theirs = forge.person("zed").comment(number, "hello");
    let made = ipa.post(&list, json!({ "body": "waiting" })).await;
    assert_eq!((made.status, &made.body["author_association"]), (201, &json!("COLLABORATOR")));
    let own = format!("issues/comments/{}", made.body["id"]);
    let listed = ipa.get(&list).await.body;
    assert_eq!((&listed[0]["id"], &listed[0]["author_association"]), (&json!(theirs), &json!("NONE")));

    forge.set_clock_ahead(SignedDuration::from_mins(5));
    assert_eq!(ipa.patch(&own, json!({ "body": "waiting for ann" })).await.status, 200);
    let edited = ipa.get(&own).await.body;
    let since = edited["updated_at"].as_str().unwrap();
    let news = ipa.get(&format!("{list}?since={since}")).await.body;
    assert_eq!((&news[0]["body"], &news[1]), (&json!("waiting for ann"), &Value::Null));

    let empty = ipa.post(&list, json!({ "body": " " })).await;
    assert_eq!((empty.status, &empty.body["errors"][0]["code"]), (422, &json!("missing_field")));
    forge.person("zed").edit_comment(theirs, "hello again");
    let zed = Client::new(&forge, "token-zed");
    assert_eq!(zed.patch(&own, json!({ "body": "mine now" })).await.status, 403);
    assert_eq!(ipa.delete(&own).await.status, 204);
    assert_eq!(ipa.get(&own).await.status, 404);
    assert_eq!(ipa.post("issues/99/comments", json!({ "body": "x" })).await.status, 404);

    forge.person("ann").lock(number);
    let locked = zed.post(&list, json!({ "body": "let me" })).await;
    assert_eq!((locked.status, locked.message()), (403, "Unable to create comment because issue is locked."));
    assert_eq!(ipa.post(&list, json!({ "body": "still me" })).await.status, 201);
}

#[tokio::test]
async fn issues_tell_what_changed_since_the_last_change_first() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    for branch in ["a", "b", "c"] {
        forge.person("ipa").push(branch, &format!("{branch}.txt"), "text\n");
        ipa.open(branch).await;
    }
    let mut now = ipa.get("issues/1").await.body["updated_at"].as_str().unwrap().to_owned();
    for (number, ahead) in [(3, 10), (1, 20)] {
        forge.set_clock_ahead(SignedDuration::from_mins(ahead));
        forge.person("ann").comment(number, "hm");
        now = ipa.get(&format!("issues/{number}")).await.body["updated_at"].as_str().unwrap().to_owned();
    }
    forge.person("ann").label(2, "bug");
    forge.person("ann").close(3);
    let numbers = async |query: &str| {
        let listed = ipa.get(&format!("issues?{query}")).await.body;
        listed.as_array().unwrap().iter().map(|issue| issue["number"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(numbers("state=all&sort=updated&direction=asc").await, [1, 2, 3]);
    assert_eq!(numbers(&format!("state=all&sort=updated&since={now}")).await, [3, 2, 1]);
    assert_eq!(numbers("state=open").await, [2, 1]);
    assert_eq!(numbers("labels=bug").await, [2]);
    let one = ipa.get("issues/2").await.body;
    assert!(one["pull_request"]["url"].as_str().unwrap().ends_with("/pulls/2"), "{one}");
}

#[tokio::test]
async fn labels_are_added_once_and_removed_by_name() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    forge.person("ipa").push("b", "one.txt", "one\n");
    let number = ipa.open("b").await;
    let labels = format!("issues/{number}/labels");
    assert_eq!(ipa.post(&labels, json!({ "labels": ["a b", "c"] })).await.status, 200);
    assert_eq!(ipa.post(&labels, json!({ "labels": ["c"] })).await.body.as_array().unwrap().len(), 2);
    assert_eq!(ipa.delete(&format!("{labels}/a%20b")).await.body[0]["name"], "c");
    assert_eq!(ipa.delete(&format!("{labels}/a%20b")).await.message(), "Label does not exist");
    assert_eq!(ipa.get(&labels).await.body.as_array().unwrap().len(), 1);
}
