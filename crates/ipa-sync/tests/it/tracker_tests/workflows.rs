//! Workflows: what leads where, under whatever names, and what stands in the way.

use serde_json::{Value, json};

use super::client::{Client, Got};
use crate::tracker::{
    Category, Field, Flavour, Need, PROJECT, Resolves, Right, Rule, Tracker, Transition, Workflow,
};

/// A tracker with a workflow and one issue in its first status.
async fn tracker(flavour: Flavour, workflow: Workflow) -> (Tracker, String) {
    let tracker = Tracker::start(flavour).await;
    tracker.set_workflow(PROJECT, workflow);
    let key = tracker.person("ann").create("Fix the retry", "");
    (tracker, key)
}

async fn offered(ipa: &Client<'_>, key: &str) -> Vec<String> {
    let got = ipa.get(&format!("issue/{key}/transitions")).await;
    let all = got.body["transitions"].as_array().unwrap().iter();
    let shown = |one: &Value| {
        let (to, category) = (&one["to"]["name"], &one["to"]["statusCategory"]["key"]);
        format!("{} {} -> {} ({})", one["id"], one["name"], to, category).replace('"', "")
    };
    all.map(shown).collect()
}

async fn go(ipa: &Client<'_>, key: &str, id: &str) -> Got {
    ipa.post(&format!("issue/{key}/transitions"), json!({ "transition": { "id": id } })).await
}

#[tokio::test]
async fn each_workflow_offers_its_own_ways() {
    for (workflow, expected) in [
        (
            Workflow::simple(),
            vec![
                "11 To Do -> To Do (new)",
                "21 In Progress -> In Progress (indeterminate)",
                "31 Done -> Done (done)",
            ],
        ),
        (
            Workflow::german(),
            vec![
                "11 Zu erledigen -> Zu erledigen (new)",
                "21 In Arbeit -> In Arbeit (indeterminate)",
                "31 Fertig -> Fertig (done)",
            ],
        ),
        (
            Workflow::two_dones(),
            vec![
                "11 To Do -> To Do (new)",
                "21 In Progress -> In Progress (indeterminate)",
                "31 Done -> Done (done)",
                "41 Decline -> Won't Do (done)",
            ],
        ),
        (
            Workflow::required_resolution(),
            vec![
                "11 To Do -> To Do (new)",
                "21 In Progress -> In Progress (indeterminate)",
                "51 Resolve Issue -> Done (done)",
            ],
        ),
        (
            Workflow::no_way_to_done(),
            vec!["11 To Do -> To Do (new)", "21 In Progress -> In Progress (indeterminate)"],
        ),
        (Workflow::one_hop(), vec!["61 Start -> In Progress (indeterminate)"]),
    ] {
        for flavour in Flavour::BOTH {
            let (tracker, key) = tracker(flavour, workflow.clone()).await;
            assert_eq!(offered(&Client::new(&tracker, "ipa"), &key).await, expected);
        }
    }
}

#[tokio::test]
async fn from_some_statuses_it_takes_two_steps() {
    let (tracker, key) = tracker(Flavour::Cloud, Workflow::one_hop()).await;
    let ipa = Client::new(&tracker, "ipa");
    let refused = go(&ipa, &key, "91").await;
    assert_eq!((refused.status, tracker.status(&key).as_str()), (400, "To Do"));
    assert_eq!(go(&ipa, &key, "61").await.status, 204);
    assert_eq!(
        offered(&ipa, &key).await,
        ["71 Ask for review -> In Review (indeterminate)", "91 Finish -> Done (done)"]
    );
    assert_eq!(go(&ipa, &key, "91").await.status, 204);
    assert_eq!(tracker.status(&key), "Done");
}

#[tokio::test]
async fn a_screen_tells_what_it_requires_and_refuses_what_lacks() {
    for flavour in Flavour::BOTH {
        let (tracker, key) = tracker(flavour, Workflow::required_resolution()).await;
        let ipa = Client::new(&tracker, "ipa");
        let path = format!("issue/{key}/transitions");
        let bare = ipa.get(&path).await.body;
        assert!(bare["transitions"][2].get("fields").is_none());
        let shown = ipa.get(&format!("{path}?expand=transitions.fields&transitionId=51")).await.body;
        let screen = &shown["transitions"][0]["fields"];
        assert_eq!(
            (&screen["resolution"]["required"], &screen["assignee"]["required"]),
            (&json!(true), &json!(false))
        );
        let names: Vec<&Value> = screen["resolution"]["allowedValues"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["name"])
            .collect();
        assert_eq!(names, ["Done", "Won't Do", "Duplicate"]);

        let bare = go(&ipa, &key, "51").await;
        assert_eq!((bare.status, bare.of("resolution")), (400, "Resolution is required."));
        let with = async |fields: Value| {
            ipa.post(&path, json!({ "transition": { "id": "51" }, "fields": fields })).await
        };
        let unknown = with(json!({ "resolution": { "name": "Fixed" } })).await;
        assert_eq!((unknown.status, unknown.of("resolution").is_empty()), (400, false));
        let elsewhere = with(json!({ "resolution": { "name": "Done" }, "summary": "x" })).await;
        assert!(elsewhere.of("summary").contains("not on the appropriate screen"), "{}", elsewhere.body);
        assert_eq!(tracker.status(&key), "To Do");
        assert_eq!(with(json!({ "resolution": { "id": "10002" } })).await.status, 204);
        let fields = &tracker.issue(&key).unwrap()["fields"];
        assert_eq!(
            (&fields["resolution"]["name"], &fields["status"]["name"]),
            (&json!("Duplicate"), &json!("Done"))
        );
        assert!(fields["resolutiondate"].is_string());
    }
}

