//! The outbox and what is learned outside: each rule as a short story.

use ipa_events::task::{
    AfterFailure, Asked, Change, CheckReport, Ci, CiState, Doubt, EscalationReason, FailedCheck, Link,
    MergeMethod, News, OpState, Product, PublishPolicy, PullState, Remark, Review, ReviewVerdict,
};
use ipa_events::{Phase, Principal, Role, TaskCommand, TaskError};
use jiff::{SignedDuration, Timestamp};

use crate::support::at;
use crate::support::story::{Story, ann, approve, oid, queue, reject, resource, sent};

const PULL: &str = "work/pull/ipa/t-12-fix";

fn status(text: &str) -> Change {
    Change::WriteStatus { text: text.into() }
}

fn comment(text: &str) -> Change {
    Change::Comment { text: text.into() }
}

/// What somebody said who is trusted.
fn remark() -> Remark {
    Remark { by: "bob".into(), trusted: true, at: at(), text: "Why?".into() }
}

fn remarked(id: &str) -> News {
    News::Remarked { thread: None, id: id.parse().unwrap(), remark: remark() }
}

fn remarked_by_an_outsider(id: &str) -> News {
    let remark = Remark { trusted: false, ..remark() };
    News::Remarked { thread: None, id: id.parse().unwrap(), remark }
}

fn news(news: Vec<News>) -> TaskCommand {
    TaskCommand::RecordNews { resource: resource(PULL), news }
}

fn found() -> News {
    News::PullFound { title: "Fix".into(), head: oid('c'), draft: false, section: None }
}

/// A task in review, with a pull request.
fn in_review() -> Story {
    let mut story = Story::in_development(|new| new.checks.clear());
    story.finish(Role::Develop, |finished| finished.head = Some(oid('c')));
    story.pod(TaskCommand::RequestTransition).unwrap();
    story
        .ask(
            Principal::Policy("auto".to_owned()),
            TaskCommand::Answer { decision: story.decision(1), seen: None, verdict: approve() },
        )
        .unwrap();
    story.pod(TaskCommand::EnterPhase).unwrap();
    assert_eq!(story.state.phase, Phase::Review);
    story.pod(news(vec![found()])).unwrap();
    story
}

fn states(story: &Story) -> Vec<&OpState> {
    story.state.ops.iter().map(|op| &op.state).collect()
}

#[test]
fn what_a_person_must_agree_to_is_held_on_one_card_per_thing_that_binds_exactly_what_it_shows() {
    let mut story = Story::in_development(|_| ());
    assert_eq!(
        story.pod(queue(comment("a"), PublishPolicy::Ask)).unwrap(),
        ["sync.queued", "sync.approval_requested"]
    );
    let first = story.state.decision(story.decision(1)).unwrap().payload_hash.clone();
    assert_eq!(
        story.pod(queue(comment("b"), PublishPolicy::Ask)).unwrap(),
        ["sync.queued", "sync.approval_withdrawn", "sync.approval_requested"]
    );
    assert_eq!(story.state.waiting_for_person().count(), 1);
    // Whoever saw the first card has not seen the second change.
    let late = story.answer(1, approve()).unwrap_err();
    assert!(matches!(late, TaskError::Changed { decision, .. } if decision == story.decision(2)), "{late:?}");
    let stale = TaskCommand::Answer { decision: story.decision(2), seen: Some(first), verdict: approve() };
    assert!(matches!(story.ann(stale), Err(TaskError::Changed { .. })));
    assert!(states(&story).iter().all(|state| **state == OpState::Held));
    assert_eq!(story.answer(2, approve()).unwrap(), ["sync.approved"]);
    assert!(states(&story).iter().all(|state| **state == OpState::Ready));
    assert_eq!(story.state.stopping().count(), 0);
}

#[test]
fn what_goes_out_stops_the_task_only_when_its_work_is_done() {
    let mut story = Story::in_development(|_| ());
    story.pod(queue(comment("a"), PublishPolicy::Ask)).unwrap();
    assert_eq!((story.state.waiting_for_person().count(), story.state.stopping().count()), (1, 0));
    let mut story = in_review();
    story.pod(queue(comment("a"), PublishPolicy::Ask)).unwrap();
    story.pod(TaskCommand::RequestTransition).unwrap();
    let gate = story.state.decisions.last().unwrap().id.number;
    story.answer(gate, approve()).unwrap();
    assert_eq!(story.state.stopping().count(), 1);
}

