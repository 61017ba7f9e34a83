//! What holds for every runtime: the same tests on the real ones and on the double.

use std::sync::Arc;

use ipa_agent::testing::{FakeRuntime, FakeStep};
use ipa_agent::{AgentRuntime, Answer, Asked, Attach, Body, ControlError, StartError, Stop};
use ipa_events::Outcome;
use serde_json::json;

use crate::scripted::{script, scripted};
use crate::support::{Place, ann, check, command, finished, next, reread, text, to_end, wait_for};

/// A runtime, and how to make it do what the contract speaks of.
struct Subject {
    runtime: Box<dyn AgentRuntime>,
    /// Says `hello`, and completes.
    hello: fn(&Place) -> String,
    /// Asks a question under the key that is given, and says what it was answered.
    asks: (fn(&Place) -> String, &'static str),
    /// Does nothing for ever.
    hangs: fn(&Place) -> String,
}

fn subjects() -> Vec<Subject> {
    let fake = FakeRuntime::new("fake", |spec| match spec.runtime.argument() {
        Some("hello") => vec![FakeStep::Say("hello".into())],
        Some("asks") => {
            let (key, text, choices) = (Arc::from("q"), "Which?".into(), Vec::new());
            vec![FakeStep::Ask(Asked::Question { key, text, choices }), FakeStep::Say("b".into())]
        }
        _ => vec![FakeStep::Hang],
    });
    vec![
        Subject {
            runtime: Box::new(command()),
            hello: |_| "command:echo hello".to_owned(),
            asks: (
                |place| {
                    let script = "echo '{\"ipa\":{\"question\":{\"key\":\"q\",\"text\":\"Which?\"}}}'\nread prompt\nread answer\necho b\n";
                    std::fs::write(place.work().join("ask.sh"), script).unwrap();
                    "command:sh ask.sh".to_owned()
                },
                "q",
            ),
            hangs: |_| "command:sleep 1000".to_owned(),
        },
        Subject {
            runtime: Box::new(scripted()),
            hello: |place| script(place, &json!([{"say": "hello"}])),
            asks: (
                |place| {
                    script(place, &json!([{"ask_question": {"question": "Which?"}}, {"say": "{answer}"}]))
                },
                "ask_tool_1",
            ),
            hangs: |place| script(place, &json!(["hang"])),
        },
        Subject {
            runtime: Box::new(fake),
            hello: |_| "fake:hello".to_owned(),
            asks: (|_| "fake:asks".to_owned(), "q"),
            hangs: |_| "fake:hang".to_owned(),
        },
    ]
}

/// Follows a run to its end; what waits for more is told that nothing is coming.
async fn follow(session: &mut ipa_agent::AgentSession) -> Vec<ipa_agent::AgentEvent> {
    let mut events = Vec::new();
    while let Some(event) = next(session).await {
        if event.body == Body::TurnFinished {
            session.control.finish().await.ok();
        }
        events.push(event);
    }
    check(&events);
    events
}

#[tokio::test]
async fn a_run_ends_with_one_finished_and_reads_the_same_later() {
    for subject in subjects() {
        let place = Place::new();
        let mut session = subject.runtime.start(place.spec(&(subject.hello)(&place))).await.unwrap();
        let events = follow(&mut session).await;
        assert_eq!(text(&events), ["hello"], "{}", subject.runtime.kind());
        let end = finished(&events);
        assert_eq!(end.outcome, Outcome::Completed);
        assert_eq!(end.product.as_deref().map(str::trim), Some("hello"));
        assert_eq!(reread(&*subject.runtime, &place, 1).await, events);
        let Attach::Ended(mut again) = subject.runtime.attach(place.run_dir()).await.unwrap() else {
            panic!()
        };
        assert_eq!(to_end(&mut again).await, events);
        assert_eq!(again.control.finish().await, Err(ControlError::Gone));
        let twice = subject.runtime.start(place.spec(&(subject.hello)(&place))).await;
        assert!(matches!(twice, Err(StartError::Claimed(_))));
    }
}

#[tokio::test]
async fn a_question_gets_its_answer_once_also_after_the_session_was_dropped() {
    for subject in subjects() {
        let place = Place::new();
        let mut spec = place.spec(&(subject.asks.0)(&place));
        spec.env.insert("IPA_STDIN".into(), "open".into());
        let key = subject.asks.1;
        let mut session = subject.runtime.start(spec).await.unwrap();
        wait_for(&mut session, |body| matches!(body, Body::Asked(_))).await;
        let identity = session.identity.clone();
        drop(session);
        let Attach::Live(mut session) = subject.runtime.attach(place.run_dir()).await.unwrap() else {
            panic!()
        };
        assert_eq!(session.identity, identity);
        let unknown = session.control.answer("other", Answer::Text("x".into())).await;
        assert_eq!(unknown, Err(ControlError::Unknown("other".to_owned())));
        session.control.answer(key, Answer::Text("b".into())).await.unwrap();
        session.control.answer(key, Answer::Text("b".into())).await.ok();
        let events = follow(&mut session).await;
        assert_eq!(text(&events), ["b"], "{}", subject.runtime.kind());
        let resolved = events.iter().filter(|event| matches!(event.body, Body::Resolved { .. })).count();
        assert_eq!(resolved, 1);
    }
}

#[tokio::test]
async fn a_stopped_run_says_who_asked_and_withdraws_what_was_open() {
    for subject in subjects() {
        for runtime in [subject.hangs, subject.asks.0] {
            let place = Place::new();
            let mut spec = place.spec(&runtime(&place));
            spec.env.insert("IPA_STDIN".into(), "open".into());
            let mut session = subject.runtime.start(spec).await.unwrap();
            let seen = wait_for(&mut session, |body| matches!(body, Body::TurnStarted)).await;
            session.control.stop(Stop::Interrupted(ann())).await.unwrap();
            let mut events = seen;
            while let Some(event) = next(&mut session).await {
                events.push(event);
            }
            check(&events);
            assert_eq!(finished(&events).outcome, Outcome::Interrupted { by: ann() });
            assert!(place.alive().is_empty());
        }
    }
}

#[tokio::test]
async fn a_run_that_was_never_started_is_unclaimed() {
    for subject in subjects() {
        let place = Place::new();
        assert!(matches!(subject.runtime.attach(place.run_dir()).await.unwrap(), Attach::Unclaimed));
        assert!(reread(&*subject.runtime, &place, 9).await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn the_double_fails_in_every_way_that_a_real_agent_can() {
    use crate::support::class;
    for (step, wanted) in [
        (FakeStep::Hang, "stalled"),
        (FakeStep::Die, "crashed"),
        (FakeStep::NoResult, "ended_without_result"),
        (FakeStep::Flood(3000), "completed"),
        (FakeStep::End(Outcome::Completed), "completed"),
    ] {
        let place = Place::new();
        let runtime = FakeRuntime::new("fake", move |_| vec![step.clone()]);
        let mut spec = place.spec("fake");
        spec.limits.silence = std::time::Duration::from_secs(20);
        let mut session = runtime.start(spec).await.unwrap();
        assert_eq!(class(finished(&follow(&mut session).await)), wanted);
    }
    let place = Place::new();
    let runtime = FakeRuntime::new("fake", |_| vec![FakeStep::Say("x".into()), FakeStep::LoseHost]);
    let mut session = runtime.start(place.spec("fake")).await.unwrap();
    wait_for(&mut session, |body| matches!(body, Body::Text { .. })).await;
    drop(session);
    let Attach::Lost(mut lost) = runtime.attach(place.run_dir()).await.unwrap() else { panic!() };
    assert_eq!(class(finished(&to_end(&mut lost).await)), "host_lost");
    assert_eq!(runtime.started().len(), 1);
}
