//! What is written stays readable: the JSON of every event type, and the shape of a snapshot.

use std::collections::{BTreeMap, BTreeSet};

use ipa_events::store::{MemoryStore, NewRecord, Position, RawRecord, Version};
use ipa_events::{
    Codec, Ctx, EventId, STATE_SCHEMA, Stamped, TaskEvent, TaskState, TaskWriter, Upcaster, Upcasters, Via,
    load,
};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::support::examples::every_event;
use crate::support::picks::pick;
use crate::support::story::ann;
use crate::support::{at, command, everything, stream};

/// One line per form of an event: `type/form payload`.
const GOLDEN: &str = include_str!("snapshots/it__golden__events.snap");

fn golden() -> impl Iterator<Item = &'static str> {
    // What comes before is the head of the snapshot file.
    GOLDEN.splitn(3, "---\n").last().unwrap().lines()
}

fn stamped(event: TaskEvent) -> Stamped<TaskEvent> {
    let ctx = Ctx::new(command("golden"), at(), ann(), Via::Cli);
    Stamped::stamp(&ctx, vec![event]).remove(0)
}

fn raw(record: NewRecord) -> RawRecord {
    RawRecord {
        position: Position::new(1),
        stream: stream("story"),
        version: Version::new(1),
        id: EventId { command: command("golden"), index: 0 },
        recorded_at: at(),
        record,
    }
}

