//! What every store promises; each case runs on each store.

use futures::future::join_all;
use ipa_events::store::{
    Append, AppendError, Appended, Epoch, Lease, ModelError, ModelId, ModelRow, Position, Snapshot, Stop,
    StopKind, Store, Version,
};
use ipa_events::{ConnectorId, Principal, SUMMARY, StreamId};

use crate::support::{Kept, append, at, command, everything, record, stream, within};

macro_rules! on_every_store {
    ($($case:ident),+ $(,)?) => {
        mod memory { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() { super::$case(crate::support::Kept::memory().await).await; }
        )+ }
        mod sqlite { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() { super::$case(crate::support::Kept::sqlite().await).await; }
        )+ }
    };
}

mod deliveries;

on_every_store!(
    an_append_needs_the_version_it_expects,
    of_64_racers_one_wins,
    a_command_is_appended_whole_or_not_at_all,
    a_repeated_command_gets_its_first_outcome,
    a_repeat_in_flight_is_stored_once,
    a_command_of_another_stream_is_invalid,
    an_append_without_events_or_json_is_invalid,
    an_append_under_an_older_lease_is_fenced,
    a_released_lease_appends_nothing_more,
    the_fault_of_one_stream_is_no_others,
    positions_have_no_gaps_and_a_reader_misses_none,
    a_hundred_thousand_events_fit_one_append,
    the_head_wakes_after_the_commit,
    pages_join_without_loss,
    garbage_is_kept_and_read_back,
    a_record_reads_back_as_it_was_written,
    of_two_projectors_one_advances,
    rows_are_paged_by_name,
    a_snapshot_is_kept_only_if_newer,
    a_stream_has_one_number_for_ever,
    a_closed_store_refuses_what_comes_later,
    a_connector_that_is_stopped_stays_so_until_it_goes_on,
);

async fn acquired(store: &Store, name: &str) -> Lease {
    store.leases.acquire(&stream(name)).await.unwrap()
}

fn appended(version: u64, position: u64) -> Appended {
    Appended { version: Version::new(version), position: Position::new(position) }
}

async fn an_append_needs_the_version_it_expects(kept: Kept) {
    let log = &kept.store.log;
    let lease = acquired(&kept.store, "a").await;
    assert_eq!(log.append(append(&lease, 0, "one", 2)).await.unwrap(), appended(2, 2));
    for wrong in [0, 1, 3, 7] {
        let refused = log.append(append(&lease, wrong, "two", 1)).await.unwrap_err();
        let conflict = matches!(refused, AppendError::Conflict { expected, actual }
            if expected == Version::new(wrong) && actual == Version::new(2));
        assert!(conflict, "{wrong}: {refused:?}");
    }
    assert_eq!(log.append(append(&lease, 2, "two", 1)).await.unwrap(), appended(3, 3));
}

