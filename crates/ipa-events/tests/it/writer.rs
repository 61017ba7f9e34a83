//! The one way a command becomes events, and what is derived from them, when something goes wrong.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use ipa_events::store::{
    AppendError, AppendFault, MemoryStore, ModelRow, NewRecord, Position, RawRecord, SqliteOptions,
    SqliteStore, Store, Version,
};
use ipa_events::{
    Codec, Ctx, Envelope, ExecuteError, Executed, LoadError, OpenError, Principal, Problem, Projector,
    SNAPSHOT_EVERY, SUMMARY, StreamId, SummaryRow, TaskCommand, TaskId, TaskWriter, Via, load, load_at,
    summaries, verify,
};

use crate::support::story::{ann, new_task};
use crate::support::{at, command, everything, file, stream, task};

fn envelope(name: &str, body: TaskCommand) -> Envelope<TaskCommand> {
    Envelope { ctx: Ctx::new(command(name), at(), ann(), Via::Cli), body }
}

fn create(id: TaskId) -> TaskCommand {
    TaskCommand::Create(Box::new(new_task(id)))
}

fn say(text: &str) -> TaskCommand {
    TaskCommand::PostMessage { text: text.into() }
}

/// A task with `messages` messages: version 1 and one more for each.
async fn talkative(store: &Store, name: &str, messages: u32) -> TaskWriter {
    let mut writer = TaskWriter::open(store.clone(), task(name)).await.unwrap();
    writer.execute(envelope(&format!("create {name}"), create(task(name)))).await.unwrap();
    for n in 0..messages {
        writer.execute(envelope(&format!("{name} says {n}"), say("hello"))).await.unwrap();
    }
    writer
}

#[tokio::test]
async fn a_command_whose_answer_was_lost_is_found_and_answered() {
    let memory = MemoryStore::new();
    let mut writer = talkative(&memory.store(), "a", 0).await;
    memory.fail_next_append(AppendFault::LostAnswer);
    let outcome = writer.execute(envelope("say", say("hello"))).await.unwrap();
    assert_eq!(outcome, Executed { version: Version::new(2), position: Position::new(2), repeated: true });
    assert_eq!((writer.version(), writer.state().messages.len()), (Version::new(2), 1));
    writer.execute(envelope("say more", say("there"))).await.unwrap();
    assert_eq!(everything(&memory.store()).await.len(), 3);
}

#[tokio::test]
async fn a_command_that_was_not_stored_leaves_the_writer_as_it_was() {
    let memory = MemoryStore::new();
    let mut writer = talkative(&memory.store(), "a", 1).await;
    let before = writer.state().clone();
    memory.fail_next_append(AppendFault::Unavailable);
    let refused = writer.execute(envelope("say", say("hello"))).await.unwrap_err();
    assert!(matches!(refused, ExecuteError::Append(AppendError::Unavailable(_))), "{refused:?}");
    assert!(Arc::ptr_eq(&before, writer.state()));
    let outcome = writer.execute(envelope("say", say("hello"))).await.unwrap();
    assert_eq!((outcome.version, outcome.repeated), (Version::new(3), false));
}

#[tokio::test]
async fn a_conflict_is_decided_again_and_not_for_ever() {
    let memory = MemoryStore::new();
    let mut writer = talkative(&memory.store(), "a", 0).await;
    memory.fail_next_append(AppendFault::Conflict);
    memory.fail_next_append(AppendFault::Conflict);
    assert!(writer.execute(envelope("one", say("hello"))).await.is_ok());
    for _ in 0..3 {
        memory.fail_next_append(AppendFault::Conflict);
    }
    let refused = writer.execute(envelope("two", say("hello"))).await.unwrap_err();
    assert!(matches!(refused, ExecuteError::Append(AppendError::Conflict { .. })), "{refused:?}");
    assert!(writer.execute(envelope("two", say("hello"))).await.is_ok());
    assert_eq!(everything(&memory.store()).await.len(), 3);
}

#[tokio::test]
async fn an_earlier_writer_of_a_task_is_fenced() {
    let store = MemoryStore::new().store();
    let mut old = talkative(&store, "a", 0).await;
    let mut new = TaskWriter::open(store.clone(), task("a")).await.unwrap();
    let refused = old.execute(envelope("old", say("hello"))).await.unwrap_err();
    assert!(matches!(refused, ExecuteError::Append(AppendError::Fenced(_))), "{refused:?}");
    new.execute(envelope("new", say("hello"))).await.unwrap();
    // What was carried out before is still answered, even to the old one.
    let first = old.execute(envelope("new", say("hello"))).await.unwrap();
    assert_eq!((first.version, first.repeated), (Version::new(2), true));
}

