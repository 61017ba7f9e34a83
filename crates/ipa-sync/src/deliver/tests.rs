//! One try, one look: against a repository in memory, and a connector that says what it is told to.

use std::sync::Mutex;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use ipa_events::task::{Created, Gates, PublishPolicy, TaskLimits};
use ipa_events::{BranchName, ConnectorId, Oid, OpId, PayloadHash, Phase, RepoSource, TaskId};

use super::*;
use crate::connector::{Checked, Sweep, Swept};
use crate::port::GitMerge;

/// A repository with one branch, and a way to lose the answer to a push.
#[derive(Default)]
struct Outside {
    branch: Mutex<Option<Oid>>,
    pushes: Mutex<u32>,
    lose_answers: bool,
}

impl GitPort for Outside {
    fn push<'a>(&'a self, push: &'a Push) -> BoxFuture<'a, Result<(), SyncError>> {
        *self.pushes.lock().unwrap() += 1;
        *self.branch.lock().unwrap() = Some(push.commit.clone());
        let lost = SyncError::new(ErrorClass::Transient, "pushing", "the connection was reset");
        ready(if self.lose_answers { Err(lost) } else { Ok(()) }).boxed()
    }

    fn head<'a>(
        &'a self,
        _repo: &'a RepoSource,
        _branch: &'a BranchName,
    ) -> BoxFuture<'a, Result<Option<Oid>, SyncError>> {
        ready(Ok(self.branch.lock().unwrap().clone())).boxed()
    }

    fn merge<'a>(&'a self, merge: &'a GitMerge) -> BoxFuture<'a, Result<Oid, SyncError>> {
        ready(Ok(merge.commit.clone())).boxed()
    }

    fn contains<'a>(
        &'a self,
        _repo: &'a RepoSource,
        _branch: &'a BranchName,
        _commit: &'a Oid,
    ) -> BoxFuture<'a, Result<bool, SyncError>> {
        ready(Ok(false)).boxed()
    }

    fn delete<'a>(
        &'a self,
        _repo: &'a RepoSource,
        _branch: &'a BranchName,
        commit: &'a Oid,
    ) -> BoxFuture<'a, Result<(), SyncError>> {
        let mut branch = self.branch.lock().unwrap();
        if branch.as_ref() == Some(commit) {
            *branch = None;
        }
        ready(Ok(())).boxed()
    }
}

/// Says the same to everything.
struct Says(ConnectorId, ErrorClass);

impl Says {
    fn new(class: ErrorClass) -> Self {
        Self("work".parse().unwrap(), class)
    }

    fn error<T: Send + 'static>(&self) -> BoxFuture<'_, Result<T, SyncError>> {
        ready(Err(SyncError::new(self.1.clone(), "commenting", "it said so"))).boxed()
    }
}

impl Connector for Says {
    fn id(&self) -> &ConnectorId {
        &self.0
    }

    fn hosts(&self, _repo: &RepoSource) -> bool {
        true
    }

    fn resume(&self) {}

    fn check<'a>(&'a self, _cx: Cx<'a>) -> BoxFuture<'a, Result<Checked, SyncError>> {
        self.error()
    }

    fn observe<'a>(
        &'a self,
        _cx: Cx<'a>,
        _at: &'a Target,
        _look: Look,
    ) -> BoxFuture<'a, Result<Observed, SyncError>> {
        self.error()
    }

    fn apply<'a>(&'a self, _cx: Cx<'a>, _job: &'a Job) -> BoxFuture<'a, Result<Applied, SyncError>> {
        self.error()
    }

    fn probe<'a>(&'a self, _cx: Cx<'a>, _job: &'a Job) -> BoxFuture<'a, Result<Probe, SyncError>> {
        self.error()
    }

    fn sweep<'a>(&'a self, _cx: Cx<'a>, _sweep: &'a Sweep) -> BoxFuture<'a, Result<Swept, SyncError>> {
        self.error()
    }
}

fn oid(digit: char) -> Oid {
    digit.to_string().repeat(40).parse().unwrap()
}

fn op(resource: &str, change: Change) -> Op {
    Op {
        id: OpId::new(TaskId::from_key("a task"), 1),
        resource: resource.parse().unwrap(),
        payload_hash: PayloadHash::of(b""),
        change,
        policy: PublishPolicy::Auto,
        queued_at: Timestamp::UNIX_EPOCH,
        state: OpState::Ready,
        attempts: 1,
        failures: 0,
        insisted: false,
    }
}

fn push() -> Op {
    let (repo, branch) = ("/repo".parse().unwrap(), "ipa/t-1-x".parse().unwrap());
    op("git/branch/ipa/t-1-x", Change::PushBranch(Push { repo, branch, commit: oid('a'), expected: None }))
}

fn state(ops: Vec<Op>) -> TaskState {
    let created = Created {
        task: TaskId::from_key("a task"),
        number: 1,
        title: "x".into(),
        request: "x".into(),
        repo: "/repo".parse().unwrap(),
        base: None,
        agent: "scripted".parse().unwrap(),
        roles: [].into(),
        gates: Gates::default(),
        checks: Vec::new(),
        start_at: Phase::Development,
        priority: 0,
        depends_on: Vec::new(),
        ticket: None,
        limits: TaskLimits::default(),
    };
    TaskState { created: Some(created.into()), ops, ..TaskState::default() }
}

fn job_of(op: &Op) -> Job {
    job(&state(Vec::new()), op).unwrap()
}

fn cx(git: &Outside) -> Cx<'_> {
    Cx { git, now: Timestamp::from_second(100).unwrap() }
}

