//! Budgets, under a paused clock: people are told, then the agent, then its run is ended, and a person grants more.

use std::time::Duration;

use ipa_agent::testing::FakeStep;
use ipa_agent::{Body, RunDir, Session};
use ipa_events::task::{Asked, EscalationReason, RunState, Usage, Verdict};
use ipa_events::{FailureClass, Money, Outcome, Phase, RunId, Status, TaskCommand, TaskId};
use ipa_pod::{Drain, Engine, TaskView};

use super::{Sim, done, send, until, until_phase};

fn cents(cents: u64) -> FakeStep {
    FakeStep::Use(Usage { input_tokens: 1, output_tokens: 1, cost_microusd: cents * 10_000 })
}

fn second() -> FakeStep {
    FakeStep::Wait(Duration::from_secs(1))
}

/// Every run may cost a dollar, every task so many.
fn budgets(mut sim: Sim, task: u64) -> Sim {
    sim.config.defaults.limits.run_budget = Some("1".parse().unwrap());
    sim.config.defaults.limits.task_budget = Some(Money::microusd(task * 1_000_000));
    sim
}

/// What the agent of a run was told beside its prompt, by key.
fn told(sim: &Sim, task: TaskId, number: u32) -> Vec<String> {
    let dir = RunDir::new(sim.config.runs.join(task.to_string()).join(number.to_string()));
    sim.runtime.told(&dir).into_iter().map(|(key, _)| key).collect()
}

fn escalation(view: &TaskView) -> Option<EscalationReason> {
    view.state.waiting_for_person().find_map(|open| {
        let Asked::Escalation { reason, .. } = &open.asked else { return None };
        Some(*reason)
    })
}

fn class(view: &TaskView, number: u32) -> Option<FailureClass> {
    let run = view.state.run(RunId::new(view.state.id()?, number))?;
    let RunState::Over(Outcome::Failed { class, .. }) = &run.state else { return None };
    Some(*class)
}

async fn approve(engine: &Engine, task: TaskId, view: &TaskView) {
    let decision = view.state.waiting_for_person().next().unwrap().id;
    let verdict = Verdict::Approve { note: None };
    send(engine, task, TaskCommand::Answer { decision, seen: None, verdict }).await;
}

