//! Review threads, and what only GraphQL has.

use serde_json::{Value, json};

use super::client::Client;
use crate::forge::{Forge, REPO, Scope};

const FIRST: &str =
    "query($n: Int!, $after: String) { repository(owner: \"o\", name: \"r\") { pullRequest(number: $n) {
    reviewThreads(first: 2, after: $after) { totalCount nodes { id isResolved isOutdated path line
    first: comments(first: 1) { nodes { body url ... on PullRequestReviewComment { databaseId } } } }
    pageInfo { hasNextPage endCursor } } } } }";

fn pull_with_notes(forge: &Forge, notes: usize) -> u64 {
    forge.person("ipa").push("b", "fix.txt", "one\ntwo\nthree\nfour\nfive\n");
    let number = forge.person("ipa").open("b", "x");
    for line in (1..).take(notes) {
        forge.person("ann").comment_on_line(number, "fix.txt", line, &format!("line {line}"));
    }
    number
}

#[tokio::test]
async fn threads_come_in_pages_with_their_state() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    let number = pull_with_notes(&forge, 3);
    let page = async |after: Value| {
        let answer = ipa.graphql(FIRST, json!({ "n": number, "after": after })).await;
        answer["data"]["repository"]["pullRequest"]["reviewThreads"].clone()
    };
    let first = page(Value::Null).await;
    assert_eq!((&first["totalCount"], &first["pageInfo"]["hasNextPage"]), (&json!(3), &json!(true)));
    assert_eq!(first["nodes"][1]["first"]["nodes"][0]["body"], "line 2");
    forge.person("ipa").push("b", "other.txt", "text\n");
    let second = page(first["pageInfo"]["endCursor"].clone()).await;
    assert_eq!((&second["nodes"][0]["line"], &second["pageInfo"]["hasNextPage"]), (&json!(3), &json!(false)));
    assert_eq!((&second["nodes"][0]["isOutdated"], &second["nodes"][1]), (&json!(true), &Value::Null));
}

#[tokio::test]
async fn a_thread_is_resolved_and_opened_again() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    let number = pull_with_notes(&forge, 1);
    let threads = ipa.graphql(FIRST, json!({ "n": number })).await;
    let id = &threads["data"]["repository"]["pullRequest"]["reviewThreads"]["nodes"][0]["id"];
    for (change, is_resolved) in [("resolveReviewThread", true), ("unresolveReviewThread", false)] {
        let text = format!(
            "mutation($id: ID!) {{ done: {change}(input: {{ threadId: $id }}) {{ thread {{ isResolved resolvedBy {{ login }} }} }} }}"
        );
        let thread = &ipa.graphql(&text, json!({ "id": id })).await["data"]["done"]["thread"];
        let by = if is_resolved { json!("ipa") } else { Value::Null };
        assert_eq!((&thread["isResolved"], &thread["resolvedBy"]["login"]), (&json!(is_resolved), &by));
    }
}

#[tokio::test]
async fn an_answer_goes_to_the_first_of_a_thread_and_comes_with_a_review_of_its_own() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    let number = pull_with_notes(&forge, 1);
    let first = ipa.get(&format!("pulls/{number}/comments")).await.body[0]["id"].as_u64().unwrap();
    let reply = forge.person("ann").reply(number, first, "well?");
    let answer = json!({ "body": "so" });
    assert_eq!(
        ipa.post(&format!("pulls/{number}/comments/{reply}/replies"), answer.clone()).await.status,
        404
    );
    assert_eq!(ipa.post(&format!("pulls/{number}/comments/{first}/replies"), answer).await.status, 201);
    let reviews = ipa.get(&format!("pulls/{number}/reviews")).await.body;
    let last = reviews.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["state"], &last["body"], &last["user"]["login"]),
        (&json!("COMMENTED"), &json!(""), &json!("ipa"))
    );

    let head = forge.head(REPO, "b").unwrap();
    let off = json!({ "body": "?", "commit_id": head, "path": "README.md", "line": 1 });
    let off = ipa.post(&format!("pulls/{number}/comments"), off).await;
    assert_eq!((off.status, off.reason()), (422, "Pull request review thread line must be part of the diff"));
    let with_lines =
        json!({ "event": "COMMENT", "comments": [{ "path": "fix.txt", "line": 5, "body": "last" }] });
    assert_eq!(ipa.post(&format!("pulls/{number}/reviews"), with_lines).await.status, 200);
    let half = json!({ "event": "COMMENT", "comments": [{ "path": "fix.txt", "line": 50, "body": "?" }] });
    assert_eq!(ipa.post(&format!("pulls/{number}/reviews"), half).await.status, 422);
    let newest = ipa.get(&format!("pulls/{number}/comments?sort=created&direction=desc")).await.body;
    assert_eq!((newest[0]["body"].as_str(), newest.as_array().unwrap().len()), (Some("last"), 4));
}

