//! One delivery, step by step, against a repository in memory.

use std::sync::Mutex;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use ipa_events::{BranchName, DecisionId, Oid, PayloadHash, Phase, RepoSource, TaskId};

use super::*;

/// A repository with one branch, and a way to lose the answer to a push.
#[derive(Default)]
struct Outside {
    branch: Mutex<Option<Oid>>,
    pushes: Mutex<u32>,
    lose_answers: bool,
}

impl GitPort for Outside {
    fn push<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<(), PushError>> {
        *self.pushes.lock().unwrap() += 1;
        *self.branch.lock().unwrap() = Some(delivery.commit.clone());
        let lost = PushError { detail: "the connection was reset".to_owned(), needs_person: NeedsPerson::No };
        ready(if self.lose_answers { Err(lost) } else { Ok(()) }).boxed()
    }

    fn head<'a>(
        &'a self,
        _repo: &'a RepoSource,
        _branch: &'a BranchName,
    ) -> BoxFuture<'a, Result<Option<Oid>, PushError>> {
        ready(Ok(self.branch.lock().unwrap().clone())).boxed()
    }
}

fn oid(digit: char) -> Oid {
    digit.to_string().repeat(40).parse().unwrap()
}

fn op(state: OpState) -> Op {
    let task = TaskId::from_key("a task");
    let repo = "/repo".parse().unwrap();
    let branch = "ipa/t-1-x".parse().unwrap();
    Op {
        id: OpId::new(task, 1),
        delivery: Delivery { repo, branch, commit: oid('a'), expected: None },
        payload_hash: PayloadHash::of(b""),
        state,
        attempts: 0,
    }
}

fn step_of(state: OpState, now_s: i64) -> Option<Step> {
    let approved = Some((DecisionId::new(TaskId::from_key("a task"), 1), Phase::Completed));
    let task = TaskState { ops: vec![op(state)], approved, ..TaskState::default() };
    step(&task, Timestamp::from_second(now_s).unwrap())
}

#[test]
fn work_whose_approval_was_taken_back_is_not_delivered() {
    let until = Timestamp::from_second(0).unwrap();
    for state in [OpState::Ready, OpState::InFlight, OpState::Waiting { until }] {
        let task = TaskState { ops: vec![op(state)], ..TaskState::default() };
        assert_eq!(step(&task, Timestamp::from_second(1).unwrap()), None);
    }
}

#[test]
fn each_state_of_an_operation_has_one_next_step() {
    let id = op(OpState::Ready).id;
    let until = Timestamp::from_second(10).unwrap();
    assert_eq!(step_of(OpState::Ready, 0), Some(Step::Begin(id)));
    assert_eq!(step_of(OpState::InFlight, 0), Some(Step::Send(id)));
    assert_eq!(step_of(OpState::Waiting { until }, 9), Some(Step::WaitUntil(until)));
    assert_eq!(step_of(OpState::Waiting { until }, 10), Some(Step::Begin(id)));
    assert_eq!(step_of(OpState::Sent { branch: "b".parse().unwrap() }, 0), None);
    assert_eq!(step_of(OpState::Dead { detail: "gone".into() }, 0), None);
}

#[tokio::test]
async fn a_push_whose_answer_was_lost_is_found_and_not_repeated() {
    let outside = Outside { lose_answers: true, ..Outside::default() };
    let op = op(OpState::InFlight);
    let first = carry_out(&outside, &op).await;
    assert!(
        matches!(first, TaskCommand::RecordSendFailed { needs_person: NeedsPerson::No, .. }),
        "{first:?}"
    );
    let second = carry_out(&outside, &op).await;
    assert!(matches!(second, TaskCommand::RecordSent { .. }), "{second:?}");
    assert_eq!(*outside.pushes.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_branch_that_somebody_else_changed_is_left_alone_and_a_person_is_asked() {
    let outside = Outside { branch: Mutex::new(Some(oid('b'))), ..Outside::default() };
    let recorded = carry_out(&outside, &op(OpState::InFlight)).await;
    let TaskCommand::RecordSendFailed { detail, needs_person: NeedsPerson::Yes, .. } = recorded else {
        panic!("{recorded:?}")
    };
    assert_eq!(&*detail, "branch ipa/t-1-x is at bbbbbbbbb: somebody else changed it");
    assert_eq!(*outside.pushes.lock().unwrap(), 0);
}