#[tokio::test(start_paused = true)]
async fn people_are_told_then_the_agent_and_a_person_lets_the_work_go_on() {
    let sim = Sim::with(|spec| match spec.run.number {
        1 => {
            let mut steps = vec![cents(70), second(), cents(80), second(), cents(85), second(), cents(91)];
            steps.extend([second(), cents(95), second()]);
            steps.extend(done(spec));
            steps
        }
        _ => done(spec),
    });
    let sim = budgets(sim, 100);
    let engine = sim.start().await;
    let task = sim.create(&engine).await;
    let warned =
        until(&engine, task, |view| view.state.open_run().is_some_and(|run| run.budget.is_some())).await;
    assert_eq!(warned.row.status(), Status::Running);
    let view = until(&engine, task, |view| escalation(view).is_some()).await;
    assert_eq!(escalation(&view), Some(EscalationReason::RunBudget));
    assert_eq!(class(&view, 1), Some(FailureClass::Budget), "what had to make an end is no success");
    assert_eq!(told(&sim, task, 1), ["message-budget", "finish"], "it is told once");
    let counts = sim.counts(&engine, task).await;
    assert_eq!((counts["budget.warned"], counts["budget.reached"]), (1, 1));
    assert_eq!(view.state.usage.cost_microusd, 950_000);

    approve(&engine, task, &view).await;
    let view = until_phase(&engine, task, Phase::Completed).await;
    let [Session::New(first), Session::Resume(again)] =
        &sim.runtime.started().into_iter().map(|spec| spec.session).collect::<Vec<_>>()[..]
    else {
        panic!()
    };
    assert_eq!(first, again);
    assert_eq!(view.state.failures, 0);
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_uses_up_its_budget_is_ended_and_work_that_is_done_is_not() {
    for (steps, wanted) in [
        (vec![second(), cents(150), FakeStep::Hang], Some(FailureClass::Budget)),
        // It has ended its turn by then: nothing more is spent.
        (vec![second(), FakeStep::Emit(Body::TurnFinished), cents(150), second()], None),
    ] {
        let sim = Sim::with(move |spec| {
            done(spec);
            steps.clone()
        });
        let sim = budgets(sim, 100);
        let engine = sim.start().await;
        let task = sim.create(&engine).await;
        let view =
            until(&engine, task, |view| escalation(view).is_some() || view.state.phase.is_over()).await;
        assert_eq!(class(&view, 1), wanted);
        assert_eq!(escalation(&view), wanted.map(|_| EscalationReason::RunBudget));
        engine.stop(Drain::Detach).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_budget_is_kept_over_a_restart_of_the_pod_and_its_agent_is_told_once() {
    let sim = budgets(Sim::with(|_| vec![cents(92), FakeStep::Hang]), 100);
    let engine = sim.start().await;
    let task = sim.create(&engine).await;
    until(&engine, task, |view| view.state.open_run().is_some_and(|run| run.budget.is_some())).await;
    engine.stop(Drain::Detach).await;
    let engine = sim.start().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(told(&sim, task, 1), ["message-budget"]);
    assert_eq!(sim.counts(&engine, task).await["budget.reached"], 1);
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_budget_is_used_up_starts_nothing_before_a_person_grants_as_much_again() {
    let sim = Sim::with(|spec| match spec.run.number {
        1 => vec![cents(50), second(), FakeStep::Die],
        2 => vec![cents(46), second(), FakeStep::Die],
        _ => done(spec),
    });
    let sim = budgets(sim, 1);
    let engine = sim.start().await;
    let task = sim.create(&engine).await;
    let view = until(&engine, task, |view| escalation(view).is_some()).await;
    assert_eq!((escalation(&view), view.state.runs.len()), (Some(EscalationReason::TaskBudget), 2));
    // What is left of the task's is all that a run may cost.
    let left: Vec<_> =
        sim.runtime.started().into_iter().map(|spec| spec.limits.budget.unwrap().to_string()).collect();
    assert_eq!(left, ["1.00", "0.50"]);
    approve(&engine, task, &view).await;
    let view = until_phase(&engine, task, Phase::Completed).await;
    assert_eq!(view.state.task_budget().unwrap().limit.to_string(), "2.00");
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn the_budget_of_a_day_counts_all_tasks_once_and_is_there_again_on_the_next() {
    let sim = Sim::with(|spec| {
        let mut steps = vec![second(), cents(40), second()];
        steps.extend(done(spec));
        steps
    });
    let mut sim = sim.slots(1);
    sim.config.day_budget = Some("1".parse().unwrap());
    let engine = sim.start().await;
    let mut tasks = Vec::new();
    for number in 0..5 {
        let mut draft = sim.draft();
        draft.repo = sim.repo(number).to_str().unwrap().parse().unwrap();
        let ctx = engine.ctx(crate::world::ann(), ipa_events::Via::Library);
        tasks.push(engine.create(ctx, draft).await.unwrap().id);
        if number < 2 {
            until_phase(&engine, tasks[tasks.len() - 1], Phase::Completed).await;
        }
    }
    // 80 cents are spent; what begins now uses up the rest.
    let first = until(&engine, tasks[2], |view| view.state.retry.is_some()).await;
    assert_eq!(class(&first, 1), Some(FailureClass::Budget));
    assert_eq!(escalation(&first), None);
    let held =
        until(&engine, tasks[4], |view| view.row.waiting_for().is_some_and(|why| why.contains("day"))).await;
    assert!(
        held.row.waiting_for().unwrap().ends_with("until 1970-01-02T00:00:00Z"),
        "{:?}",
        held.row.waiting_for()
    );
    assert_eq!(held.row.status(), Status::Queued);
    engine.stop(Drain::Detach).await;

    // A new engine knows what was spent.
    let engine = sim.start().await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert!(engine.task(tasks[4]).await.unwrap().state.runs.is_empty());
    tokio::time::sleep(Duration::from_hours(24)).await;
    until_phase(&engine, tasks[2], Phase::Completed).await;
    engine.stop(Drain::Detach).await;
}
