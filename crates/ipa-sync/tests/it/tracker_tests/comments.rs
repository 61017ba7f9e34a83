//! Comments: what is one, who sees what of them, and in which order.

use serde_json::{Value, json};

use super::client::{Client, text};
use crate::tracker::{Flavour, Tracker};

#[tokio::test]
async fn what_is_no_text_here_is_refused_as_jira_refuses_it() {
    let paragraph = |words: &str| text(Flavour::Cloud, words);
    let heading =
        json!({ "type": "doc", "version": 1, "content": [{ "type": "heading", "attrs": { "level": 7 } }] });
    let nothing = json!({ "type": "doc", "version": 1, "content": [] });
    let no_version = json!({ "type": "doc", "content": [] });
    let (invalid, empty) = ("Comment body is not valid!", "Comment body can not be empty!");
    let long = "The entered text is too long. It exceeds the allowed limit of 32,767 characters.";
    for (flavour, body, words) in [
        (Flavour::Cloud, json!("hello"), invalid),
        (Flavour::Cloud, Value::Null, invalid),
        (Flavour::Cloud, no_version, invalid),
        (Flavour::Cloud, heading, invalid),
        (Flavour::Cloud, paragraph(""), invalid),
        (Flavour::Cloud, nothing, empty),
        (Flavour::Cloud, paragraph(&"x".repeat(32_767)), long),
        (Flavour::DataCenter, paragraph("hello"), invalid),
        (Flavour::DataCenter, json!("  \n"), empty),
        (Flavour::DataCenter, json!("x".repeat(32_768)), long),
    ] {
        let tracker = Tracker::start(flavour).await;
        let key = tracker.person("ann").create("Fix the retry", "");
        let ipa = Client::new(&tracker, "ipa");
        let refused = ipa.post(&format!("issue/{key}/comment"), json!({ "body": body })).await;
        assert_eq!((refused.status, refused.of("comment")), (400, words), "{flavour:?} {body}");
        assert_eq!(tracker.comments(&key), []);
        tracker.take_wrong();
    }
    let tracker = Tracker::start(Flavour::DataCenter).await;
    let key = tracker.person("ann").create("Fix the retry", "");
    let longest = json!({ "body": "é".repeat(32_767) });
    assert_eq!(Client::new(&tracker, "ipa").post(&format!("issue/{key}/comment"), longest).await.status, 201);
}

#[tokio::test]
async fn a_property_is_with_its_comment_for_who_asks_and_unseen_otherwise() {
    let tracker = Tracker::start(Flavour::Cloud).await;
    let ipa = Client::new(&tracker, "ipa");
    let key = tracker.person("ann").create("Fix the retry", "");
    tracker.person("ann").comment(&key, "hello");
    let path = format!("issue/{key}/comment");
    let mark = |hash: &str| json!([{ "key": "ipa", "value": { "k": "o1", "hash": hash } }]);
    let body = text(Flavour::Cloud, "I am on it");
    let said = ipa.post(&path, json!({ "body": body, "properties": mark("one") })).await;
    assert_eq!((said.status, said.body.get("properties")), (201, None));
    let at = format!("{path}/{}", said.body["id"].as_str().unwrap());
    let shown = async || ipa.get(&format!("{at}?expand=properties")).await.body["properties"].clone();
    assert_eq!(ipa.get(&at).await.body.get("properties"), None);
    assert_eq!(shown().await, mark("one"));
    let body = text(Flavour::Cloud, "Nearly there");
    let quiet = format!("{at}?notifyUsers=false");
    assert_eq!(ipa.put(&quiet, json!({ "body": body, "properties": mark("two") })).await.status, 200);
    assert_eq!(shown().await, mark("two"));
    // An edit that says nothing of them leaves them: a person's, for one.
    tracker.person("o").edit_comment(&key, said.body["id"].as_str().unwrap().parse().unwrap(), "Mine");
    assert_eq!(shown().await, mark("two"));
    let listed = ipa.get(&format!("{path}?orderBy=-created&expand=properties")).await.body;
    let marks: Vec<&Value> =
        listed["comments"].as_array().unwrap().iter().map(|one| &one["properties"]).collect();
    assert_eq!(marks, [&mark("two"), &json!([])]);
}

