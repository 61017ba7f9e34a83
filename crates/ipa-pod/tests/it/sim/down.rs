//! The real connector before a forge that cannot be reached for a while, and under many changes at once.

use std::collections::BTreeMap;
use std::time::Duration;

use ipa_events::task::{GatePolicy, Gates, OpState, TaskState};
use ipa_events::{TaskCommand, TaskId};
use ipa_pod::{Drain, Engine};

use super::hub::{Edit, Hub};
use super::{Sim, until};
use crate::world::send;

/// Tasks that wait in review.
const GATES: Gates = Gates { review: GatePolicy::Ask, ..Gates::auto() };

fn all_over(state: &TaskState) -> bool {
    let over = |op: &OpState| matches!(op, OpState::Sent { .. } | OpState::Superseded { .. });
    state.ops.iter().all(|op| over(&op.state))
}

async fn call(engine: &Engine, task: TaskId, title: &str) {
    send(engine, task, TaskCommand::Edit { title: Some(title.into()), priority: None }).await;
}

/// Tells which field each pull request had edited, in the order of the edits.
fn fields(edits: &[Edit]) -> BTreeMap<String, Vec<&'static str>> {
    let mut all = BTreeMap::<String, Vec<_>>::new();
    for (_, path, text) in edits.iter().filter(|(_, path, _)| path.contains("/pulls/")) {
        all.entry(path.clone()).or_default().push(if text.contains("title") { "title" } else { "body" });
    }
    all
}

#[tokio::test(start_paused = true)]
async fn a_forge_that_is_down_for_ten_minutes_is_asked_little_and_gets_all_in_order_after() {
    const TASKS: usize = 5;
    let sim = Sim::new().slots(20);
    let hub = Hub::new(&sim, TASKS).await;
    let engine = sim.start_with(hub.outlet(&sim)).await;
    let tasks = hub.tasks(&sim, &engine, (TASKS, GATES)).await;
    for task in &tasks {
        until(&engine, *task, |view| all_over(&view.state)).await;
    }
    hub.edits();
    hub.cut();
    for (number, task) in tasks.iter().enumerate() {
        call(&engine, *task, &format!("Title {number}")).await;
        tokio::time::sleep(Duration::from_secs(20)).await;
    }
    tokio::time::sleep(Duration::from_mins(5)).await;
    // Who looks is told until when nothing is tried.
    let health = engine.connectors().await.unwrap().remove(&"hub".parse().unwrap()).unwrap();
    assert!(health.closed.is_some_and(|closed| closed.time().is_some()), "{:?}", health.error);
    assert!(health.error.is_some());
    tokio::time::sleep(Duration::from_secs(200)).await;
    let refused = hub.mend();
    assert!((1..=12).contains(&refused), "{refused} requests in ten minutes");

    for task in &tasks {
        until(&engine, *task, |view| all_over(&view.state)).await;
    }
    let edits = hub.edits();
    assert_eq!(
        fields(&edits).into_values().collect::<Vec<_>>(),
        vec![["body", "title"]; TASKS],
        "{edits:#?}"
    );
    let (first, rest) = edits.split_first().unwrap();
    let mut before = first.0;
    for (at, path, _) in rest {
        assert!(at.duration_since(before).as_millis() >= 1000, "{path} at {at} after {before}");
        before = *at;
    }
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn fifty_tasks_that_change_ten_times_each_are_one_edit_of_a_kind_each_at_the_forge_and_converge() {
    const TASKS: usize = 50;
    let sim = Sim::new().slots(50);
    let hub = Hub::new(&sim, TASKS).await;
    let engine = sim.start_with(hub.outlet(&sim)).await;
    let tasks = hub.tasks(&sim, &engine, (TASKS, GATES)).await;
    for task in &tasks {
        until(&engine, *task, |view| all_over(&view.state)).await;
    }
    tokio::time::sleep(Duration::from_mins(5)).await;
    hub.edits();
    for n in 0..10 {
        for task in &tasks {
            call(&engine, *task, &format!("Title {n}")).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for task in &tasks {
        let there = |state: &TaskState| state.outside.pulls.values().any(|pull| &*pull.title == "Title 9");
        until(&engine, *task, |view| there(&view.state) && all_over(&view.state)).await;
    }
    let edits = hub.edits();
    assert_eq!(
        fields(&edits).into_values().collect::<Vec<_>>(),
        vec![["body", "title"]; TASKS],
        "{edits:#?}"
    );
    for pair in edits.windows(2) {
        assert!(pair[1].0.duration_since(pair[0].0).as_millis() >= 1000, "{pair:#?}");
    }
    engine.stop(Drain::Detach).await;
}
