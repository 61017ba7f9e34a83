//! `scripted` behind the real host: what a real agent does, and what one should not do.

use std::num::NonZeroU32;
use std::time::Duration;

use ipa_agent::{AgentRuntime as _, Answer, Asked, Body, ScriptedRuntime, StartError, Stop, Tools};
use ipa_events::{Outcome, Retry, Role};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::{Place, ann, class, finished, helper, hosting, next, reread, text, to_end, wait_for};

pub fn scripted() -> ScriptedRuntime {
    ScriptedRuntime::new(hosting())
}

/// Writes a script for the role of these tests, and returns the runtime's name.
pub fn script(place: &Place, steps: &Value) -> String {
    let path = place.path().join("script.json");
    std::fs::write(&path, json!({"roles": {"develop": steps}}).to_string()).unwrap();
    format!("scripted:{}", path.display())
}

/// Plays steps to the end of the run; it is told to finish when its turn is over.
async fn played(place: &Place, steps: Value) -> Vec<ipa_agent::AgentEvent> {
    let mut session = scripted().start(place.spec(&script(place, &steps))).await.unwrap();
    let mut events = Vec::new();
    while let Some(event) = next(&mut session).await {
        if event.body == Body::TurnFinished {
            session.control.finish().await.ok();
        }
        events.push(event);
    }
    crate::support::check(&events);
    assert_eq!(reread(&scripted(), place, 3).await, events);
    assert!(place.alive().is_empty());
    events
}

fn has(events: &[ipa_agent::AgentEvent], fits: impl Fn(&Body) -> bool) -> bool {
    events.iter().any(|event| fits(&event.body))
}

#[tokio::test]
async fn the_script_that_is_built_in_works_through_every_role() {
    for (role, wanted) in [
        (Role::Spec, "Acceptance criteria"),
        (Role::Plan, "# Plan"),
        (Role::Develop, "ipa-notes.md"),
        (Role::Review, "ipa-notes.md"),
    ] {
        let place = Place::new();
        let mut spec = place.spec("scripted");
        spec.role = role;
        spec.prompt = "# Request\n\nAdd a login.".into();
        let mut session = scripted().start(spec).await.unwrap();
        wait_for(&mut session, |body| *body == Body::TurnFinished).await;
        session.control.finish().await.unwrap();
        let mut last = None;
        while let Some(event) = next(&mut session).await {
            last = Some(event);
        }
        let Some(Body::Finished(end)) = last.map(|event| event.body) else { panic!() };
        assert_eq!(end.outcome, Outcome::Completed, "{role}");
        assert!(end.product.unwrap().contains(wanted), "{role}");
        assert_eq!(place.work().join("ipa-notes.md").exists(), !role.writes_document());
    }
}

#[tokio::test]
async fn what_it_does_comes_as_events() {
    let place = Place::new();
    let steps = json!([
        {"think": "hm"}, {"say": "hello: {prompt}"},
        {"plan": [{"content": "one", "status": "pending"}]},
        {"write_file": {"path": "a.txt", "content": "x"}}, {"run": "cat a.txt; exit 3"},
        {"usage": {"input_tokens": 10, "output_tokens": 5, "cost_usd": 0.5}},
        {"api_retry": {"error": "rate_limit", "delay_ms": 1}}, "unknown_type", {"result": "bye"},
    ]);
    let events = played(&place, steps).await;
    assert_eq!(text(&events), ["hello: do it"]);
    assert!(has(&events, |it| matches!(it, Body::Thinking { text } if &**text == "hm")));
    assert!(has(&events, |it| matches!(it, Body::Plan { steps, .. } if steps.len() == 1)));
    assert!(has(
        &events,
        |it| matches!(it, Body::ToolResult { output, failed: true, .. } if &**output == "x")
    ));
    assert!(has(&events, |it| matches!(it, Body::Retrying { .. })));
    assert!(has(&events, |it| matches!(it, Body::Unknown { kind } if &**kind == "never_heard_of")));
    let end = finished(&events);
    assert_eq!(end.product.as_deref(), Some("bye"));
    assert_eq!((end.usage.input_tokens, end.usage.output_tokens, end.usage.cost_microusd), (10, 5, 500_000));
}

