//! One pull request from its first push to its merge, with a person and CI on the other side.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::client::{Client, git, with_token};
use crate::forge::{Forge, REPO};

const THREADS: &str =
    "query($number: Int!) { repository(owner: \"o\", name: \"r\") { pullRequest(number: $number) {
    id isDraft reviewThreads(first: 10) { nodes { id isResolved comments(first: 10) { nodes { databaseId body
    author { login } } } } pageInfo { hasNextPage endCursor } } } } }";
const RESOLVE: &str =
    "mutation($id: ID!) { resolveReviewThread(input: { threadId: $id }) { thread { isResolved } } }";
const READY: &str = "mutation($id: ID!) { markPullRequestReadyForReview(input: { pullRequestId: $id }) {
    pullRequest { isDraft } } }";

#[tokio::test]
async fn a_pull_request_goes_from_its_first_push_to_its_merge() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    let folder = tempfile::tempdir().unwrap();

    let work = clone(&forge, folder.path()).await;
    let first = push(&work, "one\ntwo\nthree\n").await;
    assert_eq!(forge.head(REPO, "ipa/t-1-fix").as_ref(), Some(&first));
    let number = open(&ipa, &first).await;
    let pull = format!("pulls/{number}");
    let note = reviewed(&forge, &ipa, number).await;

    let second = push(&work, "one\n2\nthree\n").await;
    let moved = ipa.get(&pull).await;
    assert_eq!((&moved.body["head"]["sha"], &moved.body["commits"]), (&json!(second), &json!(2)));
    let id = discussed(&ipa, number, note).await;
    forge.ci().check(&second, "test", Some("success"));
    let checks = ipa.get(&format!("commits/{second}/check-runs")).await.body;
    assert_eq!(
        (&checks["total_count"], &checks["check_runs"][0]["conclusion"]),
        (&json!(1), &json!("success"))
    );

    assert_eq!(ipa.put(&format!("{pull}/merge"), json!({})).await.message(), "Pull Request is still a draft");
    let ready = ipa.graphql(READY, json!({ "id": id })).await;
    assert_eq!(ready["data"]["markPullRequestReadyForReview"]["pullRequest"]["isDraft"], false);
    forge.person("ann").review(number, "APPROVE", "");
    let merged = ipa.put(&format!("{pull}/merge"), json!({ "sha": second, "merge_method": "squash" })).await;
    assert_eq!((merged.status, &merged.body["merged"]), (200, &json!(true)));
    assert_eq!(forge.head(REPO, "main").as_deref(), merged.body["sha"].as_str());
    git(&work, &["fetch", "-q", "origin"]).await.unwrap();
    assert_eq!(git(&work, &["show", "origin/main:fix.txt"]).await.unwrap(), "one\n2\nthree");
    let over = ipa.get(&pull).await.body;
    assert_eq!((&over["state"], &over["merged"]), (&json!("closed"), &json!(true)));
    assert_eq!(over["merged_by"]["login"], "ipa");
    assert_eq!(ipa.delete("git/refs/heads/ipa/t-1-fix").await.status, 204);
    assert_eq!(forge.head(REPO, "ipa/t-1-fix"), None);
}

async fn clone(forge: &Forge, folder: &Path) -> PathBuf {
    let url = with_token(&forge.git_url(REPO), "token-ipa");
    git(folder, &["clone", "-q", &url, "work"]).await.unwrap();
    let work = folder.join("work");
    git(&work, &["checkout", "-q", "-b", "ipa/t-1-fix"]).await.unwrap();
    work
}

async fn push(work: &Path, text: &str) -> String {
    std::fs::write(work.join("fix.txt"), text).unwrap();
    git(work, &["add", "-A"]).await.unwrap();
    git(work, &["commit", "-q", "-m", "fix"]).await.unwrap();
    git(work, &["push", "-q", "origin", "HEAD"]).await.unwrap();
    git(work, &["rev-parse", "HEAD"]).await.unwrap()
}

async fn open(ipa: &Client<'_>, head: &str) -> u64 {
    let draft =
        json!({ "title": "Fix", "head": "ipa/t-1-fix", "base": "main", "body": "why", "draft": true });
    let opened = ipa.post("pulls", draft).await;
    let seen = (opened.status, &opened.body["draft"], &opened.body["head"]["sha"]);
    assert_eq!(seen, (201, &json!(true), &json!(head)));
    opened.body["number"].as_u64().unwrap()
}

/// Ann is asked and is not content; her comment on a line.
async fn reviewed(forge: &Forge, ipa: &Client<'_>, number: u64) -> u64 {
    let ask = json!({ "reviewers": ["ann"] });
    let asked = ipa.post(&format!("pulls/{number}/requested_reviewers"), ask).await;
    assert_eq!((asked.status, &asked.body["requested_reviewers"][0]["login"]), (201, &json!("ann")));
    forge.person("ann").review(number, "REQUEST_CHANGES", "not yet");
    let note = forge.person("ann").comment_on_line(number, "fix.txt", 2, "why two?");
    let reviews = ipa.get(&format!("pulls/{number}/reviews")).await.body;
    assert_eq!(
        (&reviews[0]["state"], &reviews[1]["state"]),
        (&json!("CHANGES_REQUESTED"), &json!("COMMENTED"))
    );
    let notes = ipa.get(&format!("pulls/{number}/comments")).await.body;
    assert_eq!((&notes[0]["id"], &notes[0]["line"]), (&json!(note), &json!(2)));
    assert!(notes[0]["diff_hunk"].as_str().unwrap().ends_with("+two"), "{notes}");
    note
}

/// The comment is answered and its thread resolved; the pull request's id.
async fn discussed(ipa: &Client<'_>, number: u64, note: u64) -> Value {
    let answer = json!({ "body": "it is 2 now" });
    let reply = ipa.post(&format!("pulls/{number}/comments/{note}/replies"), answer).await;
    assert_eq!((reply.status, &reply.body["in_reply_to_id"]), (201, &json!(note)));
    let threads = ipa.graphql(THREADS, json!({ "number": number })).await;
    let pull = &threads["data"]["repository"]["pullRequest"];
    let thread = &pull["reviewThreads"]["nodes"][0];
    let seen = (&thread["isResolved"], &thread["comments"]["nodes"][1]["body"]);
    assert_eq!(seen, (&json!(false), &json!("it is 2 now")));
    let resolved = ipa.graphql(RESOLVE, json!({ "id": thread["id"] })).await;
    assert_eq!(resolved["data"]["resolveReviewThread"]["thread"]["isResolved"], true, "{resolved}");
    pull["id"].clone()
}
