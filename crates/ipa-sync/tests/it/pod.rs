//! What the pod does with an operation, without its pauses, and a git that a connector never asks.

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use ipa_events::task::{AfterFailure, Doubt, Push};
use ipa_events::{BranchName, Oid, RepoSource, TaskCommand};
use ipa_sync::{Connector, Cx, ErrorClass, GitMerge, GitPort, Job, SyncError, carry_out, look_for};
use jiff::Timestamp;

pub(crate) fn cx() -> Cx<'static> {
    Cx { git: &NoGit, now: Timestamp::now() }
}

/// Does what the pod does with an operation, without its pauses: tries, looks for what became of a try, and tries
/// again when nothing did, looking twice. Tells each step.
pub(crate) async fn deliver(connector: &dyn Connector, job: &Job) -> Vec<&'static str> {
    let mut steps = Vec::new();
    let (mut job, mut not_there) = (job.clone(), 0);
    let mut tried = carry_out(Some(connector), cx(), &job).await;
    while steps.len() < 12 {
        let (step, again) = said(&tried.command);
        steps.push(step);
        match again {
            Next::End => break,
            Next::Look => tried = look_for(Some(connector), cx(), &job).await,
            Next::NotThere if not_there == 0 => {
                not_there = 1;
                tried = look_for(Some(connector), cx(), &job).await;
            }
            Next::NotThere | Next::Try => {
                not_there = 0;
                job.op.attempts += 1;
                tried = carry_out(Some(connector), cx(), &job).await;
            }
        }
    }
    steps
}

pub(crate) enum Next {
    End,
    Look,
    NotThere,
    Try,
}

#[expect(clippy::wildcard_enum_match_arm, reason = "no other command records a try")]
pub(crate) fn said(command: &TaskCommand) -> (&'static str, Next) {
    match command {
        TaskCommand::RecordSent(_) => ("sent", Next::End),
        TaskCommand::RecordDoubt { doubt: Doubt::Unanswered, .. } => ("unanswered", Next::Look),
        TaskCommand::RecordDoubt { doubt: Doubt::NotThere, .. } => ("not there", Next::NotThere),
        TaskCommand::RecordDoubt { doubt: Doubt::Unknown, .. } => ("unknown", Next::Look),
        TaskCommand::RecordDoubt { doubt: Doubt::Later(_), .. } => ("later", Next::End),
        TaskCommand::RecordSendFailed { next, .. } => match next {
            AfterFailure::Again => ("again", Next::Try),
            AfterFailure::HoldUntil(_) => ("hold", Next::End),
            AfterFailure::Ask => ("ask", Next::End),
            AfterFailure::Leave => ("leave", Next::End),
        },
        other => panic!("{other:?} is not how a try ends"),
    }
}

/// Branches are no connector's.
struct NoGit;

impl GitPort for NoGit {
    fn push<'a>(&'a self, _push: &'a Push) -> BoxFuture<'a, Result<(), SyncError>> {
        ready(Err(none())).boxed()
    }

    fn head<'a>(
        &'a self,
        _repo: &'a RepoSource,
        _branch: &'a BranchName,
    ) -> BoxFuture<'a, Result<Option<Oid>, SyncError>> {
        ready(Err(none())).boxed()
    }

    fn merge<'a>(&'a self, _merge: &'a GitMerge) -> BoxFuture<'a, Result<Oid, SyncError>> {
        ready(Err(none())).boxed()
    }

    fn contains<'a>(
        &'a self,
        _repo: &'a RepoSource,
        _branch: &'a BranchName,
        _commit: &'a Oid,
    ) -> BoxFuture<'a, Result<bool, SyncError>> {
        ready(Err(none())).boxed()
    }

    fn delete<'a>(
        &'a self,
        _repo: &'a RepoSource,
        _branch: &'a BranchName,
        _commit: &'a Oid,
    ) -> BoxFuture<'a, Result<(), SyncError>> {
        ready(Err(none())).boxed()
    }
}

fn none() -> SyncError {
    SyncError::new(ErrorClass::Rejected, "asking git", "there is none")
}
