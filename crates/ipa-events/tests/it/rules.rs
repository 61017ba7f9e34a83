//! The rules of a task, as sentences.

use ipa_events::task::{
    AfterFailure, Answered, Ask, EscalationReason, FinishedRun, NeedsPerson, OpState, Product, Verdict, Waits,
};
use ipa_events::{
    AgentId, FailureClass, Outcome, PayloadHash, Phase, Principal, Retry, Role, RunId, Runtime, TaskCommand,
    TaskError,
};
use jiff::SignedDuration;

use crate::support::story::{Story, ann, approve, deliver, oid, process, reject, sent};

fn failed(finished: &mut FinishedRun) {
    let (class, detail) = (FailureClass::Crashed, "it died".to_owned());
    finished.outcome = Outcome::Failed { class, detail, retry: Retry::Backoff };
}

fn text(text: &'static str) -> impl FnOnce(&mut FinishedRun) {
    move |finished| finished.document = Some(text.into())
}

/// A task at the gate of its spec: decision 1.
fn at_the_spec_gate() -> Story {
    let mut story = Story::begun(|_| ());
    story.workspace();
    assert_eq!(story.finish(Role::Spec, text("the spec")), ["run.finished", "spec.revised"]);
    assert_eq!(story.pod(TaskCommand::RequestTransition).unwrap(), ["transition.requested"]);
    story
}

fn seen(story: &Story, decision: u32) -> Option<PayloadHash> {
    story.state.decision(story.decision(decision)).map(|decision| decision.payload_hash.clone())
}