#[tokio::test]
async fn a_repeat_that_changes_nothing_now_gets_its_first_outcome() {
    let store = MemoryStore::new().store();
    let mut writer = talkative(&store, "a", 0).await;
    let edit = || envelope("edit", TaskCommand::Edit { title: Some("New".into()), priority: None });
    let first = writer.execute(edit()).await.unwrap();
    writer.execute(envelope("say", say("hello"))).await.unwrap();
    let again = writer.execute(edit()).await.unwrap();
    assert_eq!(again, Executed { repeated: true, ..first });
    // A command that never changed anything has no outcome of its own.
    let same = TaskCommand::Edit { title: Some("New".into()), priority: None };
    let nothing = writer.execute(envelope("the same", same)).await.unwrap();
    assert_eq!((nothing.version, nothing.repeated), (Version::new(3), false));
}

#[tokio::test]
async fn the_id_of_another_tasks_command_is_no_repeat() {
    let store = MemoryStore::new().store();
    talkative(&store, "a", 3).await;
    let mut writer = talkative(&store, "b", 0).await;
    // Refused, changing nothing, or to be stored: in no case it is answered with what task a did.
    let same = TaskCommand::Edit { title: None, priority: Some(0) };
    for body in [TaskCommand::Resume, same, say("hello")] {
        let refused = writer.execute(envelope("a says 1", body)).await.unwrap_err();
        assert!(matches!(refused, ExecuteError::Append(AppendError::Invalid(_))), "{refused:?}");
    }
    assert_eq!(writer.version(), Version::new(1));
}

#[tokio::test]
async fn a_long_task_is_loaded_from_a_snapshot() {
    let store = MemoryStore::new().store();
    let mut writer = TaskWriter::open(store.clone(), task("a")).await.unwrap();
    writer.execute(envelope("create", create(task("a")))).await.unwrap();
    for n in 1..SNAPSHOT_EVERY {
        assert_eq!(store.snapshots.load(&stream("a")).await.unwrap(), None);
        writer.execute(envelope(&n.to_string(), say("hello"))).await.unwrap();
        writer.snapshot_if_due().await;
    }
    let snapshot = store.snapshots.load(&stream("a")).await.unwrap().unwrap();
    assert_eq!(snapshot.version, Version::new(SNAPSHOT_EVERY));
    writer.execute(envelope("after", say("bye"))).await.unwrap();
    let state = writer.state().clone();
    let loaded = load(&store, &stream("a")).await.unwrap();
    assert_eq!((loaded.version.get(), &loaded.state), (SNAPSHOT_EVERY + 1, &state));
    // Passivation keeps one too.
    writer.close().await.unwrap();
    let snapshot = store.snapshots.load(&stream("a")).await.unwrap().unwrap();
    assert_eq!(snapshot.version, Version::new(SNAPSHOT_EVERY + 1));
}

fn teleported(record: &NewRecord) -> NewRecord {
    NewRecord { kind: "task.teleported".to_owned(), schema_version: 2, ..record.clone() }
}

async fn nth(store: &Store, position: u64) -> RawRecord {
    store.log.read_all(Position::new(position - 1), 1).await.unwrap().remove(0)
}

