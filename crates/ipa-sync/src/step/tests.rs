//! What is needed next, as a table of operations and wants.

use ipa_events::TaskId;
use ipa_events::task::{Fate, Fuse};

use super::*;

const WORK: &str = "work/pull/x";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn comment(text: &str) -> Change {
    Change::Comment { text: text.into() }
}

fn op(number: u32, resource: &str, state: OpState) -> Op {
    let change = comment(&number.to_string());
    let policy = if state == OpState::Held { PublishPolicy::Ask } else { PublishPolicy::Auto };
    Op {
        id: OpId::new(TaskId::from_key("a task"), number),
        resource: resource.parse().unwrap(),
        payload_hash: change.hash(),
        change,
        policy,
        queued_at: at(0),
        state,
        attempts: 0,
        failures: 0,
        insisted: false,
    }
}

/// Wants exactly what is queued.
fn wants(ops: &[Op]) -> Vec<Wanted> {
    let want =
        |op: &Op| Wanted { resource: op.resource.clone(), change: op.change.clone(), policy: op.policy };
    ops.iter().map(want).collect()
}

fn next(ops: Vec<Op>, closed: &[(&str, Option<i64>)], now: i64) -> String {
    let wanted = wants(&ops);
    said(ops, &wanted, closed, now)
}

fn said(ops: Vec<Op>, wanted: &[Wanted], closed: &[(&str, Option<i64>)], now: i64) -> String {
    let state = TaskState { ops, ..TaskState::default() };
    let closed = closed.iter().map(|(id, until)| (id.parse().unwrap(), until.map(at))).collect();
    match step(&state, wanted, &closed, at(now)) {
        None => "nothing".to_owned(),
        Some(Step::Withdraw(op)) => format!("withdraw {}", op.number),
        Some(Step::Queue(resource, changes)) => format!("queue {} for {resource}", changes.len()),
        Some(Step::Send(op)) => format!("send {}", op.number),
        Some(Step::Probe(op)) => format!("probe {}", op.number),
        Some(Step::Fuse(resource, why)) => format!("ask about {resource}: {why}"),
        Some(Step::WaitUntil(until)) => format!("wait until {}", until.as_second()),
    }
}

fn waiting(until: i64) -> OpState {
    OpState::Waiting { until: at(until), detail: "no route".into() }
}

fn in_flight(look_at: Option<i64>) -> OpState {
    OpState::InFlight(Fate { look_at: look_at.map(at), ..Fate::default() })
}

#[test]
fn each_state_of_an_operation_has_one_next_step() {
    let sent = OpState::Sent { at: at(0), remote: None, url: None };
    for (state, now, wanted) in [
        (OpState::Held, 0, "nothing"),
        (OpState::Ready, 0, "send 1"),
        (in_flight(None), 0, "probe 1"),
        (in_flight(Some(15)), 14, "wait until 15"),
        (in_flight(Some(15)), 15, "probe 1"),
        (waiting(10), 9, "wait until 10"),
        (waiting(10), 10, "send 1"),
        (OpState::Dead { detail: "gone".into() }, 0, "nothing"),
    ] {
        assert_eq!(next(vec![op(1, WORK, state.clone())], &[], now), wanted, "{state:?} at {now}");
    }
    let over = [sent, OpState::Superseded { by: None }];
    for state in over {
        assert_eq!(said(vec![op(1, WORK, state.clone())], &[], &[], 0), "nothing", "{state:?}");
    }
}

#[test]
fn what_is_not_wanted_any_more_is_taken_back_before_anything_is_sent() {
    let ops = vec![op(1, WORK, OpState::Ready), op(2, WORK, OpState::Ready)];
    let wanted = wants(&ops[1..]);
    assert_eq!(said(ops, &wanted, &[], 0), "withdraw 1");
    for state in [OpState::Held, waiting(9), OpState::Dead { detail: "gone".into() }] {
        assert_eq!(said(vec![op(1, WORK, state)], &[], &[], 0), "withdraw 1");
    }
    // What is under way cannot be taken back: its end is found out.
    assert_eq!(said(vec![op(1, WORK, in_flight(None))], &[], &[], 0), "probe 1");
}

