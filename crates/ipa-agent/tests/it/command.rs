//! `command:` behind the real host: what it gets, what it leaves, how it ends.

use std::os::unix::fs::PermissionsExt as _;

use ipa_agent::{AgentRuntime as _, Answer, Asked, Attach, Body, RunDir, StartError, Stop};
use ipa_events::{Outcome, Retry, Role};
use rustix::fs::FlockOperation;
use serde_json::json;

use crate::support::{Place, ann, class, command, finished, next, reread, text, to_end, until, wait_for};

#[tokio::test]
async fn a_command_gets_its_prompt_and_its_lines_come_as_text() {
    let place = Place::new();
    let runtime = command();
    let mut session = runtime.start(place.spec("command:cat; echo; echo bye; echo oops >&2")).await.unwrap();
    let events = to_end(&mut session).await;
    assert_eq!(text(&events), ["do it", "bye"]);
    assert!(events.iter().any(|it| matches!(&it.body, Body::Diagnostic { text } if &**text == "oops")));
    let end = finished(&events);
    assert_eq!((&end.outcome, end.exit_code), (&Outcome::Completed, Some(0)));
    assert_eq!(end.product.as_deref(), Some("do it\nbye\n"));
    assert_eq!(reread(&runtime, &place, 2).await, events);
    assert!(place.alive().is_empty());
}

#[tokio::test]
async fn the_document_is_the_file_at_its_output_if_there_is_one() {
    let place = Place::new();
    let mut session =
        command().start(place.spec("command:echo said; echo written > $IPA_OUTPUT")).await.unwrap();
    assert_eq!(finished(&to_end(&mut session).await).product.as_deref(), Some("written\n"));
    // What is read later is what was there at the end.
    std::fs::write(place.path().join("output.md"), "changed").unwrap();
    assert_eq!(finished(&reread(&command(), &place, 9).await).product.as_deref(), Some("written\n"));
}

#[tokio::test]
async fn a_document_that_is_a_link_is_not_read() {
    for line in [
        "command:ln -s ../secret/output.md $IPA_OUTPUT; echo said",
        "command:cd $(dirname $IPA_OUTPUT); rmdir ../out; ln -s secret ../out; echo said",
    ] {
        let place = Place::new();
        std::fs::create_dir(place.path().join("secret")).unwrap();
        std::fs::write(place.path().join("secret/output.md"), "canary").unwrap();
        std::fs::create_dir(place.path().join("out")).unwrap();
        let mut spec = place.spec(line);
        spec.output = place.path().join("out/output.md");
        let events = to_end(&mut command().start(spec.clone()).await.unwrap()).await;
        assert_eq!(std::fs::read_to_string(&spec.output).unwrap(), "canary");
        assert_eq!(finished(&events).product.as_deref(), Some("said\n"), "{line}");
    }
}

#[tokio::test]
async fn exit_codes_say_how_a_command_went_and_a_check_is_complete_with_any() {
    for (line, role, wanted, code) in [
        ("command:exit 0", Role::Develop, "completed", Some(0)),
        ("command:exit 3", Role::Develop, "agent_error", Some(3)),
        ("command:exit 75", Role::Develop, "agent_error", Some(75)),
        ("command:no-such-program", Role::Develop, "misconfigured", Some(127)),
        ("command:kill -9 $$", Role::Develop, "crashed", None),
        ("command:exit 3", Role::Check, "completed", Some(3)),
        ("command:exit 1", Role::Check, "completed", Some(1)),
        ("command:kill -9 $$", Role::Check, "crashed", None),
        // Nothing was run: no evidence.
        ("command:exit 125", Role::Develop, "misconfigured", Some(125)),
        ("command:exit 125", Role::Check, "misconfigured", Some(125)),
        ("command:./no-program", Role::Check, "misconfigured", Some(127)),
        ("command:/dev/null", Role::Check, "misconfigured", Some(126)),
    ] {
        let place = Place::new();
        let mut spec = place.spec(line);
        spec.role = role;
        let mut session = command().start(spec).await.unwrap();
        let events = to_end(&mut session).await;
        let end = finished(&events);
        assert_eq!((class(end).as_str(), end.exit_code), (wanted, code), "{line} {role}");
    }
}

