//! What was recorded from the real program, read back through the fold; and what was never recorded.

use std::path::Path;

use ipa_agent::{AgentEvent, AgentRuntime as _, Body, RunDir, ScriptedRuntime};
use ipa_events::{Role, RunId, TaskId};
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{check, finished, helper};

/// A run's folder, made of lines.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(spool: &[u8], exit: &Value) -> Self {
        let folder = Self(tempfile::TempDir::new().unwrap());
        std::fs::write(folder.0.path().join("spool.jsonl"), spool).unwrap();
        folder.end(exit, spool.len());
        folder
    }

    fn end(&self, exit: &Value, spool_len: usize) {
        let mut exit = exit.clone();
        exit["spool_len"] = json!(spool_len);
        exit["ended"] = json!("exited");
        exit["swept"] = json!(0);
        exit["left"] = json!(0);
        std::fs::write(self.0.path().join("exit.json"), exit.to_string()).unwrap();
    }

    async fn read(&self, max: usize) -> Vec<AgentEvent> {
        let mut tail = ScriptedRuntime::new(helper()).tail(RunDir::new(self.0.path().to_owned()));
        let mut all = Vec::new();
        loop {
            let events = tail.read(max).await.unwrap();
            if events.is_empty() {
                return all;
            }
            all.extend(events);
        }
    }
}

pub fn began() -> String {
    let run = RunId::new(TaskId::new(Uuid::from_u128(1)), 1);
    let began = json!({"began": {
        "run": run, "role": Role::Develop, "session": "fresh", "policy": {"allow": []},
        "limits": ipa_agent::RunLimits::default(), "stdin": "stays_open",
    }});
    record(0, "c", None, &began.to_string())
}

pub fn record(t: u64, source: &str, key: Option<&str>, line: &str) -> String {
    let mut record = json!({"n": 1, "t": t, "s": source, "l": line});
    if let Some(key) = key {
        record["k"] = json!(key);
    }
    format!("{record}\n")
}

/// A line of a recording: the message as the program printed it, its keys in its own order.
#[derive(serde::Deserialize)]
struct Raw<'a> {
    #[serde(borrow, default)]
    msg: Option<&'a RawValue>,
}

/// Makes a spool of a recording.
fn spool(recording: &str) -> (String, Value) {
    let (mut spool, mut exit) = (began(), json!({"code": null, "signal": 9}));
    for (n, line) in recording.lines().enumerate() {
        let raw: Raw<'_> = serde_json::from_str(line).unwrap();
        let line: Value = serde_json::from_str(line).unwrap();
        let t = (line["t"].as_f64().unwrap_or_default() * 1000.0) as u64;
        let text = raw.msg.map(RawValue::get).unwrap_or_default().to_owned();
        match line["dir"].as_str().unwrap() {
            "out" => spool += &record(t, "o", None, &text),
            "err" => spool += &record(t, "e", None, line["text"].as_str().unwrap()),
            "in" => {
                let key = match line["msg"]["response"]["request_id"].as_str() {
                    Some(id) => format!("answer-{id}"),
                    None => format!("message-{n}"),
                };
                spool += &record(t, "i", Some(&key), &text);
            }
            "exit" => {
                let rc = line["rc"].as_i64().unwrap();
                exit = json!({"code": (rc >= 0).then_some(rc), "signal": (rc < 0).then_some(-rc)});
            }
            _ => {}
        }
    }
    (spool, exit)
}

fn shown(events: &[AgentEvent]) -> String {
    let line = |event: &AgentEvent| {
        let mut text = serde_json::to_string(&event.body).unwrap();
        if let Some((at, _)) = text.char_indices().nth(240) {
            text.truncate(at);
            text.push('…');
        }
        text
    };
    events.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn every_recording_of_the_real_program_gives_the_events_that_it_gave() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut names: Vec<_> = std::fs::read_dir(fixtures).unwrap().map(|it| it.unwrap().path()).collect();
    names.sort();
    assert_eq!(names.len(), 24);
    for path in names {
        let (spool, exit) = spool(&std::fs::read_to_string(&path).unwrap());
        let folder = Folder::new(spool.as_bytes(), &exit);
        let events = folder.read(1000).await;
        check(&events);
        assert_eq!(folder.read(1).await, events);
        let unknown: Vec<_> = events.iter().filter(|it| matches!(it.body, Body::Unknown { .. })).collect();
        assert!(unknown.is_empty(), "{}: {unknown:?}", path.display());
        insta::assert_snapshot!(path.file_stem().unwrap().to_str().unwrap(), shown(&events));
    }
}

#[tokio::test]
async fn what_a_process_used_is_counted_once() {
    let three = include_str!("../fixtures/claude-02-multiturn-permission-partial.jsonl");
    let (spool, exit) = spool(three);
    let events = Folder::new(spool.as_bytes(), &exit).read(1000).await;
    assert_eq!(finished(&events).usage.cost_microusd, 3120);
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let message = prop::sample::select(
        include_str!("../fixtures/claude-18-permission-late-and-interrupted.jsonl")
            .lines()
            .collect::<Vec<_>>(),
    )
    .prop_map(|line| serde_json::from_str::<Value>(line).unwrap()["msg"].to_string());
    let source = prop::sample::select(vec!["o", "e", "i", "c", "x"]);
    let key = prop::option::of(prop::sample::select(vec![
        "stop",
        "prompt",
        "answer-a",
        "answer-aa64ae9d-e999-47dc-b7a9-43baf6c5e82f",
    ]));
    let text = prop_oneof![
        4 => message,
        1 => any::<String>(),
        1 => Just(r#"{"type":"assistant","message":{"content":[{"type":7},{}]}}"#.to_owned()),
        1 => Just(r#"{"type":"control_request"}"#.to_owned()),
        1 => Just(r#"{"stop":{"why":"silence"}}"#.to_owned()),
    ];
    let more = prop::bool::weighted(0.1);
    let real = (any::<u32>(), source, key, text, more).prop_map(|(t, source, key, text, more)| {
        let mut line = record(u64::from(t), source, key, &text);
        if more {
            line = line.replacen('{', r#"{"p":1,"#, 1);
        }
        line.into_bytes()
    });
    prop_oneof![9 => real, 1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(|mut it| { it.push(b'\n'); it })]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn no_bytes_break_the_fold_and_the_read_sizes_do_not_matter(
        lines in prop::collection::vec(line(), 0..30),
        cuts in prop::collection::vec(1_usize..4000, 1..8),
        max in 1_usize..9,
    ) {
        let spool: Vec<u8> = began().into_bytes().into_iter().chain(lines.concat()).collect();
        let exit = json!({"code": 0, "signal": null});
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let whole = Folder::new(&spool, &exit).read(10_000).await;
            check(&whole);
            // The same, read while it grows.
            let folder = Folder::new(b"", &exit);
            std::fs::remove_file(folder.0.path().join("exit.json")).unwrap();
            let mut tail = ScriptedRuntime::new(helper()).tail(RunDir::new(folder.0.path().to_owned()));
            let (mut grown, mut at, mut cut) = (Vec::new(), 0, cuts.iter().cycle());
            loop {
                let events = tail.read(max).await.unwrap();
                if !events.is_empty() {
                    grown.extend(events);
                    continue;
                }
                if at == spool.len() {
                    if folder.0.path().join("exit.json").exists() {
                        break;
                    }
                    folder.end(&exit, at);
                    continue;
                }
                at = (at + cut.next().unwrap()).min(spool.len());
                std::fs::write(folder.0.path().join("spool.jsonl"), &spool[..at]).unwrap();
            }
            assert_eq!(grown, whole);
        });
    }
}
