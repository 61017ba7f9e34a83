//! Cleaning up after a pod, with real git and real processes: nothing of the task runs or lies about, and nothing is lost.

use std::path::PathBuf;

use ipa_events::task::{RunState, Verdict, WorkspaceState};
use ipa_events::{AgentId, Oid, Outcome, Phase, PodCondition, RunId, Status, TaskCommand, TaskId, Via};
use ipa_pod::{Drain, Engine, EngineError, Scope, TaskView};

use crate::world::{World, ann, create, git, processes_of, send, until, until_phase};

/// An agent that leaves half of its work and goes on for ever; when it is started again, it finds that and does the rest.
const HALF: &str = "cat > /dev/null
    if [ -e half ]; then rm half; echo 42 > answer.txt; echo done
    else sleep 1000 & echo 41.5 > half; sleep 1000; fi";

async fn clean_up(engine: &Engine, task: TaskId) -> Result<TaskView, EngineError> {
    let version = engine.clean_up_pod(engine.ctx(ann(), Via::Library), task).await?;
    let view = engine.task(task).await.unwrap();
    assert_eq!(view.version, version);
    Ok(view)
}

/// Creates a task and waits until its agent has done half of its work.
async fn half_done(world: &World, engine: &Engine) -> (TaskId, PathBuf) {
    let task = create(engine, world.draft(&world.agent(HALF))).await;
    let view =
        until(engine, task, |view| view.state.open_run().is_some_and(|run| run.process.is_some())).await;
    let place = path(&view);
    until(engine, task, |_| place.join("half").exists()).await;
    (task, place)
}

fn path(view: &TaskView) -> PathBuf {
    let state = &view.state.workspaces[&AgentId::main()].state;
    let WorkspaceState::Ready { path, .. } = state else { panic!("{state:?}") };
    PathBuf::from(&**path)
}

/// Nothing of the task runs or lies about, and what its agent had done is on a ref.
fn is_put_away(world: &World, view: &TaskView, place: &std::path::Path) {
    let run = RunId::new(view.row.summary.id, 1);
    assert_eq!(processes_of(run), 0);
    let over = RunState::Over(Outcome::Interrupted { by: ann() });
    assert_eq!(view.state.run(run).unwrap().state, over);
    assert!(!place.exists());
    let workspace = &view.state.workspaces[&AgentId::main()];
    assert!(matches!(workspace.state, WorkspaceState::Trashed { .. }), "{:?}", workspace.state);
    let (_, kept) = workspace.checkpoints.last().unwrap();
    assert_eq!(git(&mirror(world), &["show", &format!("{kept}:half")]), "41.5");
    assert!(refs(world).contains(&kept.to_string()), "{kept} is on no ref");
}

fn mirror(world: &World) -> PathBuf {
    let mut mirrors =
        std::fs::read_dir(world.data().join("mirrors/local")).unwrap().map(|entry| entry.unwrap().path());
    mirrors.find(|path| path.join("HEAD").exists()).unwrap()
}

fn refs(world: &World) -> String {
    git(&mirror(world), &["for-each-ref", "--format=%(objectname)"])
}

#[tokio::test]
async fn a_running_task_is_cleaned_up_and_goes_on_from_where_it_was() {
    let world = World::new();
    let engine = world.engine().await;
    engine.start(Scope::All).await.unwrap();
    let (task, place) = half_done(&world, &engine).await;

    let view = clean_up(&engine, task).await.unwrap();

    is_put_away(&world, &view, &place);
    assert_eq!(view.row.status(), Status::Waiting, "it was interrupted by a person, and waits for one");
    assert!(engine.active_pods().await.is_empty());
    // A second time there is nothing to do.
    assert_eq!(clean_up(&engine, task).await.unwrap().version, view.version);
    send(&engine, task, TaskCommand::Retry).await;
    let view = until_phase(&engine, task, Phase::Completed).await;
    let head: Oid = view.state.head.clone().unwrap();
    assert_eq!(git(&world.repo(), &["show", &format!("{head}:answer.txt")]), "42");
    engine.stop(Drain::Stop).await;
}

#[tokio::test]
async fn what_an_engine_left_running_is_cleaned_up_by_one_that_runs_no_pods() {
    let world = World::new();
    let first = world.engine().await;
    first.start(Scope::All).await.unwrap();
    let (task, place) = half_done(&world, &first).await;
    first.stop(Drain::Detach).await;
    drop(first);
    assert!(processes_of(RunId::new(task, 1)) > 0);

    let second = world.engine().await;
    let view = clean_up(&second, task).await.unwrap();

    is_put_away(&world, &view, &place);
    assert!(second.active_pods().await.is_empty());
    second.stop(Drain::Detach).await;
}

#[tokio::test]
async fn a_task_that_waits_for_a_person_is_cleaned_up_and_takes_its_decision_later() {
    let world = World::new();
    let engine = world.engine().await;
    engine.start(Scope::All).await.unwrap();
    let mut draft = world.draft(&world.agent("cat > /dev/null; echo 42 > answer.txt; echo done"));
    draft.gates = None;
    let task = create(&engine, draft).await;
    let waits = |view: &TaskView| view.state.phase == Phase::Review && view.row.status() == Status::Waiting;
    let place = path(&until(&engine, task, waits).await);

    let view = clean_up(&engine, task).await.unwrap();

    assert!(!place.exists() && view.state.runs.iter().all(|run| !run.is_open()));
    assert_eq!(view.row.pod, PodCondition::Held("its pod was stopped by hand".into()));
    let gate = view.state.waiting_for_person().next().unwrap();
    let (decision, seen) = (gate.id, Some(gate.payload_hash.clone()));
    send(&engine, task, TaskCommand::Answer { decision, seen, verdict: Verdict::Approve { note: None } })
        .await;
    until_phase(&engine, task, Phase::Completed).await;
    engine.stop(Drain::Stop).await;
}