#[test]
fn a_rejected_change_stays_rejected_and_another_one_is_asked_for_again() {
    let mut story = Story::in_development(|_| ());
    story.pod(queue(comment("a"), PublishPolicy::Ask)).unwrap();
    assert_eq!(story.answer(1, reject("not so")).unwrap(), ["sync.rejected"]);
    assert!(story.pod(queue(comment("a"), PublishPolicy::Ask)).unwrap().is_empty());
    assert!(story.pod(queue(comment("a"), PublishPolicy::Auto)).unwrap().is_empty());
    let again = story.pod(queue(comment("b"), PublishPolicy::Ask)).unwrap();
    assert_eq!(again, ["sync.queued", "sync.approval_requested"]);
    let agent = Principal::Agent(ipa_events::RunId::new(story.id, 1));
    let answer = TaskCommand::Answer { decision: story.decision(2), seen: None, verdict: approve() };
    assert!(matches!(story.ask(agent, answer), Err(TaskError::MayNotDecide(_))));
}

#[test]
fn a_policy_says_who_must_agree() {
    let mut story = Story::in_development(|_| ());
    assert!(story.pod(queue(status("a"), PublishPolicy::Deny)).unwrap().is_empty());
    story.pod(queue(status("a"), PublishPolicy::AskOnce)).unwrap();
    assert_eq!(story.state.ops[0].state, OpState::Held);
    story.answer(1, approve()).unwrap();
    // The first was agreed to: the second of its kind goes out by itself.
    story.pod(queue(status("b"), PublishPolicy::AskOnce)).unwrap();
    assert_eq!(states(&story), [&OpState::Superseded { by: Some(story.op(2)) }, &OpState::Ready]);
    story.pod(queue(status("c"), PublishPolicy::Ask)).unwrap();
    assert_eq!(story.state.ops[2].state, OpState::Held);
}

#[test]
fn a_newer_change_takes_the_place_of_one_that_was_not_sent_and_comments_stand_for_themselves() {
    let mut story = Story::in_development(|_| ());
    story.pod(queue(status("a"), PublishPolicy::Ask)).unwrap();
    let newer = story.pod(queue(status("b"), PublishPolicy::Auto)).unwrap();
    assert_eq!(newer, ["sync.superseded", "sync.queued", "sync.approval_withdrawn"]);
    assert_eq!(states(&story), [&OpState::Superseded { by: Some(story.op(2)) }, &OpState::Ready]);
    for text in ["x", "y"] {
        assert_eq!(story.pod(queue(comment(text), PublishPolicy::Auto)).unwrap(), ["sync.queued"]);
    }
    let (thread, to) = ("t1".parse().unwrap(), "31".parse().unwrap());
    let reply = Change::Reply { thread, to, text: "Because.".into() };
    assert_eq!(story.pod(queue(reply, PublishPolicy::Auto)).unwrap(), ["sync.queued"]);
    // One that is under way is left alone; the newer one waits for it.
    story.pod(TaskCommand::StartAttempt { op: story.op(2) }).unwrap();
    assert_eq!(story.pod(queue(status("c"), PublishPolicy::Auto)).unwrap(), ["sync.queued"]);
    let second = story.pod(TaskCommand::StartAttempt { op: story.op(6) });
    assert!(matches!(second, Err(TaskError::NotCalledFor(_))));
}

#[test]
fn what_somebody_agreed_to_by_other_means_is_not_held_any_more() {
    let mut story = Story::in_development(|_| ());
    let merge = Change::Merge { commit: oid('c'), method: MergeMethod::Squash };
    story.pod(queue(merge.clone(), PublishPolicy::Ask)).unwrap();
    story.pod(queue(merge, PublishPolicy::Auto)).unwrap();
    assert_eq!(states(&story), [&OpState::Superseded { by: Some(story.op(2)) }, &OpState::Ready]);
    assert_eq!(story.state.waiting_for_person().count(), 0);
}

#[test]
fn a_change_that_is_not_wanted_any_more_is_taken_back_with_its_card() {
    let mut story = Story::in_development(|_| ());
    story.pod(queue(comment("a"), PublishPolicy::Ask)).unwrap();
    let op = story.op(1);
    let withdrawn = story.pod(TaskCommand::WithdrawOp { op }).unwrap();
    assert_eq!(withdrawn, ["sync.superseded", "sync.approval_withdrawn"]);
    assert!(story.pod(TaskCommand::WithdrawOp { op }).unwrap().is_empty());
    // It may be wanted again.
    assert_eq!(story.pod(queue(comment("a"), PublishPolicy::Auto)).unwrap(), ["sync.queued"]);
}

