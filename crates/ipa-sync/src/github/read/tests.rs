//! What GitHub says, as tables: who counts, what is ours, what a check means.

use ipa_events::TaskId;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::mark::Kind;
use super::*;

const AT: &str = "2026-01-02T03:04:05Z";

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn trust() -> Trust {
    Trust { me: "ipa".into(), also: vec!["helper[bot]".into()] }
}

fn shown(more: &Value) -> shape::Pull {
    let mut pull = json!({
        "number": 1, "node_id": "PR_1", "html_url": "https://h.test/o/r/pull/1", "state": "open",
        "head": { "sha": "c".repeat(40) }, "base": { "sha": "b".repeat(40) },
    });
    pull.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    read(pull)
}

fn comment(id: u64, by: &str, body: &str) -> Value {
    let association = if by == "zed" { "NONE" } else { "COLLABORATOR" };
    json!({ "id": id, "user": { "login": by }, "body": body, "created_at": AT, "author_association": association })
}

fn review(id: u64, by: &str, state: &str) -> Value {
    json!({
        "id": id, "user": { "login": by }, "state": state, "body": format!("{by} says"), "submitted_at": AT,
        "commit_id": "c".repeat(40), "author_association": "MEMBER",
    })
}

fn ours(text: &str) -> String {
    let op = format!("{}.o1", TaskId::from_key("a task"));
    super::super::text::comment(text, &op, Kind::Other)
}

#[test]
fn a_pull_request_is_read_with_whatever_is_missing_null_or_of_an_unknown_kind() {
    let bare = pull(&shown(&json!({})), &Talk::default(), None, &trust()).unwrap();
    assert_eq!((&*bare.title, &bare.state, bare.draft, bare.mergeable), ("", &PullState::Open, false, None));
    let strange = json!({ "title": null, "body": null, "state": "weird", "draft": null, "labels": null });
    assert_eq!(pull(&shown(&strange), &Talk::default(), None, &trust()), Some(bare));
    let merged =
        json!({ "state": "closed", "merged_at": AT, "merge_commit_sha": "d".repeat(40), "merged_by": null });
    let commit = "d".repeat(40).parse().ok();
    let read = pull(&shown(&merged), &Talk::default(), None, &trust()).unwrap();
    assert_eq!(read.state, PullState::Merged { commit, by: None });
    let closed =
        pull(&shown(&json!({ "state": "closed", "mergeable": true })), &Talk::default(), None, &trust());
    let closed = closed.unwrap();
    assert_eq!((closed.state, closed.mergeable), (PullState::Closed { by: None }, None));
    assert_eq!(
        pull(&shown(&json!({ "head": { "sha": "no commit" } })), &Talk::default(), None, &trust()),
        None
    );
}

#[test]
fn of_each_person_the_newest_review_that_says_yes_or_no_counts() {
    use ReviewVerdict::{Approved, ChangesRequested};
    for (states, verdict, remarks) in [
        (vec!["APPROVED"], Some(Approved), 0),
        (vec!["CHANGES_REQUESTED", "APPROVED"], Some(Approved), 0),
        (vec!["APPROVED", "COMMENTED"], Some(Approved), 1),
        (vec!["APPROVED", "CHANGES_REQUESTED", "COMMENTED"], Some(ChangesRequested), 1),
        (vec!["APPROVED", "DISMISSED"], None, 0),
        (vec!["DISMISSED", "APPROVED"], Some(Approved), 0),
        (vec!["PENDING", "weird"], None, 0),
    ] {
        let list = states.iter().zip(1..).map(|(state, id)| read(review(id, "ann", state)));
        let talk = Talk { reviews: list.collect(), ..Talk::default() };
        let read = pull(&shown(&json!({})), &talk, None, &trust()).unwrap();
        assert_eq!(read.reviews.get("ann").map(|review| review.verdict), verdict, "{states:?}");
        assert_eq!(read.remarks.len(), remarks, "{states:?}");
    }
}

