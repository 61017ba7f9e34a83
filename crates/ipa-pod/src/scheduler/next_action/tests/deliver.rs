//! Accepted work goes out, and comes back as a task that is complete.

use ipa_events::Resource;
use ipa_events::task::{AfterFailure, Change, Ci, CiState, FailedCheck, News, PublishPolicy, Push, SyncSent};

use super::*;

#[test]
fn accepted_work_is_delivered_and_then_the_task_is_complete() {
    let story = in_review().approves();
    assert_eq!(story.says(), "wait: the work is being delivered");
    let story = story.then(&Principal::Scheduler, deliver());
    assert_eq!(story.says(), "wait: the work is being delivered");
    let op = story.state.ops[0].id;
    let sent = SyncSent { op, remote: None, url: None, request_id: None };
    let story = story
        .then(&Principal::Scheduler, TaskCommand::StartAttempt { op })
        .then(&Principal::Scheduler, TaskCommand::RecordSent(Box::new(sent)));
    assert_eq!(story.says(), "scheduler: Complete");
    assert_eq!(story.then_records().says(), "trash main");
}

#[test]
fn a_delivery_that_only_a_person_can_mend_asks_and_is_tried_again_on_yes() {
    let story = in_review().approves().then(&Principal::Scheduler, deliver());
    let op = story.state.ops[0].id;
    let failed = TaskCommand::RecordSendFailed { op, detail: "it moved".into(), next: AfterFailure::Ask };
    let story = story.then(&Principal::Scheduler, TaskCommand::StartAttempt { op });
    let story = story.then(&Principal::Scheduler, failed);
    assert_eq!(
        story.says(),
        "wait: waiting for a person: T-12.d3, a change outside could not be made: push_branch of \
         git/branch/ipa/t-12-make-it-work: it moved"
    );
    assert_eq!(story.approves().says(), "wait: the work is being delivered");
}

#[test]
fn accepted_work_of_a_pull_request_waits_for_its_merge_and_failed_checks_of_the_forge_start_a_run() {
    let pull: Resource = "work/pull/ipa/t-12-make-it-work".parse().unwrap();
    let found = News::PullFound { title: "x".into(), head: oid(HEAD), draft: false, section: None };
    let news = |news| TaskCommand::RecordNews { resource: pull.clone(), news: vec![news] };
    let story = in_review().then(&Principal::Scheduler, news(found)).approves();
    assert_eq!(story.says(), "wait: waiting for the other side: its checks, or its merge");
    let failing = vec![FailedCheck { name: "build".into(), url: None, summary: "it broke".into() }];
    let ci = Ci { commit: oid(HEAD), state: CiState::Failed, failing };
    let story = story.then(&Principal::Scheduler, news(News::CiChanged { ci: Some(ci) }));
    assert_eq!(story.says(), "start review");
    let story = story.then(&Principal::Scheduler, news(News::PullMerged { commit: None, by: None }));
    assert_eq!(story.says(), "trash main");
}

#[test]
fn what_somebody_else_pushed_is_asked_about_and_waited_for() {
    let pull: Resource = "work/pull/ipa/t-12-make-it-work".parse().unwrap();
    let found = News::PullFound { title: "x".into(), head: oid(HEAD), draft: false, section: None };
    let news = |news| TaskCommand::RecordNews { resource: pull.clone(), news: vec![news] };
    let story = in_review().then(&Principal::Scheduler, news(found)).approves();
    let story = story.then(&Principal::Scheduler, news(News::PullPushed { head: oid(&"9".repeat(40)) }));
    let asks = story.says();
    assert!(asks.contains("T-12.d3, somebody else pushed to the pull request"), "{asks}");
    // Who goes on without doing anything about it is told what is waited for.
    let story = story.approves();
    assert_eq!(story.says(), "wait: waiting for the other side: somebody else pushed to its pull request");
    let story = story.then(&Principal::Scheduler, news(News::PullPushed { head: oid(HEAD) }));
    assert_eq!(story.says(), "wait: waiting for the other side: its checks, or its merge");
}

/// Wants the work to be published.
fn deliver() -> TaskCommand {
    let branch: ipa_events::BranchName = "ipa/t-12-make-it-work".parse().unwrap();
    let push = Push { repo: "/repo".parse().unwrap(), branch, commit: oid(HEAD), expected: None };
    let resource = "git/branch/ipa/t-12-make-it-work".parse().unwrap();
    TaskCommand::QueueChanges { resource, changes: vec![(Change::PushBranch(push), PublishPolicy::Auto)] }
}