#[test]
fn an_attempt_whose_answer_was_lost_is_looked_for_twice_before_it_counts_as_not_made() {
    let mut story = Story::in_development(|_| ());
    story.pod(queue(comment("a"), PublishPolicy::Auto)).unwrap();
    let op = story.op(1);
    story.pod(TaskCommand::StartAttempt { op }).unwrap();
    let doubt = |doubt| TaskCommand::RecordDoubt { op, doubt, detail: "reset".into() };
    let look_at = |story: &Story| match &story.state.op(op).unwrap().state {
        OpState::InFlight(fate) => fate.look_at.map(|at| at.duration_since(story.now)),
        other => panic!("{other:?}"),
    };
    story.pod(doubt(Doubt::Unanswered)).unwrap();
    assert_eq!(look_at(&story), Some(SignedDuration::ZERO));
    story.pod(doubt(Doubt::NotThere)).unwrap();
    assert_eq!(look_at(&story), Some(SignedDuration::from_secs(15)));
    assert_eq!(story.pod(doubt(Doubt::NotThere)).unwrap(), ["sync.failed"]);
    assert!(matches!(story.state.op(op).unwrap().state, OpState::Waiting { .. }));
}

#[test]
fn an_attempt_that_cannot_be_looked_for_ends_with_a_person() {
    let mut story = Story::in_development(|_| ());
    story.pod(queue(comment("a"), PublishPolicy::Auto)).unwrap();
    let op = story.op(1);
    story.pod(TaskCommand::StartAttempt { op }).unwrap();
    let doubt = |doubt| TaskCommand::RecordDoubt { op, doubt, detail: "no answer".into() };
    let until = story.now + SignedDuration::from_hours(1);
    // Not to be allowed to look is no look.
    for _ in 0..9 {
        assert_eq!(story.pod(doubt(Doubt::Later(until))).unwrap(), ["sync.doubted"]);
    }
    for _ in 0..4 {
        assert_eq!(story.pod(doubt(Doubt::Unknown)).unwrap(), ["sync.doubted"]);
    }
    assert_eq!(story.pod(doubt(Doubt::Unknown)).unwrap(), ["sync.dead", "escalation.opened"]);
}

#[test]
fn a_limit_of_the_other_side_uses_up_no_attempt_and_twelve_failures_do() {
    let mut story = Story::in_development(|_| ());
    story.pod(queue(comment("a"), PublishPolicy::Auto)).unwrap();
    let op = story.op(1);
    let mut fails = |next| {
        story.pod(TaskCommand::StartAttempt { op }).unwrap();
        story.pod(TaskCommand::RecordSendFailed { op, detail: "no".into(), next }).unwrap()
    };
    for _ in 0..20 {
        assert_eq!(fails(AfterFailure::HoldUntil(Timestamp::UNIX_EPOCH)), ["sync.failed"]);
    }
    for _ in 0..11 {
        assert_eq!(fails(AfterFailure::Again), ["sync.failed"]);
    }
    assert_eq!(fails(AfterFailure::Again), ["sync.dead", "escalation.opened"]);
    assert_eq!(story.state.op(op).unwrap().attempts, 32);
}

#[test]
fn a_person_can_try_a_change_again_or_drop_it_for_good() {
    let mut story = Story::in_development(|_| ());
    story.pod(queue(comment("a"), PublishPolicy::Auto)).unwrap();
    let op = story.op(1);
    story.pod(TaskCommand::StartAttempt { op }).unwrap();
    assert!(matches!(story.ann(TaskCommand::DropOp { op }), Err(TaskError::NotCalledFor(_))));
    let failed = TaskCommand::RecordSendFailed { op, detail: "gone".into(), next: AfterFailure::Leave };
    assert_eq!(story.pod(failed).unwrap(), ["sync.dead"], "nobody is asked");
    assert!(!story.state.ops[0].insisted);
    assert_eq!(story.ann(TaskCommand::RetryOp { op }).unwrap(), ["sync.retried"]);
    assert!(story.state.ops[0].insisted, "it was given up, and a person wants it all the same");
    assert_eq!(story.ann(TaskCommand::DropOp { op }).unwrap(), ["sync.dropped"]);
    assert!(story.ann(TaskCommand::DropOp { op }).unwrap().is_empty());
    assert_eq!(story.state.ops[0].state, OpState::Refused { by: ann(), reason: None });
    assert!(story.pod(queue(comment("a"), PublishPolicy::Auto)).unwrap().is_empty());
    assert!(matches!(story.ann(TaskCommand::RetryOp { op }), Err(TaskError::NothingToRetry)));
    let agent = Principal::Agent(ipa_events::RunId::new(story.id, 1));
    assert!(matches!(story.ask(agent, TaskCommand::DropOp { op }), Err(TaskError::MayNotDecide(_))));
}

