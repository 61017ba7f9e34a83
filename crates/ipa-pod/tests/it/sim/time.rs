//! Long stretches of time, and the same story twice.

use std::time::Duration;

use ipa_agent::Session;
use ipa_agent::testing::FakeStep;
use ipa_events::{FailureClass, Outcome, Phase, Retry, Role, Status, TaskCommand, Via};
use ipa_pod::Drain;

use super::{Sim, done, send, until, until_phase};
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

fn limited(retry: Retry) -> FakeStep {
    let (class, detail) = (FailureClass::RateLimited, "the usage limit is reached".to_owned());
    FakeStep::End(Outcome::Failed { class, detail, retry })
}

#[tokio::test(start_paused = true)]
async fn a_usage_limit_holds_a_task_over_a_restart_and_its_run_goes_on_in_its_own_conversation() {
    let reset = jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_mins(20);
    let sim = Sim::with(move |spec| match spec.run.number {
        1 => vec![limited(Retry::At(reset))],
        2 => vec![limited(Retry::Hold)],
        _ => done(spec),
    });
    let engine = sim.start().await;
    let task = sim.create(&engine).await;
    let held = until(&engine, task, |view| view.state.retry.is_some()).await;
    assert_eq!(held.row.status(), Status::Queued);
    assert_eq!(held.row.waiting_for().unwrap(), "the usage limit of fake, until 1970-01-01T00:20:00Z");
    engine.stop(Drain::Detach).await;

    let engine = sim.start().await;
    until(&engine, task, |view| view.state.runs.len() > 1 && view.state.retry.is_some()).await;
    let view = until_phase(&engine, task, Phase::Completed).await;
    let starts: Vec<_> = view.state.runs.iter().map(|run| run.requested_at).collect();
    assert!(starts[1] >= reset, "{starts:?}");
    assert!(starts[2].duration_since(starts[1]).as_mins() >= 5, "{starts:?}");
    assert!(view.state.runs.iter().all(|run| run.attempt == 1));
    let sessions: Vec<_> = sim.runtime.started().into_iter().map(|spec| spec.session).collect();
    let [Session::New(first), resumed @ ..] = &sessions[..] else { panic!("{sessions:?}") };
    assert_eq!(resumed, vec![Session::Resume(first.clone()); 2]);
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_a_usage_limit_holds_goes_on_at_once_when_a_person_says_so() {
    let sim = Sim::with(|spec| {
        let far = jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(24 * 365);
        if spec.run.number == 1 { vec![limited(Retry::At(far))] } else { done(spec) }
    });
    let engine = sim.start().await;
    let task = sim.create(&engine).await;
    let held = until(&engine, task, |view| view.state.retry.is_some()).await;
    let until_then = held.state.retry.as_ref().unwrap().at;
    assert!(until_then.as_second() < 3600, "nobody waits for a year: {until_then}");
    send(&engine, task, TaskCommand::Retry).await;
    let view = until_phase(&engine, task, Phase::Completed).await;
    assert!(view.state.runs[1].requested_at < until_then);
    engine.stop(Drain::Detach).await;
}
