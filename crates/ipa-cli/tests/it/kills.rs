//! The shipped program is killed when the other side has done something and its answer has not come, over real sockets
//! and with real git: for each kind of change, between a webhook and what follows from it, and at moments that a seed
//! picks. What is there is found by the next program, and nothing is there twice.

mod github;
mod hooks;
mod jira;
mod seeds;

use std::collections::BTreeMap;

use ipa_events::task::ChangeKind;
use serde_json::Value;

use crate::forge::Forge;
use crate::github::wait_for;
use crate::peer::{Entry, Fault, When, Work};
use crate::support::{Serving, World};
use crate::tracker::Tracker;

/// A request, and the kind of change that it makes.
type Effect = (&'static str, ChangeKind);

/// A host that can do what it is asked without a word.
trait Host {
    fn fail(&self, route: &str, when: When, fault: Fault);

    fn requests(&self) -> Vec<Entry>;

    /// Counts what it did when it was asked for this.
    fn made(&self, route: &str) -> usize {
        let did =
            |it: &&Entry| it.route == route && it.work == Work::Done && it.status.is_some_and(|it| it < 300);
        self.requests().iter().filter(did).count()
    }
}

impl Host for Forge {
    fn fail(&self, route: &str, when: When, fault: Fault) {
        self.fail(route, when, fault);
    }

    fn requests(&self) -> Vec<Entry> {
        self.requests()
    }
}

impl Host for Tracker {
    fn fail(&self, route: &str, when: When, fault: Fault) {
        self.fail(route, when, fault);
    }

    fn requests(&self) -> Vec<Entry> {
        self.requests()
    }
}

/// A program that is killed again and again, and goes on.
struct Victim<'a> {
    world: &'a World,
    serving: Serving,
    /// The changes whose answer it did not live to hear.
    unheard: Vec<String>,
}

impl<'a> Victim<'a> {
    fn new(world: &'a World) -> Self {
        Self { world, serving: world.serve(&[]), unheard: Vec::new() }
    }

    /// Lets the host do each of these without a word, and kills the program each time, in whatever order they come.
    fn killed_after(&mut self, host: &impl Host, effects: &[Effect], act: impl FnOnce(&Serving)) {
        let mut nth = BTreeMap::<&str, usize>::new();
        let mut awaited: Vec<(&str, ChangeKind, usize)> = Vec::new();
        for (route, kind) in effects {
            let nth = nth.entry(route).or_default();
            *nth += 1;
            host.fail(route, When::Nth(u64::try_from(*nth).unwrap()), Fault::SilenceAfter);
            awaited.push((route, *kind, host.made(route) + *nth));
        }
        act(&self.serving);
        while !awaited.is_empty() {
            let mut next = None;
            wait_for(self.world, &format!("one of {awaited:?}"), || {
                next = awaited.iter().position(|(route, _, times)| host.made(route) >= *times);
                next.is_some()
            });
            let (route, kind, _) = awaited.remove(next.unwrap());
            self.serving.process.end("KILL");
            let left = changes(self.world).into_iter().filter(|op| op["state"] == "in_flight");
            let left: Vec<Value> = left.collect();
            assert_eq!(left.len(), 1, "after {route}: {left:#?}");
            assert_eq!(left[0]["kind"], kind.as_str(), "after {route}");
            self.unheard.push(left[0]["handle"].as_str().unwrap().to_owned());
            self.serving = self.world.serve(&[]);
        }
    }

    /// Waits until nothing is under way; what was done unheard is known to be there, after one attempt.
    fn settled(&self) {
        let all = || changes(self.world);
        let over = |op: &Value| matches!(op["state"].as_str(), Some("sent" | "superseded"));
        wait_for(self.world, "the end of all changes", || all().iter().all(over));
        for op in all() {
            if self.unheard.iter().any(|handle| op["handle"] == handle.as_str()) {
                assert_eq!((&op["state"], &op["attempts"]), (&"sent".into(), &1.into()), "{op:#}");
            }
        }
    }
}

/// Asserts that a host did these once for each change of these kinds that is there.
fn assert_once(world: &World, host: &impl Host, routes: &[&str], kinds: &[ChangeKind]) {
    let of_kind = |op: &Value| kinds.iter().any(|kind| op["kind"] == kind.as_str());
    let wanted = changes(world).iter().filter(|op| op["state"] == "sent" && of_kind(op)).count();
    let made: usize = routes.iter().map(|route| host.made(route)).sum();
    assert_eq!(made, wanted, "{routes:?} {:#?}", changes(world));
}

/// The changes of T-1, whether or not somebody runs.
fn changes(world: &World) -> Vec<Value> {
    let status = world.ipa(&["sync", "status", "T-1", "--json"]);
    let items = (status.code == 0).then(|| status.json()["items"].as_array().cloned());
    items.flatten().unwrap_or_default()
}

#[test]
fn for_each_kind_of_change_there_is_a_request_after_which_the_program_is_killed() {
    let github = github::MERGED.iter().copied().flatten().chain(&github::GIVEN_UP);
    let all: Vec<ChangeKind> = github.chain(&jira::EFFECTS).map(|(_, kind)| *kind).collect();
    let missing = ChangeKind::ALL.iter().filter(|kind| !all.contains(kind));
    // A pull request is opened as a draft, and nothing turns one back into it.
    assert_eq!(missing.collect::<Vec<_>>(), [&ChangeKind::MarkDraft]);
}