#[test]
fn what_is_wanted_and_not_known_is_queued_together_for_one_thing() {
    let policy = PublishPolicy::Auto;
    let want = |resource: &str, text: &str| Wanted {
        resource: resource.parse().unwrap(),
        change: comment(text),
        policy,
    };
    let wanted = [want("work/pull/x", "a"), want("jira/ticket/K-1", "b"), want("work/pull/x", "c")];
    assert_eq!(said(Vec::new(), &wanted, &[], 0), "queue 2 for work/pull/x");
    let refused = OpState::Refused { by: ipa_events::Principal::Scheduler, reason: None };
    let ops = vec![Op { change: comment("a"), ..op(1, WORK, refused) }];
    assert_eq!(said(ops, &wanted[..1], &[], 0), "nothing", "a person said no to exactly this");
}

#[test]
fn of_one_thing_each_waits_for_the_one_before_it_and_another_thing_does_not() {
    let ops =
        vec![op(1, WORK, waiting(10)), op(2, WORK, OpState::Ready), op(3, "jira/ticket/K-1", waiting(5))];
    assert_eq!(next(ops.clone(), &[], 0), "wait until 5");
    assert_eq!(next(ops.clone(), &[], 5), "send 3");
    assert_eq!(
        next(vec![op(1, WORK, in_flight(Some(9))), op(2, WORK, OpState::Ready)], &[], 0),
        "wait until 9"
    );
    // What waits for a person holds nothing up.
    assert_eq!(next(vec![op(1, WORK, OpState::Held), op(2, WORK, OpState::Ready)], &[], 0), "send 2");
}

#[test]
fn through_a_closed_connector_nothing_goes_and_its_queue_stays() {
    let ops = || vec![op(1, WORK, OpState::Ready), op(2, "jira/ticket/K-1", OpState::Ready)];
    assert_eq!(next(ops(), &[("work", None)], 0), "send 2");
    assert_eq!(next(vec![op(1, WORK, OpState::Ready)], &[("work", None)], 0), "nothing");
    assert_eq!(next(vec![op(1, WORK, OpState::Ready)], &[("work", Some(30))], 0), "wait until 30");
    assert_eq!(next(vec![op(1, WORK, in_flight(None))], &[("work", Some(30))], 0), "wait until 30");
    assert_eq!(next(vec![op(1, WORK, OpState::Ready)], &[("work", Some(30))], 30), "send 1");
}

#[test]
fn to_a_thing_that_was_written_too_often_nothing_goes_and_what_is_under_way_is_looked_for() {
    let fused = |ops: Vec<Op>, wanted: &[Wanted]| {
        let mut state = TaskState { ops, ..TaskState::default() };
        let decision = ipa_events::DecisionId::new(TaskId::from_key("a task"), 1);
        let fuse = Fuse { decision, blown_at: at(0), mended_at: None };
        state.outside.fuses.insert(WORK.parse().unwrap(), fuse);
        step(&state, wanted, &BTreeMap::new(), at(0))
    };
    let ops = || vec![op(1, WORK, OpState::Ready), op(2, "jira/ticket/K-1", OpState::Ready)];
    assert_eq!(fused(ops(), &wants(&ops())), Some(Step::Send(ops()[1].id)));
    assert_eq!(fused(Vec::new(), &wants(&ops()[..1])), None, "nothing more is queued");
    assert_eq!(fused(ops(), &wants(&ops()[1..])), Some(Step::Withdraw(ops()[0].id)));
    let under_way = vec![op(1, WORK, in_flight(None))];
    assert_eq!(fused(under_way.clone(), &wants(&under_way)), Some(Step::Probe(under_way[0].id)));
}

#[test]
fn a_storm_is_asked_about_instead_of_written() {
    let sent = || OpState::Sent { at: at(0), remote: None, url: None };
    let mut ops: Vec<Op> = (1..=20).map(|number| op(number, WORK, sent())).collect();
    ops.push(op(21, WORK, OpState::Ready));
    let wanted = wants(&ops[20..]);
    let asked = said(ops.clone(), &wanted, &[], 1);
    assert!(asked.starts_with("ask about work/pull/x: it was written 20 times"), "{asked}");
    assert_eq!(said(ops, &wanted, &[], 3601), "send 21");
}
