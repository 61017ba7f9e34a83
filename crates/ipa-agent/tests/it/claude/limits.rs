//! What holds and ends the real Claude Code: its usage limit, its budget, its turns, a model that says nothing.

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::time::Duration;

use ipa_agent::testing::model::{Part, Reply};
use ipa_agent::{AgentRuntime as _, Body, ClaudeRuntime, Hosting, Program, RunSpec, Session, Tools};
use ipa_events::task::Usage;
use ipa_events::{Outcome, Retry, SessionId};

use super::{World, run};
use crate::support::{class, finished, helper, text, until, wait_for};

#[tokio::test]
async fn a_usage_limit_of_claude_is_rejected_at_once_with_its_reset_time() {
    let reset = jiff::Timestamp::now().as_second() + 3600;
    for (login, wanted, asked) in [
        // Logged in with a subscription, it says when, and asks once.
        ("CLAUDE_CODE_OAUTH_TOKEN", Retry::At(jiff::Timestamp::from_second(reset).unwrap()), 1),
        // With a key it takes the headers for nothing: it tries again as often as it may, and says no time.
        ("ANTHROPIC_API_KEY", Retry::Hold, 2),
    ] {
        let Some(mut world) = World::new(|_| vec![Reply::limit_reached(reset); 20]) else { return };
        let Program { argv, mut env } = world.program.clone();
        env.remove(&OsString::from("ANTHROPIC_API_KEY"));
        env.insert(login.into(), "sk-ant-oat01-fake".into());
        world.runtime = ClaudeRuntime::new(Hosting::new(helper()), Program { argv, env });
        let mut session = world.start().await;
        let events = world.ends(&mut session).await;
        let end = finished(&events);
        let Outcome::Failed { retry, .. } = &end.outcome else { panic!("{end:?}") };
        assert_eq!((class(end), *retry, end.product.as_deref()), ("rate_limited".to_owned(), wanted, None));
        assert_eq!(world.model.steps().len(), asked);
    }
}

#[tokio::test]
async fn a_model_of_claude_that_is_too_busy_for_ever_is_no_success() {
    let Some(world) = World::new(|_| vec![Reply::too_busy(); 20]) else { return };
    let mut session = world.start().await;
    let events = world.ends(&mut session).await;
    assert_eq!(
        (class(finished(&events)), finished(&events).product.as_deref()),
        ("rate_limited".to_owned(), None)
    );
    assert_eq!(world.model.steps().len(), 2, "it tries again as often as it may");
}

#[tokio::test]
async fn claude_that_waits_for_a_silent_model_is_stalled_and_nothing_of_it_is_left() {
    for silent in [Reply::HangBefore, Reply::HangIn(vec![Part::text("half of an answer")])] {
        let Some(world) = World::new(|_| vec![silent]) else { return };
        let mut spec = world.spec();
        spec.limits.silence = Duration::from_secs(3);
        let mut session = world.runtime.start(spec).await.unwrap();
        let events = world.ends(&mut session).await;
        assert_eq!(class(finished(&events)), "stalled");
        assert_eq!(finished(&events).product, None);
    }
}

#[tokio::test]
async fn claude_ends_when_its_model_has_answered_as_often_as_it_may() {
    let Some(world) = World::new(|_| vec![run("echo 1"), run("echo 2"), run("echo 3")]) else { return };
    let mut spec = allowed(&world);
    spec.limits.max_turns = NonZeroU32::new(2);
    let mut session = world.runtime.start(spec).await.unwrap();
    let events = world.ends(&mut session).await;
    assert_eq!(class(finished(&events)), "max_turns");
    assert_eq!(world.model.steps().len(), 2);
}

fn allowed(world: &World) -> RunSpec {
    let mut spec = world.spec();
    spec.policy.allow = Tools(vec!["Bash".into()]);
    spec
}

/// What an answer of the model costs at the most: about 100 tokens in, 20 out, at the list price.
const ANSWER: u64 = 650;

fn costs(events: &[ipa_agent::AgentEvent]) -> Vec<u64> {
    let usage = events.iter().filter_map(|event| match &event.body {
        Body::Usage { total: Usage { cost_microusd, .. } } => Some(*cost_microusd),
        _ => None,
    });
    usage.collect()
}

#[tokio::test]
async fn what_claude_costs_is_known_while_it_works_and_its_budget_ends_it() {
    let Some(world) = World::new(|_| vec![run("echo 1"), run("sleep 1"), run("echo 3"), run("echo 4")])
    else {
        return;
    };
    let mut spec = allowed(&world);
    spec.limits.budget = Some("0.0015".parse().unwrap());
    let mut session = world.runtime.start(spec).await.unwrap();
    let events = world.ends(&mut session).await;
    let end = finished(&events);
    let Outcome::Failed { retry: Retry::Human, .. } = end.outcome else { panic!("{end:?}") };
    assert_eq!(class(end), "budget");
    let costs = costs(&events);
    assert!(costs.len() > 1 && (1..ANSWER).contains(&costs[0]) && costs.is_sorted(), "{costs:?}");
    assert_eq!(costs.last(), Some(&end.usage.cost_microusd));
    // It looks after each answer, and goes over by one at most.
    assert!((1500..1500 + 2 * ANSWER).contains(&end.usage.cost_microusd), "{end:?}");
}

#[tokio::test]
async fn a_resumed_claude_counts_only_what_it_used_itself() {
    let Some(world) =
        World::new(|_| vec![Reply::say("one"), run("sleep 1"), run("sleep 1"), Reply::say("two")])
    else {
        return;
    };
    let conversation: SessionId = "0c5ac1de-0000-4000-8000-000000000002".parse().unwrap();
    let mut spec = allowed(&world);
    spec.session = Session::New(conversation.clone());
    let mut session = world.runtime.start(spec.clone()).await.unwrap();
    world.ends(&mut session).await;
    (spec.run, spec.dir) = world.place.again();
    spec.session = Session::Resume(conversation);
    spec.limits.budget = Some("5".parse().unwrap());
    let mut session = world.runtime.start(spec).await.unwrap();
    let mut events = wait_for(&mut session, |body| *body == Body::TurnFinished).await;
    session.control.finish().await.unwrap();
    events.extend(wait_for(&mut session, |body| matches!(body, Body::Finished(_))).await);
    let costs = costs(&events);
    assert!(costs[0] < ANSWER, "the first counts nothing of the process before: {costs:?}");
    let end = finished(&events);
    assert_eq!((costs.last(), end.usage.output_tokens), (Some(&end.usage.cost_microusd), 60));
}

#[tokio::test]
async fn what_claude_is_told_in_mid_turn_becomes_part_of_that_turn() {
    let script = |_: &std::path::Path| vec![run("touch began; sleep 2"), Reply::say("both")];
    let Some(world) = World::new(script) else { return };
    let mut session = world.runtime.start(allowed(&world)).await.unwrap();
    until("the command runs", || world.place.work().join("began").exists()).await;
    session.control.send("budget", "make an end").await.unwrap();
    let events = world.ends(&mut session).await;
    assert_eq!((&finished(&events).outcome, text(&events)), (&Outcome::Completed, vec!["both".to_owned()]));
    assert!(world.model.steps().last().unwrap().mentions("make an end"));
}
