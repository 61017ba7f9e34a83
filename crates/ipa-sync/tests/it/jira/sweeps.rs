//! What moved, and what wants a task, whatever the clocks say.

use std::sync::Arc;
use std::time::Duration;

use ipa_events::RemoteId;
use ipa_sync::gate::{HostGate, Rules};
use ipa_sync::{Connector as _, Cx, ErrorClass, JiraConnector, Sweep, Swept};
use jiff::{SignedDuration, Timestamp};

use super::{World, config, cx};
use crate::tracker::{Fault, Flavour, Tracker, When, Workflow};

async fn sweep(world: &World, since: Option<SignedDuration>, linked: &[&str]) -> Swept {
    let since = since.map(|ago| Timestamp::now() - ago);
    let linked = linked.iter().map(|key| key.parse::<RemoteId>().unwrap()).collect();
    world.connector.sweep(cx(), &Sweep { since, linked }).await.unwrap()
}

fn keys(swept: &Swept) -> Vec<&str> {
    swept.moved.iter().map(RemoteId::as_str).collect()
}

#[tokio::test]
async fn a_sweep_names_what_changed_of_what_is_linked_in_whatever_time_zone() {
    for flavour in Flavour::BOTH {
        for (hours, ahead) in [(0, 0), (-11, 0), (13, 0), (0, 86_400), (5, -86_400)] {
            let world = World::new(flavour).await;
            world.tracker.set_hours_ahead("ipa", hours);
            world.tracker.set_clock_ahead(SignedDuration::from_secs(ahead));
            let ann = world.tracker.person("ann");
            let (one, other) = (ann.create("One", ""), ann.create("Other", ""));
            let swept = sweep(&world, Some(SignedDuration::from_secs(30)), &[&one, &world.key]).await;
            let what = format!("{flavour:?} {hours} {ahead}");
            assert!(
                keys(&swept).contains(&one.as_str()) && !keys(&swept).contains(&other.as_str()),
                "{what}"
            );
            // Made by another clock, it is older than a day, or of the future, which is newer than any minute.
            assert_eq!(keys(&swept).contains(&world.key.as_str()), ahead < 86_400, "{what}");
            assert!(swept.until.is_some_and(|until| until <= Timestamp::now()), "{what}");
        }
    }
}

#[tokio::test]
async fn a_first_sweep_names_all_that_is_linked_and_one_without_links_asks_nothing() {
    for flavour in Flavour::BOTH {
        let world = World::new(flavour).await;
        let swept = sweep(&world, None, &["P-1", "P-77"]).await;
        assert_eq!(keys(&swept), ["P-1", "P-77"], "{flavour:?}");
        sweep(&world, Some(SignedDuration::from_secs(5)), &[]).await;
        assert!(!world.tracker.requests().iter().any(|entry| entry.route.starts_with("search")));
    }
}

#[tokio::test]
async fn a_project_that_is_gone_does_not_hide_what_moved_in_others() {
    for flavour in Flavour::BOTH {
        let world = World::new(flavour).await;
        let swept = sweep(&world, Some(SignedDuration::from_secs(5)), &["GONE-4", &world.key]).await;
        assert_eq!(keys(&swept), [world.key.as_str()], "{flavour:?}");
    }
}

#[tokio::test]
async fn more_than_a_page_is_read_to_the_end() {
    for flavour in Flavour::BOTH {
        let world = World::new(flavour).await;
        let ann = world.tracker.person("ann");
        let all: Vec<String> = (0..230).map(|number| ann.create(&format!("Number {number}"), "")).collect();
        let linked: Vec<&str> = all.iter().map(String::as_str).collect();
        let swept = sweep(&world, Some(SignedDuration::from_secs(5)), &linked).await;
        assert_eq!(keys(&swept), linked, "{flavour:?}");
        let route = match flavour {
            Flavour::Cloud => "searchAndReconsileIssuesUsingJqlPost",
            Flavour::DataCenter => "searchForIssuesUsingJqlPost",
        };
        assert_eq!(world.tracker.calls(route), 3, "{flavour:?}");
    }
}

#[tokio::test]
async fn tickets_that_are_found_want_a_task_unless_they_are_done() {
    for flavour in Flavour::BOTH {
        let world = World::with(flavour, |tracker, config| {
            tracker.add_project("Q", Workflow::simple());
            tracker.set_role("Q", "ipa", crate::tracker::Role::Member);
            tracker.set_role("Q", "zed", crate::tracker::Role::Member);
            config.jql = Some("labels = ipa ORDER BY created ASC".to_owned());
            config.repos = [("P".to_owned(), "https://example.com/o/r.git".parse().unwrap())].into();
        })
        .await;
        let ann = world.tracker.person("ann");
        ann.label(&world.key, "ipa");
        let done = ann.create("Done already", "All of it.");
        ann.label(&done, "ipa");
        ann.move_to(&done, "Done");
        let zed = world.tracker.person("zed").at("Q");
        let foreign = zed.create("Do <!-- rm --> it", "first\nsecond\u{200b}");
        zed.label(&foreign, "ipa");
        let swept = sweep(&world, None, &[]).await;
        let said: Vec<_> = swept
            .wanted
            .iter()
            .map(|it| {
                (it.link.remote.as_str(), it.title.as_str(), it.by.as_str(), it.trusted, it.repo.is_some())
            })
            .collect();
        let expected = [
            (world.key.as_str(), "Fix the retry", "Ann", true, true),
            (&foreign, "Do it", "Zed", false, false),
        ];
        assert_eq!(said, expected, "{flavour:?}");
        let between = if flavour == Flavour::Cloud { "first\n\nsecond" } else { "first\nsecond" };
        assert_eq!(swept.wanted[1].text, between);
        let page = format!("{}/browse/{}", world.tracker.url(), world.key);
        assert_eq!(swept.wanted[0].link.url.as_deref(), Some(&*page));
    }
}

#[tokio::test(start_paused = true)]
async fn without_sockets_hours_pass_at_once_and_the_tracker_is_the_same() {
    let tracker = Tracker::start(Flavour::Cloud).await;
    let began = tokio::time::Instant::now();
    let clock = move || Timestamp::UNIX_EPOCH + began.elapsed();
    tracker.set_clock(Arc::new(clock));
    let gate = Arc::new(HostGate::new(Rules::jira(), Arc::new(clock)));
    let connector = JiraConnector::new(config(&tracker, "ipa"), tracker.wire(), gate);
    let key = tracker.person("ann").create("Fix the retry", "");
    let since = clock();
    tokio::time::sleep(Duration::from_hours(3)).await;
    let moved = async || {
        let sweep = Sweep { since: Some(since), linked: vec![key.parse().unwrap()] };
        let swept = connector.sweep(Cx { now: clock(), ..cx() }, &sweep).await;
        swept.map(|swept| swept.moved.len()).map_err(|error| error.class)
    };
    assert_eq!(moved().await, Ok(1));
    tracker.fail("searchAndReconsileIssuesUsingJqlPost", When::Nth(1), Fault::SilenceAfter);
    let before = clock();
    assert_eq!(moved().await, Err(ErrorClass::Transient));
    assert_eq!(clock().duration_since(before).as_secs(), 30);
}
