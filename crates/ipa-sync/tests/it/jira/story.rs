//! A ticket from the first look to the end, on both flavours.

use ipa_events::task::{Category, Change};
use ipa_sync::{Connector as _, Probe};
use serde_json::json;

use super::{World, comment, cx, labels, link, remote, status};
use crate::tracker::Flavour;

#[tokio::test]
async fn each_change_made_twice_is_made_once_and_is_found_after_it_and_not_before() {
    for flavour in Flavour::BOTH {
        let world = World::new(flavour).await;
        let key = world.key.clone();
        for change in [
            Change::MoveTicket { to: Category::Active },
            link("Fix the retry"),
            labels(&["ipa"]),
            comment("# Plan\n\n- one\n- two\n\n```rust\nlet x = 1;\n```"),
            status("it is being worked on"),
            status("it is in review"),
            Change::LinkPull {
                url: "https://example.com/o/r/pull/7".into(),
                title: "Fix".into(),
                merged: true,
            },
            Change::MoveTicket { to: Category::Done },
        ] {
            let (job, what) = (world.job(change.clone()), format!("{flavour:?} {}", change.title()));
            assert_eq!(world.connector.probe(cx(), &job).await, Ok(Probe::NotThere), "{what}");
            let applied = world.connector.apply(cx(), &job).await.unwrap();
            assert!(applied.url.as_ref().unwrap().starts_with(&world.tracker.url()), "{what}");
            let Ok(Probe::There(found)) = world.connector.probe(cx(), &job).await else { panic!("{what}") };
            assert_eq!((found.remote, found.url), (applied.remote.clone(), applied.url), "{what}");
            let before = world.tracker.issue(&key).unwrap();
            let mut again = job.clone();
            again.op.attempts = 2;
            let repeated = world.connector.apply(cx(), &again).await.unwrap();
            assert_eq!(repeated.remote, applied.remote, "{what}");
            let after = world.tracker.issue(&key).unwrap();
            for part in ["/fields/status", "/fields/labels", "/links"] {
                assert_eq!(before.pointer(part), after.pointer(part), "{what} {part}");
            }
            let count =
                |issue: &serde_json::Value| issue["fields"]["comment"]["comments"].as_array().unwrap().len();
            assert_eq!(count(&before), count(&after), "{what}");
        }
        let held = world.tracker.issue(&key).unwrap();
        assert_eq!(world.tracker.status(&key), "Done");
        assert_eq!(held["links"].as_array().unwrap().len(), 1);
        assert_eq!(held["links"][0]["globalId"], "ipa:pr:example.com/o/r#7");
        assert_eq!(held["links"][0]["object"]["status"]["resolved"], true);
        assert_eq!(world.tracker.comments(&key).len(), 2);
        if flavour == Flavour::Cloud {
            let comments = held["fields"]["comment"]["comments"].as_array().unwrap();
            let marker = format!("{}.o4", super::task());
            assert_eq!(comments[0]["properties"][0]["value"]["k"], json!(marker));
        }
    }
}

#[tokio::test]
async fn our_own_comments_are_nobodys_remarks_and_all_others_are() {
    for flavour in Flavour::BOTH {
        let world = World::new(flavour).await;
        let key = world.key.clone();
        world.make(comment("ours")).await;
        world.make(status("it is being planned")).await;
        let ann = world.tracker.person("ann").comment(&key, "please <!-- hidden --> hurry\u{200b}");
        let vic = {
            world.tracker.set_role("P", "vic", crate::tracker::Role::Member);
            world.tracker.person("vic").comment(&key, "I want it too")
        };
        // The person whose account it is, without our mark.
        let own = world.tracker.person("ipa").comment(&key, "by hand");
        let ticket = world.ticket().await;
        let said: Vec<_> = ticket
            .remarks
            .iter()
            .map(|(id, it)| (id.to_string(), it.by.to_string(), it.trusted, it.text.to_string()))
            .collect();
        let expected = [
            (ann, "Ann", true, "please  hurry"),
            (vic, "Vic", false, "I want it too"),
            (own, "Ipa", false, "by hand"),
        ];
        let expected =
            expected.map(|(id, by, trusted, text)| (id.to_string(), by.to_owned(), trusted, text.to_owned()));
        assert_eq!(said, expected, "{flavour:?}");
        assert_eq!(
            (&*ticket.title, &*ticket.status, ticket.category),
            ("Fix the retry", "To Do", Category::New)
        );
    }
}

#[tokio::test]
async fn a_status_comment_is_edited_where_it_stands() {
    for flavour in Flavour::BOTH {
        let world = World::new(flavour).await;
        let first = world.make(status("one")).await;
        world.tracker.person("ann").comment(&world.key.clone(), "between");
        let second = world.make(status("two")).await;
        assert_eq!(remote(&first), remote(&second), "{flavour:?}");
        assert_eq!((world.tracker.calls("addComment"), world.tracker.calls("updateComment")), (1, 1));
    }
}

#[tokio::test]
async fn whether_it_works_is_told_with_what_lacks() {
    for flavour in Flavour::BOTH {
        let world = World::with(flavour, |_, config| config.jql = Some("labels = ipa".to_owned())).await;
        let checked = world.connector.check(cx()).await.unwrap();
        assert!(checked.account.is_some() && checked.missing.is_empty(), "{checked:?}");
        assert!(checked.notes.iter().any(|note| note == "0 of its tickets want a task"), "{checked:?}");
        assert!(checked.clock.unwrap().as_secs().abs() <= 5);
    }
}
