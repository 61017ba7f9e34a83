//! Long stretches of time, and the same story twice.

use std::time::Duration;

use ipa_agent::testing::FakeStep;
use ipa_events::{Phase, Role, Via};
use ipa_pod::Drain;

use super::{Sim, done, until, until_phase};
use crate::world::ann;

/// Twelve tasks at a time, each on a repository of its own; the first run of each dies.
async fn story() -> Vec<String> {
    let sim = Sim::with(|spec| {
        if spec.role == Role::Develop && spec.run.number % 3 == 1 {
            return vec![FakeStep::Wait(Duration::from_secs(3)), FakeStep::Die];
        }
        std::fs::write(spec.cwd.join("answer.txt"), "done").unwrap();
        vec![FakeStep::Wait(Duration::from_secs(7)), FakeStep::Say("done".into())]
    });
    let sim = sim.slots(12);
    let engine = sim.start().await;
    let mut tasks = Vec::new();
    for number in 0..12 {
        let mut draft = sim.draft();
        draft.repo = sim.repo(number).to_str().unwrap().parse().unwrap();
        tasks.push(engine.create(engine.ctx(ann(), Via::Library), draft).await.unwrap().id);
    }
    for task in tasks {
        until_phase(&engine, task, Phase::Completed).await;
    }
    engine.stop(Drain::Detach).await;
    // Who is first within one instant is the machine's business; a task's own history is not.
    let mut trace = sim.trace().await;
    trace.sort_by_key(|line| line.split(' ').nth(1).map(str::to_owned));
    trace
}

#[tokio::test(start_paused = true)]
async fn the_same_story_has_the_same_trace() {
    let (first, second) = (story().await, story().await);
    assert!(first.len() > 100);
    let differing = first.iter().zip(&second).find(|(a, b)| a != b);
    assert_eq!(differing, None);
}

#[tokio::test(start_paused = true)]
async fn a_retry_is_durable_and_survives_a_new_engine() {
    let sim = Sim::with(|spec| if spec.run.number == 1 { vec![FakeStep::Die] } else { done(spec) });
    let engine = sim.start().await;
    let task = sim.create(&engine).await;
    let failed = until(&engine, task, |view| view.state.retry.is_some()).await;
    engine.stop(Drain::Detach).await;

    let engine = sim.start().await;
    let view = until_phase(&engine, task, Phase::Completed).await;
    let due = failed.state.retry.as_ref().unwrap().at;
    assert!(view.state.runs[1].requested_at >= due, "{} is before {due}", view.state.runs[1].requested_at);
    assert_eq!(view.state.runs[1].attempt, 2);
    engine.stop(Drain::Detach).await;
}