#[tokio::test]
async fn a_permission_and_a_question_wait_for_a_person_and_get_the_answer_once() {
    let place = Place::new();
    let steps = json!([
        {"ask_permission": {"tool": "Bash", "input": {"command": "ls"}}}, {"say": "first: {answer}"},
        {"ask_permission": {"tool": "Bash"}}, {"say": "second: {answer}"},
        {"ask_question": {"question": "Which?", "choices": ["a", "b"]}}, {"say": "third: {answer}"},
    ]);
    let mut session = scripted().start(place.spec(&script(&place, &steps))).await.unwrap();
    let mut said = Vec::new();
    for answer in [Answer::Allow, Answer::Deny("not now".into()), Answer::Text("b".into())] {
        let events = wait_for(&mut session, |body| matches!(body, Body::Asked(_))).await;
        said.extend(text(&events));
        let Body::Asked(Asked::Permission { key, .. } | Asked::Question { key, .. }) =
            &events.last().unwrap().body
        else {
            panic!()
        };
        assert!(session.control.answer("other", answer.clone()).await.is_err());
        session.control.answer(key, answer.clone()).await.unwrap();
        session.control.answer(key, answer).await.unwrap();
    }
    let events = wait_for(&mut session, |body| *body == Body::TurnFinished).await;
    said.extend(text(&events));
    assert_eq!(said, ["first: allowed", "second: not now", "third: b"]);
    session.control.finish().await.unwrap();
    while next(&mut session).await.is_some() {}
    crate::support::check(&reread(&scripted(), &place, 100).await);
    let spool = std::fs::read_to_string(place.run_dir().path().join("spool.jsonl")).unwrap();
    assert_eq!(spool.matches("\"k\":\"answer-").count(), 3);
}

#[tokio::test]
async fn what_the_policy_allows_is_not_asked() {
    let place = Place::new();
    let steps = json!([{"ask_permission": {"tool": "Bash"}}, {"say": "{answer}"}]);
    let mut spec = place.spec(&script(&place, &steps));
    spec.policy.allow = Tools(vec!["Bash".to_owned()]);
    let mut session = scripted().start(spec).await.unwrap();
    let events = wait_for(&mut session, |body| *body == Body::TurnFinished).await;
    assert_eq!(text(&events), ["allowed"]);
    assert!(!has(&events, |body| matches!(body, Body::Asked(_) | Body::Resolved { .. })));
    session.control.finish().await.unwrap();
    to_end_from(&mut session).await;
}

async fn to_end_from(session: &mut ipa_agent::AgentSession) {
    while next(session).await.is_some() {}
}

#[tokio::test]
async fn a_message_to_a_waiting_agent_begins_another_turn_and_is_delivered_once() {
    let place = Place::new();
    let steps = json!([{"when": "more", "steps": [{"say": "more it is"}]}, {"steps": [{"say": "first"}]}]);
    let mut session = scripted().start(place.spec(&script(&place, &steps))).await.unwrap();
    wait_for(&mut session, |body| *body == Body::TurnFinished).await;
    session.control.send("m1", "more").await.unwrap();
    session.control.send("m1", "more").await.unwrap();
    let events = wait_for(&mut session, |body| *body == Body::TurnFinished).await;
    assert_eq!(text(&events), ["more it is"]);
    session.control.finish().await.unwrap();
    let rest = wait_for(&mut session, |body| matches!(body, Body::Finished(_))).await;
    assert!(text(&rest).is_empty());
}

#[tokio::test]
async fn a_stop_interrupts_the_turn_and_says_who_asked() {
    for steps in
        [json!([{"run": "sleep 1000"}]), json!(["hang"]), json!([{"ask_permission": {"tool": "Bash"}}])]
    {
        let place = Place::new();
        let runtime = ScriptedRuntime::new(helper());
        let mut session = runtime.start(place.spec(&script(&place, &steps))).await.unwrap();
        wait_for(&mut session, |body| *body == Body::TurnStarted).await;
        session.control.stop(Stop::Interrupted(ann())).await.unwrap();
        let events = wait_for(&mut session, |body| matches!(body, Body::Finished(_))).await;
        assert_eq!(finished(&events).outcome, Outcome::Interrupted { by: ann() });
        // It ended by its own protocol: no signal was needed.
        assert_eq!(finished(&events).exit_code, Some(0));
        assert!(place.alive().is_empty());
    }
}

#[tokio::test]
async fn an_agent_that_ignores_everything_is_killed_all_the_same() {
    let place = Place::new();
    let steps = json!(["ignore_sigint", "ignore_sigterm", "ignore_interrupt", "double_fork", "hang"]);
    let mut session = scripted().start(place.spec(&script(&place, &steps))).await.unwrap();
    wait_for(&mut session, |body| *body == Body::TurnStarted).await;
    session.control.stop(Stop::Interrupted(ann())).await.unwrap();
    let events = wait_for(&mut session, |body| matches!(body, Body::Finished(_))).await;
    let end = finished(&events);
    assert_eq!((&end.outcome, end.exit_code), (&Outcome::Interrupted { by: ann() }, None));
    assert!(place.alive().is_empty());
}

