//! Gates under tokio's paused clock, before a wire without a network: hours pass at once, and each request is where
//! and when it was sent.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::{join, join_all};
use futures::poll;
use http::Method;
use ipa_events::TaskId;
use tokio::time::sleep;

use super::*;
use crate::error::ErrorClass;
use crate::wire::{FakeWire, Reaction, Request, Wire};

mod down;
mod turns;

/// A gate, and the clocks of tokio and of the wall, which begin at the same moment.
pub(super) struct World {
    pub(super) gate: HostGate,
    began: Instant,
}

impl World {
    pub(super) fn github() -> Self {
        Self::with(Rules::github())
    }

    fn with(rules: Rules) -> Self {
        let began = Instant::now();
        let clock = move || Timestamp::UNIX_EPOCH.checked_add(began.elapsed()).unwrap();
        Self { gate: HostGate::new(rules, Arc::new(clock)), began }
    }

    /// Sends one request and returns its status, or the class of the error.
    async fn send(&self, wire: &dyn Wire, call: Call) -> Result<u16, ErrorClass> {
        let outcome = guarded(&self.gate, wire, call).await;
        outcome.map(|answer| answer.status.as_u16()).map_err(|error| error.class)
    }

    fn at(&self, seconds: u64) -> Timestamp {
        let since = Timestamp::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap();
        assert!(self.began <= Instant::now());
        since
    }
}

pub(super) fn call(lane: Lane, who: Who) -> Call {
    let name = match who {
        Who::Person => "person".to_owned(),
        Who::Task(task) => task.to_string(),
        Who::Sweeper => "sweeper".to_owned(),
    };
    Call {
        doing: "changing it".to_owned(),
        errand: Errand::new(lane, who, "PUT it"),
        request: Request::new(Method::PUT, format!("https://host.test/{name}").parse().unwrap()),
        effect: Effect::Idempotent,
        expected: Vec::new(),
    }
}

fn task(n: usize) -> Who {
    Who::Task(TaskId::from_key(&n.to_string()))
}

fn fine() -> FakeWire {
    FakeWire::new(|_| Reaction::status(200))
}

fn seconds(wire: &FakeWire, began: Instant) -> Vec<u64> {
    wire.sent().iter().map(|(at, _)| at.duration_since(began).as_secs()).collect()
}

/// Tries once a second, and returns when requests were sent in two hours.
async fn sent_at(reactions: Vec<Reaction>) -> Vec<u64> {
    let (world, wire) = (World::github(), FakeWire::script(reactions));
    for _ in 0..7200 {
        if world.send(&wire, call(Lane::Write, Who::Person)).await == Ok(200) {
            break;
        }
        sleep(Duration::from_secs(1)).await;
    }
    seconds(&wire, world.began)
}

