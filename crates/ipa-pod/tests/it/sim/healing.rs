//! A panic in each child in turn; too many; two pods, one of which fails.

use std::time::Duration;

use ipa_agent::testing::FakeStep;
use ipa_events::store::{Append, AppendFault, Position};
use ipa_events::task::{Asked, EscalationReason, RunState, Verdict};
use ipa_events::{
    CommandId, Envelope, Executed, Outcome, Phase, PodCondition, Status, StreamId, TaskCommand, TaskId, Via,
};
use ipa_pod::{Drain, Engine, EngineError, Scope, Strategy};

use super::{Child, Sim, done, send, until, until_phase};
use crate::world::ann;

pub(super) async fn say(engine: &Engine, task: TaskId) -> Result<Executed, EngineError> {
    let body = TaskCommand::PostMessage { text: "hello".into() };
    engine.execute(task, Envelope { ctx: engine.ctx(ann(), Via::Library), body }).await
}

/// Appends a record that this program does not know.
pub(super) async fn append_garbage(sim: &Sim, task: TaskId) {
    let store = sim.memory.store();
    let lease = store.leases.acquire(&StreamId::task(task)).await.unwrap();
    let mut record = store.log.read_all(Position::ZERO, 1).await.unwrap().remove(0).record;
    "task.teleported".clone_into(&mut record.kind);
    let command = CommandId::from_key("garbage");
    let (stream, epoch, expected) = (lease.stream.clone(), lease.epoch, lease.version);
    store.log.append(Append { stream, epoch, expected, command, records: vec![record] }).await.unwrap();
    store.leases.release(lease).await.unwrap();
}