#[tokio::test]
async fn comments_come_in_pages_the_newest_first_if_one_likes() {
    for flavour in Flavour::BOTH {
        let tracker = Tracker::start(flavour).await;
        let ipa = Client::new(&tracker, "ipa");
        let key = tracker.person("ann").create("Fix the retry", "");
        let ids: Vec<String> = ["1", "2", "3", "4", "5"]
            .map(|words| tracker.person("ann").comment(&key, words).to_string())
            .into();
        for (query, expected) in [
            ("", vec![0, 1, 2, 3, 4]),
            ("?orderBy=-created", vec![4, 3, 2, 1, 0]),
            ("?orderBy=-created&maxResults=2", vec![4, 3]),
            ("?orderBy=-created&maxResults=2&startAt=4", vec![0]),
            ("?startAt=9", vec![]),
        ] {
            let got = ipa.get(&format!("issue/{key}/comment{query}")).await.body;
            let all = got["comments"].as_array().unwrap().iter();
            let seen: Vec<&str> = all.map(|one| one["id"].as_str().unwrap()).collect();
            let expected: Vec<&str> = expected.into_iter().map(|at: usize| ids[at].as_str()).collect();
            assert_eq!((seen, &got["total"]), (expected, &json!(5)), "{query}");
        }
    }
}

#[tokio::test]
async fn the_comment_of_another_is_edited_by_administrators_only() {
    for flavour in Flavour::BOTH {
        let tracker = Tracker::start(flavour).await;
        let key = tracker.person("ann").create("Fix the retry", "");
        let at = format!("issue/{key}/comment/{}", tracker.person("ann").comment(&key, "mine"));
        let body = json!({ "body": text(flavour, "not yours") });
        let refused = Client::new(&tracker, "ipa").put(&at, body.clone()).await;
        assert_eq!(
            (refused.status, refused.message()),
            (400, "You do not have the permission to edit this comment.")
        );
        let edited = Client::new(&tracker, "o").put(&at, body).await.body;
        let id = if flavour == Flavour::Cloud { "accountId" } else { "name" };
        assert_eq!(edited["author"][id], tracker.id_of("ann"));
        assert_eq!(edited["updateAuthor"][id], tracker.id_of("o"));
        assert_eq!(tracker.comments(&key), [("ann".to_owned(), "not yours".to_owned())]);
        assert_eq!(Client::new(&tracker, "o").get(&format!("issue/{key}/comment/1")).await.status, 404);
    }
}

#[tokio::test]
async fn a_comment_for_a_role_is_not_there_for_others() {
    let tracker = Tracker::start(Flavour::Cloud).await;
    let key = tracker.person("ann").create("Fix the retry", "");
    let path = format!("issue/{key}/comment");
    let body = json!({
        "body": text(Flavour::Cloud, "between us"),
        "visibility": { "type": "role", "value": "Administrators" },
    });
    let refused = Client::new(&tracker, "ipa").post(&path, body.clone()).await;
    let words = "You are currently not a member of the project role: Administrators.";
    assert_eq!((refused.status, refused.of("commentLevel")), (400, words));
    let said = Client::new(&tracker, "o").post(&path, body).await.body;
    assert_eq!(said["visibility"]["value"], "Administrators");
    let at = format!("{path}/{}", said["id"].as_str().unwrap());
    for (login, total, status) in [("o", 1, 200), ("ipa", 0, 404)] {
        let seen = Client::new(&tracker, login);
        assert_eq!(seen.get(&path).await.body["total"], total);
        assert_eq!(seen.get(&format!("issue/{key}")).await.body["fields"]["comment"]["total"], total);
        assert_eq!(seen.get(&at).await.status, status);
    }
}
