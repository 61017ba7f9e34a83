//! What GitHub's webhooks are about: its own published examples, and what it may send tomorrow.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// GitHub's own examples, of the kinds that are in use.
static EXAMPLES: LazyLock<Vec<(String, String, Value)>> = LazyLock::new(|| {
    let all: Value =
        serde_json::from_str(include_str!("../../../tests/fixtures/github/webhooks/examples.json")).unwrap();
    let kinds = all.as_object().unwrap().iter();
    let actions = kinds.flat_map(|(kind, actions)| {
        actions
            .as_object()
            .unwrap()
            .iter()
            .map(move |(action, body)| (kind.clone(), action.clone(), body.clone()))
    });
    actions.collect()
});

fn read(kind: &str, body: &Value) -> Hint {
    hint(kind, body.to_string().as_bytes())
}

fn shown(hint: &Hint) -> String {
    let Hint::Named(Named { things, branches, commits }) = hint else { return "everything".to_owned() };
    let things = things.iter().map(ToString::to_string);
    let branches = branches.iter().map(|branch| format!("branch {}", branch.as_str()));
    let commits = commits.iter().map(|commit| format!("commit {}", commit.short()));
    let all: Vec<_> = things.chain(branches).chain(commits).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}

#[test]
fn each_example_of_github_names_what_it_is_about() {
    let (pull, issue) = ("Codertocat/Hello-World#2", "Codertocat/Hello-World#1");
    let others = [
        ("check_run requested_action", "electron/electron#26764"),
        ("check_run rerequested", "branch master, commit d6fde9293"),
        ("check_suite completed", "branch main, commit ec26c3e57"),
        ("check_suite requested", "branch master, commit f95f852bd"),
        ("push ", "nothing"),
        ("status ", "branch changes, branch gh-pages, branch master, commit 6113728f2"),
        ("workflow_run completed", "branch main, commit 5779607b4"),
        ("workflow_run requested", "branch master, commit 3484a3fb8"),
    ];
    let mut count = 0;
    for (kind, action, body) in EXAMPLES.iter() {
        let name = format!("{kind} {action}");
        let expected = match others.iter().find(|(other, _)| *other == name) {
            Some((_, expected)) => *expected,
            None if kind == "issue_comment" => issue,
            None => pull,
        };
        let shown = shown(&read(kind, body));
        assert_eq!(shown, expected, "{name}");
        count += 1;
    }
    assert_eq!(count, 35);
}

#[test]
fn what_names_no_pull_request_names_its_branch_and_commit() {
    let sha = "ec26c3e57ca3a959ca5aad62de7213c562f8c821";
    let repo = json!({ "full_name": "o/r" });
    let push = json!({ "ref": "refs/heads/ipa/t-1-x", "after": sha, "repository": repo });
    assert_eq!(shown(&read("push", &push)), "branch ipa/t-1-x, commit ec26c3e57");
    let tag = json!({ "ref": "refs/tags/v1", "after": "short", "repository": repo });
    assert_eq!(shown(&read("push", &tag)), "nothing");
    let strange =
        json!({ "sha": sha, "branches": [null, { "name": null }, { "name": "a;b" }, { "name": "b" }] });
    assert_eq!(shown(&read("status", &strange)), "branch b, commit ec26c3e57");
    let job = json!({ "workflow_job": { "head_branch": "b", "head_sha": sha }, "repository": repo });
    assert_eq!(shown(&read("workflow_job", &job)), "branch b, commit ec26c3e57");
    let suite = json!({ "check_run": { "check_suite": { "head_branch": "b" }, "pull_requests": null } });
    assert_eq!(shown(&read("check_run", &suite)), "branch b");
}

#[test]
fn what_is_known_of_no_kind_is_read_the_same_way() {
    let repo = json!({ "full_name": "o/r" });
    let cases = [
        (json!({ "zen": "Keep it logically awesome.", "hook_id": 1, "repository": repo }), "nothing"),
        (json!({}), "nothing"),
        (json!({ "action": "started", "repository": repo }), "nothing"),
        (json!({ "issue": { "number": 7, "state": "dreaming" }, "repository": repo }), "o/r#7"),
        (
            json!({ "pull_request": { "number": 7 }, "issue": { "number": 8 }, "repository": repo }),
            "o/r#7, o/r#8",
        ),
        // It is about something, and it cannot be said about what.
        (json!({ "issue": { "number": 7 } }), "everything"),
        (json!({ "issue": { "number": null }, "repository": repo }), "everything"),
        (json!({ "issue": { "number": 7 }, "repository": { "full_name": "o r" } }), "everything"),
        (json!({ "issue": { "number": "seven" }, "repository": repo }), "everything"),
        (json!([]), "everything"),
        (json!("text"), "everything"),
        (json!(null), "everything"),
    ];
    for (body, expected) in cases {
        assert_eq!(shown(&read("dreams", &body)), expected, "{body}");
    }
    for broken in ["", "{", "{\"issue\":", "not json", "\u{feff}{}", "payload=%7B", "payload="] {
        assert_eq!(hint("issues", broken.as_bytes()), Hint::Everything, "{broken:?}");
    }
    let form = hint("issues", b"payload=%7B%22issue%22%3A%7B%22number%22%3A7%7D%2C+%22repository%22%3A%7B%22full_name%22%3A%22o%2Fr%22%7D%7D");
    assert_eq!(shown(&form), "o/r#7", "in a form, as a webhook is sent if nobody chose otherwise");
    // A ping is one whatever it holds.
    assert_eq!(shown(&hint("ping", b"{")), "nothing");
}

/// Changes what GitHub may change: values of enums, people who are gone, fields that are new.
fn age(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match name.as_str() {
                    "action" | "state" | "status" | "conclusion" | "author_association" | "type"
                    | "visibility" => {
                        *value = json!("a word of tomorrow");
                    }
                    "user" | "sender" | "app" | "author" | "organization" | "installation" => {
                        *value = Value::Null;
                    }
                    _ => age(value),
                }
            }
            fields.insert("tomorrow".to_owned(), json!({ "number": [null] }));
        }
        Value::Array(all) => all.iter_mut().for_each(age),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn new_fields_nulls_and_words_of_tomorrow_change_nothing() {
    for (kind, action, body) in EXAMPLES.iter() {
        let (before, mut body) = (read(kind, body), body.clone());
        age(&mut body);
        assert_eq!(read(kind, &body), before, "{kind} {action}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_reading_a_webhook_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for maker in [crate::hook::Maker::GitHub, crate::hook::Maker::Jira] {
            maker.hint("push", &bytes);
            let mut text = b"{\"issue\":".to_vec();
            text.extend(&bytes);
            maker.hint("issues", &text);
        }
    }

    #[test]
    fn an_example_that_is_cut_or_damaged_says_where_to_look_or_that_everything_is_to_be(
        which in 0_usize..35, cut in any::<proptest::sample::Index>(), byte in any::<u8>(),
    ) {
        let (kind, _, body) = &EXAMPLES[which];
        let mut text = body.to_string().into_bytes();
        let at = cut.index(text.len());
        // A part of a body is never taken for a whole one.
        prop_assert_eq!(hint(kind, &text[..at]), Hint::Everything);
        text[at] = byte;
        hint(kind, &text);
    }
}
