//! Opening, editing, closing and merging: what goes and what is refused.

use serde_json::{Value, json};

use super::client::Client;
use crate::forge::{Forge, REPO};

#[tokio::test]
async fn a_pull_request_that_cannot_be_opened_is_refused_with_its_reason() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    forge.person("ipa").push("b", "one.txt", "one\n");
    ipa.open("b").await;

    let again = ipa.post("pulls", json!({ "title": "x", "head": "o:b", "base": "main" })).await;
    assert_eq!((again.status, again.reason()), (422, "A pull request already exists for o:b."));
    let empty = ipa.post("pulls", json!({ "title": "x", "head": "main", "base": "main" })).await;
    assert_eq!((empty.status, empty.reason()), (422, "No commits between main and main"));
    let too_long = json!({ "title": "x", "head": "b", "base": "main", "body": "x".repeat(65_537) });
    let too_long = ipa.post("pulls", too_long).await;
    assert_eq!((too_long.status, too_long.reason()), (422, "body is too long (maximum is 65536 characters)"));
    for (body, field, code) in [
        (json!({ "title": "x", "head": "nowhere", "base": "main" }), "head", "invalid"),
        (json!({ "title": "x", "head": "b", "base": "nowhere" }), "base", "invalid"),
        (json!({ "title": " ", "head": "b", "base": "main" }), "title", "missing_field"),
    ] {
        let refused = ipa.post("pulls", body).await;
        let error = &refused.body["errors"][0];
        assert_eq!((refused.status, &error["field"], &error["code"]), (422, &json!(field), &json!(code)));
    }
    assert_eq!(ipa.get("pulls?state=all").await.body.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn pull_requests_are_listed_by_head_and_state() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    for branch in ["a", "b"] {
        forge.person("ipa").push(branch, "one.txt", branch);
        ipa.open(branch).await;
    }
    forge.person("ann").close(1);
    for (query, expected) in [
        ("head=o:a&state=all", json!([1])),
        ("head=o:a", json!([])),
        ("head=o:b", json!([2])),
        ("head=else:b", json!([])),
        // GitHub takes no notice of a head without an owner.
        ("head=b&state=all", json!([2, 1])),
        ("state=closed", json!([1])),
    ] {
        let listed = ipa.get(&format!("pulls?{query}")).await.body;
        let numbers: Value = listed.as_array().unwrap().iter().map(|pull| pull["number"].clone()).collect();
        assert_eq!(numbers, expected, "{query}");
    }
}

#[tokio::test]
async fn whether_it_merges_is_known_at_the_second_look() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    forge.person("ipa").push("b", "README.md", "ours\n");
    let number = forge.person("ipa").open("b", "x");
    let pull = format!("pulls/{number}");
    let look = async || {
        let shown = ipa.get(&pull).await.body;
        (shown["mergeable"].clone(), shown["mergeable_state"].clone())
    };
    assert_eq!(look().await, (Value::Null, json!("unknown")));
    assert_eq!(look().await, (json!(true), json!("clean")));
    forge.person("ann").push("main", "README.md", "theirs\n");
    assert_eq!(look().await, (Value::Null, json!("unknown")));
    assert_eq!(look().await, (json!(false), json!("dirty")));
    assert_eq!(ipa.put(&format!("{pull}/merge"), json!({})).await.status, 405);
}

#[tokio::test]
async fn a_merge_is_refused_when_the_head_moved_or_approvals_lack() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    let old = forge.person("ipa").push("b", "one.txt", "one\n");
    let number = ipa.open("b").await;
    let merge = format!("pulls/{number}/merge");
    let new = forge.person("ann").push("b", "two.txt", "two\n");

    let moved = ipa.put(&merge, json!({ "sha": old })).await;
    let words = "Head branch was modified. Review and try the merge again.";
    assert_eq!((moved.status, moved.message()), (409, words));
    forge.require_approvals(REPO, 1);
    let unapproved = ipa.put(&merge, json!({ "sha": new })).await;
    assert_eq!(unapproved.status, 405);
    assert!(unapproved.message().contains("approving review is required"), "{}", unapproved.body);
    let review = forge.person("ann").review(number, "APPROVE", "");
    forge.person("ann").dismiss(number, review);
    assert_eq!(ipa.put(&merge, json!({ "sha": new })).await.status, 405);
    forge.person("ann").review(number, "APPROVE", "");
    assert_eq!(ipa.put(&merge, json!({ "sha": new })).await.status, 200);
    assert_eq!(ipa.put(&merge, json!({ "sha": new })).await.status, 405);
}