/// Lets one child of the only pod panic once, and sees the task through.
async fn heals(child: Child, strategy: Strategy) {
    let mut sim = Sim::new();
    sim.config.pod.strategy = strategy;
    let engine = sim.start().await;
    sim.bombs.arm(child, 1);
    let task = sim.create(&engine).await;
    until_phase(&engine, task, Phase::Completed).await;
    assert!(sim.bombs.are_spent(), "{child:?} was never asked");
    let counts = sim.counts(&engine, task).await;
    assert_eq!(counts["run.requested"], 1, "{child:?}: {counts:?}");
    assert_eq!(counts["sync.sent"], 1, "{child:?}: {counts:?}");
    assert_eq!(sim.runtime.started().len(), 1, "{child:?}");
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_workspaces_is_healed_and_nothing_is_done_twice() {
    heals(Child::Workspaces, Strategy::RestForOne).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_agents_is_healed_and_nothing_is_done_twice() {
    heals(Child::Agents, Strategy::RestForOne).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_sync_is_healed_and_nothing_is_done_twice() {
    heals(Child::Sync, Strategy::RestForOne).await;
}

#[tokio::test(start_paused = true)]
async fn every_strategy_heals_every_child() {
    for strategy in [Strategy::OneForOne, Strategy::OneForAll] {
        for child in [Child::Workspaces, Child::Agents, Child::Sync] {
            heals(child, strategy).await;
        }
        heals_the_task_actor(strategy).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_task_actor_restarts_the_pod_under_a_live_agent() {
    heals_the_task_actor(Strategy::RestForOne).await;
}

async fn heals_the_task_actor(strategy: Strategy) {
    let mut sim = Sim::new();
    sim.config.pod.strategy = strategy;
    let engine = sim.start().await;
    let task = sim.create(&engine).await;
    until(&engine, task, |view| view.state.open_run().is_some_and(|run| run.process.is_some())).await;
    sim.bombs.arm(Child::Task, 1);
    say(&engine, task).await.unwrap();
    let view = until_phase(&engine, task, Phase::Completed).await;
    assert!(sim.bombs.are_spent());
    assert_eq!(view.state.runs.len(), 1);
    assert_eq!(view.state.messages.len(), 1, "what met the panic was sent again, and is there once");
    assert_eq!(sim.runtime.started().len(), 1);
    assert_eq!(sim.counts(&engine, task).await["run.adopted"], 1);
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_scheduler_is_healed_while_it_waits_for_a_time() {
    let mut sim = Sim::with(|spec| if spec.run.number == 1 { vec![FakeStep::Die] } else { done(spec) });
    sim.config.pod.idle = Duration::from_hours(1);
    let engine = sim.start().await;
    let task = sim.create(&engine).await;
    until(&engine, task, |view| view.state.retry.is_some()).await;
    // Nobody but the scheduler's own timer asks for the time until the next attempt is due.
    tokio::time::sleep(Duration::from_secs(1)).await;
    sim.bombs.arm(Child::Scheduler, 1);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(sim.bombs.are_spent());
    let view = until_phase(&engine, task, Phase::Completed).await;
    assert_eq!(view.state.runs.len(), 2);
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_cannot_run_is_parked_with_one_escalation_and_restarted_by_hand() {
    let sim = Sim::new();
    let engine = sim.start().await;
    sim.bombs.arm(Child::Agents, u32::MAX);
    let task = sim.create(&engine).await;
    let parked = until(&engine, task, |view| view.row.status() == Status::Parked).await;
    assert!(matches!(parked.row.pod, PodCondition::Parked(_)), "{:?}", parked.row.pod);
    let why = parked.row.waiting_for().unwrap();
    assert!(why.contains("agents failed 3 times"), "{why}");

    let asked = until(&engine, task, |view| view.state.open_decisions().next().is_some()).await;
    let open: Vec<_> = asked.state.open_decisions().map(|open| open.asked.clone()).collect();
    assert!(matches!(&open[..], [Asked::Escalation { reason: EscalationReason::PodParked, .. }]), "{open:?}");

    sim.bombs.arm(Child::Agents, 0);
    engine.restart_pod(engine.ctx(ann(), Via::Library), task).await.unwrap();
    let view = until_phase(&engine, task, Phase::Completed).await;
    assert_eq!(view.state.runs.len(), 1);
    assert_eq!(sim.counts(&engine, task).await["escalation.opened"], 1);
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_fails_touches_no_other() {
    let sim = Sim::with(|spec| [vec![FakeStep::Wait(Duration::from_mins(5))], done(spec)].concat());
    let engine = sim.start().await;
    let good = sim.create(&engine).await;
    until(&engine, good, |view| view.state.open_run().is_some_and(|run| run.process.is_some())).await;
    // The other one fails again and again, until it is given up.
    let ctx = engine.keyed_ctx("bad", ann(), Via::Library);
    let bad = TaskId::from_key(&format!("create {}", ctx.command_id));
    sim.bombs.poison(bad);
    assert_eq!(engine.create(ctx, sim.draft()).await.unwrap().id, bad);
    until(&engine, bad, |view| view.row.status() == Status::Parked).await;
    let meanwhile = engine.task(good).await.unwrap();
    assert!(meanwhile.state.open_run().is_some(), "it works on");

    until_phase(&engine, good, Phase::Completed).await;
    let untouched = sim.counts(&engine, good).await;
    assert!(!untouched.contains_key("run.adopted"), "it saw nothing of it: {untouched:?}");
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_with_a_broken_record_is_parked_and_all_others_go_on() {
    let sim = Sim::new();
    let engine = sim.start().await;
    let broken = sim.create(&engine).await;
    until_phase(&engine, broken, Phase::Completed).await;
    engine.stop(Drain::Detach).await;
    append_garbage(&sim, broken).await;

    let engine = sim.start().await;
    let other = sim.create(&engine).await;
    until_phase(&engine, other, Phase::Completed).await;
    let error = say(&engine, broken).await.unwrap_err().to_string();
    assert!(error.contains("parked") && error.contains("task.teleported"), "{error}");
    let row = engine.tasks().await.unwrap().into_iter().find(|row| row.summary.id == broken).unwrap();
    assert_eq!(row.status(), Status::Completed, "its last good state is shown");
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn an_append_whose_answer_was_lost_is_not_done_twice() {
    let sim = Sim::new();
    let engine = sim.start().await;
    let task = sim.create(&engine).await;
    until(&engine, task, |view| view.state.open_run().is_some_and(|run| run.process.is_some())).await;
    sim.memory.fail_next_append(AppendFault::LostAnswer);
    let view = until_phase(&engine, task, Phase::Completed).await;
    assert!(matches!(view.state.runs[..], [_]));
    assert!(matches!(&view.state.runs[0].state, RunState::Over(Outcome::Completed)));
    assert_eq!(sim.counts(&engine, task).await["run.finished"], 1);
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn a_parked_task_takes_the_answer_to_its_escalation_and_goes_on() {
    let sim = Sim::new();
    let engine = sim.start().await;
    sim.bombs.arm(Child::Agents, u32::MAX);
    let task = sim.create(&engine).await;
    let asked = until(&engine, task, |view| view.state.waiting_for_person().next().is_some()).await;
    sim.bombs.arm(Child::Agents, 0);

    let decision = asked.state.waiting_for_person().next().unwrap().id;
    let verdict = Verdict::Approve { note: None };
    send(&engine, task, TaskCommand::Answer { decision, seen: None, verdict }).await;

    until_phase(&engine, task, Phase::Completed).await;
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_for_a_while_holds_a_task_up_and_loses_nothing() {
    let sim = Sim::new();
    let engine = sim.start().await;
    let all = [
        "workspace.requested",
        "workspace.ready",
        "run.requested",
        "run.started",
        "workspace.checkpointed",
        "workspace.harvested",
        "transition.requested",
        "transition.approved",
        "phase.entered",
        "sync.queued",
        "sync.attempt_started",
        "sync.sent",
        "task.completed",
    ];
    for kind in all {
        sim.bombs.refuse(kind, 3);
    }
    let task = sim.create(&engine).await;
    let view = until_phase(&engine, task, Phase::Completed).await;
    assert!(sim.bombs.are_spent());
    assert_eq!(view.state.runs.len(), 1);
    assert_eq!(sim.runtime.started().len(), 1);
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn a_repeated_create_finds_the_first_task_and_leaves_its_pod_alone() {
    let sim = Sim::new();
    let engine = sim.start().await;
    let ctx = || engine.keyed_ctx("the key", ann(), Via::Library);
    let first = engine.create(ctx(), sim.draft()).await.unwrap();
    until(&engine, first.id, |view| view.state.open_run().is_some_and(|run| run.process.is_some())).await;
    let again = engine.create(ctx(), sim.draft()).await.unwrap();
    assert_eq!((again.id, again.handle, again.executed.repeated), (first.id, first.handle, true));
    say(&engine, first.id).await.unwrap();
    until_phase(&engine, first.id, Phase::Completed).await;
    assert!(!sim.counts(&engine, first.id).await.contains_key("run.adopted"));
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn an_engine_starts_once() {
    let sim = Sim::new();
    let engine = sim.start().await;
    assert!(matches!(engine.start(Scope::All).await, Err(EngineError::Running)));
    let task = sim.create(&engine).await;
    until_phase(&engine, task, Phase::Completed).await;
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn a_command_given_on_what_was_seen_is_not_carried_out_on_something_newer() {
    let sim = Sim::new();
    let engine = sim.start().await;
    let task = sim.create(&engine).await;
    let seen = until(&engine, task, |view| view.state.open_run().is_some()).await.version;
    say(&engine, task).await.unwrap();
    let ctx = engine.ctx(ann(), Via::Library);
    let pause = |ctx| Envelope { ctx, body: TaskCommand::Pause { reason: None } };
    let stale = engine.execute_on(task, seen, pause(ctx.clone())).await;
    assert!(matches!(stale, Err(EngineError::Stale(_))), "{stale:?}");
    let mut now = engine.task(task).await.unwrap().version;
    while engine.execute_on(task, now, pause(ctx.clone())).await.is_err() {
        now = engine.task(task).await.unwrap().version;
    }
    // Its own repeat is no conflict.
    assert!(engine.execute_on(task, seen, pause(ctx)).await.unwrap().repeated);
    engine.stop(Drain::Detach).await;
}
