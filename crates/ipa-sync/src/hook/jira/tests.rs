//! What Jira's webhooks are about, as tables.

use serde_json::{Value, json};

use super::*;

fn shown(body: &Value) -> String {
    match hint(body.to_string().as_bytes()) {
        Hint::Everything => "everything".to_owned(),
        Hint::Named(named) => {
            assert!(named.branches.is_empty() && named.commits.is_empty());
            let things: Vec<_> = named.things.iter().map(ToString::to_string).collect();
            if things.is_empty() { "nothing".to_owned() } else { things.join(", ") }
        }
    }
}

#[test]
fn an_event_of_jira_names_its_issue_and_a_moved_one_both_keys() {
    let issue =
        json!({ "id": "10002", "key": "KEY-1", "fields": { "status": null, "summary": "It is broken" } });
    let moved = json!({ "id": "1", "items": [
        null,
        { "field": "project", "fromString": "OLD", "toString": "KEY" },
        { "field": "Key", "fieldtype": "jira", "from": null, "fromString": "OLD-4", "to": null, "toString": "KEY-1" },
    ] });
    let cases = [
        (json!({ "webhookEvent": "jira:issue_created", "timestamp": 1, "issue": issue }), "KEY-1"),
        (
            json!({ "webhookEvent": "jira:issue_updated", "issue_event_type_name": "issue_generic",
                 "issue": issue, "changelog": { "items": null }, "user": null }),
            "KEY-1",
        ),
        (json!({ "webhookEvent": "jira:issue_updated", "issue": issue, "changelog": moved }), "KEY-1, OLD-4"),
        (json!({ "webhookEvent": "jira:issue_deleted", "issue": issue }), "KEY-1"),
        (
            json!({ "webhookEvent": "comment_created", "issue": { "id": "1", "key": "KEY-2" }, "comment": {} }),
            "KEY-2",
        ),
        (json!({ "webhookEvent": "something_of_tomorrow", "issue": issue }), "KEY-1"),
        (json!({ "issue": issue }), "KEY-1"),
        // No issue of ours: a sprint, a project, a link between two issues, time that was booked.
        (json!({ "webhookEvent": "sprint_started", "sprint": { "id": 1 } }), "nothing"),
        (json!({ "webhookEvent": "issuelink_created", "issueLink": { "sourceIssueId": 1 } }), "nothing"),
        (json!({ "webhookEvent": "worklog_updated", "worklog": { "issueId": "1" } }), "nothing"),
        (json!({}), "nothing"),
        // Of Data Center: a comment, and not on what.
        (
            json!({ "webhookEvent": "comment_updated", "comment": { "self": "https://j/rest/api/2/issue/1/comment/2" } }),
            "everything",
        ),
        (json!({ "issue": { "id": "1" } }), "everything"),
        (json!({ "issue": { "key": "K 1" } }), "everything"),
        (json!({ "issue": "KEY-1" }), "everything"),
        (json!([]), "everything"),
    ];
    for (body, expected) in cases {
        assert_eq!(shown(&body), expected, "{body}");
    }
    assert_eq!(hint(b"{\"issue\":{\"key\":\"KEY-1\"}"), Hint::Everything, "cut off");
}
