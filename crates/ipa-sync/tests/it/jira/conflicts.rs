//! People at work on the same ticket, and a site that changes its mind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ipa_events::task::{Category, Change};
use ipa_sync::{Connector as _, ErrorClass, JiraAuth, Look, Observed, Probe, SecretSource};

use super::{World, comment, cx, labels, link, status};
use crate::tracker::{Flavour, Right, Rule, Workflow};

fn to(to: Category) -> Change {
    Change::MoveTicket { to }
}

#[tokio::test]
async fn whatever_the_workflow_is_called_the_ticket_goes_by_category() {
    let two = || BTreeMap::from([(Category::Done, vec!["Done".to_owned()])]);
    for flavour in Flavour::BOTH {
        for (workflow, statuses, resolution, ends) in [
            (Workflow::simple(), BTreeMap::new(), None, "Done"),
            (Workflow::german(), BTreeMap::new(), None, "Fertig"),
            (Workflow::two_dones(), two(), None, "Done"),
            (Workflow::required_resolution(), BTreeMap::new(), Some("Done"), "Done"),
            (Workflow::one_hop(), BTreeMap::new(), None, "Done"),
        ] {
            let world = World::with(flavour, |tracker, config| {
                tracker.set_workflow("P", workflow.clone());
                config.statuses = statuses.clone();
                config.resolution = resolution.map(str::to_owned);
            })
            .await;
            world.make(to(Category::Done)).await;
            assert_eq!(world.tracker.status(&world.key), ends, "{flavour:?}");
            let count = world.tracker.calls("doTransition");
            world.make(to(Category::Active)).await;
            world.make(to(Category::Done)).await;
            assert_eq!(world.tracker.calls("doTransition"), count, "it is there, and never goes back");
        }
    }
}

#[tokio::test]
async fn where_there_is_no_way_a_person_is_told_what_there_is() {
    for flavour in Flavour::BOTH {
        for (workflow, says) in [
            (Workflow::two_dones(), "choose with `statuses.done = [\"Done\"]`"),
            (
                Workflow::required_resolution(),
                "set `resolution` of the connector to one of “Done”, “Won't Do”",
            ),
            (
                Workflow::no_way_to_done(),
                "no transition leads from “In Progress” to a status of the category done",
            ),
            (Workflow::simple().obstruct("31", Rule::Unavailable), "there are “To Do” to “To Do” (new)"),
            (
                Workflow::simple().obstruct("31", Rule::Refuses("Only on Fridays.")),
                "400 Bad Request: Only on Fridays.",
            ),
        ] {
            let world = World::new(flavour).await;
            world.tracker.set_workflow("P", workflow);
            world.make(to(Category::Active)).await;
            let job = world.job(to(Category::Done));
            let error = world.connector.apply(cx(), &job).await.unwrap_err();
            assert_eq!(error.class, ErrorClass::Rejected, "{error}");
            assert!(error.detail.contains(says), "{error}");
            assert_eq!(world.tracker.status(&world.key), "In Progress");
        }
    }
}

#[tokio::test]
async fn a_transition_of_somebody_else_that_is_under_way_is_not_fought() {
    for flavour in Flavour::BOTH {
        let world = World::new(flavour).await;
        world.tracker.occupy(&world.key);
        let job = world.job(to(Category::Active));
        assert_eq!(world.deliver(&job).await, ["ask"], "{flavour:?}");
        world.tracker.let_pass(&world.key);
        assert_eq!(world.deliver(&job).await, ["sent"]);
    }
}

#[tokio::test]
async fn what_people_do_is_seen_and_stays() {
    for flavour in Flavour::BOTH {
        let world = World::new(flavour).await;
        let key = world.key.clone();
        world.make(to(Category::Active)).await;
        world.make(labels(&["ipa"])).await;
        world.make(link("Fix the retry")).await;
        let ann = world.tracker.person("ann");
        ann.edit_title(&key, "Fix the retry at last");
        ann.label(&key, "urgent");
        ann.move_to(&key, "To Do");
        let ticket = world.ticket().await;
        assert_eq!(
            (&*ticket.title, ticket.category),
            ("Fix the retry at last", Category::New),
            "{flavour:?}"
        );
        world.make(labels(&["again"])).await;
        world.make(link("Fix the retry")).await;
        let held = world.tracker.issue(&key).unwrap();
        assert_eq!(held["fields"]["labels"], serde_json::json!(["again", "ipa", "urgent"]));
        assert_eq!(held["fields"]["summary"], "Fix the retry at last");
        assert_eq!(world.tracker.status(&key), "To Do");
    }
}