#[tokio::test]
async fn events_of_a_command_come_as_events_and_it_can_ask() {
    let place = Place::new();
    let script = r#"read prompt; echo "$prompt"
echo '{"ipa":{"tool":{"id":"1","tool":"make","input":{"a":1}}}}'
echo '{"ipa":{"tool_result":{"id":"1","output":"ok"}}}'
echo '{"ipa":{"usage":{"input_tokens":1,"output_tokens":2,"cost_microusd":3}}}'
echo '{"ipa":{"question":{"key":"q","text":"Which?","choices":["a","b"]}}}'; read answer; echo "$answer"
echo '{"ipa":{"permission":{"key":"p","tool":"rm","input":{}}}}'; read answer; echo "$answer"
echo '{"ipa":{"new":{}}}'; read message; echo "$message""#;
    std::fs::write(place.work().join("agent.sh"), script).unwrap();
    let mut spec = place.spec("command:sh agent.sh");
    spec.env.insert("IPA_STDIN".into(), "open".into());
    let mut session = command().start(spec).await.unwrap();
    let asked = |body: &Body| matches!(body, Body::Asked(_));
    let mut events = wait_for(&mut session, asked).await;
    assert!(
        matches!(&events.last().unwrap().body, Body::Asked(Asked::Question { choices, .. }) if choices.len() == 2)
    );
    assert!(session.control.answer("q", Answer::Allow).await.is_err());
    session.control.answer("q", Answer::Text("a".into())).await.unwrap();
    events.extend(wait_for(&mut session, asked).await);
    session.control.answer("p", Answer::Deny("no".into())).await.unwrap();
    events.extend(
        wait_for(&mut session, |body| matches!(body, Body::Unknown { kind } if &**kind == "ipa/new")).await,
    );
    session.control.send("m", "more").await.unwrap();
    while let Some(event) = next(&mut session).await {
        events.push(event);
    }
    crate::support::check(&events);
    let heard: Vec<serde_json::Value> =
        text(&events).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        heard,
        [
            json!({"prompt": "do it"}),
            json!({"answer": {"key": "q", "text": "a"}}),
            json!({"answer": {"key": "p", "deny": "no"}}),
            json!({"message": "more"})
        ]
    );
    assert_eq!(finished(&events).usage.cost_microusd, 3);
}

#[tokio::test]
async fn a_question_that_cannot_be_answered_is_not_asked() {
    let place = Place::new();
    let line = r#"command:echo '{"ipa":{"question":{"key":"q","text":"Which?"}}}'"#;
    let events = to_end(&mut command().start(place.spec(line)).await.unwrap()).await;
    assert!(
        events.iter().any(|it| matches!(&it.body, Body::Diagnostic { text } if text.contains("IPA_STDIN")))
    );
    assert!(!events.iter().any(|it| matches!(it.body, Body::Asked(_))));
}

#[tokio::test]
async fn no_process_of_a_run_outlives_it_on_its_natural_end_either() {
    let place = Place::new();
    // An orphan with a session of its own, one that is deaf, two generations of orphans, one without its environment.
    let line = "command:setsid sleep 1000 & (trap '' TERM HUP INT; sleep 1000) & \
                (setsid sh -c 'sleep 1000 & sleep 1000' &) ; env -i sleep 1000 & \
                while [ ! -e go ]; do sleep 0.01; done; echo ready";
    let mut session = command().start(place.spec(line)).await.unwrap();
    let host = place.host();
    let sleeping = || descendants(host).into_iter().filter(|pid| is_long_sleep(*pid)).collect::<Vec<_>>();
    until("they live", || sleeping().len() == 5).await;
    let tree = sleeping();
    std::fs::write(place.work().join("go"), "").unwrap();
    let events = to_end(&mut session).await;
    assert_eq!(finished(&events).outcome, Outcome::Completed);
    assert!(place.alive().is_empty());
    assert!(!tree.into_iter().any(is_long_sleep));
}

fn is_long_sleep(pid: i32) -> bool {
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|it| it == b"sleep\x001000\0")
}

/// Pids of all that descends from a process.
fn descendants(root: i32) -> Vec<i32> {
    let mut family = vec![root];
    let mut at = 0;
    while at < family.len() {
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|it| it.parse::<i32>().ok()) else {
                continue;
            };
            let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
            let parent: i32 =
                stat.rsplit(')').next().unwrap().split_whitespace().nth(1).unwrap().parse().unwrap();
            if parent == family[at] && !family.contains(&pid) {
                family.push(pid);
            }
        }
        at += 1;
    }
    family.split_off(1)
}

#[tokio::test]
async fn a_stopped_command_ends_with_all_that_it_started() {
    let place = Place::new();
    let mut session =
        command().start(place.spec("command:trap '' INT TERM; sleep 1000 & sleep 1000")).await.unwrap();
    until("it lives", || place.alive().len() >= 3).await;
    session.control.stop(Stop::Interrupted(ann())).await.unwrap();
    assert_eq!(finished(&to_end(&mut session).await).outcome, Outcome::Interrupted { by: ann() });
    assert!(place.alive().is_empty());
}

