//! What is started when: slots, priorities, dependencies; and pods that go when there is nothing to do.

use std::time::Duration;

use ipa_agent::Asked;
use ipa_agent::testing::FakeStep;
use ipa_events::task::{Gates, Verdict};
use ipa_events::{Phase, Status, TaskCommand, Via};
use ipa_pod::Drain;

use super::{Sim, done, send, until, until_phase};
use crate::world::ann;

#[tokio::test(start_paused = true)]
async fn slots_go_to_the_most_urgent_and_then_to_the_oldest() {
    let sim = Sim::new().slots(1);
    let engine = sim.start().await;
    let first = sim.create(&engine).await;
    until(&engine, first, |view| view.state.open_run().is_some()).await;
    let mut tasks = Vec::new();
    for priority in [0, 5, 0, 9] {
        let mut draft = sim.draft();
        draft.priority = priority;
        tasks.push(engine.create(engine.ctx(ann(), Via::Library), draft).await.unwrap().id);
    }
    let held =
        until(&engine, tasks[0], |view| view.row.waiting_for().is_some_and(|why| why.contains("slot"))).await;
    assert_eq!(held.row.status(), Status::Queued);
    for task in &tasks {
        until_phase(&engine, *task, Phase::Completed).await;
    }
    let mut starts = Vec::new();
    for task in &tasks {
        starts.push((engine.task(*task).await.unwrap().state.runs[0].requested_at, *task));
    }
    starts.sort_unstable();
    let order: Vec<_> = starts.into_iter().map(|(_, task)| task).collect();
    assert_eq!(order, [tasks[3], tasks[1], tasks[0], tasks[2]]);
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_starts_when_what_it_depends_on_is_completed_and_says_what_it_waits_for() {
    let sim = Sim::new();
    let engine = sim.start().await;
    let mut draft = sim.draft();
    draft.gates = Some(Gates::default());
    let first = engine.create(engine.ctx(ann(), Via::Library), draft).await.unwrap().id;
    let mut draft = sim.draft();
    draft.depends_on = vec![first];
    let second = engine.create(engine.ctx(ann(), Via::Library), draft).await.unwrap().id;

    let held =
        until(&engine, second, |view| view.row.waiting_for().is_some_and(|why| why.contains("T-1"))).await;
    assert_eq!(held.row.status(), Status::Queued);
    let gate = until(&engine, first, |view| view.state.waiting_for_person().next().is_some()).await;
    tokio::time::sleep(Duration::from_hours(24)).await;
    assert!(engine.task(second).await.unwrap().state.runs.is_empty());

    let decision = gate.state.waiting_for_person().next().unwrap().id;
    let verdict = Verdict::Approve { note: None };
    send(&engine, first, TaskCommand::Answer { decision, seen: None, verdict }).await;
    until_phase(&engine, second, Phase::Completed).await;
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_waits_for_a_person_has_no_pod_and_a_decision_starts_one() {
    let sim = Sim::new();
    let engine = sim.start().await;
    let mut draft = sim.draft();
    draft.start_at = Phase::SpecClarification;
    draft.gates = Some(Gates { spec_clarification: ipa_events::task::GatePolicy::Ask, ..Gates::auto() });
    let task = engine.create(engine.ctx(ann(), Via::Library), draft).await.unwrap().id;
    let gate = until(&engine, task, |view| view.state.waiting_for_person().next().is_some()).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(engine.active_pods().await, []);

    let decision = gate.state.waiting_for_person().next().unwrap().id;
    let verdict = Verdict::Approve { note: None };
    send(&engine, task, TaskCommand::Answer { decision, seen: None, verdict }).await;
    until_phase(&engine, task, Phase::Completed).await;
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_stays_while_its_live_agent_waits_for_a_person() {
    let asked = Asked::Question { key: "q".into(), text: "which?".into(), choices: Vec::new() };
    let sim = Sim::with(move |spec| [vec![FakeStep::Ask(asked.clone())], done(spec)].concat());
    let engine = sim.start().await;
    let task = sim.create(&engine).await;
    let view = until(&engine, task, |view| view.state.waiting_for_person().next().is_some()).await;
    tokio::time::sleep(Duration::from_hours(5)).await;
    assert_eq!(engine.active_pods().await, [task]);

    let decision = view.state.waiting_for_person().next().unwrap().id;
    let verdict = Verdict::Answer { text: "this".into() };
    send(&engine, task, TaskCommand::Answer { decision, seen: None, verdict }).await;
    until_phase(&engine, task, Phase::Completed).await;
    assert!(!sim.counts(&engine, task).await.contains_key("run.adopted"), "it stayed all the time");
    engine.stop(Drain::Detach).await;
}