#[tokio::test]
async fn each_way_to_merge_makes_its_own_history() {
    for (method, parents, commits) in [("merge", 2, 4), ("squash", 1, 2), ("rebase", 1, 3)] {
        let forge = Forge::start().await;
        let ipa = Client::new(&forge, "token-ipa");
        forge.person("ipa").push("b", "one.txt", "one\n");
        forge.person("ipa").push("b", "two.txt", "two\n");
        let number = ipa.open("b").await;
        let merged = ipa.put(&format!("pulls/{number}/merge"), json!({ "merge_method": method })).await;
        assert_eq!(merged.status, 200, "{}", merged.body);
        let head = forge.head(REPO, "main").unwrap();
        assert_eq!(merged.body["sha"], json!(head));
        assert_eq!(forge.history(REPO, "main"), (parents, commits), "{method}");
    }
}

#[tokio::test]
async fn what_is_closed_opens_again_unless_it_is_merged_or_its_branch_is_gone() {
    let forge = Forge::start().await;
    let (ipa, ann) = (Client::new(&forge, "token-ipa"), forge.person("ann"));
    for branch in ["a", "b"] {
        ann.push(branch, &format!("{branch}.txt"), "text\n");
        ipa.open(branch).await;
    }
    ann.close(1);
    ann.reopen(1);
    assert_eq!(ipa.get("pulls/1").await.body["state"], "open");
    ann.edit_title(1, "Their title");
    ann.edit_body(1, "their words");
    let edited = ipa.get("pulls/1").await.body;
    assert_eq!((&edited["title"], &edited["body"]), (&json!("Their title"), &json!("their words")));
    assert_eq!(ipa.patch("pulls/1", json!({ "title": "Ours", "body": "" })).await.body["title"], "Ours");

    let merged = ann.merge(1);
    assert_eq!(forge.head(REPO, "main"), Some(merged));
    let merged = ipa.patch("pulls/1", json!({ "state": "open" })).await;
    assert_eq!(
        (merged.status, merged.reason()),
        (422, "state cannot be changed. The pull request is merged.")
    );
    assert_eq!(ipa.delete("git/refs/heads/b").await.status, 204);
    assert_eq!(ipa.get("pulls/2").await.body["state"], "closed");
    let gone = ipa.patch("pulls/2", json!({ "state": "open" })).await;
    assert_eq!(
        (gone.status, gone.reason()),
        (422, "state cannot be changed. The b branch has been deleted.")
    );
    assert_eq!(ipa.delete("git/refs/heads/b").await.message(), "Reference does not exist");
}

#[tokio::test]
async fn only_collaborators_are_asked_for_a_review() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    forge.person("ipa").push("b", "one.txt", "one\n");
    let number = ipa.open("b").await;
    let path = format!("pulls/{number}/requested_reviewers");
    assert_eq!(ipa.post(&path, json!({ "reviewers": ["zed"] })).await.status, 422);
    let own = ipa.post(&path, json!({ "reviewers": ["ipa"] })).await;
    assert_eq!((own.status, own.message()), (422, "Review cannot be requested from pull request author."));
    assert_eq!(ipa.post(&path, json!({ "reviewers": ["ann"] })).await.status, 201);
    assert_eq!(ipa.get(&path).await.body["users"][0]["login"], "ann");
    forge.person("ann").review(number, "COMMENT", "seen");
    assert_eq!(ipa.get(&path).await.body["users"], json!([]));
    let approval = ipa.post(&format!("pulls/{number}/reviews"), json!({ "event": "APPROVE" })).await;
    assert_eq!(
        (approval.status, &approval.body["errors"][0]),
        (422, &json!("Can not approve your own pull request"))
    );
}
