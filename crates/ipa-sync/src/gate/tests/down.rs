//! A host that is down.

use super::*;

/// How fifty tasks fare whose host reacts so for ten minutes, and then works again.
async fn ten_minutes_of(reaction: Reaction) -> (World, FakeWire) {
    let world = World::github();
    let up = Instant::now() + Duration::from_mins(10);
    let works = || Reaction::status(200).after(Duration::from_millis(100));
    let wire = FakeWire::new(move |_| if Instant::now() < up { reaction.clone() } else { works() });
    let until_it_works = |n: usize| {
        let (world, wire) = (&world, &wire);
        let lane = if n.is_multiple_of(5) { Lane::Write } else { Lane::Read };
        async move {
            loop {
                match world.send(wire, call(lane, task(n))).await {
                    Ok(_) => break,
                    Err(ErrorClass::RateLimited { until }) => {
                        let now = (world.gate.clock)();
                        sleep(Duration::try_from(until.duration_since(now)).unwrap()).await;
                    }
                    Err(_) => sleep(Duration::from_millis(1)).await,
                }
            }
        }
    };
    join_all((0..50).map(until_it_works)).await;
    (world, wire)
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_down_for_ten_minutes_sees_twelve_requests_and_no_stampede_after() {
    for reaction in [
        Reaction::down(),
        Reaction::status(502),
        Reaction::lost().after(Duration::from_secs(20)),
        Reaction::down().after(Duration::from_secs(5)),
    ] {
        let (world, wire) = ten_minutes_of(reaction).await;
        let sent = wire.sent();
        let sent = sent.iter().map(|(at, _)| at.duration_since(world.began).as_millis());
        let (down, after): (Vec<u128>, Vec<u128>) = sent.partition(|at| *at < 600_000);
        assert!(down.len() <= 12, "{down:?}");
        assert_eq!(after.len(), 50);
        for (n, at) in after.iter().enumerate() {
            let together = after.iter().filter(|other| (*at..*at + 100).contains(*other)).count();
            // The probe goes alone, and those after it at the pace of always.
            assert!(together <= if n == 0 { 1 } else { 8 }, "{after:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_probe_goes_and_the_others_are_told_to_come_back() {
    let (world, wire) = (World::github(), FakeWire::new(|_| Reaction::lost().after(Duration::from_secs(1))));
    let send = || world.send(&wire, call(Lane::Read, task(1)));
    join_all((0..5).map(|_| send())).await;
    let until = |seconds| Err(ErrorClass::RateLimited { until: world.at(seconds) });
    assert_eq!(send().await, until(31));
    sleep(Duration::from_secs(30)).await;
    let outcomes = join_all((0..10).map(|_| send())).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(ErrorClass::Transient)).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == until(61)).count(), 9);
    assert_eq!(wire.sent().len(), 6);
    assert_eq!(send().await, until(92));
    assert_eq!(world.gate.health().paused.map(|paused| paused.why), Some(Why::HostDown));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_is_followed_by_another() {
    let (world, down) = (World::github(), FakeWire::script([]));
    join_all((0..5).map(|_| world.send(&down, call(Lane::Read, task(1))))).await;
    sleep(Duration::from_secs(30)).await;
    {
        let never = FakeWire::new(|_| Reaction::status(200).after(Duration::from_hours(1000)));
        let mut probe = pin!(world.send(&never, call(Lane::Read, task(1))));
        assert!(poll!(&mut probe).is_pending());
        assert!(world.send(&fine(), call(Lane::Read, task(2))).await.is_err());
    }
    assert_eq!(world.send(&fine(), call(Lane::Read, task(2))).await, Ok(200));
    assert_eq!(world.gate.health().paused, None);
}
