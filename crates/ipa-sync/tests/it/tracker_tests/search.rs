//! Searches: what they find, on whose clock, and how they come in pages.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::client::{Client, keys};
use crate::tracker::{Flavour, PROJECT, Role, Tracker, Workflow};

/// Three issues: `P-1` changed last and in progress, `P-2` done with a label, `Q-1` untouched.
async fn furnished(flavour: Flavour) -> Tracker {
    let tracker = Tracker::start(flavour).await;
    tracker.add_project("Q", Workflow::german());
    tracker.set_role("Q", "ipa", Role::Member);
    tracker.set_role("Q", "ann", Role::Member);
    let ann = tracker.person("ann");
    tracker.set_clock_ahead(SignedDuration::from_hours(-2));
    ann.create("one", "");
    ann.create("two", "");
    ann.at("Q").create("three", "");
    tracker.set_clock_ahead(SignedDuration::from_mins(-30));
    ann.label("P-2", "ipa");
    ann.move_to("P-2", "Done");
    tracker.set_clock_ahead(SignedDuration::from_mins(-5));
    ann.move_to("P-1", "In Progress");
    tracker.set_clock_ahead(SignedDuration::ZERO);
    tracker
}

#[tokio::test]
async fn a_query_finds_what_it_means() {
    for flavour in Flavour::BOTH {
        let tracker = furnished(flavour).await;
        let ipa = Client::new(&tracker, "ipa");
        for (jql, expected) in [
            ("project = P", vec!["P-2", "P-1"]),
            ("project in (P, \"Q\") order by key", vec!["P-1", "P-2", "Q-1"]),
            ("key in (P-2, Q-1) ORDER BY created ASC", vec!["P-2", "Q-1"]),
            ("issuekey = p-1", vec!["P-1"]),
            ("project = P AND key not in (P-1)", vec!["P-2"]),
            ("labels = ipa", vec!["P-2"]),
            ("labels in ('ipa', other) and project = P", vec!["P-2"]),
            ("labels = \"IPA\"", vec![]),
            ("status = \"in progress\"", vec!["P-1"]),
            ("status in (Done, 'Zu erledigen')", vec!["Q-1", "P-2"]),
            ("statusCategory = Done", vec!["P-2"]),
            ("statusCategory = new", vec!["Q-1"]),
            ("statusCategory != 'Zu erledigen'", vec!["P-2", "P-1"]),
            ("updated >= \"-10m\"", vec!["P-1"]),
            ("updated >= -1h ORDER BY updated DESC", vec!["P-1", "P-2"]),
            ("updated >= '-1h' ORDER BY updated ASC", vec!["P-2", "P-1"]),
            ("updated >= \"-1w 2d\" AND project = Q", vec!["Q-1"]),
            ("updated < -1h", vec!["Q-1"]),
            ("updated >= \"2020-01-01\" AND updated <= '2020/01/02 10:00'", vec![]),
        ] {
            let found = ipa.search(jql).await;
            assert_eq!((found.status, keys(&found)), (200, expected), "{jql}");
        }
    }
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_refused_and_fails_the_test() {
    for flavour in Flavour::BOTH {
        let tracker = furnished(flavour).await;
        let ipa = Client::new(&tracker, "ipa");
        for (jql, words) in [
            ("project = P OR labels = x", "Expecting the end of the query"),
            ("shoeSize = 7", "Field 'shoesize' does not exist"),
            ("project = ", "Expecting either a value"),
            ("project P", "Expecting an operator"),
            ("project = AND", "is a reserved JQL word"),
            ("project in (P", "Expecting ')'"),
            ("project = \"P", "has not been completed"),
            ("updated = -5m", "does not fit the field"),
            ("labels >= x", "does not fit the field"),
            ("updated >= \"2026-01-17T12:34:00Z\"", "Date value"),
            ("updated >= \"2026-01-17 12:34:00\"", "Date value"),
            ("updated >= \"-5s\"", "Date value"),
            ("key = P:1", "reserved JQL character"),
            ("project = P ORDER updated", "Expecting 'by'"),
        ] {
            let refused = ipa.search(jql).await;
            assert_eq!(refused.status, 400, "{jql}");
            assert!(refused.message().contains(words), "{jql}: {}", refused.body);
            assert!(tracker.take_wrong()[0].contains(words), "{jql}");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_spoils_the_whole_query_unless_nobody_looks() {
    for flavour in Flavour::BOTH {
        let tracker = furnished(flavour).await;
        let ipa = Client::new(&tracker, "ipa");
        tracker.hide("P-2", &["ann"]);
        for (jql, words) in [
            ("key in (P-1, P-2)", "An issue with key 'P-2' does not exist for field 'key'."),
            ("key in (P-1, P-9)", "An issue with key 'P-9' does not exist for field 'key'."),
            ("project = X", "The value 'X' does not exist for the field 'project'."),
            ("status = Released", "The value 'Released' does not exist for the field 'status'."),
            ("statusCategory = Over", "The value 'Over' does not exist for the field 'statuscategory'."),
        ] {
            let refused = ipa.search(jql).await;
            assert_eq!((refused.status, refused.message()), (400, words));
        }
        assert_eq!(keys(&ipa.search("project = P").await), ["P-1"]);
    }
    let tracker = furnished(Flavour::DataCenter).await;
    tracker.person("ann").delete("P-2");
    let lax = json!({ "jql": "key in (P-1, P-2)", "validateQuery": false });
    assert_eq!(keys(&Client::new(&tracker, "ipa").post("search", lax).await), ["P-1"]);
}

#[tokio::test]
async fn the_pages_of_cloud_lead_to_each_other_by_tokens() {
    let tracker = furnished(Flavour::Cloud).await;
    let ipa = Client::new(&tracker, "ipa");
    let ask = async |more: Value| {
        let mut body =
            json!({ "jql": "project in (P, Q) ORDER BY key", "fields": ["status"], "maxResults": 2 });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ipa.post("search/jql", body).await
    };
    let first = ask(json!({})).await;
    assert_eq!((keys(&first), &first.body["isLast"]), (vec!["P-1", "P-2"], &json!(false)));
    let token = first.body["nextPageToken"].clone();
    let second = ask(json!({ "nextPageToken": token })).await;
    assert_eq!((keys(&second), &second.body["isLast"]), (vec!["Q-1"], &json!(true)));
    assert_eq!((second.body.get("nextPageToken"), second.body.get("total")), (None, None));
    assert_eq!(ask(json!({ "nextPageToken": "made up" })).await.status, 400);
    assert_eq!(ask(json!({ "nextPageToken": token, "jql": "project = P" })).await.status, 400);
    // Who names no fields gets ids and nothing else.
    let bare = ipa.post("search/jql", json!({ "jql": "project = P" })).await.body;
    let shown = bare["issues"][0].as_object().unwrap();
    assert_eq!(shown.keys().collect::<Vec<_>>(), ["id"]);
    let unbounded = ipa.post("search/jql", json!({ "jql": "ORDER BY updated" })).await;
    assert!(unbounded.message().starts_with("Unbounded JQL"), "{}", unbounded.body);
}

#[tokio::test]
async fn a_page_of_cloud_has_a_hundred_issues_at_most() {
    let tracker = Tracker::start(Flavour::Cloud).await;
    for number in 0..101 {
        tracker.person("ann").create(&number.to_string(), "");
    }
    let ipa = Client::new(&tracker, "ipa");
    let count = async |fields: Value| {
        let body = json!({ "jql": "project = P", "fields": fields, "maxResults": 5000 });
        ipa.post("search/jql", body).await.body["issues"].as_array().unwrap().len()
    };
    assert_eq!((count(json!(["summary"])).await, count(json!(["id"])).await), (100, 101));
}

#[tokio::test]
async fn the_pages_of_data_center_have_numbers_and_a_total() {
    let tracker = furnished(Flavour::DataCenter).await;
    let ipa = Client::new(&tracker, "ipa");
    let first = ipa.get("search?jql=project+in+(P,Q)+ORDER+BY+key&maxResults=2&fields=summary,status").await;
    assert_eq!((keys(&first), &first.body["total"]), (vec!["P-1", "P-2"], &json!(3)));
    assert_eq!(first.body["issues"][0]["fields"].as_object().unwrap().len(), 2);
    let body = json!({ "jql": "project in (P,Q) ORDER BY key", "startAt": 2, "maxResults": 2 });
    let second = ipa.post("search", body).await;
    assert_eq!((keys(&second), &second.body["startAt"]), (vec!["Q-1"], &json!(2)));
    // Who names no fields gets those that a list shows.
    assert!(second.body["issues"][0]["fields"].get("summary").is_some());
    assert!(second.body["issues"][0]["fields"].get("comment").is_none());
}

#[tokio::test]
async fn times_are_on_the_clock_of_who_asks() {
    for flavour in Flavour::BOTH {
        let tracker = Tracker::start(flavour).await;
        let key = tracker.person("ann").create("one", "");
        let ipa = Client::new(&tracker, "ipa");
        let minute = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M").to_string();
        let since = async |at: String| keys(&ipa.search(&format!("updated >= \"{at}\"")).await).len();
        let now = Timestamp::now();
        let hour_ago = minute(now - SignedDuration::from_mins(60));
        let in_an_hour = minute(now + SignedDuration::from_mins(60));
        assert_eq!((since(hour_ago.clone()).await, since(in_an_hour.clone()).await), (1, 0));
        let shown = async || ipa.get(&format!("issue/{key}")).await.body["fields"]["updated"].clone();
        assert!(shown().await.as_str().unwrap().ends_with("+0000"));
        tracker.set_hours_ahead("ipa", 2);
        assert_eq!((since(hour_ago).await, since(in_an_hour).await), (1, 1));
        assert!(shown().await.as_str().unwrap().ends_with("+0200"));
        assert_eq!(ipa.get("myself").await.body["timeZone"], "Etc/GMT-2");
        tracker.set_hours_ahead("ipa", -2);
        assert!(shown().await.as_str().unwrap().ends_with("-0200"));
        assert_eq!(since(minute(now - SignedDuration::from_mins(60))).await, 0);
    }
}

#[tokio::test]
async fn an_index_that_lags_behind_shows_what_was_unless_it_is_to_be_reconciled() {
    let tracker = furnished(Flavour::Cloud).await;
    let ipa = Client::new(&tracker, "ipa");
    tracker.let_index_lag();
    tracker.person("ann").label("P-1", "ipa");
    assert_eq!(keys(&ipa.search("labels = ipa").await), ["P-2"]);
    let id: u64 = tracker.issue("P-1").unwrap()["id"].as_str().unwrap().parse().unwrap();
    let body = json!({ "jql": "labels = ipa", "fields": ["summary"], "reconcileIssues": [id] });
    assert_eq!(keys(&ipa.post("search/jql", body).await), ["P-2", "P-1"]);
    assert_eq!(ipa.get("issue/P-1").await.body["fields"]["labels"], json!(["ipa"]));
    tracker.index();
    assert_eq!(keys(&ipa.search("labels = ipa").await), ["P-2", "P-1"]);
}

#[tokio::test]
async fn many_issues_are_fetched_at_once_and_the_rest_is_named() {
    let tracker = furnished(Flavour::Cloud).await;
    tracker.hide("P-2", &["ann"]);
    let ipa = Client::new(&tracker, "ipa");
    let id = tracker.issue("P-1").unwrap()["id"].clone();
    let wanted = json!({ "issueIdsOrKeys": ["Q-1", id, "P-1", "P-2", "P-9"], "fields": ["status"] });
    let got = ipa.post("issue/bulkfetch", wanted).await;
    assert_eq!(keys(&got), ["P-1", "Q-1"]);
    let errors = got.body["issueErrors"].as_array().unwrap().iter();
    assert_eq!(errors.map(|one| &one["id"]).collect::<Vec<_>>(), ["P-2", "P-9"]);
    assert_eq!(got.body["issues"][0]["fields"].as_object().unwrap().len(), 1);
    assert_eq!(PROJECT, "P");
}
