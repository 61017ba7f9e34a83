//! Jira, as Cloud and as Data Center: each kind of change to a ticket.

use ipa_events::task::ChangeKind::{Comment, FinishTicket, LinkPull, MoveTicket};

use super::{Effect, Victim, assert_once};
use crate::forge::Forge;
use crate::github::wait_for;
use crate::jira::world;
use crate::tracker::{Flavour, Tracker};

/// What is done to a ticket, from where it is worked on to its end; labels and a comment that says how it stands are
/// wanted of none.
pub(super) const EFFECTS: [Effect; 4] = [
    ("doTransition", MoveTicket),
    ("createOrUpdateRemoteIssueLink", LinkPull),
    ("doTransition", FinishTicket),
    ("addComment", Comment),
];

async fn killed_after_each_change(flavour: Flavour) {
    let (forge, tracker) = (Forge::start().await, Tracker::start(flavour).await);
    let world = world(&forge, &tracker);
    let ann = tracker.person("ann");
    let key = ann.create("Fix it", "Write fixed into fix.txt.");
    let mut victim = Victim::new(&world);
    victim.killed_after(&tracker, &EFFECTS, |_| ann.label(&key, "ipa"));
    wait_for(&world, "the end of the ticket", || tracker.status(&key) == "Done");
    victim.settled();
    assert_eq!(tracker.comments(&key).len(), 1, "{:?}", tracker.comments(&key));
    assert_once(&world, &tracker, &["doTransition"], &[MoveTicket, FinishTicket]);
    assert_once(&world, &tracker, &["createOrUpdateRemoteIssueLink"], &[LinkPull]);
    assert_once(&world, &tracker, &["addComment"], &[Comment]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_killed_after_each_change_of_a_ticket_in_the_cloud_makes_none_twice() {
    killed_after_each_change(Flavour::Cloud).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_killed_after_each_change_of_a_ticket_in_a_data_center_makes_none_twice() {
    killed_after_each_change(Flavour::DataCenter).await;
}
