//! Fields, properties, links and the history of what was done to them.

use serde_json::{Value, json};

use super::client::{Client, keys, text};
use crate::tracker::{Category, Flavour, Role, Tracker, Workflow};

#[tokio::test]
async fn an_edit_is_made_whole_or_not_at_all() {
    for flavour in Flavour::BOTH {
        let tracker = Tracker::start(flavour).await;
        let ipa = Client::new(&tracker, "ipa");
        let key = tracker.person("ann").create("Fix the retry", "");
        tracker.person("ann").label(&key, "bug");
        let issue = format!("issue/{key}");
        let field = if flavour == Flavour::Cloud { "accountId" } else { "name" };
        let before = tracker.issue(&key);
        for (body, name, words) in [
            (json!({ "fields": { "summary": " " } }), "summary", "You must specify a summary"),
            (json!({ "fields": { "summary": "a\nb" } }), "summary", "contains newline characters"),
            (json!({ "fields": { "summary": "x".repeat(256) } }), "summary", "less than 255 characters"),
            (
                json!({ "fields": { "status": { "name": "Done" } } }),
                "status",
                "not on the appropriate screen",
            ),
            (json!({ "fields": { "resolution": null } }), "resolution", "not on the appropriate screen"),
            (json!({ "update": { "labels": [{ "add": "two words" }] } }), "labels", "contains spaces"),
            (
                json!({ "update": { "labels": [{ "edit": "x" }] } }),
                "labels",
                "Operation 'edit' is not supported",
            ),
            (json!({ "fields": { "assignee": { field: "nobody" } } }), "assignee", "cannot be assigned"),
            (
                json!({ "fields": { "assignee": { field: tracker.id_of("zed") } } }),
                "assignee",
                "cannot be assigned",
            ),
            (json!({ "fields": { "description": 7 } }), "description", "Operation value must be"),
            (
                json!({ "fields": { "labels": [] }, "update": { "labels": [{ "add": "x" }] } }),
                "labels",
                "cannot appear in both",
            ),
            (
                json!({ "fields": { "labels": ["x"], "summary": "" } }),
                "summary",
                "You must specify a summary",
            ),
        ] {
            let refused = ipa.put(&issue, body.clone()).await;
            assert_eq!(refused.status, 400, "{body}");
            assert!(refused.of(name).contains(words), "{body}: {}", refused.body);
        }
        assert_eq!(ipa.put(&issue, json!({})).await.status, 400);
        assert_eq!(tracker.issue(&key), before);

        let body = json!({
            "fields": { "summary": "Mend the retry", "assignee": { field: tracker.id_of("ann") },
                        "description": text(flavour, "For ever.") },
            "update": { "labels": [{ "add": "ipa" }, { "remove": "bug" }, { "remove": "none" }] },
        });
        assert_eq!(ipa.put(&issue, body).await.status, 204);
        let fields = &tracker.issue(&key).unwrap()["fields"];
        assert_eq!((&fields["summary"], &fields["labels"]), (&json!("Mend the retry"), &json!(["ipa"])));
        assert_eq!(fields["assignee"][field], tracker.id_of("ann"));
        assert_eq!(fields["description"], text(flavour, "For ever."));
        tracker.take_wrong();
    }
}

#[tokio::test]
async fn an_edit_that_changes_nothing_is_none() {
    let tracker = Tracker::start(Flavour::Cloud).await;
    let key = tracker.person("ann").create("Fix the retry", "");
    tracker.person("ann").label(&key, "bug");
    let before = tracker.issue(&key);
    tracker.set_clock_ahead(jiff::SignedDuration::from_mins(5));
    let same =
        json!({ "fields": { "summary": "Fix the retry" }, "update": { "labels": [{ "add": "bug" }] } });
    assert_eq!(Client::new(&tracker, "ipa").put(&format!("issue/{key}"), same).await.status, 204);
    assert_eq!(tracker.issue(&key), before);
}

