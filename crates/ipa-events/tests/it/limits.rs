//! What holds a task: the usage limits of its agents, and budgets. What of a lost conversation goes on.

use ipa_events::task::{
    Asked, Budget, BudgetOf, BudgetStage, Day, EscalationReason, FinishedRun, Product, RunRequest, RunState,
    Spent, Waits,
};
use ipa_events::{AgentId, FailureClass, Money, Outcome, Retry, Role, RunId, TaskCommand, TaskError};
use jiff::SignedDuration;

use crate::support::story::{Story, approve, oid, reject};

fn failed(finished: &mut FinishedRun) {
    let (class, detail) = (FailureClass::Crashed, "it died".to_owned());
    finished.outcome = Outcome::Failed { class, detail, retry: Retry::Backoff };
}

#[test]
fn a_limit_that_ends_at_a_time_uses_up_no_attempt() {
    let mut story = Story::in_development(|_| ());
    let until = story.now + SignedDuration::from_hours(3);
    for _ in 0..5 {
        story.finish(Role::Develop, |finished| {
            let (class, detail) = (FailureClass::RateLimited, "usage limit".to_owned());
            finished.outcome = Outcome::Failed { class, detail, retry: Retry::At(until) };
        });
        let held = Waits::UsageLimit { agent: "scripted".parse().unwrap(), until };
        assert_eq!((story.state.failures, story.state.waits()), (0, held));
    }
}

#[test]
fn a_limit_of_unknown_length_holds_for_longer_and_longer_until_a_person_says_retry() {
    let mut story = Story::in_development(|_| ());
    let limited = |finished: &mut FinishedRun| {
        let (class, detail) = (FailureClass::RateLimited, "usage limit".to_owned());
        finished.outcome = Outcome::Failed { class, detail, retry: Retry::Hold };
    };
    for minutes in [5, 10, 20, 40, 60, 60] {
        story.finish(Role::Develop, limited);
        let until = story.now + SignedDuration::from_mins(minutes);
        let held = Waits::UsageLimit { agent: "scripted".parse().unwrap(), until };
        assert_eq!((story.state.failures, story.state.waits()), (0, held));
        story.later(60 * minutes);
    }
    // What was held is resumed, as the same attempt, as soon as a person wants it.
    story.finish(Role::Develop, limited);
    story.ann(TaskCommand::Retry).unwrap();
    assert_eq!(story.state.waits(), Waits::Until(story.now));
    assert_eq!(story.state.retry.as_ref().unwrap().attempt, 1);
    assert!(story.state.resumable(Role::Develop, &"scripted".parse().unwrap()).is_some());
    // What gets on ends the row.
    story.finish(Role::Develop, failed);
    story.finish(Role::Develop, limited);
    assert_eq!(story.state.retry.as_ref().unwrap().at, story.now + SignedDuration::from_mins(5));
    assert_eq!(story.state.failures, 1);
}

#[test]
fn a_limit_that_is_over_already_is_no_loop() {
    let mut story = Story::in_development(|_| ());
    let now = story.now;
    story.finish(Role::Develop, |finished| {
        let (class, detail) = (FailureClass::AgentError, "usage limit".to_owned());
        finished.outcome = Outcome::Failed { class, detail, retry: Retry::At(now) };
    });
    assert_eq!(story.state.waits(), Waits::Until(now + SignedDuration::from_mins(5)));
}

fn spent(of: BudgetOf, percent: u64) -> Budget {
    Budget { of, spent: Money::microusd(percent * 20_000), limit: Money::microusd(2_000_000) }
}

fn note(story: &mut Story, run: RunId, stage: BudgetStage, budget: Budget) -> Vec<String> {
    story.pod(TaskCommand::NoteBudget { run, stage, budget }).unwrap()
}

#[test]
fn each_stage_of_a_budget_is_noted_once_and_in_order() {
    let mut story = Story::in_development(|_| ());
    let run = story.run_of(Role::Develop);
    let warned = spent(BudgetOf::Run, 80);
    assert_eq!(note(&mut story, run, BudgetStage::Warned, warned), ["budget.warned"]);
    assert!(note(&mut story, run, BudgetStage::Warned, spent(BudgetOf::Task, 85)).is_empty());
    assert_eq!(story.state.run(run).unwrap().budget, Some((BudgetStage::Warned, warned)));
    let reached = spent(BudgetOf::Task, 91);
    assert_eq!(note(&mut story, run, BudgetStage::Reached, reached), ["budget.reached"]);
    assert!(note(&mut story, run, BudgetStage::Reached, spent(BudgetOf::Run, 100)).is_empty());
    assert!(note(&mut story, run, BudgetStage::Warned, warned).is_empty());
    assert_eq!(story.state.run(run).unwrap().budget, Some((BudgetStage::Reached, reached)));
    story.end(run, failed);
    let late = TaskCommand::NoteBudget { run, stage: BudgetStage::Reached, budget: reached };
    assert_eq!(story.pod(late).unwrap_err(), TaskError::RunOver(run));
}

