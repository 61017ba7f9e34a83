//! At moments that a seed picks: the program is killed when the forge or the tracker has done so many requests, whichever
//! those are, on the way from a ticket to its end.

use ipa_events::task::ChangeKind::{
    Comment, DeleteBranch, FinishTicket, LinkPull, Merge, MoveTicket, OpenPull, PushBranch, WriteStatus,
};
use serde_json::Value;

use super::{Host, assert_once, changes};
use crate::forge::Forge;
use crate::github::wait_for;
use crate::jira::world;
use crate::support::World;
use crate::tracker::{Flavour, Tracker};

/// The seeds of the stories.
const SEEDS: [[u64; 2]; 2] = [[1, 2], [3, 4]];
/// How often the program is killed in each.
const KILLS: usize = 6;
/// After how many requests it is killed at the latest.
const WITHIN: u64 = 16;

/// Numbers that are the same for the same seed (xorshift).
struct Picks(u64);

impl Picks {
    /// Picks one from one up to this.
    fn up_to(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        1 + self.0 % most
    }
}

/// Lets the program run until a host was asked so many more things, and kills it.
fn killed_within(requests: u64, world: &World, host: &impl Host) -> usize {
    let mut serving = world.serve(&[]);
    let times = host.requests().len() + usize::try_from(requests).unwrap();
    wait_for(world, &format!("request {times}"), || host.requests().len() >= times);
    serving.process.end("KILL");
    times
}

/// Plays the story to its end.
async fn story(seed: u64) {
    let flavour = if seed.is_multiple_of(2) { Flavour::Cloud } else { Flavour::DataCenter };
    let (forge, tracker) = (Forge::start().await, Tracker::start(flavour).await);
    let world = world(&forge, &tracker);
    let ann = tracker.person("ann");
    let key = ann.create("Fix it", "Write fixed into fix.txt.");
    ann.label(&key, "ipa");
    let mut picks = Picks(seed);
    let mut killed = Vec::new();
    for _ in 0..KILLS {
        let requests = picks.up_to(WITHIN);
        killed.push(match picks.up_to(2) {
            1 => ("forge", killed_within(requests, &world, &forge)),
            _ => ("tracker", killed_within(requests, &world, &tracker)),
        });
    }
    let _serving = world.serve(&[]);
    let what = format!("the end of all, killed at {killed:?} (seed {seed})");
    let over = |op: &Value| matches!(op["state"].as_str(), Some("sent" | "superseded"));
    let done = || tracker.status(&key) == "Done" && tracker.comments(&key).len() == 1;
    wait_for(&world, &what, || done() && changes(&world).iter().all(over));
    world.until("T-1", &what, |task| task["phase"] == "completed");
    let pull = forge.pull(1).unwrap();
    assert_eq!((&pull["merged"], forge.pull(2)), (&true.into(), None), "{what}");
    assert_eq!(tracker.comments(&key).len(), 1, "{what}: {:?}", tracker.comments(&key));
    assert_once(&world, &forge, &["git/receive-pack"], &[PushBranch, DeleteBranch]);
    assert_once(&world, &forge, &["pulls/create"], &[OpenPull]);
    assert_once(&world, &forge, &["pulls/merge"], &[Merge]);
    assert_once(&world, &forge, &["issues/create-comment", "issues/update-comment"], &[WriteStatus]);
    assert_once(&world, &tracker, &["doTransition"], &[MoveTicket, FinishTicket]);
    assert_once(&world, &tracker, &["createOrUpdateRemoteIssueLink"], &[LinkPull]);
    assert_once(&world, &tracker, &["addComment"], &[Comment]);
}

#[test]
fn whenever_the_program_is_killed_there_is_one_pull_request_one_merge_and_one_end() {
    std::thread::scope(|all| {
        for seeds in SEEDS {
            // Two at a time, each with a runtime of its own: a story that waits keeps no other's hosts from answering.
            all.spawn(move || {
                let mut runtime = tokio::runtime::Builder::new_multi_thread();
                let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
                for seed in seeds {
                    runtime.block_on(story(seed));
                }
            });
        }
    });
}