#[tokio::test]
async fn only_the_fields_that_are_asked_for_are_there() {
    let tracker = Tracker::start(Flavour::Cloud).await;
    let ipa = Client::new(&tracker, "ipa");
    let key = tracker.person("ann").create("Fix the retry", "");
    let names = async |query: &str| {
        let got = ipa.get(&format!("issue/{key}{query}")).await.body;
        got["fields"].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
    };
    let all = "assignee comment created creator description issuetype labels project reporter resolution \
               resolutiondate status summary updated";
    let sorted = |names: String| {
        let mut names: Vec<&str> = names.split(' ').collect();
        names.sort_unstable();
        names.join(" ")
    };
    for (query, expected) in [
        ("", all.to_owned()),
        ("?fields=*all,-comment", all.replace(" comment", "")),
        ("?fields=*navigable", all.replace(" comment", "").replace(" description", "")),
        ("?fields=-comment", all.replace(" comment", "")),
        ("?fields=status,summary,shoeSize", "status summary".to_owned()),
    ] {
        assert_eq!(sorted(names(query).await), expected, "{query}");
    }
}

#[tokio::test]
async fn the_history_tells_who_changed_what() {
    for flavour in Flavour::BOTH {
        let tracker = Tracker::start(flavour).await;
        let ipa = Client::new(&tracker, "ipa");
        let key = tracker.person("ann").create("Fix the retry", "");
        tracker.person("ann").move_to(&key, "In Progress");
        tracker.person("o").assign(&key, "ann");
        tracker.person("o").edit_title(&key, "Mend the retry");
        let id = if flavour == Flavour::Cloud { "accountId" } else { "name" };
        let line = |change: &Value| {
            let item = &change["items"][0];
            let who = change["author"][id].as_str().unwrap();
            format!("{who}: {} {} -> {}", item["field"], item["fromString"], item["toString"])
                .replace('"', "")
        };
        let histories = ipa.get(&format!("issue/{key}?expand=changelog")).await.body["changelog"].clone();
        let mut lines: Vec<String> = histories["histories"].as_array().unwrap().iter().map(line).collect();
        if flavour == Flavour::Cloud {
            lines.reverse();
            let path = format!("issue/{key}/changelog");
            let listed = ipa.get(&format!("{path}?startAt=1&maxResults=1")).await.body;
            assert_eq!((&listed["total"], &listed["isLast"]), (&json!(3), &json!(false)));
            assert_eq!(line(&listed["values"][0]), lines[1]);
            let rest = ipa.get(&format!("{path}?startAt=2")).await.body;
            assert_eq!((line(&rest["values"][0]), &rest["isLast"]), (lines[2].clone(), &json!(true)));
        }
        let (ann, o) = (tracker.id_of("ann"), tracker.id_of("o"));
        assert_eq!(
            lines,
            [
                format!("{ann}: status To Do -> In Progress"),
                format!("{o}: assignee null -> Ann"),
                format!("{o}: summary Fix the retry -> Mend the retry"),
            ]
        );
    }
}

