//! Check runs, statuses, the logs of CI.

use serde_json::json;

use super::access::installation_token;
use super::client::{Client, got};
use crate::forge::Forge;

#[tokio::test]
async fn only_an_app_makes_check_runs_and_it_finds_its_own() {
    let forge = Forge::start().await;
    let commit = forge.person("ipa").push("b", "one.txt", "one\n");
    let run = json!({ "name": "ipa", "head_sha": commit, "status": "in_progress", "external_id": "key" });
    let person = Client::new(&forge, "token-ipa").post("check-runs", run.clone()).await;
    assert_eq!((person.status, person.message()), (403, "You must authenticate via a GitHub App."));

    let bot = Client::new(&forge, &installation_token(&forge).await);
    let made = bot.post("check-runs", run).await;
    assert_eq!((made.status, &made.body["conclusion"]), (201, &json!(null)));
    let lost = json!({ "name": "ipa", "head_sha": "0".repeat(40) });
    assert_eq!(bot.post("check-runs", lost).await.status, 422);
    let own = format!("check-runs/{}", made.body["id"]);
    let done = json!({ "conclusion": "neutral", "output": { "title": "ipa", "summary": "waiting" } });
    assert_eq!(bot.patch(&own, done).await.body["status"], "completed");

    let theirs = forge.ci().check(&commit, "test", Some("failure"));
    let listed = bot.get(&format!("commits/{commit}/check-runs?app_id=77")).await.body;
    assert_eq!((&listed["total_count"], &listed["check_runs"][0]["external_id"]), (&json!(1), &json!("key")));
    assert_eq!(bot.get(&format!("commits/{commit}/check-runs")).await.body["total_count"], 2);
    assert_eq!(bot.patch(&format!("check-runs/{theirs}"), json!({ "name": "x" })).await.status, 403);
    forge.ci().check(&commit, "test", None);
    let again = bot.get(&format!("commits/{commit}/check-runs?check_name=test")).await.body;
    assert_eq!(
        (&again["total_count"], &again["check_runs"][0]["status"]),
        (&json!(1), &json!("in_progress"))
    );
    let all = bot.get(&format!("commits/{commit}/check-runs?filter=all&check_name=test")).await.body;
    assert_eq!(all["total_count"], 2);
}

#[tokio::test]
async fn failing_checks_make_a_pull_request_unstable() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    let commit = forge.person("ipa").push("b", "one.txt", "one\n");
    let pull = format!("pulls/{}", ipa.open("b").await);
    ipa.get(&pull).await;
    forge.ci().check(&commit, "test", Some("failure"));
    assert_eq!(ipa.get(&pull).await.body["mergeable_state"], "unstable");
    forge.ci().check(&commit, "test", Some("success"));
    assert_eq!(ipa.get(&pull).await.body["mergeable_state"], "clean");
}

#[tokio::test]
async fn the_latest_status_of_each_context_counts() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    let commit = forge.person("ipa").push("b", "one.txt", "one\n");
    let combined = format!("commits/{commit}/status");
    assert_eq!(ipa.get(&combined).await.body["state"], "pending");
    for (context, state, whole) in
        [("ipa", "pending", "pending"), ("ipa", "success", "success"), ("other", "failure", "failure")]
    {
        let made =
            ipa.post(&format!("statuses/{commit}"), json!({ "state": state, "context": context })).await;
        assert_eq!((made.status, &made.body["creator"]["login"]), (201, &json!("ipa")));
        assert_eq!(ipa.get(&combined).await.body["state"], whole);
    }
    assert_eq!(ipa.get(&combined).await.body["total_count"], 2);
    let lost = format!("statuses/{}", "0".repeat(40));
    assert_eq!(ipa.post(&lost, json!({ "state": "success" })).await.status, 422);
}

#[tokio::test]
async fn a_log_lies_behind_a_link_that_wants_no_token() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    let commit = forge.person("ipa").push("b", "one.txt", "one\n");
    let job = forge.ci().check(&commit, "test", Some("failure"));
    forge.ci().log(job, 5, "line one\nassertion failed\n");

    let jobs = ipa.get("actions/runs/5/jobs").await.body;
    assert_eq!((&jobs["jobs"][0]["id"], &jobs["jobs"][0]["conclusion"]), (&json!(job), &json!("failure")));
    assert_eq!(ipa.get("actions/runs/6/jobs").await.status, 404);
    let link = ipa.get(&format!("actions/jobs/{job}/logs")).await;
    assert_eq!((link.status, &link.body), (302, &json!(null)));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let log = got(http.get(link.header("location"))).await;
    assert_eq!(log.body, json!("line one\nassertion failed\n"));
    assert_eq!(got(http.get(link.header("location")).bearer_auth("token-ipa")).await.status, 400);
}