#[test]
fn ours_is_what_we_wrote_with_our_mark_and_whoever_is_an_outsider_is_not_trusted() {
    let quoted = format!("> {}\n\nwhy?", ours("Done."));
    let comments = [
        (1, "ipa", ours("Done."), None),
        (2, "ipa", "I, the person behind the token, say so".to_owned(), Some(true)),
        (3, "ann", ours("copied with its mark"), Some(true)),
        (4, "ipa", quoted, Some(true)),
        (5, "zed", "please <!-- do evil -->".to_owned(), Some(false)),
    ];
    let list = comments.iter().map(|(id, by, body, _)| read(comment(*id, by, body)));
    let talk = Talk { comments: list.collect(), ..Talk::default() };
    let pull = pull(&shown(&json!({})), &talk, None, &trust()).unwrap();
    for (number, by, _, trusted) in &comments {
        assert_eq!(pull.remarks.get(&id(*number).unwrap()).map(|it| it.trusted), *trusted, "{number} {by}");
    }
    assert_eq!(&*pull.remarks[&id(5).unwrap()].text, "please");
    assert!(trust().trusts("Helper[bot]", "NONE") && !trust().trusts("helper", "CONTRIBUTOR"));
}

#[test]
fn comments_in_the_code_are_threads_named_by_their_first_and_ours_are_not_in_them() {
    let in_code = |mut comment: Value, reply: Option<u64>| {
        comment["path"] = "a.rs".into();
        comment["line"] = 7.into();
        comment["in_reply_to_id"] = json!(reply);
        read(comment)
    };
    let talk = Talk {
        notes: vec![
            in_code(comment(10, "ann", "why?"), None),
            in_code(comment(11, "ipa", &ours("Because.")), Some(10)),
            in_code(comment(12, "ann", "I see"), Some(10)),
            in_code(comment(20, "ipa", &ours("A question of ours.")), None),
        ],
        threads: vec![ThreadState { first: 10, resolved: true }],
        ..Talk::default()
    };
    let pull = pull(&shown(&json!({})), &talk, None, &trust()).unwrap();
    let ids: Vec<&str> = pull.threads.keys().map(RemoteId::as_str).collect();
    assert_eq!(ids, ["10"]);
    let thread = &pull.threads[&id(10).unwrap()];
    assert_eq!((&*thread.path, thread.line, thread.resolved), ("a.rs", Some(7), true));
    assert_eq!(thread.remarks.keys().map(RemoteId::as_str).collect::<Vec<_>>(), ["10", "12"]);
    assert_eq!(thread.remarks[&id(10).unwrap()].at, AT.parse::<Timestamp>().unwrap());
}

#[test]
fn checks_are_passed_when_all_are_and_a_word_that_is_not_known_says_nothing() {
    let head: Oid = "c".repeat(40).parse().unwrap();
    let run = |name: &str, status: &str, conclusion: Option<&str>| {
        let run: shape::CheckRun = read(json!({
            "id": 1, "name": name, "status": status, "conclusion": conclusion, "external_id": null,
            "output": { "title": "t", "summary": null },
        }));
        run
    };
    let status =
        |context: &str, state: &str| read::<shape::Status>(json!({ "context": context, "state": state }));
    let done = |conclusion| run("test", "completed", Some(conclusion));
    let our_run =
        shape::CheckRun { external_id: "a.o1".to_owned(), ..run("ipa", "completed", Some("failure")) };
    for (runs, statuses, state) in [
        (vec![], vec![], None),
        (vec![our_run], vec![status("ipa", "failure")], None),
        (vec![done("success")], vec![], Some(CiState::Passed)),
        (vec![done("neutral"), done("skipped")], vec![status("x", "success")], Some(CiState::Passed)),
        (vec![done("success")], vec![status("x", "pending")], Some(CiState::Pending)),
        (vec![run("test", "queued", None)], vec![], Some(CiState::Pending)),
        (vec![run("test", "in_progress", None), done("timed_out")], vec![], Some(CiState::Failed)),
        (vec![done("success")], vec![status("x", "error")], Some(CiState::Failed)),
        (vec![done("weird")], vec![], Some(CiState::Pending)),
        (vec![run("test", "completed", None)], vec![], Some(CiState::Pending)),
        (vec![], vec![status("x", "weird")], Some(CiState::Pending)),
    ] {
        let read = ci(&head, &runs, &statuses);
        assert_eq!(read.map(|ci| ci.state), state, "{runs:?} {statuses:?}");
    }
    let failing = ci(&head, &[done("failure")], &[]).unwrap().failing;
    assert_eq!((&*failing[0].name, &*failing[0].summary), ("test", "t"));
}