#[test]
fn an_approval_binds_what_was_seen() {
    let mut story = at_the_spec_gate();
    let first = seen(&story, 1);
    // Another spec is written before ann answers the first.
    story.finish(Role::Spec, text("another spec"));
    let answer = |story: &mut Story, decision: u32, seen: Option<PayloadHash>| {
        let decision = story.decision(decision);
        story.ann(TaskCommand::Answer { decision, seen, verdict: approve() })
    };
    for seen in [first.clone(), None] {
        let stale = answer(&mut story, 1, seen).unwrap_err();
        assert!(matches!(stale, TaskError::Changed { .. }), "{stale:?}");
    }
    story.pod(TaskCommand::RequestTransition).unwrap();
    // Now a newer gate is open, and the answer says which.
    match answer(&mut story, 1, first.clone()).unwrap_err() {
        TaskError::Changed { decision, actual } => {
            assert_eq!((decision, Some(actual)), (story.decision(2), seen(&story, 2)));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(story.state.phase, Phase::SpecClarification);
    let wrong = answer(&mut story, 2, first).unwrap_err();
    assert!(matches!(wrong, TaskError::Changed { .. }), "{wrong:?}");
    let now = seen(&story, 2);
    assert_eq!(answer(&mut story, 2, now).unwrap(), ["transition.approved"]);
    assert_eq!(story.pod(TaskCommand::EnterPhase).unwrap(), ["phase.entered"]);
    assert_eq!(story.state.phase, Phase::Planning);
}

#[test]
fn the_first_answer_wins_and_a_late_one_is_told_what_happened() {
    let mut story = at_the_spec_gate();
    story.answer(1, approve()).unwrap();
    // The same answer again changes nothing.
    assert!(story.answer(1, approve()).unwrap().is_empty());
    let decision = story.decision(1);
    let bob = Principal::User("bob".to_owned());
    let late = TaskCommand::Answer { decision, seen: None, verdict: reject("no tests") };
    let told = story.ask(bob, late).unwrap_err();
    assert_eq!(
        told.to_string(),
        format!("decision {decision} is closed: user:ann decided it at 2026-11-26T10:00:00Z")
    );
    let changed_mind = story.answer(1, reject("no tests")).unwrap_err();
    assert!(matches!(changed_mind, TaskError::Closed { .. }), "{changed_mind:?}");
}

#[test]
fn an_agent_or_the_scheduler_never_decides() {
    let mut story = at_the_spec_gate();
    let decision = story.decision(1);
    for who in [Principal::Agent(RunId::new(story.id, 1)), Principal::Scheduler] {
        let answer = TaskCommand::Answer { decision, seen: None, verdict: approve() };
        let refused = story.ask(who.clone(), answer).unwrap_err();
        assert_eq!(refused, TaskError::MayNotDecide(who));
    }
    let agent = Principal::Agent(RunId::new(story.id, 1));
    let steering = [
        TaskCommand::Complete { note: None },
        TaskCommand::Cancel { reason: None },
        TaskCommand::GoBack { phase: Phase::SpecClarification, reason: "x".into() },
        TaskCommand::Retry,
        TaskCommand::Resume,
        TaskCommand::PostMessage { text: "x".into() },
        TaskCommand::Edit { title: Some("x".into()), priority: None },
    ];
    for command in steering {
        let refused = story.ask(agent.clone(), command).unwrap_err();
        assert!(matches!(refused, TaskError::MayNotDecide(_)), "{refused:?}");
    }
    let policy = Principal::Policy("auto".to_owned());
    let answer = TaskCommand::Answer { decision, seen: None, verdict: approve() };
    assert_eq!(story.ask(policy, answer).unwrap(), ["transition.approved"]);
}

#[test]
fn a_rejection_makes_the_product_anew_and_says_why() {
    let mut story = at_the_spec_gate();
    assert_eq!(story.answer(1, reject("no tests")).unwrap(), ["transition.rejected"]);
    assert_eq!(&*story.state.rework.as_ref().unwrap().reason, "no tests");
    assert_eq!(story.state.product(), Product::Outdated);
    let too_early = story.pod(TaskCommand::RequestTransition).unwrap_err();
    assert!(matches!(too_early, TaskError::NotCalledFor(_)), "{too_early:?}");
    // A failed try does not answer it; the next that completes does.
    story.finish(Role::Spec, failed);
    assert!(story.state.rework.is_some());
    story.finish(Role::Spec, text("a spec with tests"));
    assert_eq!((story.state.rework.as_ref(), story.state.product()), (None, Product::There));
    assert_eq!(story.state.spec.version(), Some(2));
    let silent = story.answer(1, reject("  ")).unwrap_err();
    assert!(matches!(silent, TaskError::Closed { .. }), "{silent:?}");
}

#[test]
fn failures_pause_longer_and_longer_and_then_ask_a_person() {
    let mut story = Story::in_development(|_| ());
    let mut pauses = Vec::new();
    for _ in 0..2 {
        assert_eq!(story.finish(Role::Develop, failed), ["run.finished", "retry.scheduled"]);
        let retry = story.state.retry.clone().unwrap();
        pauses.push((retry.attempt, retry.at.duration_since(story.now)));
        assert_eq!(story.state.waits(), Waits::Until(retry.at));
        story.later(60);
    }
    assert_eq!(pauses, [(2, SignedDuration::from_secs(10)), (3, SignedDuration::from_secs(20))]);
    assert_eq!(story.finish(Role::Develop, failed), ["run.finished", "escalation.opened"]);
    assert_eq!(story.state.waits(), Waits::Person);
    assert_eq!(story.answer(1, approve()).unwrap(), ["escalation.answered"]);
    assert_eq!((story.state.failures, story.state.waits()), (0, Waits::Nothing));
}

#[test]
fn what_only_a_person_can_mend_is_asked_at_once() {
    let mut story = Story::begun(|_| ());
    let agent = AgentId::main();
    story.pod(TaskCommand::RequestWorkspace { agent: agent.clone() }).unwrap();
    let (detail, needs_person) = ("no such repository".into(), NeedsPerson::Yes);
    let failed = TaskCommand::RecordWorkspaceFailed { agent, detail, needs_person };
    assert_eq!(story.pod(failed).unwrap(), ["workspace.failed", "escalation.opened"]);
    // A person who says something about it is heard by the next run.
    let said = Verdict::Answer { text: "it moved to /srv".into() };
    assert_eq!(story.answer(1, said).unwrap(), ["message.posted", "escalation.answered"]);
    assert_eq!(story.state.undelivered(), [1]);
}

#[test]
fn a_run_that_says_it_is_done_and_left_nothing_has_failed() {
    let mut story = Story::in_development(|_| ());
    assert_eq!(story.finish(Role::Develop, |_| ()), ["run.finished", "retry.scheduled"]);
    assert!(story.state.last_failure.as_ref().unwrap().contains("changed nothing"));
    let head = |finished: &mut FinishedRun| finished.head = Some(oid('1'));
    assert_eq!(story.finish(Role::Develop, head), ["workspace.harvested", "run.finished"]);
    assert_eq!((story.state.head.as_ref(), story.state.product()), (Some(&oid('1')), Product::There));
    assert_eq!(story.state.failures, 0);
}

#[test]
fn going_back_keeps_everything_and_says_why() {
    let mut story = Story::in_development(|_| ());
    story.finish(Role::Develop, |finished| finished.head = Some(oid('1')));
    let run = story.run_of(Role::Develop);
    let back = TaskCommand::GoBack { phase: Phase::Planning, reason: "the plan is wrong".into() };
    assert_eq!(story.ann(back).unwrap(), ["run.interrupted", "phase.entered"]);
    assert_eq!((story.state.phase, story.state.head.as_ref()), (Phase::Planning, Some(&oid('1'))));
    assert_eq!((story.state.plan.versions.len(), story.state.runs.len()), (1, 2));
    assert_eq!(&*story.state.rework.as_ref().unwrap().reason, "the plan is wrong");
    // The end of the run that was stopped is no failure of the new phase.
    story.end(run, |finished| finished.outcome = Outcome::Interrupted { by: ann() });
    assert_eq!((story.state.failures, story.state.waits()), (0, Waits::Nothing));
    for phase in [Phase::Planning, Phase::Development, Phase::Completed] {
        let refused = story.ann(TaskCommand::GoBack { phase, reason: "x".into() }).unwrap_err();
        assert!(matches!(refused, TaskError::NotEarlier { .. }), "{refused:?}");
    }
}

#[test]
fn a_message_is_delivered_once_with_the_next_start() {
    let mut story = Story::in_development(|_| ());
    for text in ["first", "second"] {
        story.ann(TaskCommand::PostMessage { text: text.into() }).unwrap();
    }
    let run = story.run_of(Role::Develop);
    // The intent alone delivers nothing: a crash here must not lose them.
    assert_eq!(story.state.undelivered(), [1, 2]);
    story.ann(TaskCommand::PostMessage { text: "third".into() }).unwrap();
    let started =
        TaskCommand::RecordStarted { run, process: process(), session: None, sandbox: "none".into() };
    assert_eq!(story.pod(started.clone()).unwrap(), ["run.started", "message.delivered"]);
    assert!(story.pod(started).unwrap().is_empty());
    assert_eq!(story.state.undelivered(), [3]);
    let live = TaskCommand::RecordDelivered { run, messages: vec![1, 3, 9] };
    assert_eq!(story.pod(live.clone()).unwrap(), ["message.delivered"]);
    assert!(story.pod(live).unwrap().is_empty());
    assert_eq!(story.state.messages[2].delivered, Some(run));
}

#[test]
fn a_delivery_is_intended_before_it_is_tried_and_never_tried_twice_at_once() {
    let mut story = Story::in_development(|_| ());
    assert_eq!(story.pod(deliver()).unwrap(), ["sync.queued"]);
    assert!(story.pod(deliver()).unwrap().is_empty());
    let op = story.op(1);
    let start = TaskCommand::StartAttempt { op };
    assert_eq!(story.pod(start.clone()).unwrap(), ["sync.attempt_started"]);
    // Its outcome is not known: it is probed, not repeated.
    assert!(matches!(story.pod(start.clone()), Err(TaskError::NotCalledFor(_))));
    let failed = |next| TaskCommand::RecordSendFailed { op, detail: "no route".into(), next };
    assert_eq!(story.pod(failed(AfterFailure::Again)).unwrap(), ["sync.failed"]);
    story.pod(start.clone()).unwrap();
    assert_eq!(story.pod(failed(AfterFailure::Ask)).unwrap(), ["sync.dead", "escalation.opened"]);
    assert!(matches!(story.pod(start.clone()), Err(TaskError::NotCalledFor(_))));
    story.answer(1, approve()).unwrap();
    story.pod(start).unwrap();
    assert_eq!(story.pod(sent(op, "ipa/t-12-fix")).unwrap(), ["sync.sent"]);
    assert!(story.pod(sent(op, "ipa/t-12-fix")).unwrap().is_empty());
    assert!(story.state.op(op).unwrap().is_sent());
}

#[test]
fn what_a_run_asks_ends_with_the_run() {
    let mut story = Story::in_development(|_| ());
    let run = story.run_of(Role::Develop);
    let ask = Ask { text: "which one?".into(), choices: vec!["a".into()] };
    let question = TaskCommand::AskQuestion { run, key: "q".into(), ask };
    assert_eq!(story.pod(question.clone()).unwrap(), ["question.asked"]);
    assert!(story.pod(question).unwrap().is_empty());
    let (key, tool, input) = ("p".into(), "bash".into(), "{}".into());
    story.pod(TaskCommand::AskPermission { run, key, tool, input }).unwrap();
    let wrong = story.answer(1, approve()).unwrap_err();
    assert!(matches!(wrong, TaskError::WrongVerdict { .. }), "{wrong:?}");
    let edit = |input: &str| Verdict::Edit { input: input.into(), note: None };
    for (number, wrong) in [(1, edit("{}")), (2, edit("[]")), (2, edit("no JSON"))] {
        let wrong = story.answer(number, wrong).unwrap_err();
        assert!(matches!(wrong, TaskError::WrongVerdict { .. }), "{wrong:?}");
    }
    assert_eq!(story.answer(2, edit("{\"a\":1}")).unwrap(), ["permission.answered"]);
    assert!(story.answer(2, edit("{\"a\":1}")).unwrap().is_empty(), "the same again");
    assert!(matches!(story.answer(2, approve()).unwrap_err(), TaskError::Closed { .. }));
    let (key, tool, input) = ("p2".into(), "bash".into(), "{}".into());
    story.pod(TaskCommand::AskPermission { run, key, tool, input }).unwrap();
    assert_eq!(story.answer(3, reject("no shell")).unwrap(), ["permission.answered"]);
    let ended = story.end(run, |finished| finished.outcome = Outcome::Interrupted { by: ann() });
    assert_eq!(ended, ["question.withdrawn", "run.finished"]);
    let late = story.answer(1, Verdict::Answer { text: "a".into() }).unwrap_err();
    let TaskError::Closed { answered, .. } = late else { panic!("{late:?}") };
    assert!(matches!(*answered, Answered::Withdrawn { .. }));
}

#[test]
fn an_interruption_waits_for_a_person_and_retry_goes_on() {
    let mut story = Story::in_development(|_| ());
    let run = story.run_of(Role::Develop);
    let stop = TaskCommand::InterruptRun { run, reason: None };
    assert_eq!(story.ann(stop.clone()).unwrap(), ["run.interrupted"]);
    assert!(story.ann(stop.clone()).unwrap().is_empty());
    story.end(run, |finished| finished.outcome = Outcome::Interrupted { by: ann() });
    assert_eq!(story.state.waits(), Waits::Person);
    assert_eq!(story.ann(stop).unwrap_err(), TaskError::RunOver(run));
    assert_eq!(story.ann(TaskCommand::Retry).unwrap(), ["retry.scheduled"]);
    assert_eq!(story.state.waits(), Waits::Until(story.now));
}

#[test]
fn there_is_nothing_to_retry_where_nothing_failed() {
    let mut story = Story::in_development(|_| ());
    assert_eq!(story.ann(TaskCommand::Retry).unwrap_err(), TaskError::NothingToRetry);
}

#[test]
fn one_run_is_open_at_a_time() {
    let mut story = Story::in_development(|_| ());
    let run = story.run_of(Role::Develop);
    let request = ipa_events::task::RunRequest {
        role: Role::Check,
        agent: AgentId::check(),
        runtime: "scripted".parse().unwrap(),
        session: None,
        resumes: None,
        check: Some("./test".into()),
    };
    let refused = story.pod(TaskCommand::RequestRun(Box::new(request))).unwrap_err();
    assert_eq!(refused, TaskError::RunOpen(run));
}

#[test]
fn a_run_that_was_cut_short_is_resumed_by_the_next_of_its_role() {
    let runtime: Runtime = "scripted".parse().unwrap();
    let failed = |class| Outcome::Failed { class, detail: "x".into(), retry: Retry::Backoff };
    for (outcome, resumes) in [
        (Outcome::Completed, false),
        (Outcome::Interrupted { by: ann() }, true),
        (failed(FailureClass::Crashed), true),
        (failed(FailureClass::RateLimited), true),
        (failed(FailureClass::SessionLost), false),
        (failed(FailureClass::ContextTooLong), false),
    ] {
        let mut story = Story::in_development(|_| ());
        assert_eq!(story.state.resumable(Role::Develop, &runtime), None, "nothing ran yet");
        story.finish(Role::Develop, |finished| {
            finished.head = Some(oid('1'));
            finished.outcome = outcome.clone();
        });
        let last = story.state.runs.last().unwrap().id;
        let resumed = story.state.resumable(Role::Develop, &runtime).map(|run| run.id);
        assert_eq!(resumed, resumes.then_some(last), "{outcome:?}");
        assert_eq!(story.state.resumable(Role::Review, &runtime), None);
        assert_eq!(story.state.resumable(Role::Develop, &"claude".parse().unwrap()), None);
    }
}

#[test]
fn a_check_speaks_for_one_commit_only() {
    use ipa_events::task::Evidence;
    let mut story = Story::in_development(|_| ());
    story.finish(Role::Develop, |finished| finished.head = Some(oid('1')));
    assert_eq!(story.state.evidence(&oid('1')), Evidence::Pending);
    let ended = story.finish(Role::Check, |finished| finished.check = Some((Some(1), "1 failed".into())));
    assert_eq!(ended, ["run.finished", "check.finished"]);
    assert_eq!(story.state.evidence(&oid('1')), Evidence::Failed);
    story.finish(Role::Develop, |finished| finished.head = Some(oid('2')));
    assert_eq!((story.state.fixes, story.state.evidence(&oid('2'))), (1, Evidence::Pending));
    story.finish(Role::Check, |finished| finished.check = Some((Some(0), "ok".into())));
    assert_eq!(story.state.evidence(&oid('2')), Evidence::Passed);
    assert_eq!(story.state.next_check(&oid('2')), None);
}

#[test]
fn a_task_that_is_over_takes_nothing_more_until_reopened() {
    let mut story = at_the_spec_gate();
    story.ann(TaskCommand::Cancel { reason: None }).unwrap();
    assert!(story.ann(TaskCommand::Cancel { reason: None }).unwrap().is_empty());
    assert!(story.state.open_decisions().next().is_none());
    for command in [
        TaskCommand::Pause { reason: None },
        TaskCommand::PostMessage { text: "x".into() },
        TaskCommand::Complete { note: None },
        TaskCommand::RequestTransition,
    ] {
        assert_eq!(story.ann(command).unwrap_err(), TaskError::Over(Phase::Cancelled));
    }
    assert_eq!(story.ann(TaskCommand::Reopen).unwrap(), ["task.reopened"]);
    assert_eq!(story.state.phase, Phase::SpecClarification);
    assert_eq!(story.ann(TaskCommand::Reopen).unwrap_err(), TaskError::NotOver);
}

#[test]
fn the_last_gate_leads_to_completion_only() {
    // A task's end is an event of its own: passing the last gate is not entering a phase.
    let mut story = Story::in_development(|new| new.checks.clear());
    story.finish(Role::Develop, |finished| finished.head = Some(oid('1')));
    story.pod(TaskCommand::RequestTransition).unwrap();
    story.answer(1, approve()).unwrap();
    story.pod(TaskCommand::EnterPhase).unwrap();
    assert_eq!(story.state.phase, Phase::Review);
    story.pod(TaskCommand::RequestTransition).unwrap();
    story.answer(2, approve()).unwrap();
    let refused = story.pod(TaskCommand::EnterPhase).unwrap_err();
    assert!(matches!(refused, TaskError::NotCalledFor(_)), "{refused:?}");
    assert_eq!(story.state.approved, Some((story.decision(2), Phase::Completed)));
    assert_eq!(story.pod(TaskCommand::Complete { note: None }).unwrap(), ["task.completed"]);
}

#[test]
fn an_escalation_for_the_same_reason_is_opened_once() {
    let mut story = Story::begun(|_| ());
    let parked = || TaskCommand::Escalate { reason: EscalationReason::PodParked, detail: "it panics".into() };
    assert_eq!(story.pod(parked()).unwrap(), ["escalation.opened"]);
    assert!(story.pod(parked()).unwrap().is_empty());
    assert_eq!(story.answer(1, reject("leave it")).unwrap(), ["escalation.answered"]);
    assert_eq!(story.state.waits(), Waits::Person);
}

#[test]
fn nothing_is_asked_of_a_task_that_is_not_there() {
    let mut story = Story::unwritten();
    assert_eq!(story.ann(TaskCommand::Resume).unwrap_err(), TaskError::NotCreated);
    let mut new = crate::support::story::new_task(story.id);
    new.request = " \n".into();
    let empty = story.ann(TaskCommand::Create(Box::new(new.clone()))).unwrap_err();
    assert!(matches!(empty, TaskError::Invalid { .. }), "{empty:?}");
    new.request = "x".into();
    story.ann(TaskCommand::Create(Box::new(new.clone()))).unwrap();
    assert_eq!(story.ann(TaskCommand::Create(Box::new(new))).unwrap_err(), TaskError::Exists);
}

#[test]
fn a_restore_that_fails_keeps_the_branch_and_the_base_for_the_next_try() {
    let mut story = Story::in_development(|_| ());
    story.finish(Role::Develop, |finished| finished.head = Some(oid('c')));
    story.pod(TaskCommand::RecordTrashed { agent: AgentId::main() }).unwrap();
    let before = (story.state.branch().cloned(), story.state.base().cloned());
    assert!(before.0.is_some() && before.1.is_some());
    story.pod(TaskCommand::RequestWorkspace { agent: AgentId::main() }).unwrap();
    let (detail, needs_person) = ("disk full".into(), NeedsPerson::No);
    story.pod(TaskCommand::RecordWorkspaceFailed { agent: AgentId::main(), detail, needs_person }).unwrap();
    assert_eq!((story.state.branch().cloned(), story.state.base().cloned()), before);
}

#[test]
fn a_workspace_or_a_delivery_that_fails_after_the_end_asks_nobody() {
    let mut story = Story::in_development(|_| ());
    story.pod(deliver()).unwrap();
    let op = story.op(1);
    story.pod(TaskCommand::StartAttempt { op }).unwrap();
    story.ann(TaskCommand::Cancel { reason: None }).unwrap();
    let (detail, needs_person) = ("gone".into(), NeedsPerson::Yes);
    let failed = TaskCommand::RecordWorkspaceFailed { agent: AgentId::check(), detail, needs_person };
    assert_eq!(story.pod(failed).unwrap(), ["workspace.failed"]);
    let failed = TaskCommand::RecordSendFailed { op, detail: "gone".into(), next: AfterFailure::Ask };
    assert_eq!(story.pod(failed).unwrap(), ["sync.dead"]);
    assert_eq!(story.state.waiting_for_person().count(), 0);
}

#[test]
fn retry_makes_a_delivery_due_that_waits_or_was_given_up() {
    for next in [AfterFailure::Again, AfterFailure::Ask] {
        let mut story = Story::in_development(|_| ());
        story.pod(deliver()).unwrap();
        let op = story.op(1);
        story.pod(TaskCommand::StartAttempt { op }).unwrap();
        story.pod(TaskCommand::RecordSendFailed { op, detail: "no route".into(), next }).unwrap();
        if next == AfterFailure::Ask {
            story.answer(1, reject("not now")).unwrap();
        }
        story.ann(TaskCommand::Retry).unwrap();
        assert_eq!(story.state.op(op).unwrap().state, OpState::Ready);
    }
}
