//! The server, the host or the agent is lost at any moment: what is found out then, and what is left.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use ipa_agent::{
    AgentRuntime as _, Answer, Attach, Body, CommandRuntime, RunDir, ScriptedRuntime, StartError, Stop,
};
use ipa_events::Outcome;
use rustix::fs::FlockOperation;
use rustix::process::Signal;
use serde_json::json;

use crate::scripted::{script, scripted};
use crate::support::{
    Place, ann, check, class, command, finished, helper, hosting, kill, next, reread, text, to_end, until,
    wait_for,
};

/// Starts a run from a program of its own, and kills that program.
fn started_by_a_server_that_is_killed(place: &Place, runtime: &str, ready: impl Fn() -> bool) {
    let mut server = Command::new(helper().program)
        .args(["server", place.path().to_str().unwrap(), &place.run.to_string(), runtime])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "started\n");
    let end = std::time::Instant::now() + crate::support::DEADLINE;
    while !ready() {
        assert!(std::time::Instant::now() < end);
        std::thread::yield_now();
    }
    server.kill().unwrap();
    server.wait().unwrap();
}

#[tokio::test]
async fn a_run_outlives_its_server_and_no_line_is_lost_or_doubled() {
    let place = Place::new();
    let go = place.path().join("go");
    let command_line = format!(
        "command:i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); if [ $i = 1000 ]; then while [ ! -e {} ]; do sleep 0.01; done; fi; done",
        go.display()
    );
    let spool = place.run_dir().path().join("spool.jsonl");
    started_by_a_server_that_is_killed(&place, &command_line, || {
        std::fs::read_to_string(&spool).is_ok_and(|it| it.contains("line 500\""))
    });
    let host = place.host();
    let Attach::Live(mut session) = command().attach(place.run_dir()).await.unwrap() else { panic!() };
    assert_eq!(session.identity.as_ref().unwrap().pid, u32::try_from(host).unwrap());
    std::fs::write(&go, "").unwrap();
    let events = to_end(&mut session).await;
    let wanted: Vec<_> = (0..2000).map(|i| format!("line {i}")).collect();
    assert_eq!(text(&events), wanted);
    assert_eq!(reread(&command(), &place, 7).await, events);
    let Attach::Ended(mut again) = command().attach(place.run_dir()).await.unwrap() else { panic!() };
    assert_eq!(to_end(&mut again).await, events);
}

#[tokio::test]
async fn what_was_asked_before_the_server_died_is_answered_once_after_it() {
    let place = Place::new();
    let steps = json!([{"ask_permission": {"tool": "Bash"}}, {"say": "{answer}"}]);
    let runtime = script(&place, &steps);
    let spool = place.run_dir().path().join("spool.jsonl");
    started_by_a_server_that_is_killed(&place, &runtime, || {
        std::fs::read_to_string(&spool).is_ok_and(|it| it.contains("can_use_tool"))
    });
    let Attach::Live(session) = scripted().attach(place.run_dir()).await.unwrap() else { panic!() };
    // Answered before a single event was read, as from the task's own log.
    session.control.answer("ask_tool_1", Answer::Allow).await.unwrap();
    drop(session);
    let Attach::Live(mut session) = scripted().attach(place.run_dir()).await.unwrap() else { panic!() };
    session.control.answer("ask_tool_1", Answer::Allow).await.unwrap();
    let events = wait_for(&mut session, |body| *body == Body::TurnFinished).await;
    assert_eq!(text(&events), ["allowed"]);
    session.control.finish().await.unwrap();
    while next(&mut session).await.is_some() {}
    let spool = std::fs::read_to_string(spool).unwrap();
    assert_eq!(spool.matches("\"k\":\"answer-").count(), 1);
}

#[tokio::test]
async fn a_session_that_is_dropped_leaves_the_run_alone() {
    let place = Place::new();
    let session = command().start(place.spec("command:sleep 0.3; echo done")).await.unwrap();
    let pid = session.identity.clone();
    drop(session);
    let Attach::Live(mut session) = command().attach(place.run_dir()).await.unwrap() else { panic!() };
    assert_eq!(session.identity, pid);
    assert_eq!(text(&to_end(&mut session).await), ["done"]);
}

