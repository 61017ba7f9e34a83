//! The decisive faults: GitHub did what was asked, and its answer never came. Each change is made once all the same.

use ipa_events::task::{Category, CheckReport, MergeMethod};
use ipa_sync::Probe;

use super::*;
use crate::forge::{Fault, When};
use crate::pod::deliver;

/// What happens to the answer.
const LOST: [(&str, Fault); 5] = [
    ("502", Fault::BadGatewayAfter),
    ("silence", Fault::SilenceAfter),
    ("reset", Fault::ResetAfter),
    ("half of a body", Fault::CutBody),
    ("half of a document", Fault::CutJson),
];

/// Each change to a pull request, by the route that makes it.
fn changes(head: &Oid, thread: &RemoteId) -> Vec<(&'static str, Change)> {
    let (names, summary) = (vec!["ann".into()], "1 passed".into());
    vec![
        ("issues/create-comment", Change::WriteStatus { text: "It goes well.".into() }),
        ("issues/create-comment", Change::Comment { text: "A word.".into() }),
        (
            "pulls/create-reply-for-review-comment",
            Change::Reply { thread: thread.clone(), to: thread.clone(), text: "Done.".into() },
        ),
        ("pulls/update", Change::WriteSection { section: "New words.".into() }),
        ("pulls/update", Change::Rename { title: "Another".into() }),
        ("graphql/markPullRequestReadyForReview", Change::SetDraft { draft: false }),
        ("graphql/convertPullRequestToDraft", Change::SetDraft { draft: true }),
        ("pulls/request-reviewers", Change::RequestReviewers { names: names.clone() }),
        ("issues/add-labels", Change::AddLabels { names: vec!["ipa".into()] }),
        (
            "repos/create-commit-status",
            Change::ReportCheck { commit: head.clone(), state: CheckReport::Passed, summary },
        ),
        ("pulls/merge", Change::Merge { commit: head.clone(), method: MergeMethod::Merge }),
        ("pulls/update", Change::ClosePull {}),
    ]
}

/// Brings an operation to its end; returns how often it was sent.
pub(super) async fn drive(connector: &GitHubConnector, job: &Job) -> usize {
    let steps = deliver(connector, job).await;
    assert_eq!(steps.last(), Some(&"sent"), "{}: {steps:?}", job.op.change.title());
    // It is sent anew when it was not sent at all, and when it was not there twice.
    let nothing = steps.iter().filter(|step| **step == "again").count();
    1 + nothing + steps.iter().filter(|step| **step == "not there").count() / 2
}

#[tokio::test]
async fn whatever_becomes_of_the_answer_a_change_is_made_once() {
    for (name, lost) in LOST {
        let world = World::new().await;
        let head = world.push("one\n");
        let number = world.open().await;
        let note = world.forge.person("ann").comment_on_line(number, "fix.txt", 1, "why?");
        for (route, change) in changes(&head, &note.to_string().parse().unwrap()) {
            if matches!(change, Change::Merge { .. }) {
                world.make(number, Change::SetDraft { draft: false }).await;
            }
            let before = world.effects(route);
            let job = job(number, change);
            world.forge.fail(route, When::Nth(1), lost.clone());
            drive(&world.again(), &job).await;
            let made = world.effects(route) - before;
            let title = job.op.change.title();
            // To set the same once more is no second effect; everything else is done once.
            let repeats =
                matches!(route, "pulls/update" | "issues/add-labels" | "repos/create-commit-status");
            assert!(made == 1 || repeats && made == 2, "{title} after {name}: made {made} times");
            let there = world.again().probe(cx(), &job).await.unwrap();
            assert!(matches!(there, Probe::There(_)), "{title} after {name}");
            if matches!(job.op.change, Change::Merge { .. }) {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_pull_request_is_opened_once_and_closed_whatever_becomes_of_the_answer() {
    for (name, lost) in LOST {
        let world = World::new().await;
        world.push("one\n");
        world.forge.fail("pulls/create", When::Nth(1), lost.clone());
        let opening = job_at(None, 1, open());
        drive(&world.again(), &opening).await;
        assert_eq!(world.effects("pulls/create"), 1, "{name}");
        let Probe::There(applied) = world.again().probe(cx(), &opening).await.unwrap() else {
            panic!("it is not found after {name}");
        };
        let number: u64 = applied.remote.unwrap().as_str().strip_prefix("o/r#").unwrap().parse().unwrap();
        let close = job(number, Change::ClosePull {});
        world.forge.fail("pulls/update", When::Nth(1), lost);
        drive(&world.again(), &close).await;
        assert!(
            matches!(world.pull(number).await.state, ipa_events::task::PullState::Closed { .. }),
            "{name}"
        );
    }
}

#[tokio::test]
async fn what_is_wanted_of_an_issue_is_done_once_whatever_becomes_of_the_answer() {
    for (name, lost) in LOST {
        let world = World::new().await;
        let number = world.forge.person("ann").ask("It gives up", "");
        for (route, change) in [
            ("issues/create-comment", Change::WriteStatus { text: "It goes well.".into() }),
            ("issues/create-comment", Change::Comment { text: "A word.".into() }),
            ("issues/add-labels", Change::AddLabels { names: vec!["ipa".into()] }),
            ("issues/update", Change::MoveTicket { to: Category::Done }),
        ] {
            let mut job = job(number, change);
            job.target.resource = format!("work/ticket/o/r#{number}").parse().unwrap();
            let before = world.effects(route);
            world.forge.fail(route, When::Nth(1), lost.clone());
            drive(&world.again(), &job).await;
            let made = world.effects(route) - before;
            let repeats = matches!(route, "issues/add-labels" | "issues/update");
            assert!(made == 1 || repeats && made == 2, "{} after {name}: {made}", job.op.change.title());
            let there = world.again().probe(cx(), &job).await.unwrap();
            assert!(matches!(there, Probe::There(_)), "{} after {name}", job.op.change.title());
        }
    }
}

#[tokio::test]
async fn what_was_not_done_is_not_found_and_then_made() {
    for fault in [Fault::ResetBefore, Fault::server_error()] {
        let world = World::new().await;
        world.push("one\n");
        let number = world.open().await;
        let job = job(number, Change::Comment { text: "A word.".into() });
        assert_eq!(world.again().probe(cx(), &job).await, Ok(Probe::NotThere));
        world.forge.fail("issues/create-comment", When::Nth(1), fault);
        assert_eq!(drive(&world.again(), &job).await, 2);
        assert_eq!(world.effects("issues/create-comment"), 1);
    }
}
