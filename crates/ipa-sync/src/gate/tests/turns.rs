//! The pace of the lanes, and who goes next.

use super::*;

/// How long lies between one request and the next, in milliseconds.
fn gaps(wire: &FakeWire) -> Vec<u128> {
    wire.sent().windows(2).map(|two| two[1].0.duration_since(two[0].0).as_millis()).collect()
}

fn names(wire: &FakeWire) -> Vec<String> {
    wire.sent().iter().map(|(_, request)| request.url.path().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn fifty_tasks_with_ten_writes_each_keep_the_pace_and_take_turns() {
    let (world, wire) = (World::github(), fine());
    let writes = (0..500).map(|n| world.send(&wire, call(Lane::Write, task(n / 10))));
    assert!(join_all(writes).await.iter().all(|outcome| *outcome == Ok(200)));
    assert_eq!(gaps(&wire), vec![1000; 499]);
    for round in names(&wire).chunks(50) {
        let once = round.iter().collect::<std::collections::BTreeSet<_>>();
        assert_eq!(once.len(), 50, "a task had two turns before another had one");
    }
}

#[tokio::test(start_paused = true)]
async fn many_requests_at_once_and_many_one_after_the_other_get_the_same_share() {
    let (world, wire) = (World::github(), fine());
    let at_once = join_all((0..20).map(|_| world.send(&wire, call(Lane::Write, task(1)))));
    let in_a_row = async {
        for _ in 0..20 {
            world.send(&wire, call(Lane::Write, task(2))).await.unwrap();
        }
    };
    join(at_once, in_a_row).await;
    let mut had = BTreeMap::<String, i32>::new();
    for name in names(&wire) {
        *had.entry(name).or_default() += 1;
        let (most, least) = (had.values().max().unwrap(), had.values().min().unwrap());
        assert!(had.len() == 1 && *most <= 2 || most - least <= 1, "{had:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_who_comes_last_goes_next() {
    let (world, wire) = (World::github(), fine());
    let tasks = join_all((0..100).map(|n| world.send(&wire, call(Lane::Write, task(n)))));
    let person = async {
        sleep(Duration::from_millis(10_500)).await;
        world.send(&wire, call(Lane::Write, Who::Person)).await
    };
    let (_, person) = join(tasks, person).await;
    assert_eq!(person, Ok(200));
    assert_eq!(names(&wire).iter().position(|name| name == "/person"), Some(11));
}

#[tokio::test(start_paused = true)]
async fn each_lane_has_the_pace_of_its_host() {
    let of = |lane, count: usize| async move {
        let (world, wire) = (World::github(), fine());
        join_all((0..count).map(|n| world.send(&wire, call(lane, task(n))))).await;
        gaps(&wire)
    };
    assert_eq!(of(Lane::Write, 3).await, [1000, 1000]);
    assert_eq!(of(Lane::Notify, 3).await, [3000, 3000]);
    assert_eq!(of(Lane::Search, 3).await, [2000, 2000]);
    assert_eq!(of(Lane::Read, 3).await, [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn so_many_go_at_once_and_no_more() {
    for (rules, lane, most) in [
        (Rules::github(), Lane::Read, 7),
        (Rules::github(), Lane::Write, 1),
        (Rules::jira(), Lane::Read, 5),
        (Rules::jira(), Lane::Write, 5),
    ] {
        let world = World::with(rules);
        let (going, seen) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let one = |n| {
            let (gate, going, seen) = (&world.gate, &going, &seen);
            async move {
                let permit = gate.enter(Errand::new(lane, task(n), "PUT it")).await.unwrap();
                seen.fetch_max(1 + going.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
                sleep(Duration::from_secs(2)).await;
                going.fetch_sub(1, Ordering::SeqCst);
                drop(permit);
            }
        };
        join_all((0..40).map(one)).await;
        assert_eq!(seen.into_inner(), most);
    }
}

#[tokio::test(start_paused = true)]
async fn writes_to_one_issue_are_apart_and_to_others_they_are_not() {
    let (world, wire) = (World::with(Rules::jira()), fine());
    let write = |issue: &str| {
        let mut call = call(Lane::Write, task(1));
        call.errand.subject = Some(issue.to_owned());
        world.send(&wire, call)
    };
    join_all([write("K-1"), write("K-1"), write("K-2"), write("K-1")]).await;
    assert_eq!(gaps(&wire), [0, 250, 250]);
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_long_for_an_hours_room_is_told_when_there_is_some() {
    let (world, wire) = (World::github(), fine());
    for _ in 0..450 {
        assert_eq!(world.send(&wire, call(Lane::Notify, task(1))).await, Ok(200));
    }
    let until = Err(ErrorClass::RateLimited { until: world.at(3600) });
    assert_eq!(world.send(&wire, call(Lane::Notify, task(1))).await, until);
    assert_eq!(world.send(&wire, call(Lane::Write, task(1))).await, Ok(200));
    sleep_until(world.began + Duration::from_hours(1)).await;
    assert_eq!(world.send(&wire, call(Lane::Notify, task(1))).await, Ok(200));
}

#[tokio::test(start_paused = true)]
async fn who_is_dropped_while_waiting_leaves_no_hole_and_wakes_who_comes_after() {
    let (world, wire) = (World::github(), fine());
    assert_eq!(world.send(&wire, call(Lane::Write, task(0))).await, Ok(200));
    let mut stays = Vec::new();
    {
        // The first of all sleeps for the others; it is dropped, and so is every second one.
        let mut leaves = Vec::new();
        for n in 1..=10 {
            let mut one = Box::pin(world.send(&wire, call(Lane::Write, task(n))));
            assert!(poll!(&mut one).is_pending());
            if n % 2 == 0 { stays.push(one) } else { leaves.push(one) }
        }
    }
    assert_eq!(world.gate.health().waiting, 5);
    join_all(stays).await;
    assert_eq!(gaps(&wire), [1000; 5]);
    assert_eq!((world.gate.health().waiting, world.gate.health().going), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_is_dropped_under_way_makes_room() {
    let world = World::github();
    let never = FakeWire::new(|_| Reaction::status(200).after(Duration::from_hours(1000)));
    {
        let mut stuck = pin!(world.send(&never, call(Lane::Write, task(1))));
        assert!(poll!(&mut stuck).is_pending());
        assert_eq!(world.gate.health().going, 1);
    }
    assert_eq!(world.send(&fine(), call(Lane::Write, task(2))).await, Ok(200));
}

#[tokio::test(start_paused = true)]
async fn so_many_wait_and_the_next_is_told_to_come_later() {
    let (world, wire) = (World::with(Rules { waiting: 20, ..Rules::github() }), fine());
    let mut waiting = Vec::new();
    for n in 0..21 {
        let mut one = Box::pin(world.gate.enter(Errand::new(Lane::Write, task(n), "PUT it")));
        waiting.push(poll!(&mut one).is_pending().then_some(one));
    }
    assert_eq!(world.gate.health().waiting, 20);
    let later = Err(ErrorClass::RateLimited { until: world.at(30) });
    assert_eq!(world.send(&wire, call(Lane::Write, Who::Person)).await, later);
}
