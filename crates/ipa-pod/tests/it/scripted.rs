//! What people and agents say to each other, with the scripted agent behind a real host.

use ipa_events::task::{Answered, Asked, RunState, TaskState, Verdict};
use ipa_events::{DecisionId, Envelope, Phase, RunId, TaskCommand, TaskId, Via};
use ipa_pod::log::Body;
use ipa_pod::{Drain, Engine, Scope};

use crate::world::{World, ann, create, send, until, until_phase};

/// The step that makes the test pass.
const MEND: &str = r#"{"write_file": {"path": "answer.txt", "content": "42\n"}}"#;

async fn started(world: &World) -> Engine {
    let engine = world.engine().await;
    engine.start(Scope::All).await.unwrap();
    engine
}

/// Plays `steps` in development, and then does what is wanted.
fn script(steps: &str) -> String {
    format!(r#"{{"roles": {{"develop": [{steps}, {MEND}, {{"result": "done"}}]}}}}"#)
}

fn open(state: &TaskState) -> Option<(DecisionId, Asked)> {
    state.waiting_for_person().next().map(|open| (open.id, open.asked.clone()))
}

async fn decide(engine: &Engine, task: TaskId, decision: DecisionId, verdict: Verdict) {
    send(engine, task, TaskCommand::Answer { decision, seen: None, verdict }).await;
}

/// Reads all that the agent of a run that is over did.
async fn did(engine: &Engine, run: RunId) -> Vec<Body> {
    let mut tail = engine.run_log(run).await.unwrap();
    let mut bodies = Vec::new();
    loop {
        let events = tail.read(100).await.unwrap();
        if events.is_empty() {
            return bodies;
        }
        bodies.extend(events.into_iter().map(|event| event.body));
    }
}

#[tokio::test]
async fn a_question_is_a_decision_and_its_answer_reaches_the_agent() {
    let world = World::new();
    let engine = started(&world).await;
    let steps =
        r#"{"ask_question": {"question": "which?", "choices": ["a", "b"]}}, {"say": "so it is {answer}"}"#;
    let task = create(&engine, world.draft(&world.script(&script(steps)))).await;

    let view = until(&engine, task, |view| open(&view.state).is_some()).await;
    let (decision, asked) = open(&view.state).unwrap();
    let Asked::Question { text, choices, .. } = &asked else { panic!("{asked:?}") };
    assert_eq!((&**text, choices.len()), ("which?", 2));
    decide(&engine, task, decision, Verdict::Answer { text: "b".into() }).await;

    until_phase(&engine, task, Phase::Completed).await;
    let said = did(&engine, RunId::new(task, 1)).await;
    let heard = said.iter().any(|body| matches!(body, Body::Text { text } if &**text == "so it is b"));
    assert!(heard, "{said:?}");
    engine.stop(Drain::Stop).await;
}

#[tokio::test]
async fn a_denied_permission_tells_the_agent_why_and_the_run_goes_on() {
    let world = World::new();
    let engine = started(&world).await;
    let ask = |to: &str| format!(r#"{{"ask_permission": {{"tool": "Deploy", "input": {{"to": "{to}"}}}}}}"#);
    let steps = format!("{}, {}", ask("production"), ask("staging"));
    let task = create(&engine, world.draft(&world.script(&script(&steps)))).await;

    let view = until(&engine, task, |view| open(&view.state).is_some()).await;
    let (first, asked) = open(&view.state).unwrap();
    let Asked::Permission { tool, input, .. } = &asked else { panic!("{asked:?}") };
    assert_eq!((&**tool, &**input), ("Deploy", r#"{"to":"production"}"#));
    decide(&engine, task, first, Verdict::Reject { reason: "never there".into() }).await;
    let view = until(&engine, task, |view| open(&view.state).is_some_and(|(id, _)| id != first)).await;
    let (second, _) = open(&view.state).unwrap();
    decide(&engine, task, second, Verdict::Approve { note: None }).await;

    until_phase(&engine, task, Phase::Completed).await;
    let did = did(&engine, RunId::new(task, 1)).await;
    let told = did.iter().any(
        |body| matches!(body, Body::ToolResult { output, failed: true, .. } if output.contains("never there")),
    );
    assert!(told, "{did:?}");
    engine.stop(Drain::Stop).await;
}

#[tokio::test]
async fn a_message_reaches_the_live_agent_and_is_recorded_once() {
    let world = World::new();
    let engine = started(&world).await;
    let script = format!(
        r#"{{"roles": {{"develop": [
            {{"when": "use 42", "steps": [{{"ask_permission": {{"tool": "Deploy"}}}}, {MEND}, {{"result": "done"}}]}},
            {{"steps": [{{"ask_question": {{"question": "go on?"}}}}, {{"result": "first turn"}}]}}
        ]}}}}"#
    );
    let task = create(&engine, world.draft(&world.script(&script))).await;
    let view = until(&engine, task, |view| open(&view.state).is_some()).await;

    send(&engine, task, TaskCommand::PostMessage { text: "use 42".into() }).await;
    until(&engine, task, |view| view.state.undelivered().is_empty()).await;
    let (decision, _) = open(&view.state).unwrap();
    decide(&engine, task, decision, Verdict::Answer { text: "yes".into() }).await;
    // What it was told is a turn of its own, in which it can still be answered.
    let view = until(&engine, task, |view| open(&view.state).is_some_and(|(id, _)| id != decision)).await;
    let (permission, _) = open(&view.state).unwrap();
    decide(&engine, task, permission, Verdict::Approve { note: None }).await;

    let view = until_phase(&engine, task, Phase::Completed).await;
    assert_eq!(view.state.messages.len(), 1);
    assert_eq!(view.state.messages[0].delivered, Some(RunId::new(task, 1)));
    let agents = view.state.runs.iter().filter(|run| run.check.is_none()).count();
    assert_eq!(agents, 1, "it was told in its own session");
    engine.stop(Drain::Stop).await;
}