/// A run that is told to make an end, and says that it is done.
fn makes_an_end(of: BudgetOf) -> Story {
    let mut story = Story::in_development(|new| new.limits.task_budget = Some(Money::microusd(2_000_000)));
    let run = story.run_of(Role::Develop);
    note(&mut story, run, BudgetStage::Reached, spent(of, 92));
    story.end(run, |finished| {
        finished.head = Some(oid('1'));
        finished.document = Some("The tests are missing.".into());
        finished.usage.cost_microusd = 1_840_000;
    });
    let over = story.state.run(run).unwrap().state.clone();
    let RunState::Over(Outcome::Failed { class: FailureClass::Budget, detail, .. }) = over else {
        panic!("{over:?}")
    };
    let says = ["made an end", "It said: The tests are missing."];
    assert!(says.iter().all(|part| detail.contains(part)), "{detail}");
    assert_eq!(story.state.product(), Product::Outdated);
    story
}

#[test]
fn a_run_that_had_to_make_an_end_is_no_success_and_a_person_grants_more() {
    for (of, reason, granted) in
        [(BudgetOf::Run, EscalationReason::RunBudget, 0), (BudgetOf::Task, EscalationReason::TaskBudget, 1)]
    {
        let mut story = makes_an_end(of);
        let asked = &story.state.waiting_for_person().next().unwrap().asked;
        assert!(matches!(asked, Asked::Escalation { reason: it, .. } if *it == reason), "{asked:?}");
        let before = story.state.task_budget().unwrap();
        assert_eq!((before.used(), before.limit.to_string()), (Spent::Nearly, "2.00".to_owned()));
        story.answer(1, approve()).unwrap();
        let after = story.state.task_budget().unwrap();
        assert_eq!((after.limit, story.state.granted), (before.limit.times(granted + 1), granted));
        assert_eq!(story.state.waits(), Waits::Nothing);
        // Who says no is asked nothing more, and nothing goes on.
        let mut story = makes_an_end(of);
        story.answer(1, reject("it is good enough")).unwrap();
        assert_eq!((story.state.granted, story.state.waits()), (0, Waits::Person));
    }
}

#[test]
fn the_budget_of_a_day_is_there_again_on_the_next() {
    let story = makes_an_end(BudgetOf::Day);
    assert_eq!(story.state.waiting_for_person().count(), 0);
    assert_eq!(story.state.waits(), Waits::Until(Day::end(story.now)));
    assert_eq!(story.state.failures, 0);
    assert_eq!(story.state.day.unwrap().spent, Money::microusd(1_840_000));
}

#[test]
fn a_budget_that_an_agent_keeps_by_itself_is_a_persons_to_grant_too() {
    let mut story = Story::in_development(|_| ());
    story.finish(Role::Develop, |finished| {
        let (class, detail) = (FailureClass::Budget, "the agent used up its budget".to_owned());
        finished.outcome = Outcome::Failed { class, detail, retry: Retry::Human };
    });
    let asked = &story.state.waiting_for_person().next().unwrap().asked;
    assert!(matches!(asked, Asked::Escalation { reason: EscalationReason::RunBudget, .. }), "{asked:?}");
}

#[test]
fn a_conversation_that_is_lost_is_handed_over_and_the_log_says_so() {
    for class in [FailureClass::SessionLost, FailureClass::ContextTooLong, FailureClass::Crashed] {
        let mut story = Story::in_development(|_| ());
        story.finish(Role::Develop, |finished| {
            let detail = "it is gone".to_owned();
            finished.outcome = Outcome::Failed { class, detail, retry: Retry::Backoff };
        });
        let lost = story.state.runs[0].id;
        let request = |role| RunRequest {
            role,
            agent: AgentId::main(),
            runtime: "scripted".parse().unwrap(),
            session: None,
            resumes: None,
            check: None,
        };
        let events = story.pod(TaskCommand::RequestRun(Box::new(request(Role::Develop)))).unwrap();
        let takes_over = story.state.runs[1].takes_over;
        if class == FailureClass::Crashed {
            assert_eq!((events, takes_over), (vec!["run.requested".to_owned()], None));
        } else {
            assert_eq!(events, ["run.requested", "run.handed_over"]);
            assert_eq!(takes_over, Some(lost));
        }
    }
}