#[tokio::test]
async fn a_run_whose_host_was_killed_is_lost_and_nothing_of_it_is_left() {
    let place = Place::new();
    let mut session = scripted()
        .start(place.spec(&script(&place, &json!(["double_fork", {"say": "x"}, "hang"]))))
        .await
        .unwrap();
    wait_for(&mut session, |body| matches!(body, Body::Text { .. })).await;
    until("the daemons live", || place.alive().len() >= 4).await;
    kill(place.host(), Signal::KILL);
    // Who follows it finds out by itself.
    let mut events = wait_for(&mut session, |body| matches!(body, Body::Finished(_))).await;
    assert_eq!(class(finished(&events)), "host_lost");
    assert!(place.alive().is_empty());
    let Attach::Ended(mut again) = scripted().attach(place.run_dir()).await.unwrap() else { panic!() };
    events = to_end(&mut again).await;
    check(&events);
    assert_eq!(text(&events), ["x"]);
}

#[tokio::test]
async fn a_lost_run_is_swept_by_who_attaches() {
    let place = Place::new();
    let session =
        command().start(place.spec("command:setsid sleep 1000 & (trap '' INT; sleep 1000)")).await.unwrap();
    until("all of it lives", || place.alive().len() >= 3).await;
    drop(session);
    kill(place.host(), Signal::KILL);
    let lost = loop {
        // The driver of the dropped session may still be about to end.
        match command().attach(place.run_dir()).await.unwrap() {
            Attach::Lost(lost) => break lost,
            Attach::Live(_) | Attach::Starting => tokio::task::yield_now().await,
            Attach::Unclaimed | Attach::Ended(_) => panic!(),
        }
    };
    let mut lost = lost;
    assert_eq!(class(finished(&to_end(&mut lost).await)), "host_lost");
    assert!(place.alive().is_empty());
}

#[tokio::test]
async fn the_program_that_a_host_started_itself_is_interrupted_when_the_host_is_gone() {
    let place = Place::new();
    let session = command().start(place.spec("command:exec sleep 1000")).await.unwrap();
    until("it lives", || !place.alive().is_empty()).await;
    drop(session);
    kill(place.host(), Signal::KILL);
    until("it is gone", || place.alive().is_empty()).await;
}

#[tokio::test]
async fn a_second_start_is_refused_and_so_is_a_second_run_in_the_workspace() {
    let place = Place::new();
    let mut session = command().start(place.spec("command:sleep 1000")).await.unwrap();
    let again = command().start(place.spec("command:echo twice")).await;
    assert!(matches!(again, Err(StartError::Claimed(run)) if run == place.run));
    let mut other = place.spec("command:echo other");
    other.dir = RunDir::new(place.path().join("other"));
    let Err(StartError::Host { detail, .. }) = command().start(other.clone()).await else { panic!() };
    assert!(detail.contains("workspace"), "{detail}");
    // What was not started is closed at once.
    let Attach::Ended(mut refused) = command().attach(other.dir.clone()).await.unwrap() else { panic!() };
    assert_eq!(class(finished(&to_end(&mut refused).await)), "spawn");
    session.control.stop(Stop::Interrupted(ann())).await.unwrap();
    assert_eq!(finished(&to_end(&mut session).await).outcome, Outcome::Interrupted { by: ann() });
    other.dir = RunDir::new(place.path().join("third"));
    let mut third = command().start(other).await.unwrap();
    assert_eq!(text(&to_end(&mut third).await), ["other"]);
}