/// Names a command that records how a try ended.
#[expect(clippy::wildcard_enum_match_arm, reason = "no other command records a try")]
fn said(tried: &Tried) -> String {
    match &tried.command {
        TaskCommand::RecordSent(sent) => format!("sent {:?}", sent.remote.as_ref().map(RemoteId::as_str)),
        TaskCommand::RecordSendFailed { next, .. } => match next {
            AfterFailure::HoldUntil(at) => format!("hold until {}", at.as_second()),
            AfterFailure::Again | AfterFailure::Ask | AfterFailure::Leave => format!("failed: {next:?}"),
        },
        TaskCommand::RecordDoubt { doubt: Doubt::Later(at), .. } => format!("look at {}", at.as_second()),
        TaskCommand::RecordDoubt { doubt, .. } => format!("doubt: {doubt:?}"),
        other => panic!("{other:?} is not how a try ends"),
    }
}

#[tokio::test]
async fn a_push_whose_answer_was_lost_is_found_and_not_repeated() {
    let git = Outside { lose_answers: true, ..Outside::default() };
    let job = job_of(&push());
    assert_eq!(said(&carry_out(None, cx(&git), &job).await), "failed: Again");
    assert_eq!(said(&carry_out(None, cx(&git), &job).await), r#"sent Some("ipa/t-1-x")"#);
    assert_eq!(said(&look_for(None, cx(&git), &job).await), "sent None");
    assert_eq!(*git.pushes.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_branch_that_somebody_else_changed_is_left_alone_and_a_person_is_asked() {
    let git = Outside::default();
    *git.branch.lock().unwrap() = Some(oid('f'));
    let tried = carry_out(None, cx(&git), &job_of(&push())).await;
    assert_eq!(said(&tried), "failed: Ask");
    assert!(tried.error.unwrap().to_string().contains("somebody else changed it"));
    assert_eq!(*git.pushes.lock().unwrap(), 0);
    assert_eq!(said(&look_for(None, cx(&git), &job_of(&push())).await), "doubt: NotThere");
}

#[tokio::test]
async fn a_branch_that_goes_goes_once_and_only_from_where_it_was() {
    let git = Outside::default();
    *git.branch.lock().unwrap() = Some(oid('a'));
    let change = |commit| Change::DeleteBranch {
        repo: "/repo".parse().unwrap(),
        branch: "ipa/t-1-x".parse().unwrap(),
        commit,
    };
    let delete = |commit| job_of(&op("git/branch/ipa/t-1-x", change(commit)));
    assert_eq!(said(&look_for(None, cx(&git), &delete(oid('a'))).await), "doubt: NotThere");
    assert_eq!(said(&carry_out(None, cx(&git), &delete(oid('a'))).await), "sent None");
    assert_eq!(said(&look_for(None, cx(&git), &delete(oid('a'))).await), "sent None");
}

#[tokio::test]
async fn each_class_of_error_says_what_is_done_about_it() {
    let until = Timestamp::from_second(700).unwrap();
    for (class, try_, look) in [
        (ErrorClass::Transient, "failed: Again", "doubt: Unknown"),
        (ErrorClass::RateLimited { until }, "hold until 700", "look at 700"),
        (ErrorClass::Credential, "hold until 100", "look at 100"),
        (ErrorClass::Permission, "failed: Ask", "doubt: Unknown"),
        (ErrorClass::Conflict, "failed: Ask", "doubt: Unknown"),
        (ErrorClass::Rejected, "failed: Ask", "doubt: Unknown"),
        (ErrorClass::Gone, "failed: Leave", "doubt: Unknown"),
        (ErrorClass::Indeterminate, "doubt: Unanswered", "doubt: Unknown"),
        (ErrorClass::Unexpected, "failed: Ask", "doubt: Unknown"),
    ] {
        let (says, git) = (Says::new(class.clone()), Outside::default());
        let job = job_of(&op("work/pull/ipa/t-1-x", Change::Comment { text: "x".into() }));
        assert_eq!(said(&carry_out(Some(&says), cx(&git), &job).await), try_, "{class:?}");
        assert_eq!(said(&look_for(Some(&says), cx(&git), &job).await), look, "{class:?}");
    }
}

#[tokio::test]
async fn a_change_for_a_connector_that_is_not_there_asks_a_person() {
    let git = Outside::default();
    let job = job_of(&op("work/pull/ipa/t-1-x", Change::ClosePull {}));
    let tried = carry_out(None, cx(&git), &job).await;
    assert_eq!(said(&tried), "failed: Ask");
    assert!(tried.error.unwrap().to_string().contains("no connector is called work"));
}

#[test]
fn what_an_earlier_change_made_is_what_the_next_one_edits() {
    let status = |number: u32, state| Op {
        id: OpId::new(TaskId::from_key("a task"), number),
        state,
        ..op("work/pull/x", Change::WriteStatus { text: number.to_string().into() })
    };
    let sent = |remote: &str| OpState::Sent {
        at: Timestamp::UNIX_EPOCH,
        remote: Some(remote.parse().unwrap()),
        url: None,
    };
    let state = state(vec![status(1, sent("31")), status(2, OpState::Dead { detail: "x".into() })]);
    let next = status(3, OpState::Ready);
    assert_eq!(job(&state, &next).unwrap().earlier, Some("31".parse().unwrap()));
    let comment = Op { change: Change::Comment { text: "x".into() }, ..next };
    assert_eq!(job(&state, &comment).unwrap().earlier, None);
}
