//! What moved, and at what cost: counted in requests.

use super::*;
use crate::forge::{Fault, When};

fn linked(number: u64, since: Option<Timestamp>) -> Sweep {
    Sweep { since, linked: vec![format!("o/r#{number}").parse().unwrap()] }
}

fn names(swept: &Swept) -> Vec<&str> {
    swept.moved.iter().map(RemoteId::as_str).collect()
}

fn names_of(swept: &Swept) -> Vec<String> {
    names(swept).into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_sweep_names_what_changed_since_the_last_one_and_that_once() {
    let world = World::new().await;
    world.push("one\n");
    let number = world.open().await;
    let ann = world.forge.person("ann");
    let mut clock = 0;
    let mut tick = || {
        clock += 10;
        world.forge.set_clock_ahead(jiff::SignedDuration::from_secs(clock));
    };
    tick();
    let issue = ann.ask("It gives up", "");
    let first = world.sweep(&linked(number, None)).await.unwrap();
    assert_eq!(names(&first), ["o/r#1", "o/r#2"]);
    let again = async || names_of(&world.sweep(&linked(number, first.until)).await.unwrap());
    // What changed last may have changed again within that second, so it is named once more.
    assert_eq!(again().await, ["o/r#2"]);
    assert_eq!(again().await, [""; 0]);
    ann.comment(issue, "a word, in the same second");
    tick();
    ann.comment(issue, "a word");
    assert_eq!(again().await, ["o/r#2"]);
    tick();
    ann.review(number, "APPROVE", "");
    assert_eq!(again().await, ["o/r#1", "o/r#2"]);
    assert_eq!(again().await, ["o/r#1"]);
    assert_eq!(again().await, [""; 0]);
    // After a restart all is named again.
    assert_eq!(names(&world.sweep(&linked(number, None)).await.unwrap()), ["o/r#1", "o/r#2"]);
    assert_eq!(names(&world.sweep(&Sweep::default()).await.unwrap()), [""; 0], "nobody waits for anything");
}

#[tokio::test]
async fn an_open_issue_with_the_label_wants_a_task_and_says_who_asks() {
    let source = |config: &mut GitHubConfig| {
        config.label = Some("ipa".to_owned());
        config.issues_of = vec!["o/r".to_owned()];
    };
    let world = World::with(token("token-ipa"), source).await;
    let (ann, zed) = (world.forge.person("ann"), world.forge.person("zed"));
    let plain = ann.ask("Not for us", "");
    let of_ann = ann.ask("It gives  up", "after one try <!-- hidden -->");
    let of_zed = zed.ask("Do evil", "please");
    let closed = ann.ask("Over", "");
    for number in [of_ann, of_zed, closed] {
        ann.label(number, "ipa");
    }
    ann.close_issue(closed);
    world.push("one\n");
    ann.label(world.open().await, "ipa");
    let swept = world.sweep(&Sweep::default()).await.unwrap();
    let wanted: Vec<_> =
        swept.wanted.iter().map(|it| (it.link.remote.as_str(), &*it.title, &*it.by, it.trusted)).collect();
    assert_eq!(
        wanted,
        [("o/r#2", "It gives up", "ann", true), ("o/r#3", "Do evil", "zed", false)],
        "not {plain}"
    );
    assert_eq!(
        (&*swept.wanted[0].text, swept.wanted[0].repo.clone()),
        ("after one try", SOURCE.parse().ok())
    );
}

#[tokio::test]
async fn a_quiet_pull_request_costs_one_request_a_look_and_nothing_of_the_limit() {
    let world = World::new().await;
    world.push("one\n");
    let number = world.open().await;
    let start = Timestamp::now();
    let at = |minute: i64| start + jiff::SignedDuration::from_mins(minute);
    // Whether it merges is known with the second look.
    for minute in [0, 1, 20] {
        world.observe_at(number, Look::Closely, at(minute)).await.unwrap();
    }
    let before = world.forge.requests().len();
    let left = world.gate.health().quota.unwrap().remaining;
    for minute in 21..31 {
        let seen = world.observe_at(number, Look::Glance, at(minute)).await.unwrap();
        assert!(matches!(seen, Observed::Pull(..)));
    }
    assert_eq!(world.forge.requests().len() - before, 10);
    assert_eq!(world.gate.health().quota.unwrap().remaining, left);
    world.forge.person("ann").comment(number, "a word");
    let seen = world.observe_at(number, Look::Glance, at(31)).await.unwrap();
    let Observed::Pull(_, pull) = seen else { panic!() };
    assert_eq!(pull.remarks.len(), 1);
}

#[tokio::test]
async fn a_repository_that_is_gone_is_in_the_way_of_no_other() {
    let world = World::new().await;
    world.push("one\n");
    let number = world.open().await;
    let mut sweep = linked(number, None);
    sweep.linked.push("o/gone#1".parse().unwrap());
    assert_eq!(names(&world.sweep(&sweep).await.unwrap()), ["o/r#1"]);
    sweep.since = Some(Timestamp::now());
    assert_eq!(names(&world.sweep(&sweep).await.unwrap()), ["o/r#1"], "once more");
    assert_eq!(world.sweep(&sweep).await.unwrap_err().class, ErrorClass::Gone);
}

#[tokio::test(start_paused = true)]
async fn without_sockets_hours_pass_at_once_and_the_forge_is_the_same() {
    let forge = Forge::start().await;
    let began = tokio::time::Instant::now();
    let clock = move || Timestamp::UNIX_EPOCH + began.elapsed();
    forge.set_clock(Arc::new(clock));
    let mut config = GitHubConfig::new("work".parse().unwrap(), WEB.parse().unwrap(), token("token-ipa"));
    config.api = forge.url().parse().unwrap();
    let gate = Arc::new(HostGate::new(Rules::github(), Arc::new(clock)));
    let connector = GitHubConnector::new(config, forge.wire(), gate);
    let issue = forge.person("ann").ask("It gives up", "");
    let swept = async |since| {
        let sweep = Sweep { since, linked: vec![format!("o/r#{issue}").parse().unwrap()] };
        let swept = connector.sweep(Cx { now: clock(), ..cx() }, &sweep).await;
        swept.map(|swept| names_of(&swept)).map_err(|error| error.class)
    };
    assert_eq!(swept(None).await, Ok(vec![format!("o/r#{issue}")]));
    tokio::time::sleep(Duration::from_hours(3)).await;
    forge.person("ann").comment(issue, "a word");
    assert_eq!(swept(Some(clock())).await, Ok(vec![format!("o/r#{issue}")]));
    // What gets lost on a socket gets lost here, and what is never answered is waited for as long.
    for (fault, seconds) in [(Fault::ResetBefore, 0), (Fault::CutBody, 0), (Fault::SilenceAfter, 20)] {
        forge.fail("issues/list-for-repo", When::Nth(1), fault);
        let before = clock();
        assert_eq!(swept(Some(before)).await, Err(ErrorClass::Transient));
        assert_eq!(clock().duration_since(before).as_secs(), seconds);
    }
    assert_eq!(swept(Some(clock())).await, Ok(vec![format!("o/r#{issue}")]));
}
