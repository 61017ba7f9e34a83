//! What was acknowledged is there, whenever the process dies.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use ipa_events::store::{Durability, Position, SqliteOptions, SqliteStore, Store, Version};
use ipa_events::{CommandId, Ctx, Envelope, TaskCommand, TaskWriter, Via, verify};

use crate::support::story::{ann, new_task};
use crate::support::{at, command, file, task};

/// Names the file for the process that is to be killed.
const FILE: &str = "IPA_EVENTS_TEST_APPEND_TO";
const ROUND: &str = "IPA_EVENTS_TEST_ROUND";

const WRITERS: u32 = 8;

/// The process that is to be killed: appends for ever, and prints each event that was acknowledged. As a test of
/// its own it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_until_it_is_killed() {
    let (Ok(path), Ok(round)) = (std::env::var(FILE), std::env::var(ROUND)) else { return };
    let durability =
        if round.ends_with(['0', '2', '4', '6', '8']) { Durability::Full } else { Durability::Normal };
    let store = SqliteStore::open(Path::new(&path), SqliteOptions { durability }).await.unwrap();
    let writers = (0..WRITERS).map(|n| tokio::spawn(talk(store.clone(), n, round.clone())));
    futures::future::join_all(writers).await;
}

async fn talk(store: Store, writer: u32, round: String) {
    let id = task(&format!("writer {writer}"));
    let mut task = TaskWriter::open(store, id).await.unwrap();
    for n in 0.. {
        let body = match task.version() {
            Version::ZERO => TaskCommand::Create(Box::new(new_task(id))),
            _ if n % 3 == 0 => TaskCommand::Edit { title: None, priority: Some(1 + task.state().priority) },
            // Long texts and short ones, so that pages are cut anywhere.
            _ => TaskCommand::PostMessage { text: "long ".repeat(n % 300).into() },
        };
        let name = command(&format!("{round} {writer} {n}"));
        let ctx = Ctx::new(name, at(), ann(), Via::Library);
        match task.execute(Envelope { ctx, body }).await {
            Ok(done) => println!("ack {name} {} {} .", done.version, done.position),
            Err(ipa_events::ExecuteError::Refused(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
        if n % 50 == 49 {
            task.snapshot_if_due().await;
        }
    }
}

fn start(path: &Path, round: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::appends_until_it_is_killed", "--nocapture"])
        .env(FILE, path)
        .env(ROUND, format!("{round}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

struct Ack {
    command: CommandId,
    version: Version,
    position: Position,
}

fn parse(line: &str) -> Option<Ack> {
    let mut words = line.strip_prefix("ack ")?.split(' ');
    let command = words.next()?.parse().ok()?;
    let version = Version::new(words.next()?.parse().ok()?);
    let position = Position::new(words.next()?.parse().ok()?);
    // A line that was cut has no end.
    (words.next()? == ".").then_some(Ack { command, version, position })
}

/// Lets a process append, kills it after some acknowledgements, and returns all that it gave.
fn killed_after(path: &Path, round: usize, acks: usize) -> Vec<Ack> {
    let mut child = start(path, round);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut given: Vec<Ack> = lines.by_ref().filter_map(|line| parse(&line)).take(acks).collect();
    // SIGKILL, while all writers are busy.
    child.kill().unwrap();
    child.wait().unwrap();
    // What it could still print before it died was acknowledged as well; a line cut in two was not.
    given.extend(lines.filter_map(|line| parse(&line)));
    given
}

#[tokio::test]
async fn kill_9_at_any_moment_loses_nothing_that_was_acknowledged() {
    let (_dir, path) = file();
    let mut acknowledged: Vec<Ack> = Vec::new();
    for round in 0..20 {
        let moment = usize::try_from(RandomState::new().build_hasher().finish() % 150).unwrap();
        acknowledged.extend(killed_after(&path, round, moment + 1));
        let store = SqliteStore::open(&path, SqliteOptions::default()).await.unwrap();
        for ack in &acknowledged {
            let kept = store.log.outcome(ack.command).await.unwrap();
            let kept = kept.unwrap_or_else(|| panic!("{} is lost in round {round}", ack.command));
            assert_eq!((kept.version, kept.position), (ack.version, ack.position));
        }
        // No gap, no event of a command that is there by half, everything folds.
        let report = verify(&store, None).await.unwrap();
        assert!(report.problems.is_empty(), "round {round}: {:?}", report.problems);
        assert_eq!(report.events, store.log.head().borrow().get());
        store.log.close().await;
    }
    assert!(acknowledged.len() > 200);
    let total = acknowledged.iter().map(|ack| ack.position).max().unwrap();
    println!(
        "{} acknowledged over 20 kills, none lost; the log ends at or after {total}",
        acknowledged.len()
    );
}