#[test]
fn what_is_written_too_often_is_held_until_a_person_lets_it_go_on() {
    let mut story = Story::in_development(|_| ());
    let storm = |resource| TaskCommand::BlowFuse { resource, detail: "21 writes".into() };
    story.pod(queue(comment("a"), PublishPolicy::Auto)).unwrap();
    let op = story.op(1);
    let of_op = story.state.op(op).unwrap().resource.clone();
    assert_eq!(story.pod(storm(of_op.clone())).unwrap(), ["escalation.opened", "sync.fused"]);
    assert!(story.pod(storm(of_op.clone())).unwrap().is_empty(), "a person is asked once");
    // Another thing is asked about for itself.
    assert_eq!(story.pod(storm(resource("jira/ticket/K-1"))).unwrap(), ["escalation.opened", "sync.fused"]);
    assert!(matches!(story.pod(TaskCommand::StartAttempt { op }), Err(TaskError::NotCalledFor(_))));
    // To say no leaves it so, and trying again lets all go on.
    story.answer(1, reject("it is fine")).unwrap();
    assert!(story.pod(TaskCommand::StartAttempt { op }).is_err());
    story.answer(2, approve()).unwrap();
    assert!(
        story.state.outside.is_fused(&of_op) && !story.state.outside.is_fused(&resource("jira/ticket/K-1"))
    );
    assert_eq!(story.ann(TaskCommand::Retry).unwrap(), ["retry.scheduled"]);
    assert_eq!(story.state.outside.fuses[&of_op].mended_at, Some(story.now));
    assert_eq!(story.pod(TaskCommand::StartAttempt { op }).unwrap(), ["sync.attempt_started"]);
}

#[test]
fn what_is_known_already_is_no_news() {
    let mut story = in_review();
    let said = vec![remarked_by_an_outsider("31"), News::PullDraft { draft: true }];
    assert_eq!(story.pod(news(said.clone())).unwrap(), ["external.changed", "external.changed"]);
    assert!(story.pod(news(said)).unwrap().is_empty());
    let link = Link { remote: "octo/repo#4".parse().unwrap(), url: None };
    let linked = TaskCommand::RecordLink { resource: resource(PULL), link };
    assert_eq!(story.pod(linked.clone()).unwrap(), ["external.linked"]);
    assert!(story.pod(linked).unwrap().is_empty());
}

#[test]
fn what_we_changed_ourselves_is_no_news() {
    let mut story = in_review();
    for change in [
        Change::SetDraft { draft: true },
        Change::Rename { title: "Better".into() },
        Change::WriteSection { section: "what it is".into() },
        Change::ReportCheck { commit: oid('c'), state: CheckReport::Passed, summary: "1 passed".into() },
    ] {
        let op = story.op(u32::try_from(story.state.ops.len()).unwrap() + 1);
        story.pod(queue(change, PublishPolicy::Auto)).unwrap();
        story.pod(TaskCommand::StartAttempt { op }).unwrap();
        story.pod(sent(op, "octo/repo#4")).unwrap();
    }
    let section = Some(Change::version_of("what it is"));
    let same = vec![
        News::PullDraft { draft: true },
        News::PullRenamed { title: "Better".into() },
        News::PullSection { section },
    ];
    assert!(story.pod(news(same)).unwrap().is_empty());
}

