//! What is decisive: an answer that does not come after the work was done. Each change is made once all the same.

use ipa_events::task::{Category, Change};
use serde_json::Value;

use super::{World, comment, labels, link, remote, status};
use crate::tracker::{Fault, Flavour, Repeat, When, Work, Workflow};

/// What hides that a change was made.
const AFTER: [Fault; 5] =
    [Fault::BadGatewayAfter, Fault::SilenceAfter, Fault::ResetAfter, Fault::CutBody, Fault::CutJson];

/// A change with the route that makes it, and what the ticket looks like after it was made once.
struct Row {
    change: Change,
    route: &'static str,
    is_there: fn(&World) -> bool,
}

fn rows() -> Vec<Row> {
    let row = |change, route, is_there| Row { change, route, is_there };
    vec![
        row(Change::MoveTicket { to: Category::Active }, "doTransition", |world| {
            world.tracker.status(&world.key) == "In Progress" && moves(world) == 1
        }),
        row(comment("done **so** far"), "addComment", |world| said(world) == ["done so far"]),
        row(status("it is being worked on"), "addComment", |world| said(world) == ["it is being worked on"]),
        row(link("Fix the retry"), "createOrUpdateRemoteIssueLink", |world| {
            held(world)["links"].as_array().unwrap().len() == 1
        }),
        row(labels(&["ipa", "retry"]), "editIssue", |world| {
            held(world)["fields"]["labels"] == serde_json::json!(["ipa", "retry"])
        }),
    ]
}

fn held(world: &World) -> Value {
    world.tracker.issue(&world.key).unwrap()
}

/// What our account said, without the mark that Data Center shows in the text itself.
fn said(world: &World) -> Vec<String> {
    let all = world.tracker.comments(&world.key);
    let words = |text: &str| text.split("{anchor:").next().unwrap().replace('*', "").trim().to_owned();
    all.iter()
        .map(|(by, text)| {
            assert_eq!(by, "ipa");
            words(text)
        })
        .collect()
}

/// How often the ticket was moved.
fn moves(world: &World) -> usize {
    let all = world.tracker.requests();
    all.iter().filter(|entry| entry.route == "doTransition" && entry.status == Some(204)).count()
}

/// How often what must not be repeated was done.
fn done_once_only(world: &World) -> bool {
    let all = world.tracker.requests();
    let done = |entry: &&crate::tracker::Entry| {
        entry.kind == Repeat::NotIdempotent && entry.work == Work::Done && entry.status.unwrap() < 300
    };
    all.iter().filter(done).count() <= 1
}

async fn after_the_work(flavour: Flavour) {
    for fault in AFTER {
        for row in rows() {
            let world = World::new(flavour).await;
            world.tracker.fail(row.route, When::Nth(1), fault.clone());
            let job = world.job(row.change.clone());
            let steps = world.deliver(&job).await;
            let what = format!("{flavour:?} {fault:?} {}: {steps:?}", row.change.title());
            assert_eq!(steps.last(), Some(&"sent"), "{what}");
            assert!((row.is_there)(&world), "{what}: {}", held(&world));
            assert!(done_once_only(&world), "{what}");
        }
    }
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_made_once_in_the_cloud() {
    after_the_work(Flavour::Cloud).await;
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_made_once_in_a_data_center() {
    after_the_work(Flavour::DataCenter).await;
}

#[tokio::test]
async fn a_change_that_did_not_arrive_is_made_once_when_it_was_looked_for_twice() {
    for flavour in Flavour::BOTH {
        let before =
            [Fault::ResetBefore, Fault::jira(502, "Bad gateway", &[]), Fault::jira(503, "Busy", &[])];
        for fault in before {
            for row in rows() {
                let world = World::new(flavour).await;
                world.tracker.fail(row.route, When::Nth(1), fault.clone());
                let job = world.job(row.change.clone());
                let steps = world.deliver(&job).await;
                let what = format!("{flavour:?} {fault:?} {}: {steps:?}", row.change.title());
                let once = ["doTransition", "addComment"].contains(&row.route);
                let expected: &[&str] =
                    if once { &["unanswered", "not there", "not there", "sent"] } else { &["again", "sent"] };
                assert_eq!(steps, expected, "{what}");
                assert!((row.is_there)(&world) && done_once_only(&world), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn the_comment_that_is_edited_for_ever_is_one_whatever_becomes_of_the_answers() {
    for flavour in Flavour::BOTH {
        for fault in AFTER {
            let world = World::new(flavour).await;
            let first = remote(&world.make(status("it is being planned")).await);
            world.tracker.fail("updateComment", When::Nth(1), fault.clone());
            let mut job = world.job(status("it is in review"));
            job.earlier = Some(first.clone());
            let steps = world.deliver(&job).await;
            assert_eq!(steps.last(), Some(&"sent"), "{flavour:?} {fault:?} {steps:?}");
            assert_eq!(said(&world), ["it is in review"], "{flavour:?} {fault:?}");
            // One whose id was lost is found by its mark.
            let last = world.make(status("it is done")).await;
            assert_eq!((said(&world), remote(&last)), (vec!["it is done".to_owned()], first));
        }
    }
}

#[tokio::test]
async fn a_hop_whose_answer_was_lost_is_made_once_and_so_is_what_follows() {
    for flavour in Flavour::BOTH {
        for fault in AFTER {
            for nth in [1, 2] {
                let world = World::new(flavour).await;
                world.tracker.set_workflow("P", Workflow::one_hop());
                world.tracker.fail("doTransition", When::Nth(nth), fault.clone());
                let job = world.job(Change::MoveTicket { to: Category::Done });
                let steps = world.deliver(&job).await;
                let what = format!("{flavour:?} {fault:?} {nth}: {steps:?}");
                assert_eq!((steps.last(), moves(&world)), (Some(&"sent"), 2), "{what}");
                assert_eq!(world.tracker.status(&world.key), "Done", "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_write_that_is_still_under_way_when_it_is_given_up_is_found_by_the_second_look() {
    for flavour in Flavour::BOTH {
        let world = World::new(flavour).await;
        world.tracker.fail("addComment", When::Nth(1), Fault::Held);
        let job = world.job(comment("late"));
        let first = ipa_sync::carry_out(Some(&world.connector), super::cx(), &job).await;
        assert_eq!(crate::pod::said(&first.command).0, "unanswered");
        let look = || ipa_sync::look_for(Some(&world.connector), super::cx(), &job);
        assert_eq!(crate::pod::said(&look().await.command).0, "not there");
        world.tracker.release().await;
        assert_eq!(crate::pod::said(&look().await.command).0, "sent");
        assert_eq!(said(&world), ["late"]);
    }
}

#[tokio::test]
async fn a_limit_holds_what_it_is_about_and_nothing_else() {
    for flavour in Flavour::BOTH {
        for (fault, comment_goes, label_goes) in
            [(Fault::issue_writes(Some("30")), "hold", "hold"), (Fault::burst(Some("30")), "hold", "sent")]
        {
            let world = World::new(flavour).await;
            world.make(comment("one")).await;
            world.tracker.fail("addComment", When::Nth(1), fault);
            for expected in ["hold", comment_goes] {
                let job = world.job(comment("two"));
                assert_eq!(world.deliver(&job).await, [expected], "{flavour:?}");
            }
            assert_eq!(world.tracker.calls("addComment"), 2, "{flavour:?}: no second one is sent");
            assert_eq!(world.deliver(&world.job(labels(&["ipa"]))).await, [label_goes], "{flavour:?}");
            assert_eq!((said(&world), world.ticket().await.remarks.len()), (vec!["one".to_owned()], 0));
        }
    }
}