#[tokio::test]
async fn a_question_of_a_run_that_ends_is_withdrawn_and_a_late_answer_is_told_so() {
    let world = World::new();
    let engine = started(&world).await;
    let steps = r#"{"ask_question": {"question": "which?"}}"#;
    let task = create(&engine, world.draft(&world.script(&script(steps)))).await;
    let view = until(&engine, task, |view| open(&view.state).is_some()).await;
    let (decision, _) = open(&view.state).unwrap();
    let run = view.state.open_run().unwrap().id;

    send(&engine, task, TaskCommand::InterruptRun { run, reason: None }).await;
    let view = until(&engine, task, |view| view.state.open_run().is_none()).await;
    assert!(matches!(view.state.decision(decision).unwrap().answered, Some(Answered::Withdrawn { .. })));
    let verdict = Verdict::Answer { text: "a".into() };
    let body = TaskCommand::Answer { decision, seen: None, verdict };
    let ctx = engine.ctx(ann(), Via::Library);
    let late = engine.execute(task, Envelope { ctx, body }).await.unwrap_err().to_string();
    assert!(late.contains("is closed"), "{late}");
    engine.stop(Drain::Stop).await;
}

#[tokio::test]
async fn a_paused_task_ends_its_turn_and_goes_on_when_it_is_resumed() {
    let world = World::new();
    let engine = started(&world).await;
    let steps = r#"{"ask_question": {"question": "which?"}}"#;
    let task = create(&engine, world.draft(&world.script(&script(steps)))).await;
    let view = until(&engine, task, |view| open(&view.state).is_some()).await;
    let (decision, _) = open(&view.state).unwrap();

    send(&engine, task, TaskCommand::Pause { reason: None }).await;
    decide(&engine, task, decision, Verdict::Answer { text: "a".into() }).await;
    let view = until(&engine, task, |view| view.state.open_run().is_none()).await;
    assert!(matches!(&view.state.runs[..], [run] if matches!(run.state, RunState::Over(_))));
    assert_eq!(view.state.phase, Phase::Development);
    send(&engine, task, TaskCommand::Resume).await;
    until_phase(&engine, task, Phase::Completed).await;
    engine.stop(Drain::Stop).await;
}

#[tokio::test]
async fn a_question_outlives_its_pod_and_the_answer_given_later_reaches_the_agent() {
    let world = World::new();
    let engine = started(&world).await;
    let steps = r#"{"ask_question": {"question": "which?"}}, {"say": "so it is {answer}"}"#;
    let task = create(&engine, world.draft(&world.script(&script(steps)))).await;
    let view = until(&engine, task, |view| open(&view.state).is_some()).await;
    let (decision, _) = open(&view.state).unwrap();

    send(&engine, task, TaskCommand::Pause { reason: None }).await;
    engine.restart_pod(engine.ctx(ann(), Via::Library), task).await.unwrap();
    decide(&engine, task, decision, Verdict::Answer { text: "a".into() }).await;
    until(&engine, task, |view| view.state.open_run().is_none()).await;
    send(&engine, task, TaskCommand::Resume).await;

    let view = until_phase(&engine, task, Phase::Completed).await;
    assert_eq!(
        view.state.decisions.iter().filter(|it| matches!(it.asked, Asked::Question { .. })).count(),
        1
    );
    let said = did(&engine, RunId::new(task, 1)).await;
    let heard =
        said.iter().filter(|body| matches!(body, Body::Text { text } if &**text == "so it is a")).count();
    assert_eq!(heard, 1, "{said:?}");
    engine.stop(Drain::Stop).await;
}