#[tokio::test]
async fn a_forged_or_reused_pid_is_not_signalled() {
    let place = Place::new();
    let mut stranger = Command::new("sleep").arg("1000").spawn().unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", stranger.id())).unwrap();
    let start: u64 = stat.rsplit(')').next().unwrap().split_whitespace().nth(19).unwrap().parse().unwrap();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    for (start_time, boot_id) in [(start, boot.trim()), (start + 1, boot.trim()), (start, "another boot")] {
        let dir = place.path().join(format!("{start_time}{}", boot_id.len()));
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(dir.join("claim"), json!({"run": place.run}).to_string()).unwrap();
        let host = json!({"pid": stranger.id(), "start_time": start_time, "boot_id": boot_id});
        std::fs::write(dir.join("host.json"), host.to_string()).unwrap();
        let Attach::Lost(mut lost) = command().attach(RunDir::new(dir)).await.unwrap() else { panic!() };
        assert_eq!(class(finished(&to_end(&mut lost).await)), "host_lost");
    }
    assert!(stranger.try_wait().unwrap().is_none());
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[tokio::test]
async fn a_claim_without_a_host_is_awaited_then_revoked() {
    let place = Place::new();
    let dir = place.run_dir().path().to_owned();
    assert!(matches!(command().attach(place.run_dir()).await.unwrap(), Attach::Unclaimed));
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("claim"), json!({"run": place.run}).to_string()).unwrap();
    let held = std::fs::File::open(dir.join("claim")).unwrap();
    rustix::fs::flock(&held, FlockOperation::LockExclusive).unwrap();
    assert!(matches!(command().attach(place.run_dir()).await.unwrap(), Attach::Starting));
    drop(held);
    let Attach::Lost(mut lost) = command().attach(place.run_dir()).await.unwrap() else { panic!() };
    assert_eq!(class(finished(&to_end(&mut lost).await)), "spawn");
    assert!(matches!(command().start(place.spec("command:true")).await, Err(StartError::Claimed(_))));
}

#[tokio::test]
async fn a_run_that_nobody_follows_ends_itself() {
    let place = Place::new();
    let runtime = CommandRuntime::new(hosting().with_alone(Duration::from_millis(200)));
    drop(runtime.start(place.spec("command:sleep 1000")).await.unwrap());
    until("it ended itself", || place.run_dir().path().join("exit.json").exists()).await;
    let Attach::Ended(mut session) = runtime.attach(place.run_dir()).await.unwrap() else { panic!() };
    assert_eq!(class(finished(&to_end(&mut session).await)), "total_timeout");
    assert!(place.alive().is_empty());
}

#[tokio::test]
async fn a_run_whose_folder_was_removed_ends_itself() {
    for followed in [true, false] {
        let place = Place::new();
        let mut session = command().start(place.spec("command:echo up; sleep 1000")).await.unwrap();
        wait_for(&mut session, |body| matches!(body, Body::Text { .. })).await;
        assert!(!place.alive().is_empty());
        std::fs::remove_dir_all(place.run_dir().path()).unwrap();
        if followed {
            let events = wait_for(&mut session, |body| matches!(body, Body::Finished(_))).await;
            assert_eq!(class(finished(&events)), "host_lost");
            assert!(place.alive().is_empty());
        }
        drop(session);
        until("nothing of it lives", || place.alive().is_empty()).await;
    }
}

#[tokio::test]
async fn a_run_whose_spool_is_gone_still_says_that_it_ended() {
    let place = Place::new();
    to_end(&mut command().start(place.spec("command:echo done")).await.unwrap()).await;
    std::fs::remove_file(place.run_dir().path().join("spool.jsonl")).unwrap();
    let Attach::Ended(mut session) = command().attach(place.run_dir()).await.unwrap() else { panic!() };
    assert_eq!(to_end(&mut session).await.len(), 1);
}

#[tokio::test]
async fn an_agent_that_finished_while_nobody_was_there_keeps_its_verdict() {
    let place = Place::new();
    let runtime = ScriptedRuntime::new(hosting().with_alone(Duration::from_millis(200)));
    let steps = json!([{"say": "done"}]);
    let mut session = runtime.start(place.spec(&script(&place, &steps))).await.unwrap();
    wait_for(&mut session, |body| *body == Body::TurnFinished).await;
    drop(session);
    until("it ended itself", || place.run_dir().path().join("exit.json").exists()).await;
    let Attach::Ended(mut session) = runtime.attach(place.run_dir()).await.unwrap() else { panic!() };
    assert_eq!(finished(&to_end(&mut session).await).outcome, Outcome::Completed);
}