#[tokio::test(start_paused = true)]
async fn no_request_is_sent_before_the_server_wants_it() {
    let limited = |name, value| Reaction::status(429).header(name, value);
    let secondary = || Reaction::status(403).body("You have exceeded a secondary rate limit");
    let used_up = limited("x-ratelimit-remaining", "0").header("x-ratelimit-reset", "600");
    for (reaction, pause) in [
        (limited("retry-after", "30"), 30),
        (limited("retry-after", "Thu, 01 Jan 1970 00:01:30 GMT"), 90),
        (used_up, 600),
        (secondary(), 60),
        (limited("retry-after", "99999999999999999999"), 3600),
        (limited("retry-after", "-1"), 60),
        (limited("retry-after", "0"), 1),
    ] {
        assert_eq!(sent_at(vec![reaction, Reaction::status(200)]).await, [0, pause]);
    }
    let again = [secondary(), secondary(), secondary(), Reaction::status(200)];
    assert_eq!(sent_at(again.to_vec()).await, [0, 60, 180, 420]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_told_at_once_with_its_end_and_holds_for_its_credential_only() {
    let limited = Reaction::status(429).header("retry-after", "30");
    let (one, other) = (World::github(), World::github());
    let (limits, fine) = (FakeWire::script([limited]), fine());
    let until = Err(ErrorClass::RateLimited { until: one.at(30) });
    for lane in [Lane::Read, Lane::Poll, Lane::Write, Lane::Notify, Lane::Search] {
        assert_eq!(one.send(&limits, call(lane, Who::Person)).await, until);
        assert_eq!(Instant::now(), one.began, "somebody waited");
    }
    assert_eq!(limits.sent().len(), 1);
    assert_eq!(other.send(&fine, call(Lane::Write, Who::Person)).await, Ok(200));
}

#[tokio::test(start_paused = true)]
async fn who_waits_already_is_told_of_a_pause_at_once_too() {
    let limited = |_: &Request| Reaction::status(429).header("retry-after", "300");
    let (world, wire) = (World::github(), FakeWire::new(limited));
    let (first, second) =
        join(world.send(&wire, call(Lane::Write, task(1))), world.send(&wire, call(Lane::Write, task(2))))
            .await;
    assert_eq!(first, second);
    assert_eq!(first, Err(ErrorClass::RateLimited { until: world.at(300) }));
    assert_eq!(wire.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn polls_stop_when_less_than_a_tenth_is_left_and_nothing_else_does() {
    let left = |left: u32| {
        let reaction = Reaction::status(200).header("x-ratelimit-limit", "5000");
        reaction.header("x-ratelimit-remaining", &left.to_string()).header("x-ratelimit-reset", "600")
    };
    let (world, wire) = (World::github(), FakeWire::script([left(500), left(499), left(498)]));
    let poll = || world.send(&wire, call(Lane::Poll, Who::Sweeper));
    assert_eq!(poll().await, Ok(200));
    assert_eq!(poll().await, Ok(200));
    assert_eq!(poll().await, Err(ErrorClass::RateLimited { until: world.at(600) }));
    assert_eq!(world.send(&wire, call(Lane::Read, task(1))).await, Ok(200));
    assert_eq!(world.gate.health().quota.map(|quota| quota.remaining), Some(498));
    sleep(Duration::from_mins(10)).await;
    assert_eq!(world.send(&fine(), call(Lane::Poll, Who::Sweeper)).await, Ok(200));
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_is_asked_with_once_and_again_when_somebody_resumes() {
    let (world, wire) = (World::github(), FakeWire::script([Reaction::status(401), Reaction::status(200)]));
    for _ in 0..50 {
        assert_eq!(world.send(&wire, call(Lane::Write, task(1))).await, Err(ErrorClass::Credential));
        sleep(Duration::from_hours(1)).await;
    }
    assert_eq!(wire.sent().len(), 1);
    world.gate.resume();
    assert_eq!(world.send(&wire, call(Lane::Write, task(1))).await, Ok(200));
}

#[tokio::test(start_paused = true)]
async fn the_health_of_a_gate_is_a_value_that_can_be_followed() {
    let limited = Reaction::status(429).header("retry-after", "30").body(r#"{"message":"slow down"}"#);
    let (world, wire) = (World::github(), FakeWire::script([Reaction::status(200), limited]));
    let mut watch = world.gate.watch();
    world.send(&wire, call(Lane::Read, task(1))).await.unwrap();
    assert!(watch.has_changed().unwrap());
    assert_eq!(watch.borrow_and_update().paused, None);
    world.send(&wire, call(Lane::Read, task(1))).await.unwrap_err();
    world.send(&wire, call(Lane::Read, task(1))).await.unwrap_err();
    let health = watch.borrow_and_update().clone();
    let paused = Paused { until: Some(world.at(30)), why: Why::Limited };
    let what = "429 Too Many Requests: slow down".to_owned();
    assert_eq!(
        health,
        Health {
            paused: Some(paused),
            quota: None,
            last_error: Some(Trouble { at: world.at(0), what }),
            counts: Counts { sent: 2, answered: 2, failed: 0, limited: 1, refused: 1 },
            waiting: 0,
            going: 0,
        }
    );
    sleep(Duration::from_secs(30)).await;
    assert_eq!(world.gate.health().paused, None);
}