#[tokio::test]
async fn an_agent_without_a_result_has_failed_whatever_its_exit_code() {
    for (steps, wanted) in [
        (json!([{"say": "x"}, {"exit_without_result": 0}]), "ended_without_result"),
        (json!([{"exit_without_result": 7}]), "ended_without_result"),
        (json!([{"exit_without_result": 125}]), "misconfigured"),
        (json!([{"exit_without_result": 126}]), "misconfigured"),
        (json!([{"exit_without_result": 127}]), "misconfigured"),
        (json!(["partial_line"]), "ended_without_result"),
        (json!(["crash"]), "crashed"),
        (json!([{"fail": "server_error"}]), "api_unavailable"),
        (json!([{"fail": "model_not_found"}]), "model_not_found"),
        (json!([{"api_retry": {"error": "authentication_failed", "delay_ms": 60000}}]), "auth_required"),
    ] {
        let place = Place::new();
        let events = played(&place, steps.clone()).await;
        assert_eq!(class(finished(&events)), wanted, "{steps}");
    }
}

#[tokio::test]
async fn strange_output_is_never_fatal_and_never_lost() {
    let place = Place::new();
    let events =
        played(&place, json!(["bad_utf8", {"giant_line": 3_000_000}, {"flood": 500}, {"say": "end"}])).await;
    assert!(has(&events, |it| matches!(it, Body::Diagnostic { text } if text.contains("not text"))));
    assert!(has(&events, |it| matches!(it, Body::Text { text } if text.len() == 3_000_000)));
    assert_eq!(text(&events).len(), 502);
    assert_eq!(finished(&events).outcome, Outcome::Completed);
}

#[tokio::test]
async fn an_agent_that_hangs_after_its_result_has_not_failed() {
    let place = Place::new();
    let mut spec = place.spec(&script(&place, &json!([{"say": "done"}, "hang_after_result"])));
    spec.limits.after_result = Duration::from_millis(200);
    let mut session = scripted().start(spec).await.unwrap();
    wait_for(&mut session, |body| *body == Body::TurnFinished).await;
    session.control.finish().await.unwrap();
    let events = wait_for(&mut session, |body| matches!(body, Body::Finished(_))).await;
    assert_eq!(finished(&events).outcome, Outcome::Completed);
    assert!(place.alive().is_empty());
}