#[tokio::test]
async fn an_agent_finds_nothing_in_its_environment_but_what_it_was_given() {
    let place = Place::new();
    let line = r"command:tr '\0' '\n' < /proc/$$/environ | cut -d= -f1 | sort";
    let mut spec = place.spec(line);
    spec.env.insert("ALLOWED".into(), "x".into());
    let events = to_end(&mut command().start(spec).await.unwrap()).await;
    assert_eq!(text(&events), ["ALLOWED", "IPA_OUTPUT", "IPA_ROLE", "IPA_RUN_ID", "IPA_TASK", "PATH"]);
}

#[tokio::test]
async fn a_secret_in_the_environment_is_in_no_file_and_no_argument() {
    let place = Place::new();
    let mut spec = place.spec("command:test -n \"$KEY\" && echo has it; sleep 1000");
    spec.env.insert("KEY".into(), "canary-4711".into());
    let mut session = command().start(spec).await.unwrap();
    wait_for(&mut session, |body| matches!(body, Body::Text { .. })).await;
    let holds = |bytes: Vec<u8>| bytes.windows(11).any(|window| window == b"canary-4711");
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        assert!(!std::fs::read(entry.path().join("cmdline")).is_ok_and(holds), "{:?}", entry.path());
    }
    // Nor in the environment of the host, which lives as long as the agent, and has none at all.
    assert!(std::fs::read(format!("/proc/{}/environ", place.host())).unwrap().is_empty());
    session.control.stop(Stop::Interrupted(ann())).await.unwrap();
    while next(&mut session).await.is_some() {}
    let mut files = 0;
    let is_file = |entry: &std::fs::DirEntry| entry.file_type().unwrap().is_file();
    for entry in std::fs::read_dir(place.run_dir().path()).unwrap().flatten().filter(is_file) {
        files += 1;
        assert!(!holds(std::fs::read(entry.path()).unwrap()), "{:?}", entry.path());
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.path());
    }
    assert!(files >= 4);
}

#[tokio::test]
async fn nothing_that_the_server_holds_open_is_held_open_by_a_run() {
    let place = Place::new();
    let lock = std::fs::File::create(place.path().join("data.lock")).unwrap();
    rustix::fs::flock(&lock, FlockOperation::LockExclusive).unwrap();
    let line = "command:ls -l /proc/$$/fd; echo up; sleep 1000";
    let mut session = command().start(place.spec(line)).await.unwrap();
    let events = wait_for(&mut session, |body| matches!(body, Body::Text { text } if &**text == "up")).await;
    let held: Vec<_> =
        text(&events).into_iter().filter(|it| it.contains(place.path().to_str().unwrap())).collect();
    assert!(held.is_empty(), "{held:?}");
    drop(lock);
    let again = std::fs::File::open(place.path().join("data.lock")).unwrap();
    rustix::fs::flock(&again, FlockOperation::NonBlockingLockExclusive).unwrap();
    session.control.stop(Stop::Interrupted(ann())).await.unwrap();
    wait_for(&mut session, |body| matches!(body, Body::Finished(_))).await;
}

#[tokio::test]
async fn a_run_works_in_a_folder_that_is_too_deep_for_a_socket() {
    let place = Place::new();
    let mut spec = place.spec("command:echo deep; sleep 1000");
    let mut deep = place.path().to_owned();
    for _ in 0..6 {
        deep.push("a-folder-with-a-rather-long-name-0123456789");
    }
    spec.dir = RunDir::new(deep.clone());
    drop(command().start(spec).await.unwrap());
    let Attach::Live(mut session) = command().attach(RunDir::new(deep)).await.unwrap() else { panic!() };
    wait_for(&mut session, |body| matches!(body, Body::Text { .. })).await;
    session.control.stop(Stop::Interrupted(ann())).await.unwrap();
    let events = wait_for(&mut session, |body| matches!(body, Body::Finished(_))).await;
    assert_eq!(finished(&events).outcome, Outcome::Interrupted { by: ann() });
}

#[tokio::test]
async fn what_cannot_be_started_is_said_at_the_start_and_leaves_nothing() {
    let place = Place::new();
    let mut spec = place.spec("command:true");
    spec.prefix = vec!["no-such-sandbox".into()];
    let Err(StartError::Misconfigured(detail)) = command().start(spec).await else { panic!() };
    assert!(detail.contains("no-such-sandbox"));
    let mut spec = place.spec("command:true");
    spec.cwd = place.path().join("nowhere");
    assert!(matches!(command().start(spec).await, Err(StartError::Misconfigured(_))));
    assert!(matches!(command().start(place.spec("command")).await, Err(StartError::Misconfigured(_))));
    assert!(!place.run_dir().path().exists());
    let mut session = command().start(place.spec("command:true")).await.unwrap();
    assert_eq!(finished(&to_end(&mut session).await).outcome, Outcome::Completed);
}