async fn of_64_racers_one_wins(kept: Kept) {
    let lease = acquired(&kept.store, "a").await;
    let race = (0..64).map(|n| {
        let (log, append) = (kept.store.log.clone(), append(&lease, 0, &format!("racer {n}"), 3));
        tokio::spawn(async move { log.append(append).await })
    });
    let mut won = 0;
    for outcome in join_all(race).await {
        match outcome.unwrap() {
            Ok(_) => won += 1,
            Err(AppendError::Conflict { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((won, everything(&kept.store).await.len()), (1, 3));
}

async fn a_command_is_appended_whole_or_not_at_all(kept: Kept) {
    let lease = acquired(&kept.store, "a").await;
    let mut bad = append(&lease, 0, "bad", 5);
    bad.records[4] = record("test.happened", "{not json");
    assert!(kept.store.log.append(bad).await.is_err());
    assert!(everything(&kept.store).await.is_empty());
    assert_eq!(kept.store.log.append(append(&lease, 0, "good", 5)).await.unwrap(), appended(5, 5));
}

async fn a_repeated_command_gets_its_first_outcome(kept: Kept) {
    let log = &kept.store.log;
    let lease = acquired(&kept.store, "a").await;
    let first = log.append(append(&lease, 0, "one", 2)).await.unwrap();
    log.append(append(&lease, 2, "two", 1)).await.unwrap();
    let later = acquired(&kept.store, "a").await;
    // Whatever else is wrong with the repeat: version, epoch, or nothing.
    for repeat in [append(&lease, 0, "one", 2), append(&later, 0, "one", 1), append(&later, 3, "one", 2)] {
        match log.append(repeat).await {
            Err(AppendError::Repeated(outcome)) => assert_eq!(outcome, first),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(log.outcome(command("one")).await.unwrap(), Some(first));
    assert_eq!(log.outcome(command("never")).await.unwrap(), None);
    assert_eq!(everything(&kept.store).await.len(), 3);
}

async fn a_repeat_in_flight_is_stored_once(kept: Kept) {
    let lease = acquired(&kept.store, "a").await;
    let tries = (0..8).map(|_| kept.store.log.append(append(&lease, 0, "same", 2)));
    let outcomes = join_all(tries).await;
    let repeated = |outcome: &&Result<Appended, AppendError>| matches!(outcome, Err(AppendError::Repeated(first)) if *first == appended(2, 2));
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(outcomes.iter().filter(repeated).count(), 7, "{outcomes:?}");
    assert_eq!(everything(&kept.store).await.len(), 2);
}

async fn a_command_of_another_stream_is_invalid(kept: Kept) {
    let (a, b) = (acquired(&kept.store, "a").await, acquired(&kept.store, "b").await);
    kept.store.log.append(append(&a, 0, "one", 1)).await.unwrap();
    let refused = kept.store.log.append(append(&b, 0, "one", 1)).await.unwrap_err();
    assert!(matches!(refused, AppendError::Invalid(id) if id == command("one")), "{refused:?}");
    assert_eq!(everything(&kept.store).await.len(), 1);
}

async fn an_append_without_events_or_json_is_invalid(kept: Kept) {
    let lease = acquired(&kept.store, "a").await;
    let mut no_json = append(&lease, 0, "no json", 1);
    no_json.records[0] = record("test.happened", "{");
    for wrong in [append(&lease, 0, "empty", 0), no_json] {
        let id = wrong.command;
        let refused = kept.store.log.append(wrong).await.unwrap_err();
        assert!(matches!(refused, AppendError::Invalid(refused) if refused == id), "{refused:?}");
    }
}

async fn an_append_under_an_older_lease_is_fenced(kept: Kept) {
    let log = &kept.store.log;
    let old = acquired(&kept.store, "a").await;
    log.append(append(&old, 0, "one", 1)).await.unwrap();
    let new = acquired(&kept.store, "a").await;
    assert_eq!((new.version, new.number), (Version::new(1), old.number));
    assert!(new.epoch > old.epoch);
    let refused = log.append(append(&old, 1, "two", 1)).await.unwrap_err();
    assert!(matches!(refused, AppendError::Fenced(ref id) if *id == stream("a")), "{refused:?}");
    // Releasing what somebody took over changes nothing.
    kept.store.leases.release(old).await.unwrap();
    log.append(append(&new, 1, "two", 1)).await.unwrap();
    // No append without a lease, not even to a stream that nobody has.
    let nobody =
        Lease { stream: stream("nobody's"), epoch: Epoch::new(1), version: Version::ZERO, number: 9 };
    let refused = log.append(append(&nobody, 0, "three", 1)).await.unwrap_err();
    assert!(matches!(refused, AppendError::Fenced(_)), "{refused:?}");
}

async fn a_released_lease_appends_nothing_more(kept: Kept) {
    let lease = acquired(&kept.store, "a").await;
    kept.store.leases.release(lease.clone()).await.unwrap();
    let refused = kept.store.log.append(append(&lease, 0, "one", 1)).await.unwrap_err();
    assert!(matches!(refused, AppendError::Fenced(_)), "{refused:?}");
}

async fn the_fault_of_one_stream_is_no_others(kept: Kept) {
    let mut appends: Vec<(bool, Append)> = Vec::new();
    for n in 0..24 {
        let lease = acquired(&kept.store, &format!("stream {n}")).await;
        // One command of a stream fits and one does not, here and there; in one stream the first does not fit.
        let wrong = if n % 3 == 1 { 9 } else { 1 };
        appends.push((n != 5, append(&lease, if n == 5 { 4 } else { 0 }, &format!("{n} first"), 1)));
        appends.push((wrong == 1 && n != 5, append(&lease, wrong, &format!("{n} second"), 2)));
    }
    let calls = appends.iter().map(|(_, append)| kept.store.log.append(append.clone()));
    let outcomes = join_all(calls).await;
    for ((fits, append), outcome) in appends.iter().zip(&outcomes) {
        assert_eq!(*fits, outcome.is_ok(), "{append:?}: {outcome:?}");
        assert_eq!(*fits, kept.store.log.outcome(append.command).await.unwrap().is_some());
    }
    for (index, raw) in (1..).zip(everything(&kept.store).await) {
        assert_eq!(raw.position, Position::new(index));
    }
}

async fn positions_have_no_gaps_and_a_reader_misses_none(kept: Kept) {
    const WRITERS: u64 = 16;
    const APPENDS: u64 = 40;
    let sizes = [1, 2, 3];
    let writers = (0..WRITERS).map(|writer| {
        let store = kept.store.clone();
        tokio::spawn(async move {
            let lease = acquired(&store, &format!("writer {writer}")).await;
            let mut version = 0;
            for n in 0..APPENDS {
                // Refused ones in between must leave no gap.
                let wrong = append(&lease, version + 3, &format!("{writer} wrong {n}"), 1);
                assert!(store.log.append(wrong).await.is_err());
                let right = append(
                    &lease,
                    version,
                    &format!("{writer} right {n}"),
                    sizes[usize::try_from(n % 3).unwrap()],
                );
                version = store.log.append(right).await.unwrap().version.get();
            }
            version
        })
    });
    let writers = join_all(writers);
    let reader = async {
        let mut head = kept.store.log.head();
        let mut seen = Position::ZERO;
        let total: u64 = WRITERS * (0..APPENDS).map(|n| 1 + n % 3).sum::<u64>();
        while seen.get() < total {
            head.wait_for(|head| *head > seen).await.unwrap();
            for raw in kept.store.log.read_all(seen, 50).await.unwrap() {
                assert_eq!(raw.position, seen.plus(1));
                seen = raw.position;
            }
        }
        seen.get()
    };
    let (versions, seen) = within("all events", async { tokio::join!(writers, reader) }).await;
    let appended: u64 = versions.into_iter().map(|version| version.unwrap()).sum();
    assert_eq!(appended, seen);
}

async fn a_hundred_thousand_events_fit_one_append(kept: Kept) {
    let lease = acquired(&kept.store, "a").await;
    let outcome = kept.store.log.append(append(&lease, 0, "many", 100_000)).await.unwrap();
    assert_eq!(outcome, appended(100_000, 100_000));
    let last = kept.store.log.read_stream(&stream("a"), Version::new(99_999), 10).await.unwrap();
    assert_eq!((last.len(), last[0].id.index), (1, 99_999));
}

async fn the_head_wakes_after_the_commit(kept: Kept) {
    let mut head = kept.store.log.head();
    assert_eq!(*head.borrow_and_update(), Position::ZERO);
    let lease = acquired(&kept.store, "a").await;
    let log = kept.store.log.clone();
    let waiter = tokio::spawn(async move {
        head.changed().await.unwrap();
        let position = *head.borrow();
        log.read_all(Position::ZERO, 10).await.unwrap().len() as u64 >= position.get()
    });
    kept.store.log.append(append(&lease, 0, "one", 3)).await.unwrap();
    assert!(within("the head", waiter).await.unwrap());
    assert_eq!(*kept.store.log.head().borrow(), Position::new(3));
}

async fn pages_join_without_loss(kept: Kept) {
    let (a, b) = (acquired(&kept.store, "a").await, acquired(&kept.store, "b").await);
    for n in 0..10 {
        kept.store.log.append(append(&a, n, &format!("a{n}"), 1)).await.unwrap();
        kept.store.log.append(append(&b, n * 2, &format!("b{n}"), 2)).await.unwrap();
    }
    let mut versions = Vec::new();
    loop {
        let after = versions.last().copied().unwrap_or(Version::ZERO);
        let page = kept.store.log.read_stream(&stream("b"), after, 3).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 3 && page.iter().all(|raw| raw.stream == stream("b")));
        versions.extend(page.iter().map(|raw| raw.version));
    }
    assert_eq!(versions, (1..=20).map(Version::new).collect::<Vec<_>>());
    assert_eq!(everything(&kept.store).await.len(), 30);
    assert!(kept.store.log.read_stream(&stream("none"), Version::ZERO, 3).await.unwrap().is_empty());
    assert!(kept.store.log.read_all(Position::new(u64::MAX), 3).await.unwrap().is_empty());
}

async fn garbage_is_kept_and_read_back(kept: Kept) {
    let lease = acquired(&kept.store, "a").await;
    let mut garbage = append(&lease, 0, "garbage", 0);
    garbage.records = vec![
        record("no.such_thing", "null"),
        record("", "[1,[2,{\"\\u0000\":\"\\ud83d\\ude00 ' \\\" -- ; \"}]]"),
        record("task.created", "\"not an object\""),
    ];
    garbage.records[0].actor.push_str("\n'; DROP TABLE events; --");
    garbage.records[1].schema_version = u32::MAX;
    garbage.records[2].causation_id = Some("ä€😀".to_owned());
    let records = garbage.records.clone();
    kept.store.log.append(garbage).await.unwrap();
    let read: Vec<_> = everything(&kept.store).await.into_iter().map(|raw| raw.record).collect();
    assert_eq!(read, records);
}

async fn a_record_reads_back_as_it_was_written(kept: Kept) {
    let lease = acquired(&kept.store, "a").await;
    kept.store.log.append(append(&lease, 0, "one", 2)).await.unwrap();
    let all = everything(&kept.store).await;
    let second = &all[1];
    assert_eq!((second.version, second.position), (Version::new(2), Position::new(2)));
    assert_eq!((second.id.command, second.id.index), (command("one"), 1));
    assert_eq!((&second.stream, second.record.at), (&stream("a"), at()));
    assert_eq!(second.recorded_at.subsec_nanosecond() % 1_000, 0);
    assert_eq!(all, kept.store.log.read_stream(&stream("a"), Version::ZERO, 10).await.unwrap());
}

fn row(name: &str, text: &str) -> ModelRow {
    ModelRow { stream: stream(name), row: format!("\"{text}\""), broken: None }
}

async fn of_two_projectors_one_advances(kept: Kept) {
    let models = &kept.store.models;
    let other = ModelId { name: "summary", schema: SUMMARY.schema + 1 };
    assert_eq!(models.position(SUMMARY).await.unwrap(), Position::ZERO);
    let (from, to) = (Position::ZERO, Position::new(5));
    let race = (0..8).map(|n| models.advance(SUMMARY, from, to, vec![row("a", &n.to_string())]));
    let outcomes = join_all(race).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let winner = outcomes.iter().position(Result::is_ok).unwrap();
    let moved = |error: &ModelError| matches!(error, ModelError::Moved { expected, actual } if *expected == from && *actual == to);
    assert!(outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).all(moved), "{outcomes:?}");
    assert_eq!(models.row(SUMMARY, &stream("a")).await.unwrap(), Some(row("a", &winner.to_string())));
    assert_eq!(models.position(SUMMARY).await.unwrap(), to);
    // Another form of the rows stands beside it.
    assert_eq!(models.position(other).await.unwrap(), Position::ZERO);
    assert_eq!(models.row(other, &stream("a")).await.unwrap(), None);
}

async fn rows_are_paged_by_name(kept: Kept) {
    let names: Vec<String> = (0..25).map(|n| format!("task {n}")).collect();
    let mut rows: Vec<ModelRow> = names.iter().map(|name| row(name, name)).collect();
    rows[3].broken = Some("why".to_owned());
    let models = &kept.store.models;
    models.advance(SUMMARY, Position::ZERO, Position::new(25), rows.clone()).await.unwrap();
    rows.sort_by(|a, b| a.stream.cmp(&b.stream));
    let mut read: Vec<ModelRow> = Vec::new();
    loop {
        let after: Option<StreamId> = read.last().map(|row| row.stream.clone());
        let page = models.rows(SUMMARY, after.as_ref(), 4).await.unwrap();
        if page.is_empty() {
            break;
        }
        read.extend(page);
    }
    assert_eq!(read, rows);
}

async fn a_snapshot_is_kept_only_if_newer(kept: Kept) {
    let snapshots = &kept.store.snapshots;
    let snapshot = |version, text: &str| Snapshot {
        version: Version::new(version),
        state_schema: 3,
        state: text.as_bytes().to_vec(),
    };
    assert_eq!(snapshots.load(&stream("a")).await.unwrap(), None);
    for (offered, expected) in [(5, 5), (4, 5), (5, 5), (9, 9)] {
        snapshots.save(&stream("a"), snapshot(offered, &format!("{offered}"))).await.unwrap();
        let loaded = snapshots.load(&stream("a")).await.unwrap();
        assert_eq!(loaded, Some(snapshot(expected, &format!("{expected}"))));
    }
    snapshots.save(&stream("a"), snapshot(9, "another of the same age")).await.unwrap();
    assert_eq!(snapshots.load(&stream("a")).await.unwrap(), Some(snapshot(9, "9")));
}

async fn a_stream_has_one_number_for_ever(kept: Kept) {
    let race = (0..20).map(|n| {
        let store = kept.store.clone();
        async move { acquired(&store, &format!("task {}", n % 10)).await.number }
    });
    let mut numbers = join_all(race).await;
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
    let again = acquired(&kept.store, "task 3").await;
    kept.store.log.append(append(&again, 0, "one", 2)).await.unwrap();
    let mut listed = Vec::new();
    loop {
        let after = listed.last().map_or(0, |last: &ipa_events::store::StreamInfo| last.number);
        let page = kept.store.log.streams(after, 3).await.unwrap();
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    assert_eq!(listed.iter().map(|info| info.number).collect::<Vec<_>>(), numbers);
    let third = listed.iter().find(|info| info.stream == again.stream).unwrap();
    assert_eq!((third.number, third.version), (again.number, Version::new(2)));
}

async fn a_closed_store_refuses_what_comes_later(kept: Kept) {
    let lease = acquired(&kept.store, "a").await;
    let before = kept.store.log.append(append(&lease, 0, "before", 1));
    before.await.unwrap();
    within("the end", kept.store.log.close()).await;
    let later = within("an answer", kept.store.log.append(append(&lease, 1, "later", 1))).await.unwrap_err();
    assert!(matches!(later, AppendError::Unavailable(_)), "{later:?}");
}

async fn a_connector_that_is_stopped_stays_so_until_it_goes_on(kept: Kept) {
    let stops = &kept.store.stops;
    let id = |name: &str| -> ConnectorId { name.parse().unwrap() };
    let stop = |name: &str, kind, why: &str| Stop {
        connector: id(name),
        kind,
        by: Principal::User("ann: the first".to_owned()),
        why: why.to_owned(),
        at: at(),
    };
    assert_eq!(stops.stops().await.unwrap(), []);
    let refused = stop("work", StopKind::Refused, "the token was revoked");
    for next in
        [stop("work", StopKind::Paused, ""), stop("desk", StopKind::Paused, "moving"), refused.clone()]
    {
        stops.stop(next).await.unwrap();
    }
    // Each kind for itself, and of each the newest.
    stops.stop(stop("work", StopKind::Paused, "a freeze")).await.unwrap();
    let all = [stop("desk", StopKind::Paused, "moving"), stop("work", StopKind::Paused, "a freeze"), refused];
    assert_eq!(stops.stops().await.unwrap(), all);
    for _ in 0..2 {
        stops.go_on(&id("work")).await.unwrap();
    }
    assert_eq!(stops.stops().await.unwrap(), all[..1]);
    stops.go_on(&id("nobody")).await.unwrap();
}