#[tokio::test]
async fn a_status_comment_that_a_person_deleted_is_written_anew_and_an_edited_one_is_made_true() {
    for flavour in Flavour::BOTH {
        let world = World::new(flavour).await;
        let key = world.key.clone();
        let first = world.make(status("one")).await;
        let id: u64 = super::remote(&first).as_str().parse().unwrap();
        world.tracker.person("o").delete_comment(&key, id);
        let mut job = world.job(status("two"));
        job.earlier = first.remote;
        let second = world.connector.apply(cx(), &job).await.unwrap();
        assert_eq!(world.tracker.comments(&key).len(), 1, "{flavour:?}");
        if flavour == Flavour::Cloud {
            let id: u64 = super::remote(&second).as_str().parse().unwrap();
            world.tracker.person("o").edit_comment(&key, id, "nonsense");
            assert_eq!(world.make(status("three")).await.remote, second.remote);
            assert_eq!(world.tracker.comments(&key), [("ipa".to_owned(), "three".to_owned())]);
        }
    }
}

#[tokio::test]
async fn a_ticket_that_is_gone_is_left_and_what_was_under_way_is_not_there() {
    for flavour in Flavour::BOTH {
        let world = World::new(flavour).await;
        world.ticket().await;
        world.tracker.person("o").delete(&world.key);
        assert_eq!(world.observe(Look::Glance).await, Ok(Observed::Gone), "{flavour:?}");
        let mut unlinked = world.target();
        unlinked.link = None;
        assert_eq!(world.connector.observe(cx(), &unlinked, Look::Closely).await, Ok(Observed::Absent));
        for change in [to(Category::Active), comment("x"), status("x"), link("x"), labels(&["x"])] {
            let job = world.job(change.clone());
            assert_eq!(world.connector.probe(cx(), &job).await, Ok(Probe::NotThere), "{}", change.title());
            assert_eq!(world.deliver(&job).await, ["leave"], "{}", change.title());
        }
    }
}

#[tokio::test]
async fn who_may_not_is_told_and_nothing_is_repeated() {
    for flavour in Flavour::BOTH {
        let world = World::new(flavour).await;
        for (right, change) in
            [(Right::Comment, comment("x")), (Right::Edit, labels(&["x"])), (Right::Link, link("x"))]
        {
            world.tracker.forbid("P", "ipa", right);
            let job = world.job(change.clone());
            let error = world.connector.apply(cx(), &job).await.unwrap_err();
            assert_eq!(error.class, ErrorClass::Permission, "{error}");
            assert_eq!(world.deliver(&job).await, ["ask"], "{flavour:?} {}", change.title());
        }
    }
}

#[tokio::test]
async fn a_token_that_is_revoked_in_the_middle_is_asked_with_once_and_no_ticket_seems_gone() {
    for flavour in Flavour::BOTH {
        for end in [crate::tracker::Tracker::revoke, crate::tracker::Tracker::expire] {
            let world = World::new(flavour).await;
            world.make(comment("before")).await;
            end(&world.tracker, "token-ipa");
            let before = world.tracker.requests().len();
            let error = world.observe(Look::Glance).await.unwrap_err();
            assert_eq!(error.class, ErrorClass::Credential, "{flavour:?} {error}");
            assert!(!error.to_string().contains("token-ipa"), "{error}");
            for change in [comment("after"), link("x"), to(Category::Active)] {
                let job = world.job(change);
                assert_eq!(world.deliver(&job).await, ["hold"], "{flavour:?}");
            }
            assert_eq!(world.tracker.requests().len(), before + 1, "{flavour:?}");
            assert_eq!(world.tracker.comments(&world.key).len(), 1);
        }
    }
}

#[tokio::test]
async fn a_new_token_is_read_when_somebody_resumes_and_drains_what_waited() {
    for flavour in Flavour::BOTH {
        let token = Arc::new(Mutex::new("token-ipa".to_owned()));
        let kept = Arc::clone(&token);
        let source = SecretSource::new(move || Ok(kept.lock().unwrap().clone().into()));
        let world = World::with(flavour, |_, config| {
            config.auth = match flavour {
                Flavour::Cloud => JiraAuth::Account { mail: "ipa@example.com".to_owned(), token: source },
                Flavour::DataCenter => JiraAuth::Bearer(source),
            };
        })
        .await;
        world.make(comment("before")).await;
        world.tracker.revoke("token-ipa");
        let job = world.job(comment("after"));
        assert_eq!(world.deliver(&job).await, ["hold"], "{flavour:?}");
        world.tracker.add_token("token-new", "ipa");
        *token.lock().unwrap() = "token-new".to_owned();
        assert_eq!(world.deliver(&job).await, ["hold"], "{flavour:?}: nobody has said so yet");
        world.connector.resume();
        assert_eq!(world.deliver(&job).await, ["sent"], "{flavour:?}");
        assert_eq!(world.ticket().await.remarks.len(), 0, "both are ours");
        assert_eq!(world.tracker.calls("getCurrentUser"), 2, "it may be another account's");
    }
}