#[tokio::test]
async fn the_prefix_comes_before_the_agent() {
    let place = Place::new();
    let mut spec = place.spec("command:echo $WRAPPED");
    spec.prefix = vec!["env".into(), "WRAPPED=yes".into()];
    assert_eq!(text(&to_end(&mut command().start(spec).await.unwrap()).await), ["yes"]);
}

#[tokio::test]
async fn a_command_that_prints_without_end_is_ended() {
    let place = Place::new();
    let mut spec = place.spec("command:yes");
    spec.limits.output_bytes = 2_000_000;
    let mut session = command().start(spec).await.unwrap();
    let mut last = None;
    while let Some(event) = next(&mut session).await {
        last = Some(event);
    }
    assert_eq!(class(finished(&[last.unwrap()])), "output_quota");
    let spool = place.run_dir().path().join("spool.jsonl").metadata().unwrap().len();
    assert!(spool < 20_000_000, "{spool}");
    assert!(place.alive().is_empty());
}

#[tokio::test]
async fn a_command_that_reads_nothing_does_not_block_its_host() {
    let place = Place::new();
    let mut spec = place.spec("command:echo up; sleep 1000");
    spec.prompt = "x".repeat(8 * 1024 * 1024).into();
    let mut session = command().start(spec).await.unwrap();
    wait_for(&mut session, |body| matches!(body, Body::Text { .. })).await;
    session.control.stop(Stop::Interrupted(ann())).await.unwrap();
    let events = wait_for(&mut session, |body| matches!(body, Body::Finished(_))).await;
    assert_eq!(finished(&events).outcome, Outcome::Interrupted { by: ann() });
}

#[tokio::test]
async fn a_prompt_of_eight_megabytes_reaches_a_command() {
    let place = Place::new();
    let mut spec = place.spec("command:wc -c");
    spec.prompt = "x".repeat(8 * 1024 * 1024).into();
    let events = to_end(&mut command().start(spec).await.unwrap()).await;
    assert_eq!(text(&events), ["8388608"]);
    assert_eq!(json!(finished(&events))["outcome"]["result"], "completed");
}

#[tokio::test]
async fn a_command_may_work_before_it_says_anything() {
    let place = Place::new();
    let mut spec = place.spec("command:sleep 0.5; echo done");
    spec.limits.startup = std::time::Duration::from_millis(100);
    let events = to_end(&mut command().start(spec).await.unwrap()).await;
    assert_eq!(text(&events), ["done"]);
}

#[tokio::test]
async fn a_run_that_takes_too_long_in_all_is_ended() {
    let place = Place::new();
    let mut spec = place.spec("command:while true; do echo on; sleep 0.05; done");
    spec.limits.total = std::time::Duration::from_millis(300);
    let events = to_end(&mut command().start(spec).await.unwrap()).await;
    assert_eq!(class(finished(&events)), "total_timeout");
    assert!(place.alive().is_empty());
}

#[tokio::test]
async fn what_could_not_be_run_says_why_in_its_own_words() {
    let place = Place::new();
    let line = "command:echo first >&2; echo 'sandbox: no such folder' >&2; echo >&2; exit 125";
    let events = to_end(&mut command().start(place.spec(line)).await.unwrap()).await;
    let Outcome::Failed { detail, retry, .. } = &finished(&events).outcome else { panic!() };
    assert!(detail.ends_with("(exit code 125): sandbox: no such folder"), "{detail}");
    assert_eq!(*retry, Retry::Human);
}

#[tokio::test]
async fn what_is_asked_twice_under_one_key_is_asked_once_and_said() {
    let place = Place::new();
    let ask = r#"echo '{"ipa":{"permission":{"key":"p","tool":"rm","input":{}}}}'"#;
    let mut spec = place.spec(&format!("command:{ask}; read prompt; {ask}; read answer; {ask}"));
    spec.env.insert("IPA_STDIN".into(), "open".into());
    let mut session = command().start(spec).await.unwrap();
    let mut events = wait_for(&mut session, |body| matches!(body, Body::Diagnostic { .. })).await;
    session.control.answer("p", Answer::Allow).await.unwrap();
    while let Some(event) = next(&mut session).await {
        events.push(event);
    }
    crate::support::check(&events);
    let said = |it: &&ipa_agent::AgentEvent| matches!(&it.body, Body::Diagnostic { text } if text.contains("second time under the key p"));
    assert_eq!(events.iter().filter(said).count(), 2);
    assert_eq!(events.iter().filter(|it| matches!(it.body, Body::Asked(_))).count(), 1);
}