#[tokio::test]
async fn a_broken_event_stops_its_task_alone_and_is_shown() {
    let memory = MemoryStore::new();
    let store = memory.store();
    talkative(&store, "a", 3).await;
    talkative(&store, "b", 2).await;
    let whole = nth(&store, 3).await.record;
    memory.replace(Position::new(3), teleported(&whole));

    let refused = TaskWriter::open(store.clone(), task("a")).await.err().unwrap();
    match refused {
        OpenError::Load(LoadError::Unreadable(unreadable)) => {
            assert_eq!((unreadable.position, unreadable.version), (Position::new(3), Version::new(3)));
            assert!(unreadable.to_string().contains("task.teleported"), "{unreadable}");
        }
        other => panic!("{other:?}"),
    }
    // What was before it can still be seen.
    assert_eq!(load_at(&store, &stream("a"), Version::new(2)).await.unwrap().state.messages.len(), 1);
    assert!(TaskWriter::open(store.clone(), task("b")).await.is_ok());

    let expect = |rows: Vec<SummaryRow>| {
        let row = |name: &str| rows.iter().find(|row| row.summary.id == task(name)).unwrap().clone();
        assert!(row("a").broken.unwrap().contains("task.teleported"));
        assert_eq!(row("a").summary.version, Version::new(2));
        assert_eq!((row("b").broken, row("b").summary.version), (None, Version::new(3)));
    };
    expect(summaries(&store).await.unwrap());
    let mut projector = Projector::new(store.clone());
    assert_eq!(projector.step().await.unwrap(), (Position::new(7), false));
    expect(summaries(&store).await.unwrap());

    let report = verify(&store, None).await.unwrap();
    assert!(matches!(report.problems[..], [Problem::Unreadable(_)]), "{:?}", report.problems);
    assert_eq!((report.events, report.streams), (7, 2));

    // A program that understands it folds the task again, though nothing new happened to it.
    memory.replace(Position::new(3), whole);
    Projector::new(store.clone()).step().await.unwrap();
    let row = store.models.row(SUMMARY, &stream("a")).await.unwrap().unwrap();
    assert_eq!(row.broken, None);
    assert!(verify(&store, None).await.unwrap().problems.is_empty());
}

#[tokio::test]
async fn an_event_that_does_not_fit_parks_its_task_alone() {
    let memory = MemoryStore::new();
    let store = memory.store();
    talkative(&store, "a", 3).await;
    let record = nth(&store, 2).await.record;
    memory.replace(Position::new(3), record);
    let refused = load(&store, &stream("a")).await.unwrap_err();
    assert!(
        matches!(refused, LoadError::Illegal { version, .. } if version == Version::new(3)),
        "{refused:?}"
    );
    let rows = summaries(&store).await.unwrap();
    assert!(rows[0].broken.as_ref().unwrap().contains("numbered in order"), "{rows:?}");
    let report = verify(&store, Some(task("a"))).await.unwrap();
    assert!(matches!(report.problems[..], [Problem::Illegal { .. }]), "{:?}", report.problems);
}

#[tokio::test]
async fn a_row_that_the_events_do_not_lead_to_is_found() {
    let store = MemoryStore::new().store();
    talkative(&store, "a", 2).await;
    talkative(&store, "b", 0).await;
    Projector::new(store.clone()).step().await.unwrap();
    let head = Position::new(4);
    assert!(verify(&store, None).await.unwrap().problems.is_empty());
    let mut row = store.models.row(SUMMARY, &stream("a")).await.unwrap().unwrap();
    row.row = row.row.replace("Fix", "Mix");
    let damaged =
        ModelRow { row: "{}".to_owned(), ..store.models.row(SUMMARY, &stream("b")).await.unwrap().unwrap() };
    store.models.advance(SUMMARY, head, head, vec![row, damaged]).await.unwrap();
    let problems = verify(&store, None).await.unwrap().problems;
    assert!(matches!(problems[..], [Problem::Row { .. }, Problem::Row { .. }]), "{problems:?}");
}

#[tokio::test]
async fn a_hole_in_a_file_is_found() {
    let (_dir, path) = file();
    let store = SqliteStore::open(&path, SqliteOptions::default()).await.unwrap();
    talkative(&store, "a", 4).await;
    talkative(&store, "b", 1).await;
    let mut sql = sqlx::ConnectOptions::connect(&sqlx::sqlite::SqliteConnectOptions::new().filename(&path))
        .await
        .unwrap();
    // What no statement of ours can do, somebody with an editor can.
    for damage in ["DROP TRIGGER events_are_never_deleted", "DELETE FROM events WHERE position IN (3, 7)"] {
        sqlx::query(damage).execute(&mut sql).await.unwrap();
    }
    let report = verify(&store, None).await.unwrap();
    let texts: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    let (a, b) = (stream("a"), stream("b"));
    assert_eq!(
        texts,
        [
            "the log has position 4 where 3 should be".to_owned(),
            format!("{a} has version 4 where 3 should be"),
            format!(
                "event 4 of {a} cannot be applied: message.posted does not fit here: messages are numbered in order"
            ),
            format!("{b} ends at version 1, but the store says 2"),
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn projectors_that_race_lead_to_the_same_rows() {
    let (_dir, path) = file();
    let store = SqliteStore::open(&path, SqliteOptions::default()).await.unwrap();
    let race = (0..3).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut projector = Projector::new(store.clone());
            let mut head = store.log.head();
            // Another may have been quicker, or the store busy; the next step goes on from there.
            while store.models.position(SUMMARY).await.unwrap() < Position::new(120) {
                let _moved = projector.step().await;
                if *head.borrow_and_update() < Position::new(120) {
                    let _ended = head.changed().await;
                }
            }
        })
    });
    let race: Vec<_> = race.collect();
    let writers = (0..10).map(|n| {
        let store = store.clone();
        async move { talkative(&store, &format!("t{n}"), 11).await }
    });
    let writers: Vec<TaskWriter> = futures::future::join_all(writers).await;
    for racer in race {
        crate::support::within("a projector", racer).await.unwrap();
    }
    for writer in writers {
        let id = writer.state().id().unwrap();
        let row = store.models.row(SUMMARY, &StreamId::task(id)).await.unwrap().unwrap();
        let summary = ipa_events::Summary::of(writer.version(), writer.state()).unwrap();
        assert_eq!(serde_json::from_str::<ipa_events::Summary>(&row.row).unwrap(), summary);
    }
    assert!(verify(&store, None).await.unwrap().problems.is_empty());
}