#[tokio::test]
async fn a_draft_is_made_ready_and_a_draft_again() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    let number = pull_with_notes(&forge, 0);
    let id = ipa.get(&format!("pulls/{number}")).await.body["node_id"].clone();
    let change = async |name: &str| {
        let text = format!(
            "mutation($id: ID!) {{ {name}(input: {{ pullRequestId: $id }}) {{ pullRequest {{ isDraft state }} }} }}"
        );
        ipa.graphql(&text, json!({ "id": id })).await
    };
    let draft = change("convertPullRequestToDraft").await;
    assert_eq!(
        draft["data"]["convertPullRequestToDraft"]["pullRequest"],
        json!({ "isDraft": true, "state": "OPEN" })
    );
    assert_eq!(ipa.get(&format!("pulls/{number}")).await.body["draft"], true);
    change("markPullRequestReadyForReview").await;
    let again = change("markPullRequestReadyForReview").await;
    assert_eq!(again["errors"][0]["message"], "Pull request is not in a draft state");
    assert_eq!(again["data"]["markPullRequestReadyForReview"], Value::Null);
    forge.person("ann").close(number);
    assert_eq!(change("convertPullRequestToDraft").await["errors"][0]["message"], "Pull request is closed");
}

#[tokio::test]
async fn what_graphql_refuses_stands_beside_the_data() {
    let forge = Forge::start().await;
    forge.add_token("read-only", "ipa", Scope::Only(Vec::new()));
    let ipa = Client::new(&forge, "token-ipa");
    let number = pull_with_notes(&forge, 1);
    let ask = |what: &str| {
        format!(
            "{{ repository(owner: \"o\", name: \"r\") {{ pullRequest(number: {number}) {{ {what} }} }} }}"
        )
    };
    for (query, kind) in [
        (ask("reviewThreads { totalCount }"), "MISSING_PAGINATION_BOUNDARIES"),
        (ask("reviewThreads(first: 101) { totalCount }"), "EXCESSIVE_PAGINATION"),
        ("{ repository(owner: \"o\", name: \"none\") { id } }".to_owned(), "NOT_FOUND"),
        (
            "mutation { resolveReviewThread(input: { threadId: \"PRRT_1\" }) { thread { id } } }".to_owned(),
            "NOT_FOUND",
        ),
    ] {
        assert_eq!(ipa.graphql(&query, json!({})).await["errors"][0]["type"], kind, "{query}");
    }
    let last = ipa
        .graphql(&ask("reviews(last: 1) { nodes { state author { login __typename } } }"), json!({}))
        .await;
    let review = &last["data"]["repository"]["pullRequest"]["reviews"]["nodes"][0];
    assert_eq!(review, &json!({ "state": "COMMENTED", "author": { "login": "ann", "__typename": "User" } }));
    let id = ipa.get(&format!("pulls/{number}")).await.body["node_id"].clone();
    let text = "mutation($id: ID!) { convertPullRequestToDraft(input: { pullRequestId: $id }) { pullRequest { id } } }";
    let limited = Client::new(&forge, "read-only").graphql(text, json!({ "id": id })).await;
    assert_eq!(limited["errors"][0]["type"], "FORBIDDEN");
    let nobody = Client::new(&forge, "wrong").graphql(text, json!({ "id": id })).await;
    assert_eq!(nobody["message"], "Bad credentials");
}

#[tokio::test]
async fn what_is_asked_of_reviews_is_decided_by_the_repository() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    let number = pull_with_notes(&forge, 0);
    let query = format!(
        "{{ repository(owner: \"o\", name: \"r\") {{ pullRequest(number: {number}) {{ reviewDecision }} }} }}"
    );
    let decision = async || {
        ipa.graphql(&query, json!({})).await["data"]["repository"]["pullRequest"]["reviewDecision"].clone()
    };
    assert_eq!(decision().await, Value::Null);
    forge.require_approvals(REPO, 1);
    assert_eq!(decision().await, "REVIEW_REQUIRED");
    forge.person("ann").review(number, "REQUEST_CHANGES", "no");
    assert_eq!(decision().await, "CHANGES_REQUESTED");
    forge.person("ann").review(number, "APPROVE", "");
    assert_eq!(decision().await, "APPROVED");
}

#[tokio::test]
async fn a_comment_is_hidden_with_its_reason() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    let number = pull_with_notes(&forge, 0);
    forge.person("zed").comment(number, "buy this");
    let comment = ipa.get(&format!("issues/{number}/comments")).await.body[0]["node_id"].clone();
    let text = "mutation($id: ID!) { minimizeComment(input: { subjectId: $id, classifier: OUTDATED }) {
        minimizedComment { isMinimized minimizedReason } } }";
    let hidden = ipa.graphql(text, json!({ "id": comment })).await;
    let shown = &hidden["data"]["minimizeComment"]["minimizedComment"];
    assert_eq!(shown, &json!({ "isMinimized": true, "minimizedReason": "outdated" }));
}
