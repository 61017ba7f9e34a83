//! What a look costs, and how far it goes.

use std::collections::BTreeSet;

use ipa_sync::{Connector as _, Look, Members, Observed, Probe};

use super::{World, comment, config, connector, cx};
use crate::tracker::{Flavour, Role};

#[tokio::test]
async fn a_glance_at_what_did_not_change_is_one_request() {
    for flavour in Flavour::BOTH {
        let world = World::new(flavour).await;
        let key = world.key.clone();
        world.tracker.person("ann").comment(&key, "one");
        let seen = world.ticket().await;
        let before = world.tracker.requests().len();
        let Observed::Ticket(again) = world.observe(Look::Glance).await.unwrap() else {
            panic!("it is there")
        };
        assert_eq!((*again, world.tracker.requests().len()), (seen.clone(), before + 1), "{flavour:?}");
        world.tracker.person("ann").comment(&key, "two");
        let Observed::Ticket(newer) = world.observe(Look::Glance).await.unwrap() else {
            panic!("it is there")
        };
        assert_eq!((seen.remarks.len(), newer.remarks.len()), (1, 2), "{flavour:?}");
    }
}

#[tokio::test]
async fn ours_is_found_among_many_comments_and_older_ones_are_not_read_for_it() {
    for flavour in Flavour::BOTH {
        let world = World::new(flavour).await;
        let (key, ann) = (world.key.clone(), world.tracker.person("ann"));
        let say = |numbers: std::ops::Range<u32>| {
            for number in numbers {
                ann.comment(&key, &format!("number {number}"));
            }
        };
        say(0..30);
        let job = world.job(comment("ours"));
        let applied = world.connector.apply(cx(), &job).await.unwrap();
        say(30..140);
        let Probe::There(found) = world.connector.probe(cx(), &job).await.unwrap() else {
            panic!("it is there")
        };
        assert_eq!((found.remote, world.tracker.calls("getComments")), (applied.remote, 2), "{flavour:?}");
        let ticket = world.ticket().await;
        assert_eq!(ticket.remarks.len(), 140, "{flavour:?}");
    }
}

#[tokio::test]
async fn who_has_a_role_is_trusted_if_the_account_may_ask_and_is_asked_about_once() {
    for flavour in Flavour::BOTH {
        let world = World::new(flavour).await;
        let (key, roles) = (world.key.clone(), BTreeSet::from(["Member".to_owned()]));
        world.tracker.set_role("P", "zed", Role::Viewer);
        world.tracker.set_role("P", "vic", Role::Member);
        for login in ["ann", "vic"] {
            world.tracker.person(login).comment(&key, "hello");
        }
        world.tracker.set_role("P", "vic", Role::Viewer);
        for (login, trusted) in [("ipa", [false, false]), ("o", [true, false])] {
            let mut config = config(&world.tracker, login);
            config.trusted.clear();
            config.members = Members::Roles(roles.clone());
            let connector = connector(config);
            for _ in 0..2 {
                let seen = connector.observe(cx(), &world.target(), Look::Closely).await.unwrap();
                let Observed::Ticket(ticket) = seen else { panic!("it is there") };
                let said: Vec<_> = ticket.remarks.values().map(|it| it.trusted).collect();
                assert_eq!(said, trusted, "{flavour:?} {login}");
            }
        }
        assert_eq!(world.tracker.calls("getProjectRoles"), 4, "once about each, by each");
    }
}
