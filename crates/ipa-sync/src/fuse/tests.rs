//! When a person is asked, as tables of what was sent.

use ipa_events::task::{Fuse, Place, Run, RunState, Usage};
use ipa_events::{AgentId, DecisionId, OpId, Phase, RemoteId, Role, RunId, TaskId};

use super::*;

const MINUTE: i64 = 60;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

fn task() -> TaskId {
    TaskId::from_key("a task")
}

fn status(text: &str) -> Change {
    Change::WriteStatus { text: text.into() }
}

fn section(text: &str) -> Change {
    Change::WriteSection { section: text.into() }
}

fn reply(number: i64) -> Change {
    let id: RemoteId = number.to_string().parse().unwrap();
    Change::Reply { thread: id.clone(), to: id, text: "Changed.".into() }
}

fn op(number: u32, change: Change, state: OpState) -> Op {
    Op {
        id: OpId::new(task(), number),
        resource: "work/pull/x".parse().unwrap(),
        payload_hash: change.hash(),
        change,
        policy: PublishPolicy::Auto,
        queued_at: at(0),
        state,
        attempts: 1,
        failures: 0,
        insisted: false,
    }
}

/// Sends these at these times, in this order.
fn sent(changes: impl IntoIterator<Item = (Change, i64)>) -> TaskState {
    let ops = changes.into_iter().zip(1..).map(|((change, second), number)| {
        op(number, change, OpState::Sent { at: at(second), remote: None, url: None })
    });
    TaskState { ops: ops.collect(), ..TaskState::default() }
}

fn asks(state: &TaskState, next: Change, now: i64) -> Option<String> {
    blown_by(state, &op(99, next, OpState::Ready), at(now))
}

#[test]
fn the_twenty_first_write_to_a_thing_within_an_hour_asks_a_person() {
    for (count, spread, wanted) in [(19, 60, None), (20, 60, Some(20)), (20, 190, None), (40, 60, Some(40))] {
        let state = sent((0..count).map(|n| (status(&n.to_string()), n * spread)));
        let why = asks(&state, status("next"), count * spread);
        let said = wanted.map(|writes: i64| {
            format!("it was written {writes} times within an hour, and again there is something to write: say how it stands: next")
        });
        assert_eq!(why, said, "{count} writes, one each {spread} s");
    }
    let elsewhere = Op { resource: "work/pull/y".parse().unwrap(), ..op(99, status("next"), OpState::Ready) };
    let state = sent((0..20).map(|n| (status(&n.to_string()), n)));
    assert_eq!(blown_by(&state, &elsewhere, at(30)), None, "another thing is another matter");
}

#[test]
fn answers_to_all_threads_of_one_review_are_one_write_and_answers_that_follow_one_another_are_not() {
    let round = sent((0..30).map(|n| (reply(n), n)));
    assert_eq!(asks(&round, reply(99), 40), None);
    let mut rounds = round;
    for (op, second) in rounds.ops.iter_mut().zip(0..) {
        op.queued_at = at(second);
    }
    assert!(asks(&rounds, reply(99), 40).is_some());
}

#[test]
fn the_fourth_time_that_the_same_is_written_anew_within_an_hour_asks_a_person() {
    let ours = || section("ours");
    let flip =
        |n: i64, every: i64| asks(&sent((0..=n).map(|n| (ours(), n * every))), ours(), (n + 1) * every);
    for (undone, every, wanted) in
        [(0, MINUTE, None), (2, MINUTE, None), (3, MINUTE, Some(4)), (3, 20 * MINUTE, None)]
    {
        let said = flip(undone, every);
        let times = said.as_ref().map(|said| said.contains("undone 4 times within an hour"));
        assert_eq!(times, wanted.map(|_: i32| true), "undone {undone} times, each {every} s: {said:?}");
    }
    // What goes to and fro is the same; what is new each time is not, nor is one that is new now.
    let to_and_fro = |n: i64| if n % 2 == 0 { section("a") } else { section("b") };
    assert!(asks(&sent((0..6).map(|n| (to_and_fro(n), n))), section("a"), 9).is_some());
    assert_eq!(asks(&sent((0..6).map(|n| (to_and_fro(n), n))), section("c"), 9), None);
    assert_eq!(asks(&sent((0..6).map(|n| (section(&n.to_string()), n))), section("6"), 9), None);
    // Each kind for itself.
    let mixed = (0..6).map(|n| if n < 3 { (ours(), n) } else { (status("s"), n) });
    assert_eq!(asks(&sent(mixed), ours(), 9), None);
}

#[test]
fn a_run_in_between_is_a_reason_to_write_the_same_anew() {
    let mut state = sent((0..4).map(|n| (status("it waits for a review"), n * MINUTE)));
    assert!(asks(&state, status("it waits for a review"), 5 * MINUTE).is_some());
    state.runs.push(run(at(4 * MINUTE)));
    assert_eq!(asks(&state, status("it waits for a review"), 5 * MINUTE), None);
}

#[test]
fn what_a_person_agreed_to_goes_out_and_what_was_before_a_person_let_it_go_on_counts_no_more() {
    let mut state = sent((0..20).map(|n| (status(&n.to_string()), n)));
    let agreed = Op { policy: PublishPolicy::Ask, ..op(99, status("next"), OpState::Ready) };
    assert_eq!(blown_by(&state, &agreed, at(30)), None);
    let decision = DecisionId::new(task(), 1);
    let fuse = |mended| Fuse { decision, blown_at: at(21), mended_at: Some(at(mended)) };
    let resource: ipa_events::Resource = "work/pull/x".parse().unwrap();
    for (mended, asked) in [(25, false), (10, false), (-1, true)] {
        state.outside.fuses.insert(resource.clone(), fuse(mended));
        assert_eq!(asks(&state, status("next"), 30).is_some(), asked, "let go on at {mended}");
    }
}

fn run(requested_at: Timestamp) -> Run {
    Run {
        id: RunId::new(task(), 1),
        place: Place::new(task(), AgentId::main()),
        role: Role::Review,
        phase: Phase::Review,
        attempt: 1,
        runtime: "scripted".parse().unwrap(),
        session: None,
        resumes: None,
        takes_over: None,
        head: "1".repeat(40).parse().unwrap(),
        messages: Vec::new(),
        check: None,
        state: RunState::Requested,
        requested_at,
        process: None,
        sandbox: None,
        started_at: None,
        finished_at: None,
        interrupted_by: None,
        budget: None,
        usage: Usage::default(),
    }
}