#[tokio::test]
async fn a_test_can_make_a_workflow_of_its_own() {
    let assignee = Field { name: "assignee", need: Need::Required };
    let review = Transition { screen: vec![assignee], ..Transition::new("5", "Review", &["1"], "2") };
    let close = Transition { resolves: Resolves::To("Duplicate"), ..Transition::new("6", "Close", &[], "3") };
    let statuses = [
        ("1", "Open", Category::New),
        ("2", "Reviewing", Category::Indeterminate),
        ("3", "Shut", Category::Done),
    ];
    let (tracker, key) = tracker(Flavour::DataCenter, Workflow::new(&statuses, vec![review, close])).await;
    let ipa = Client::new(&tracker, "ipa");
    assert_eq!(go(&ipa, &key, "5").await.of("assignee"), "assignee is required.");
    let fields = json!({ "transition": { "id": "5" }, "fields": { "assignee": { "name": "ann" } } });
    assert_eq!(ipa.post(&format!("issue/{key}/transitions"), fields).await.status, 204);
    assert_eq!(offered(&ipa, &key).await, ["6 Close -> Shut (done)"]);
    assert_eq!(go(&ipa, &key, "6").await.status, 204);
    assert_eq!(tracker.issue(&key).unwrap()["fields"]["resolution"]["name"], "Duplicate");
}

#[tokio::test]
async fn what_stands_in_the_way_is_told_as_jira_tells_it() {
    for (flavour, rule, status, words) in [
        (Flavour::Cloud, Rule::Unavailable, 400, "Transition id '31' is not valid for this issue."),
        (
            Flavour::DataCenter,
            Rule::Unavailable,
            400,
            "It seems that you have tried to perform a workflow operation",
        ),
        (Flavour::Cloud, Rule::Refuses("Write a test first."), 400, "Write a test first."),
        (Flavour::DataCenter, Rule::Refuses("Write a test first."), 400, "Write a test first."),
        (Flavour::Cloud, Rule::Broken, 422, "The workflow is not configured correctly."),
        (Flavour::DataCenter, Rule::Broken, 500, "The workflow is not configured correctly."),
    ] {
        let is_offered = rule != Rule::Unavailable;
        let (tracker, key) = tracker(flavour, Workflow::simple().obstruct("31", rule)).await;
        let ipa = Client::new(&tracker, "ipa");
        assert_eq!(offered(&ipa, &key).await.len() == 3, is_offered);
        let refused = go(&ipa, &key, "31").await;
        assert_eq!(refused.status, status, "{}", refused.body);
        assert!(refused.message().starts_with(words), "{}", refused.body);
        assert_eq!(tracker.status(&key), "To Do");
        if flavour == Flavour::Cloud {
            let all = ipa.get(&format!("issue/{key}/transitions?includeUnavailableTransitions=true")).await;
            assert_eq!(all.body["transitions"][2]["isAvailable"], is_offered);
        }
    }
}

#[tokio::test]
async fn who_may_not_move_is_offered_nothing_and_told_that_it_is_not_valid() {
    for flavour in Flavour::BOTH {
        let (tracker, key) = tracker(flavour, Workflow::simple()).await;
        tracker.forbid(PROJECT, "ipa", Right::Transition);
        let ipa = Client::new(&tracker, "ipa");
        assert_eq!(offered(&ipa, &key).await, Vec::<String>::new());
        assert_eq!(go(&ipa, &key, "21").await.status, 400);
        assert_eq!(go(&ipa, &key, "twenty").await.message(), "'transition' identifier must be an integer");
        assert_eq!(tracker.status(&key), "To Do");
    }
}

#[tokio::test]
async fn of_two_transitions_at_once_one_is_refused() {
    for (flavour, status) in [(Flavour::Cloud, 409), (Flavour::DataCenter, 400)] {
        let (tracker, key) = tracker(flavour, Workflow::simple()).await;
        let ipa = Client::new(&tracker, "ipa");
        tracker.occupy(&key);
        assert_eq!(go(&ipa, &key, "21").await.status, status);
        assert_eq!(tracker.status(&key), "To Do");
        tracker.let_pass(&key);
        assert_eq!(go(&ipa, &key, "21").await.status, 204);
    }
}

#[tokio::test]
async fn a_status_that_was_renamed_keeps_its_id_and_category() {
    let (tracker, key) = tracker(Flavour::Cloud, Workflow::german()).await;
    tracker.rename_status(PROJECT, "Fertig", "Ausgeliefert");
    tracker.person("ann").move_to(&key, "Ausgeliefert");
    let status = Client::new(&tracker, "ipa").get(&format!("issue/{key}?fields=status")).await.body;
    let status = &status["fields"]["status"];
    assert_eq!((&status["name"], &status["id"]), (&json!("Ausgeliefert"), &json!("10002")));
    let category = &status["statusCategory"];
    assert_eq!((&category["key"], &category["name"]), (&json!("done"), &json!("Fertig")));
}

#[tokio::test]
async fn a_resolution_comes_and_goes_with_the_status() {
    let (tracker, key) = tracker(Flavour::Cloud, Workflow::two_dones()).await;
    let resolution = || tracker.issue(&key).unwrap()["fields"]["resolution"]["name"].clone();
    for (status, expected) in [
        ("Won't Do", json!("Won't Do")),
        ("To Do", Value::Null),
        ("Done", json!("Done")),
        ("In Progress", Value::Null),
    ] {
        tracker.person("ann").move_to(&key, status);
        assert_eq!(resolution(), expected);
    }
}
