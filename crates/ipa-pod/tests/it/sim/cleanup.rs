//! Cleaning up after a pod that cannot run.

use ipa_agent::testing::FakeStep;
use ipa_agent::{AgentRuntime as _, Attach, RunDir};
use ipa_events::task::{RunState, WorkspaceState};
use ipa_events::{AgentId, Outcome, Phase, RunId, Status, TaskId, Via};
use ipa_pod::{Drain, Engine, EngineError};
use ipa_workspace::Workspaces as _;

use super::healing::{append_garbage, say};
use super::{Child, Sim, done, until, until_phase};
use crate::world::ann;

/// A machine whose first run goes on until it is stopped.
fn sim() -> Sim {
    Sim::with(|spec| if spec.run.number == 1 { vec![FakeStep::Hang] } else { done(spec) })
}

async fn at_work(sim: &Sim, engine: &Engine) -> TaskId {
    let task = sim.create(engine).await;
    until(engine, task, |view| view.state.open_run().is_some_and(|run| run.process.is_some())).await;
    task
}

async fn clean_up(engine: &Engine, task: TaskId) -> Result<(), EngineError> {
    engine.clean_up_pod(engine.ctx(ann(), Via::Library), task).await.map(drop)
}

/// Tells whether the agent of a task's first run lives.
async fn lives(sim: &Sim, task: TaskId) -> bool {
    let dir = RunDir::new(sim.config.runs.join(task.to_string()).join("1"));
    matches!(sim.runtime.attach(dir).await.unwrap(), Attach::Live(_))
}

#[tokio::test(start_paused = true)]
async fn a_parked_pod_is_cleaned_up_under_its_live_agent_and_stays_parked_until_it_is_restarted() {
    let sim = sim();
    let engine = sim.start().await;
    let task = at_work(&sim, &engine).await;
    // The pod fails once, and then each time that it looks for its agent.
    sim.bombs.arm(Child::Agents, u32::MAX);
    sim.bombs.arm(Child::Task, 1);
    say(&engine, task).await.unwrap();
    let parked = until(&engine, task, |view| view.state.open_decisions().next().is_some()).await;
    assert_eq!(parked.row.status(), Status::Parked);
    assert!(lives(&sim, task).await);

    // What the pod met is met again: that is told, and may be tried again.
    let error = clean_up(&engine, task).await.unwrap_err();
    assert!(matches!(error, EngineError::Unavailable { .. }), "{error}");
    assert!(lives(&sim, task).await);
    sim.bombs.arm(Child::Agents, 0);
    clean_up(&engine, task).await.unwrap();

    assert!(!lives(&sim, task).await);
    let view = engine.task(task).await.unwrap();
    let over = RunState::Over(Outcome::Interrupted { by: ann() });
    assert_eq!(view.state.run(RunId::new(task, 1)).unwrap().state, over);
    let workspace = &view.state.workspaces[&AgentId::main()].state;
    assert!(matches!(workspace, WorkspaceState::Trashed { .. }), "{workspace:?}");
    assert_eq!(view.row.status(), Status::Parked);
    engine.restart_pod(engine.ctx(ann(), Via::Library), task).await.unwrap();
    let view = until_phase(&engine, task, Phase::Completed).await;
    assert_eq!(view.state.runs.len(), 2);
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn what_runs_of_a_task_that_cannot_be_read_is_ended_and_its_files_stay() {
    let sim = sim();
    let first = sim.start().await;
    let task = at_work(&sim, &first).await;
    first.stop(Drain::Detach).await;
    append_garbage(&sim, task).await;
    let second = sim.start().await;
    assert!(lives(&sim, task).await);

    let error = clean_up(&second, task).await.unwrap_err();

    let EngineError::Parked { reason, .. } = error else { panic!("{error}") };
    assert!(reason.contains("nothing of it runs any more"), "{reason}");
    assert!(!lives(&sim, task).await);
    assert_eq!(sim.workspaces.list().await.unwrap().len(), 1);
    second.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_a_pod_while_it_is_cleaned_up_is_answered_after_it() {
    let sim = sim();
    let engine = sim.start().await;
    let task = at_work(&sim, &engine).await;
    let (cleaned, said) = tokio::join!(clean_up(&engine, task), say(&engine, task));
    cleaned.unwrap();
    said.unwrap();
    let view = engine.task(task).await.unwrap();
    assert_eq!(view.state.messages.len(), 1);
    assert!(!lives(&sim, task).await);
    engine.stop(Drain::Detach).await;
}