#[test]
fn a_trusted_comment_in_review_asks_for_a_run_and_an_outsiders_does_not() {
    let mut story = in_review();
    story.pod(TaskCommand::RequestTransition).unwrap();
    story.pod(news(vec![remarked_by_an_outsider("31")])).unwrap();
    assert_eq!((story.state.product(), story.state.stopping().count()), (Product::There, 1));
    story.pod(TaskCommand::RequestTransition).unwrap();
    let gate = story.state.decisions.last().unwrap().id.number;
    story.answer(gate, approve()).unwrap();
    story.pod(news(vec![remarked("32")])).unwrap();
    assert_eq!(story.state.product(), Product::Outdated);
    assert!(!story.state.may_deliver(), "what came after the approval was not seen");
    assert!(story.state.answered_by(&"32".parse().unwrap()).is_none());
    story.finish(Role::Review, |finished| finished.head = Some(oid('d')));
    assert_eq!(story.state.product(), Product::There);
    let answered = story.state.answered_by(&"32".parse().unwrap()).unwrap();
    assert_eq!((answered.role, story.state.head_after(answered.id)), (Role::Review, Some(&oid('d'))));
    assert!(story.state.answered_by(&"31".parse().unwrap()).is_none());
}

#[test]
fn a_review_that_wants_changes_asks_for_a_run_and_one_that_approves_does_not() {
    for (verdict, wanted) in
        [(ReviewVerdict::Approved, Product::There), (ReviewVerdict::ChangesRequested, Product::Outdated)]
    {
        let mut story = in_review();
        let id = "21".parse().unwrap();
        let review = Review { id, verdict, commit: oid('c'), remark: remark() };
        story.pod(news(vec![News::Reviewed { review }])).unwrap();
        assert_eq!(story.state.product(), wanted, "{verdict:?}");
    }
}

#[test]
fn a_merged_pull_request_completes_its_task_and_nothing_undoes_that() {
    let mut story = in_review();
    let merged = News::PullMerged { commit: Some(oid('e')), by: Some("bob".into()) };
    let happened = story.pod(news(vec![merged.clone()])).unwrap();
    assert_eq!(happened, ["external.changed", "task.completed"]);
    assert!(story.pod(news(vec![merged])).unwrap().is_empty());
    assert_eq!(story.state.phase, Phase::Completed);
}

#[test]
fn a_pull_request_that_somebody_closed_is_a_question() {
    let mut story = in_review();
    let closed = News::PullClosed { by: Some("bob".into()) };
    assert_eq!(story.pod(news(vec![closed])).unwrap(), ["external.changed", "escalation.opened"]);
    assert_eq!(story.state.stopping().count(), 1);
    let pull = &story.state.outside.pulls[&resource(PULL)];
    assert_eq!(pull.state, PullState::Closed { by: Some("bob".into()) });
}

#[test]
fn a_push_of_somebody_else_is_a_question_and_ours_is_not() {
    let mut story = in_review();
    let head = story.state.head.clone().unwrap();
    let pushed = |head| news(vec![News::PullPushed { head }]);
    assert_eq!(story.pod(pushed(oid('9'))).unwrap(), ["external.changed", "escalation.opened"]);
    assert_eq!(story.state.moved_by_others(), Some((&resource(PULL), &oid('9'))));
    let asked = story.state.stopping().next().unwrap();
    let Asked::Escalation { reason: EscalationReason::PullMoved, detail } = &asked.asked else {
        panic!("{asked:?}")
    };
    assert!(detail.contains(oid('9').short()) && detail.contains(head.short()), "{detail}");
    // Taken back, it is the task's again.
    assert_eq!(story.pod(pushed(head)).unwrap(), ["external.changed"]);
    assert_eq!(story.state.moved_by_others(), None);
}

#[test]
fn checks_of_the_forge_that_failed_on_the_head_count_as_failed_checks() {
    let mut story = in_review();
    let failing = vec![FailedCheck { name: "build".into(), url: None, summary: "it broke".into() }];
    let ci = |commit| Ci { commit, state: CiState::Failed, failing: failing.clone() };
    story.pod(news(vec![News::CiChanged { ci: Some(ci(oid('9'))) }])).unwrap();
    assert!(!story.state.is_broken(&oid('c')), "they are about another commit");
    story.pod(news(vec![News::CiChanged { ci: Some(ci(oid('c'))) }])).unwrap();
    assert!(story.state.is_broken(&oid('c')));
    story.run_of(Role::Review);
    assert_eq!(story.state.fixes, 1);
}

#[test]
fn what_goes_out_is_still_wanted_when_the_task_is_over() {
    let mut story = in_review();
    story.pod(queue(comment("done"), PublishPolicy::Ask)).unwrap();
    story.ann(TaskCommand::Complete { note: None }).unwrap();
    assert_eq!(story.state.waiting_for_person().count(), 1);
    let card = story.state.decisions.last().unwrap().id.number;
    assert_eq!(story.answer(card, approve()).unwrap(), ["sync.approved"]);
}