#[tokio::test]
async fn a_projector_that_another_overtook_folds_what_it_missed() {
    let store = MemoryStore::new().store();
    let mut writer = talkative(&store, "a", 0).await;
    let (mut one, mut other) = (Projector::new(store.clone()), Projector::new(store.clone()));
    one.step().await.unwrap();
    let edits = [(&mut other, Some("New".into()), None), (&mut one, None, Some(7))];
    for (projector, title, priority) in edits {
        let name = format!("{title:?}");
        writer.execute(envelope(&name, TaskCommand::Edit { title, priority })).await.unwrap();
        projector.step().await.unwrap();
    }
    let row = store.models.row(SUMMARY, &stream("a")).await.unwrap().unwrap();
    let summary: ipa_events::Summary = serde_json::from_str(&row.row).unwrap();
    assert_eq!((&*summary.title, summary.priority, summary.version), ("New", 7, Version::new(3)));
}

#[tokio::test]
async fn a_subscriber_gets_what_was_and_what_comes_once_and_in_order() {
    let store = MemoryStore::new().store();
    talkative(&store, "a", 5).await;
    let follow = ipa_events::subscribe(store.log.clone(), Position::new(2));
    let all = tokio::spawn(follow.take(1_504).try_collect::<Vec<RawRecord>>());
    // More than a page of reading, while it reads.
    let mut writer = talkative(&store, "b", 0).await;
    for n in 0..1_500 {
        writer
            .execute(envelope(&n.to_string(), TaskCommand::Edit { title: None, priority: Some(n + 1) }))
            .await
            .unwrap();
    }
    let all = crate::support::within("all records", all).await.unwrap().unwrap();
    assert_eq!(all, everything(&store).await[2..1_506]);
}

#[tokio::test]
async fn a_subscriber_is_told_when_the_log_cannot_be_read() {
    let (_dir, path) = file();
    let store = SqliteStore::open(&path, SqliteOptions::default()).await.unwrap();
    let mut follow = ipa_events::subscribe(store.log.clone(), Position::ZERO);
    talkative(&store, "a", 0).await;
    assert!(follow.next().await.unwrap().is_ok());
    store.log.close().await;
    let told = crate::support::within("the end", follow.next()).await.unwrap().unwrap_err();
    assert_eq!(told.to_string(), "reading the log");
    assert!(follow.next().await.is_none());
}

#[tokio::test]
async fn who_and_why_is_in_the_record_and_not_in_the_debug_text() {
    let store = MemoryStore::new().store();
    let mut writer = talkative(&store, "a", 1).await;
    let cause = nth(&store, 2).await.id;
    let mut ctx = Ctx::new(command("answer"), at(), Principal::Policy("demo".to_owned()), Via::Engine);
    ctx.cause = Some(cause);
    ctx.correlation = command("a says 0");
    let secret = Envelope { ctx, body: say("the password is hunter2") };
    assert!(!format!("{secret:?}").contains("hunter2"));
    writer.execute(secret).await.unwrap();
    let raw = nth(&store, 3).await;
    let event = Codec::default().decode(&raw).unwrap();
    assert_eq!((event.cause, event.correlation), (Some(cause), command("a says 0")));
    assert_eq!((raw.record.actor.as_str(), raw.record.via.as_str()), ("policy:demo", "engine"));
    assert_eq!(raw.id.to_string(), format!("{}.0", command("answer")));
}