#[tokio::test]
async fn an_agent_that_gets_on_no_more_is_stalled_but_not_while_a_person_is_awaited() {
    for (steps, wanted) in [
        (json!([{"slow_start": 60000}]), "spawn"),
        (json!(["hang"]), "stalled"),
        (json!(["heartbeats_only"]), "stalled"),
        (
            json!([{"flood": 1}, {"wait": 250}, {"flood": 1}, {"wait": 250}, {"flood": 1}, {"wait": 60000}]),
            "turn_timeout",
        ),
    ] {
        let place = Place::new();
        let mut spec = place.spec(&script(&place, &steps));
        spec.limits.startup = Duration::from_millis(if wanted == "spawn" { 300 } else { 30_000 });
        spec.limits.silence = Duration::from_millis(if wanted == "turn_timeout" { 5000 } else { 400 });
        spec.limits.turn = Duration::from_millis(if wanted == "turn_timeout" { 700 } else { 60_000 });
        let mut session = scripted().start(spec).await.unwrap();
        assert_eq!(class(finished(&to_end(&mut session).await)), wanted, "{steps}");
    }
    let place = Place::new();
    let mut spec = place.spec(&script(&place, &json!([{"ask_permission": {"tool": "Bash"}}, {"wait": 1}])));
    spec.limits.silence = Duration::from_millis(200);
    spec.limits.turn = Duration::from_millis(400);
    spec.limits.total = Duration::from_millis(600);
    let mut session = scripted().start(spec).await.unwrap();
    wait_for(&mut session, |body| matches!(body, Body::Asked(_))).await;
    // Longer than every limit: nothing may come.
    let nothing = tokio::time::timeout(Duration::from_millis(1500), session.events.recv()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    session.control.answer("ask_tool_1", Answer::Allow).await.unwrap();
    let events = wait_for(&mut session, |body| *body == Body::TurnFinished).await;
    assert!(has(&events, |body| matches!(body, Body::Resolved { .. })));
}

#[tokio::test]
async fn an_agent_that_never_reads_blocks_nobody() {
    let place = Place::new();
    let mut spec = place.spec(&script(&place, &json!(["never_read_stdin", "double_fork", "hang"])));
    spec.prompt = "x".repeat(8 * 1024 * 1024).into();
    let mut session = scripted().start(spec).await.unwrap();
    wait_for(&mut session, |body| *body == Body::TurnStarted).await;
    session.control.stop(Stop::Interrupted(ann())).await.unwrap();
    let events = wait_for(&mut session, |body| matches!(body, Body::Finished(_))).await;
    assert_eq!(finished(&events).outcome, Outcome::Interrupted { by: ann() });
    assert!(place.alive().is_empty());
}

#[tokio::test]
async fn a_prompt_of_eight_megabytes_arrives_whole() {
    let place = Place::new();
    let steps = json!([{"when": "the end", "steps": [{"result": "whole"}]}, {"steps": [{"result": "cut"}]}]);
    let mut spec = place.spec(&script(&place, &steps));
    spec.prompt = format!("{}the end", "ä".repeat(4 * 1024 * 1024)).into();
    let mut session = scripted().start(spec).await.unwrap();
    wait_for(&mut session, |body| *body == Body::TurnFinished).await;
    session.control.finish().await.unwrap();
    let events = wait_for(&mut session, |body| matches!(body, Body::Finished(_))).await;
    assert_eq!(finished(&events).product.as_deref(), Some("whole"));
}

#[tokio::test]
async fn a_confined_agent_whose_program_is_not_there_is_not_started() {
    let place = Place::new();
    let nowhere = ipa_events::Helper { program: place.path().join("nowhere"), args: Vec::new() };
    let mut spec = place.spec("scripted");
    spec.prefix = vec!["env".into()];
    let Err(StartError::Misconfigured(detail)) = ScriptedRuntime::new(nowhere).start(spec).await else {
        panic!()
    };
    assert!(detail.contains("nowhere"), "{detail}");
    assert!(!place.run_dir().path().exists());
}

#[tokio::test]
async fn a_usage_limit_is_what_the_agent_says_of_it_last() {
    let reset = 1_795_707_277;
    let at = Retry::At(Timestamp::from_second(reset).unwrap());
    let fail = json!({"fail": "rate_limit"});
    for (steps, wanted) in [
        (json!([{"rate_limit": reset}, fail]), ("rate_limited", at)),
        (json!([{"rate_limit": reset * 1000}, fail]), ("rate_limited", at)),
        (json!([fail]), ("rate_limited", Retry::Hold)),
        (json!([{"rate_limit": 1_000_000_000_000_000_000_i64}, fail]), ("rate_limited", Retry::Hold)),
        // It went on over the limit, and failed of something else.
        (
            json!([{"rate_limit": reset}, {"say": "on"}, {"fail": "server_error"}]),
            ("api_unavailable", Retry::Backoff),
        ),
    ] {
        let place = Place::new();
        let events = played(&place, steps.clone()).await;
        let end = finished(&events);
        let Outcome::Failed { retry, .. } = &end.outcome else { panic!("{end:?}") };
        assert_eq!((class(end), *retry), (wanted.0.to_owned(), wanted.1), "{steps}");
    }
}

#[tokio::test]
async fn an_agent_whose_model_answers_too_often_is_ended_and_a_further_message_counts_anew() {
    for (max_turns, wanted) in [(2, "max_turns"), (3, "completed")] {
        let place = Place::new();
        let steps =
            json!([{"say": "one"}, {"say": "two"}, {"say": "three"}, {"wait": 200}, {"result": "done"}]);
        let mut spec = place.spec(&script(&place, &steps));
        spec.limits.max_turns = NonZeroU32::new(max_turns);
        let mut session = scripted().start(spec).await.unwrap();
        let events =
            wait_for(&mut session, |body| matches!(body, Body::TurnFinished | Body::Finished(_))).await;
        let mut all = events;
        if wanted == "completed" {
            session.control.send("again", "once more").await.unwrap();
            all.extend(wait_for(&mut session, |body| *body == Body::TurnFinished).await);
            session.control.finish().await.unwrap();
        }
        while let Some(event) = next(&mut session).await {
            all.push(event);
        }
        assert_eq!(class(finished(&all)), wanted);
        assert!(place.alive().is_empty());
    }
}

#[tokio::test]
async fn what_a_run_with_a_budget_costs_is_told_while_it_works() {
    for budget in [None, Some("1.00".parse().unwrap())] {
        let place = Place::new();
        let cost = json!({"usage": {"input_tokens": 10, "output_tokens": 5, "cost_usd": 0.25}});
        let steps = json!([cost, {"run": "true"}, {"wait": 300}, cost, {"run": "true"}, {"wait": 300}, {"result": "done"}]);
        let mut spec = place.spec(&script(&place, &steps));
        spec.limits.budget = budget;
        let mut session = scripted().start(spec).await.unwrap();
        let events = wait_for(&mut session, |body| *body == Body::TurnFinished).await;
        let costs: Vec<u64> = events
            .iter()
            .filter_map(|event| match &event.body {
                Body::Usage { total } => Some(total.cost_microusd),
                _ => None,
            })
            .collect();
        let wanted: &[u64] = if budget.is_some() { &[250_000, 500_000] } else { &[] };
        assert_eq!(costs, wanted);
        session.control.finish().await.unwrap();
        let mut rest = Vec::new();
        while let Some(event) = next(&mut session).await {
            rest.push(event);
        }
        assert_eq!(finished(&rest).usage.cost_microusd, 500_000, "each part once");
    }
}