#[tokio::test]
async fn a_link_with_a_global_id_is_there_once() {
    for flavour in Flavour::BOTH {
        let tracker = Tracker::start(flavour).await;
        let ipa = Client::new(&tracker, "ipa");
        let path = format!("issue/{}/remotelink", tracker.person("ann").create("Fix the retry", ""));
        let link = |id: &str, title: &str| {
            json!({
                "globalId": id,
                "relationship": "implements",
                "object": { "url": "https://example.com/7", "title": title, "status": { "resolved": false } },
            })
        };
        let first = ipa.post(&path, link("a&b=1", "one")).await;
        assert_eq!(first.status, 201);
        assert_eq!(ipa.post(&path, link("other", "two")).await.status, 201);
        let mut again = link("a&b=1", "three");
        again.as_object_mut().unwrap().remove("relationship");
        let again = ipa.post(&path, again).await;
        assert_eq!((again.status, &again.body["id"]), (200, &first.body["id"]));
        let listed = ipa.get(&path).await.body;
        let titles: Vec<&Value> =
            listed.as_array().unwrap().iter().map(|one| &one["object"]["title"]).collect();
        assert_eq!(titles, ["three", "two"]);
        // What is not given the second time is none.
        assert_eq!(listed[0].get("relationship"), None);
        let one = ipa.get(&format!("{path}?globalId=a%26b%3D1")).await;
        assert_eq!((one.status, &one.body["object"]["title"]), (200, &json!("three")));
        assert_eq!(ipa.get(&format!("{path}?globalId=none")).await.status, 404);
        let bare = json!({ "object": { "url": "https://example.com/8", "title": "no id" } });
        assert_eq!(ipa.post(&path, bare.clone()).await.status, 201);
        assert_eq!(ipa.post(&path, bare).await.status, 201);
        let untitled = json!({ "object": { "url": "https://example.com/8", "title": "" } });
        assert_eq!(ipa.post(&path, untitled).await.of("title"), "'title' is required.");
        assert_eq!(ipa.get(&path).await.body.as_array().unwrap().len(), 4);
    }
}

#[tokio::test]
async fn a_property_of_an_issue_is_made_and_then_replaced() {
    for flavour in Flavour::BOTH {
        let tracker = Tracker::start(flavour).await;
        let ipa = Client::new(&tracker, "ipa");
        let path = format!("issue/{}/properties/ipa", tracker.person("ann").create("Fix the retry", ""));
        assert_eq!(ipa.get(&path).await.status, 404);
        assert_eq!(ipa.put(&path, json!({ "task": "T-1" })).await.status, 201);
        let replaced = ipa.put(&path, json!({ "task": "T-2" })).await;
        assert_eq!((replaced.status, replaced.body), (200, Value::Null));
        assert_eq!(ipa.get(&path).await.body, json!({ "key": "ipa", "value": { "task": "T-2" } }));
        assert_eq!(ipa.put(&path, json!("x".repeat(32_768))).await.status, 400);
    }
}

#[tokio::test]
async fn an_issue_that_moved_to_another_project_is_found_under_its_old_key() {
    for flavour in Flavour::BOTH {
        let tracker = Tracker::start(flavour).await;
        tracker.add_project("Q", Workflow::two_dones());
        tracker.set_role("Q", "ipa", Role::Member);
        let ipa = Client::new(&tracker, "ipa");
        let key = tracker.person("ann").create("Fix the retry", "");
        tracker.person("ann").move_to(&key, "In Progress");
        let id = tracker.issue(&key).unwrap()["id"].clone();
        let new = tracker.person("ann").relocate(&key, "Q");
        assert_eq!((key.as_str(), new.as_str()), ("P-1", "Q-1"));
        for name in [key.as_str(), new.as_str(), id.as_str().unwrap()] {
            let seen = ipa.get(&format!("issue/{name}")).await.body;
            assert_eq!((&seen["key"], &seen["id"]), (&json!("Q-1"), &id));
            assert_eq!(keys(&ipa.search(&format!("key = {name}")).await), ["Q-1"]);
        }
        assert_eq!(tracker.status(&key), "In Progress");
        assert_eq!(keys(&ipa.search("project = P").await), Vec::<&str>::new());
        assert_eq!(ipa.comment(&key, "still here").await.status, 201);
        // Where there is no such status it begins anew.
        tracker.add_project("R", Workflow::new(&[("1", "Open", Category::New)], Vec::new()));
        tracker.person("ann").relocate(&key, "R");
        assert_eq!(tracker.status(&key), "Open");
        // Who does not see the other project does not see it any more.
        assert_eq!(Client::new(&tracker, "ann").get(&format!("issue/{key}")).await.status, 404);
    }
}
