//! A host seen from its socket: who may steer it, what it tells, and what it does when the disk is full.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use ipa_agent::{AgentRuntime as _, Attach, Body, CommandRuntime, ControlError, Hosting, Stop};
use ipa_events::{Helper, Outcome};
use rustix::fs::FlockOperation;
use rustix::process::{Pid, Resource, Rlimit};
use serde_json::{Value, json};

use crate::golden::{began, record};
use crate::support::{
    Place, ann, class, command, finished, grace, helper, hosting, next, text, to_end, until, wait_for,
};

fn say(client: &mut UnixStream, verb: &Value) {
    client.write_all(format!("{}\n", json!({"id": 1, "verb": verb})).as_bytes()).unwrap();
}

/// Returns the first line that holds this; none when the connection ended before.
fn hears(client: UnixStream, wanted: &str) -> Option<String> {
    client.set_read_timeout(Some(crate::support::DEADLINE)).unwrap();
    BufReader::new(client).lines().map_while(Result::ok).find(|line| line.contains(wanted))
}

fn hello(dir: &Path) -> Value {
    let claim: Value = serde_json::from_slice(&std::fs::read(dir.join("claim")).unwrap()).unwrap();
    json!({"do": "hello", "token": claim["token"]})
}

#[tokio::test]
async fn a_host_writes_a_frame_once_whoever_says_it_again_and_hears_no_nonsense() {
    let place = Place::new();
    let mut spec = place.spec("command:while read line; do echo \"$line\"; done");
    spec.env.insert("IPA_STDIN".into(), "open".into());
    let mut session = command().start(spec).await.unwrap();
    let socket = place.run_dir().path().join("socket");
    for _ in 0..2 {
        let mut client = UnixStream::connect(&socket).unwrap();
        say(&mut client, &hello(place.run_dir().path()));
        let verb = json!({"do": "write", "key": "k", "data": "once\n"});
        client.write_all(format!("{}\n", json!({"id": 2, "verb": verb})).as_bytes()).unwrap();
        assert!(hears(client, r#"{"done":{"id":2"#).is_some());
    }
    let mut stranger = UnixStream::connect(&socket).unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(hears(stranger, ""), None);
    session.control.finish().await.unwrap();
    assert_eq!(text(&to_end(&mut session).await), [r#"{"prompt":"do it"}"#, "once"]);
}

#[tokio::test]
async fn who_does_not_know_the_token_of_a_run_cannot_steer_it() {
    let place = Place::new();
    let ask = r#"{"ipa":{"permission":{"key":"p","tool":"rm"}}}"#;
    let mut spec = place.spec(&format!("command:read prompt; echo '{ask}'; read answer; echo \"$answer\""));
    spec.env.insert("IPA_STDIN".into(), "open".into());
    let mut session = command().start(spec).await.unwrap();
    wait_for(&mut session, |body| matches!(body, Body::Asked(_))).await;
    let socket = place.run_dir().path().join("socket");
    let allow = json!({"do": "write", "key": "answer-p", "data": "{\"allow\":true}\n"});
    for first in [None, Some(json!({"do": "hello", "token": ""})), Some(json!({"do": "hello", "token": "0"}))]
    {
        let mut client = UnixStream::connect(&socket).unwrap();
        for verb in first.iter().chain([&allow]) {
            // The host may have hung up by now.
            writeln!(client, "{}", json!({"id": 1, "verb": verb})).ok();
        }
        assert_eq!(hears(client, ""), None, "{first:?}");
    }
    session.control.stop(Stop::Interrupted(ann())).await.unwrap();
    let events = wait_for(&mut session, |body| matches!(body, Body::Finished(_))).await;
    assert!(!events.iter().any(|it| matches!(it.body, Body::Resolved { .. })), "{events:#?}");
    let spool = std::fs::read_to_string(place.run_dir().path().join("spool.jsonl")).unwrap();
    assert!(!spool.contains("answer-p"));
}

#[tokio::test]
async fn a_connection_without_the_token_does_not_keep_a_run_alive() {
    let place = Place::new();
    let runtime = CommandRuntime::new(hosting().with_alone(Duration::from_millis(200)));
    drop(runtime.start(place.spec("command:sleep 1000")).await.unwrap());
    let strangers: Vec<_> =
        (0..40).filter_map(|_| UnixStream::connect(place.run_dir().path().join("socket")).ok()).collect();
    until("it ended itself", || place.run_dir().path().join("exit.json").exists()).await;
    drop(strangers);
}

#[tokio::test]
async fn a_message_that_the_agent_never_took_does_not_count_as_told() {
    let place = Place::new();
    let mut spec = place.spec("command:echo up; sleep 1000");
    spec.env.insert("IPA_STDIN".into(), "open".into());
    // It fills the pipe, and nobody reads it.
    spec.prompt = "x".repeat(1024 * 1024).into();
    let mut session = command().start(spec).await.unwrap();
    wait_for(&mut session, |body| matches!(body, Body::Text { .. })).await;
    let control = session.control.clone();
    let (sent, stopped) =
        tokio::join!(control.send("m", "more"), session.control.stop(Stop::Interrupted(ann())));
    stopped.unwrap();
    assert!(matches!(sent, Err(ControlError::NotNow(_))), "{sent:?}");
    while next(&mut session).await.is_some() {}
    let spool = std::fs::read_to_string(place.run_dir().path().join("spool.jsonl")).unwrap();
    assert!(!spool.contains("message-m"));
}

#[tokio::test]
async fn a_start_whose_host_says_nothing_waits_until_its_fate_is_certain() {
    let place = Place::new();
    let silent = Helper { args: vec!["silent".into()], ..helper() };
    let mut session = CommandRuntime::new(silent).start(place.spec("command:true")).await.unwrap();
    assert!(session.identity.is_some());
    assert_eq!(finished(&to_end(&mut session).await).outcome, Outcome::Completed);
}

/// A runtime whose hosts find the disk full after a few kilobytes in one file.
fn on_a_small_disk() -> CommandRuntime {
    let limited = "trap '' XFSZ; ulimit -S -f 8; exec \"$0\" \"$@\"";
    let args = vec!["-c".into(), limited.into(), helper().program.into()];
    CommandRuntime::new(Hosting::new(Helper { program: "/bin/sh".into(), args }).with_grace(grace()))
}

/// Makes room.
fn unlimit(host: i32) {
    let most = rustix::process::getrlimit(Resource::Fsize).maximum;
    let room = Rlimit { current: most, maximum: most };
    rustix::process::prlimit(Pid::from_raw(host), Resource::Fsize, room).unwrap();
}

#[tokio::test]
async fn a_disk_that_is_full_at_the_end_costs_neither_the_result_nor_the_document() {
    let place = Place::new();
    let line =
        "command:ulimit -S -f unlimited; head -c 100000 /dev/zero | tr '\\0' x > $IPA_OUTPUT; echo said";
    let mut session = on_a_small_disk().start(place.spec(line)).await.unwrap();
    until("the disk is full", || place.run_dir().path().join("product.new").exists()).await;
    unlimit(place.host());
    let events = to_end(&mut session).await;
    let end = finished(&events);
    assert_eq!(class(end), "completed");
    assert_eq!(end.product.as_ref().unwrap().len(), 100_000);
}

#[tokio::test]
async fn a_disk_that_is_full_meanwhile_loses_nothing() {
    let place = Place::new();
    let line = "command:i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); done; \
                read prompt; read message; echo \"$message\"";
    let mut spec = place.spec(line);
    spec.env.insert("IPA_STDIN".into(), "open".into());
    let mut session = on_a_small_disk().start(spec).await.unwrap();
    let spool = place.run_dir().path().join("spool.jsonl");
    until("the disk is full", || spool.metadata().unwrap().len() >= 4096).await;
    let host = place.host();
    // The agent would take it, but what is not in the spool is not told.
    let sent = tokio::time::timeout(Duration::from_millis(1500), session.control.send("m", "more")).await;
    assert!(sent.is_err(), "{sent:?}");
    unlimit(host);
    session.control.send("m", "more").await.unwrap();
    let events = to_end(&mut session).await;
    let mut wanted: Vec<_> = (0..1000).map(|i| format!("line {i}")).collect();
    wanted.push(r#"{"message":"more"}"#.to_owned());
    assert_eq!(text(&events), wanted);
}

#[tokio::test]
async fn a_question_is_handed_out_only_when_it_is_on_the_disk() {
    let place = Place::new();
    let dir = place.run_dir().path().to_owned();
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("claim"), json!({"run": place.run, "token": "t"}).to_string()).unwrap();
    let held = std::fs::File::open(dir.join("claim")).unwrap();
    rustix::fs::flock(&held, FlockOperation::LockExclusive).unwrap();
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let start: u64 = stat.rsplit(')').next().unwrap().split_whitespace().nth(19).unwrap().parse().unwrap();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let host = json!({"pid": std::process::id(), "start_time": start, "boot_id": boot.trim()});
    std::fs::write(dir.join("host.json"), host.to_string()).unwrap();
    let ask = r#"{"ipa":{"permission":{"key":"p","tool":"rm"}}}"#;
    std::fs::write(dir.join("spool.jsonl"), began() + &record(1, "o", None, ask)).unwrap();
    let listener = UnixListener::bind(dir.join("socket")).unwrap();
    let host = std::thread::spawn(move || plays_a_host_with_a_full_disk(&listener));
    let Attach::Live(mut session) = command().attach(place.run_dir()).await.unwrap() else { panic!() };
    wait_for(&mut session, |body| matches!(body, Body::Asked(_))).await;
    drop(session);
    let syncs = tokio::task::spawn_blocking(move || host.join().unwrap()).await.unwrap();
    assert_eq!(syncs, 3);
}

/// Refuses to bring the spool to the disk twice; returns how often it was asked.
fn plays_a_host_with_a_full_disk(listener: &UnixListener) -> usize {
    let (stream, _) = listener.accept().unwrap();
    let mut answers = stream.try_clone().unwrap();
    let mut syncs = 0;
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let request: Value = serde_json::from_str(&line).unwrap();
        let (id, sync) = (&request["id"], request["verb"]["do"] == "sync");
        syncs += usize::from(sync);
        let answer = if sync && syncs < 3 {
            json!({"refused": {"id": id, "why": "no space"}})
        } else {
            json!({"done": {"id": id, "now_ms": 1}})
        };
        if writeln!(answers, "{answer}").is_err() {
            break;
        }
    }
    syncs
}

#[test]
fn a_read_that_was_given_up_loses_nothing() {
    // One thread for all files: while it is taken, no read can be done.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().max_blocking_threads(1).build().unwrap().block_on(gives_up_a_read());
}

async fn gives_up_a_read() {
    let place = Place::new();
    let events = to_end(&mut command().start(place.spec("command:seq 1000")).await.unwrap()).await;
    let mut tail = command().tail(place.run_dir());
    let (free_the_thread, taken) = std::sync::mpsc::channel::<()>();
    let takes_the_thread = tokio::task::spawn_blocking(move || taken.recv());
    let mut read = Box::pin(tail.read(7));
    assert!(futures::poll!(&mut read).is_pending());
    drop(read);
    drop(free_the_thread);
    takes_the_thread.await.unwrap().unwrap_err();
    let mut all = Vec::new();
    loop {
        let some = tail.read(7).await.unwrap();
        if some.is_empty() {
            break;
        }
        all.extend(some);
    }
    assert_eq!(all, events);
}