/// Orders the keys of objects, which have no order of their own: another crate's features may change it.
fn ordered(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<String, Value> = fields.into_iter().collect();
            Value::Object(fields.into_iter().map(|(name, value)| (name, ordered(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(ordered).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

fn line(record: &NewRecord) -> String {
    let payload = ordered(serde_json::from_str(&record.payload).unwrap());
    format!("{}/{} {payload}", record.kind, record.schema_version)
}

#[test]
fn every_event_type_is_written_as_the_golden_file_says() {
    let written: Vec<String> = every_event()
        .into_iter()
        .map(|event| line(&Codec::default().encode(&stamped(event)).unwrap()))
        .collect();
    // From the first tagged release on a line is for ever: a new form is a new line, and an upcaster.
    insta::assert_snapshot!("events", written.join("\n"));
}

#[test]
fn every_line_of_the_golden_file_reads_back() {
    assert_eq!(golden().count(), every_event().len());
    for (line, event) in golden().zip(every_event()) {
        let (kind, payload) = line.split_once(' ').unwrap();
        let (kind, form) = kind.split_once('/').unwrap();
        let mut record = Codec::default().encode(&stamped(event.clone())).unwrap();
        record.kind = kind.to_owned();
        record.schema_version = form.parse().unwrap();
        record.payload = payload.to_owned();
        assert_eq!(Codec::default().decode(&raw(record)).unwrap(), stamped(event));
    }
}

#[test]
fn the_golden_file_has_every_event_type_and_random_histories_do_too() {
    let golden: BTreeSet<String> = every_event().iter().map(TaskEvent::kind).collect();
    // No event that is decided is missing in the golden file, and none of its types is never decided.
    let mut runner = TestRunner::deterministic();
    let mut met = BTreeSet::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for n in 0..400 {
        let picks = proptest::collection::vec(pick(), 60..150).new_tree(&mut runner).unwrap().current();
        let store = MemoryStore::new().store();
        runtime.block_on(crate::properties::live(&store, crate::support::task(&n.to_string()), &picks));
        met.extend(runtime.block_on(everything(&store)).into_iter().map(|raw| raw.record.kind));
        if met == golden {
            return;
        }
    }
    assert_eq!(met, golden);
}

/// Lists where values are in a JSON document, and of what kind.
fn shape(at: &str, value: &Value, found: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(items) => {
            for item in items {
                shape(&format!("{at}[]"), item, found);
            }
            "list"
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let named = at.ends_with(".workspaces");
                shape(&format!("{at}.{}", if named { "*" } else { name }), value, found);
            }
            "object"
        }
    };
    found.entry(at.to_owned()).or_default().insert(kind);
}

#[test]
fn the_shape_of_a_state_is_bound_to_its_schema() {
    let mut runner = TestRunner::deterministic();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut found = BTreeMap::new();
    for n in 0..300 {
        let picks = proptest::collection::vec(pick(), 60..120).new_tree(&mut runner).unwrap().current();
        let store = MemoryStore::new().store();
        let id = crate::support::task(&n.to_string());
        for live in runtime.block_on(crate::properties::live(&store, id, &picks)) {
            shape("", &serde_json::to_value(&*live.state).unwrap(), &mut found);
        }
    }
    let lines = found
        .iter()
        .map(|(at, kinds)| format!("{at}: {}", kinds.iter().copied().collect::<Vec<_>>().join(", ")));
    let lines: Vec<String> = lines.collect();
    // Changed on purpose? Then count STATE_SCHEMA up: an old snapshot must not be read as a new one.
    insta::assert_snapshot!(format!("state_schema {STATE_SCHEMA}\n{}", lines.join("\n")));
}

const CHAIN: Upcasters = Upcasters::new(&[
    // Form 1 had one text; form 2 a text and its author; form 3 numbers the message.
    Upcaster { kind: "message.posted", from: 1, step: |payload| json!({ "text": payload, "by": "nobody" }) },
    Upcaster {
        kind: "message.posted",
        from: 2,
        step: |payload| json!({ "text": payload["text"], "message": 1 }),
    },
]);

#[test]
fn old_forms_are_brought_up_to_date_step_by_step() {
    let codec = Codec::with_upcasters(CHAIN);
    let event = TaskEvent::MessagePosted { message: 1, text: "hello".into() };
    let current = codec.encode(&stamped(event.clone())).unwrap();
    assert_eq!(current.schema_version, 3);
    let form = |schema_version, payload: Value| {
        codec.decode(&raw(NewRecord { schema_version, payload: payload.to_string(), ..current.clone() }))
    };
    for old in [form(1, json!("hello")), form(2, json!({ "text": "hello", "by": "ann" }))] {
        assert_eq!(old.unwrap().event, event);
    }
    assert_eq!(form(3, json!({ "text": "hello", "message": 1 })).unwrap().event, event);
    let newer = form(4, json!({})).unwrap_err();
    assert!(newer.to_string().contains("written by a newer ipa"), "{newer}");
    assert!(form(0, json!({})).unwrap_err().to_string().contains("no step"));
    // A type without steps is left as it is.
    let other = codec.encode(&stamped(TaskEvent::Resumed {})).unwrap();
    assert_eq!(other.schema_version, 1);
    assert_eq!(codec.decode(&raw(other)).unwrap().event, TaskEvent::Resumed {});
}

#[test]
fn a_record_that_is_not_understood_says_what_and_why() {
    let record = Codec::default().encode(&stamped(TaskEvent::Resumed {})).unwrap();
    let unknown = NewRecord { kind: "task.teleported".to_owned(), ..record.clone() };
    let broken =
        NewRecord { kind: "task.reopened".to_owned(), payload: r#"{"phase":7}"#.into(), ..record.clone() };
    let sneaky = NewRecord { payload: r#"{},"x":{}"#.to_owned(), ..record.clone() };
    let nobody = NewRecord { actor: "nobody".to_owned(), ..record };
    for (record, says) in
        [(unknown, "task.teleported"), (broken, "task.reopened"), (sneaky, "not JSON"), (nobody, "actor")]
    {
        let unreadable = Codec::default().decode(&raw(record)).unwrap_err();
        assert!(unreadable.to_string().contains(says), "{unreadable}");
        assert_eq!(unreadable.position, Position::new(1));
    }
}

#[tokio::test]
async fn a_snapshot_of_another_form_costs_a_replay_only() {
    let memory = MemoryStore::new();
    let store = memory.store();
    let picks: Vec<_> = {
        let mut runner = TestRunner::deterministic();
        proptest::collection::vec(pick(), 30).new_tree(&mut runner).unwrap().current()
    };
    let id = crate::support::task("t");
    let lived = crate::properties::live(&store, id, &picks).await;
    let last = lived.last().unwrap();
    let version = last.outcome.version;
    for (state_schema, state) in [
        (STATE_SCHEMA + 1, serde_json::to_vec(&TaskState::default()).unwrap()),
        (STATE_SCHEMA, b"{\"no\": \"state\"".to_vec()),
    ] {
        let snapshot = ipa_events::store::Snapshot { version, state_schema, state };
        store.snapshots.save(&stream("t"), snapshot).await.unwrap();
        let loaded = load(&store, &stream("t")).await.unwrap();
        assert_eq!((loaded.version, &loaded.state), (version, &last.state));
    }
    let writer = TaskWriter::open(store, id).await.unwrap();
    assert_eq!(writer.state(), &last.state);
}
