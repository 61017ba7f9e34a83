//! Webhooks, from the engine's front door to the pods, with a tracker in memory.

mod desk;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use ipa_events::store::{DeliveryNumber, Version};
use ipa_events::task::{Gates, Link};
use ipa_events::{Resource, ResourceKind, TaskCommand, TaskId, Via};
use ipa_pod::hook::{Arrival, Head, Maker};
use ipa_pod::{Drain, Engine, HookError, Hooks, Outlet, Scope, TaskView};
use ipa_sync::{ErrorClass, Mode, SecretSource, Settings};
use proptest::prelude::*;
use secrecy::SecretString;
use sha2::Sha256;

use self::desk::{Desk, Sweeps};
use super::{Sim, send, until};
use crate::world::ann;

const SECRET: &str = "of the desk";

/// A poll that comes to no test's help.
const NEVER: Duration = Duration::from_hours(5);

fn outlet(desk: &Desk, poll: Duration) -> Outlet {
    let hooks = Some(Hooks { maker: Maker::Jira, secrets: vec![SecretString::from(SECRET).into()] });
    let settings = Settings { mode: Mode::Observe, ..Settings::new("desk".parse().unwrap()) };
    Outlet { poll, hooks, ..Outlet::new(Arc::new(desk.clone()), settings) }
}

/// Makes an engine that runs nothing yet.
fn engine(sim: &Sim, desk: &Desk, poll: Duration) -> Engine {
    engine_of(sim, outlet(desk, poll))
}

fn engine_of(sim: &Sim, outlet: Outlet) -> Engine {
    Engine::builder(sim.store(), sim.config.clone(), Arc::new(sim.workspaces.clone()))
        .edge(sim.clock.clone())
        .runtime(Arc::new(sim.runtime.clone()))
        .outlet(outlet)
        .build()
}

async fn start(sim: &Sim, desk: &Desk, poll: Duration) -> Engine {
    let engine = engine(sim, desk, poll);
    engine.start(Scope::All).await.unwrap();
    engine
}

fn ticket(key: &str) -> (Resource, Link) {
    let resource =
        Resource { connector: "desk".parse().unwrap(), kind: ResourceKind::Ticket, name: key.to_owned() };
    (resource, Link { remote: key.parse().unwrap(), url: None })
}

/// Makes a task, of a ticket or not, and waits until it waits for a person, with no pod.
async fn waiting(sim: &Sim, engine: &Engine, key: Option<&str>) -> TaskId {
    let mut draft = sim.draft();
    draft.gates = Some(Gates::default());
    draft.ticket = key.map(ticket);
    let task = engine.create(engine.ctx(ann(), Via::Library), draft).await.unwrap().id;
    until(engine, task, |view| view.state.open_decisions().next().is_some()).await;
    no_pod(engine).await;
    task
}

async fn no_pod(engine: &Engine) {
    while !engine.active_pods().await.is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Sends a webhook about a ticket, as Jira does.
async fn hook(engine: &Engine, id: &str, key: &str) -> Arrival {
    let body = format!("{{\"webhookEvent\":\"comment_created\",\"issue\":{{\"key\":\"{key}\"}}}}");
    deliver(engine, id, &body).await
}

async fn deliver(engine: &Engine, id: &str, body: &str) -> Arrival {
    receive(engine, id, body).await.unwrap()
}

/// Sends a webhook that may not be taken.
async fn try_hook(engine: &Engine, id: &str) -> Result<Arrival, HookError> {
    receive(engine, id, "{\"webhookEvent\":\"comment_created\",\"issue\":{\"key\":\"K-1\"}}").await
}

async fn receive(engine: &Engine, id: &str, body: &str) -> Result<Arrival, HookError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let hex: Vec<String> = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut headers = HeaderMap::new();
    headers.insert("x-hub-signature", format!("sha256={}", hex.concat()).parse().unwrap());
    headers.insert("x-atlassian-webhook-identifier", id.parse().unwrap());
    let head = Head::read(Maker::Jira, &headers);
    engine.receive((head, Some("desk")), body.into()).await
}

fn knows(view: &TaskView, remark: &str) -> bool {
    let remark = remark.parse().unwrap();
    view.state.outside.tickets.values().any(|ticket| ticket.remarks.contains_key(&remark))
}

/// Waits until a task knows of a remark, for ten seconds at most.
async fn soon_knows(engine: &Engine, task: TaskId, remark: &str) {
    let known = until(engine, task, |view| knows(view, remark));
    tokio::time::timeout(Duration::from_secs(10), known)
        .await
        .unwrap_or_else(|_| panic!("{remark} is not known"));
}

/// Counts the webhooks that are kept and not done.
async fn in_hand(sim: &Sim) -> usize {
    let (store, mut after, mut count) = (sim.memory.store(), DeliveryNumber::ZERO, 0);
    while let Some(next) = store.deliveries.next(after).await.unwrap() {
        (after, count) = (next.number, count + 1);
    }
    count
}

#[tokio::test(start_paused = true)]
async fn a_webhook_has_the_pod_of_its_task_look_and_of_no_other() {
    let (sim, desk) = (Sim::new(), Desk::new(["K-1", "K-2"], Sweeps::Silent));
    let engine = start(&sim, &desk, NEVER).await;
    let (one, two) = (waiting(&sim, &engine, Some("K-1")).await, waiting(&sim, &engine, Some("K-2")).await);
    desk.remark("K-1", "r-1");
    desk.remark("K-2", "r-2");
    let before = desk.looks("K-2");
    assert_eq!(hook(&engine, "a", "K-1").await, Arrival::New);
    soon_knows(&engine, one, "r-1").await;
    // The same once more is no work.
    no_pod(&engine).await;
    let looks = desk.looks("K-1");
    assert_eq!(hook(&engine, "a", "K-1").await, Arrival::Seen);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!((desk.looks("K-1"), desk.looks("K-2")), (looks, before));
    assert!(!knows(&engine.task(two).await.unwrap(), "r-2"));
    // What cannot be read may be about everything.
    deliver(&engine, "b", "{\"issue\":").await;
    soon_knows(&engine, two, "r-2").await;
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(in_hand(&sim).await, 1, "the one that could not be read is kept");
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_is_worked_off_by_the_next_engine() {
    let (sim, desk) = (Sim::new(), Desk::new(["K-1"], Sweeps::Silent));
    let first = start(&sim, &desk, NEVER).await;
    let task = waiting(&sim, &first, Some("K-1")).await;
    first.stop(Drain::Detach).await;
    // Kept by one that ends before it does anything about it.
    let second = engine(&sim, &desk, NEVER);
    desk.remark("K-1", "r-1");
    hook(&second, "a", "K-1").await;
    drop(second);
    assert_eq!(in_hand(&sim).await, 1);
    let third = start(&sim, &desk, NEVER).await;
    soon_knows(&third, task, "r-1").await;
    // Its pod was told and may not have looked: the end comes before it is noted as done.
    third.stop(Drain::Detach).await;
    assert_eq!(in_hand(&sim).await, 1);
    let fourth = start(&sim, &desk, NEVER).await;
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(in_hand(&sim).await, 0);
    let looks = desk.looks("K-1");
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(desk.looks("K-1"), looks);
    fourth.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_comes_before_its_link_is_tried_again_when_there_is_one() {
    let (sim, desk) = (Sim::new(), Desk::new(["K-1"], Sweeps::Silent));
    let engine = start(&sim, &desk, NEVER).await;
    let task = waiting(&sim, &engine, None).await;
    desk.remark("K-1", "r-1");
    for id in ["a", "b", "c"] {
        hook(&engine, id, "K-1").await;
    }
    tokio::time::sleep(Duration::from_hours(2)).await;
    assert_eq!((in_hand(&sim).await, desk.looks("K-1")), (1, 0), "the last of them waits");
    let (resource, link) = ticket("K-1");
    send(&engine, task, TaskCommand::RecordLink { resource, link }).await;
    soon_knows(&engine, task, "r-1").await;
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(in_hand(&sim).await, 0);
    // One that never fits is forgotten after 72 hours, and is a new one then.
    assert_eq!(hook(&engine, "d", "K-9").await, Arrival::New);
    tokio::time::sleep(Duration::from_hours(71)).await;
    assert_eq!((hook(&engine, "d", "K-9").await, in_hand(&sim).await), (Arrival::Seen, 1));
    tokio::time::sleep(Duration::from_hours(3)).await;
    assert_eq!((in_hand(&sim).await, hook(&engine, "d", "K-9").await), (0, Arrival::New));
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn what_changes_while_a_pod_starts_looks_or_goes_is_not_missed() {
    let (sim, desk) = (Sim::new(), Desk::new(["K-1"], Sweeps::Silent));
    let engine = start(&sim, &desk, NEVER).await;
    let task = waiting(&sim, &engine, Some("K-1")).await;
    desk.slow(Duration::from_secs(2));
    // A look takes two seconds, and then the pod stays for two.
    for step in 0..60 {
        hook(&engine, &format!("first-{step}"), "K-1").await;
        tokio::time::sleep(Duration::from_millis(step * 100)).await;
        let remark = format!("r-{step}");
        desk.remark("K-1", &remark);
        hook(&engine, &format!("second-{step}"), "K-1").await;
        soon_knows(&engine, task, &remark).await;
        no_pod(&engine).await;
    }
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn what_moved_and_belongs_to_no_task_is_asked_for_soon_and_not_more_often_than_that() {
    let (sim, desk) = (Sim::new(), Desk::new(["K-1"], Sweeps::Silent));
    let engine = start(&sim, &desk, NEVER).await;
    waiting(&sim, &engine, Some("K-1")).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    hook(&engine, "a", "K-1").await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(desk.sweeps(), 1, "a task was told; nothing else is to be found");
    hook(&engine, "b", "K-9").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(desk.sweeps(), 2, "it may want a task");
    for n in 0..60 {
        hook(&engine, &format!("c-{n}"), "K-9").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!((5..=6).contains(&desk.sweeps()), "{} for sixty webhooks in a minute", desk.sweeps());
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn while_webhooks_come_a_connector_is_asked_five_times_less_often() {
    let (sim, desk) = (Sim::new(), Desk::new(["K-1"], Sweeps::Telling));
    let engine = start(&sim, &desk, Duration::from_mins(1)).await;
    let hour = Duration::from_hours(1);
    tokio::time::sleep(hour).await;
    let alone = desk.sweeps();
    assert!((54..=68).contains(&alone), "{alone} in an hour");
    // What comes from nobody who may send it changes nothing.
    let unsigned = Head::read(Maker::Jira, &HeaderMap::new());
    assert!(engine.receive((unsigned, Some("desk")), b"{}".to_vec()).await.is_err());
    assert_eq!(engine.connectors().await.unwrap()[&"desk".parse().unwrap()].hook_at, None);
    for (n, id) in ["a", "b", "c", "d"].into_iter().enumerate() {
        hook(&engine, id, "K-1").await;
        tokio::time::sleep(hour / 2).await;
        assert!(n > 0 || desk.sweeps() - alone <= 9, "{} in half an hour", desk.sweeps() - alone);
    }
    let hooked = desk.sweeps() - alone;
    assert!((25..=32).contains(&hooked), "{hooked} in two hours");
    // A day without any, and without anything that moves: a look each quarter of an hour.
    tokio::time::sleep(25 * hour).await;
    let before = desk.sweeps();
    tokio::time::sleep(hour).await;
    assert!((3..=5).contains(&(desk.sweeps() - before)), "{} in an hour", desk.sweeps() - before);
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn what_did_not_arrive_is_asked_for_once_an_hour_and_less_often_at_rest() {
    let (sim, desk) = (Sim::new(), Desk::new(["K-1"], Sweeps::Telling));
    desk.lose(1);
    let engine = start(&sim, &desk, Duration::from_mins(1)).await;
    let hour = Duration::from_hours(1);
    tokio::time::sleep(hour / 2).await;
    assert_eq!(
        (desk.asks(), desk.again()),
        (vec![None], vec![1]),
        "at the start, as far back as there is anything"
    );
    // While webhooks come.
    for n in 0..8 {
        hook(&engine, &format!("a-{n}"), "K-1").await;
        desk.lose(n + 2);
        tokio::time::sleep(hour / 2).await;
    }
    let busy = desk.asks();
    assert!((4..=5).contains(&busy.len()), "{busy:?} in four hours and a half");
    assert!(busy.is_sorted() && busy[1..].iter().all(Option::is_some), "from the last time on: {busy:?}");
    // At rest.
    tokio::time::sleep(24 * hour).await;
    let rest = desk.asks().len() - busy.len();
    assert!((6..=9).contains(&rest), "{rest} in a day");
    assert_eq!(desk.again(), (1..=9).collect::<Vec<_>>(), "each once");
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_sent_again_is_asked_for_anew_and_nothing_where_no_webhooks_are_taken() {
    let (sim, desk) = (Sim::new(), Desk::new(["K-1"], Sweeps::Telling));
    let engine = start(&sim, &desk, Duration::from_mins(1)).await;
    desk.refuse(Some(ErrorClass::Transient));
    desk.lose(1);
    tokio::time::sleep(Duration::from_mins(210)).await;
    assert_eq!((desk.asks().len(), desk.again()), (2, vec![]));
    let first = desk.asks()[1];
    desk.refuse(None);
    tokio::time::sleep(Duration::from_hours(4)).await;
    assert_eq!((desk.asks()[2], desk.again()), (first, vec![1]), "from the same time on");
    assert!(engine.connectors().await.unwrap().values().all(|health| health.error.is_none()));
    engine.stop(Drain::Detach).await;

    let (sim, desk) = (Sim::new(), Desk::new(["K-1"], Sweeps::Telling));
    let outlet = Outlet { hooks: None, ..outlet(&desk, Duration::from_mins(1)) };
    let engine = engine_of(&sim, outlet);
    engine.start(Scope::All).await.unwrap();
    tokio::time::sleep(Duration::from_hours(3)).await;
    assert!(desk.sweeps() > 20 && desk.asks().is_empty());
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_could_not_be_read_opens_as_soon_as_it_can_be() {
    let (sim, desk) = (Sim::new(), Desk::new(["K-1"], Sweeps::Silent));
    let (there, read) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (file, count) = (Arc::clone(&there), Arc::clone(&read));
    let source = SecretSource::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
        if file.load(Ordering::SeqCst) { Ok(SECRET.into()) } else { Err("there is no file".to_owned()) }
    });
    let hooks = Some(Hooks { maker: Maker::Jira, secrets: vec![source] });
    let engine = engine_of(&sim, Outlet { hooks, ..outlet(&desk, NEVER) });
    engine.start(Scope::All).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    for n in 0..100 {
        assert!(matches!(try_hook(&engine, &format!("a-{n}")).await, Err(HookError::NoDoor)));
    }
    let tried = read.load(Ordering::SeqCst);
    assert!(tried <= 2, "{tried}: at the start, and once for a hundred webhooks at once");
    let checks = engine.check_connectors().await.unwrap();
    let Some(Ok(checked)) = &checks[0].checked else { panic!("{checks:?}") };
    assert!(checked.missing[0].contains("there is no file"), "{checked:?}");
    assert!(checked.notes[0].contains("it may not see one of them"), "{checked:?}");
    there.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(matches!(try_hook(&engine, "b").await, Ok(Arrival::New)));
    // From now on it is known, until somebody resumes the connector.
    let tried = read.load(Ordering::SeqCst);
    there.store(false, Ordering::SeqCst);
    assert!(matches!(try_hook(&engine, "c").await, Ok(Arrival::New)));
    assert_eq!(read.load(Ordering::SeqCst), tried);
    engine.resume_connector(&"desk".parse().unwrap()).await.unwrap();
    assert!(matches!(try_hook(&engine, "d").await, Err(HookError::NoDoor)));
    engine.stop(Drain::Detach).await;
}

/// What becomes of the webhook about a remark.
#[derive(Debug, Clone, Copy)]
enum Weather {
    Lost,
    Comes { after_seconds: u64, twice: bool },
}

fn weather() -> impl Strategy<Value = Weather> {
    let comes = (0_u64..400, any::<bool>());
    prop_oneof![
        1 => Just(Weather::Lost),
        3 => comes.prop_map(|(after_seconds, twice)| Weather::Comes { after_seconds, twice }),
    ]
}

/// Plays a story of remarks, so many seconds apart, and returns all news that its task had of the outside, sorted.
async fn told(story: &[(u64, Option<Weather>)]) -> Vec<String> {
    let (sim, desk) = (Sim::new(), Desk::new(["K-1"], Sweeps::Telling));
    let engine = start(&sim, &desk, Duration::from_mins(1)).await;
    let task = waiting(&sim, &engine, Some("K-1")).await;
    let mut happens: Vec<(u64, String, bool)> = Vec::new();
    let mut at = 0;
    for (n, (pause, weather)) in story.iter().enumerate() {
        at += pause;
        happens.push((at, format!("r-{n}"), true));
        if let Some(Weather::Comes { after_seconds, twice }) = weather {
            happens.push((at + after_seconds, format!("r-{n}"), false));
            happens.extend(twice.then(|| (at + after_seconds * 2 + 1, format!("r-{n}"), false)));
        }
    }
    happens.sort_by_key(|(at, _, _)| *at);
    let mut now = 0;
    for (at, name, is_remark) in happens {
        tokio::time::sleep(Duration::from_secs(at - now)).await;
        now = at;
        if is_remark {
            desk.remark("K-1", &name);
        } else {
            hook(&engine, &name, "K-1").await;
        }
    }
    // Two polls later at most all is known, whatever came.
    tokio::time::sleep(Duration::from_mins(15)).await;
    let mut news = Vec::new();
    for event in engine.task_events(task, Version::ZERO, 10_000).await.unwrap() {
        if event.record.kind == "external.changed" {
            let payload: serde_json::Value = serde_json::from_str(&event.record.payload).unwrap();
            news.push(payload["news"].to_string());
        }
    }
    engine.stop(Drain::Detach).await;
    news.sort();
    news
}

fn under_a_paused_clock<T>(work: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn however_webhooks_come_the_same_is_told_as_by_polls_alone(
        story in proptest::collection::vec((0_u64..200, weather()), 1..8),
    ) {
        let polled: Vec<_> = story.iter().map(|(pause, _)| (*pause, None)).collect();
        let hooked: Vec<_> = story.iter().map(|(pause, weather)| (*pause, Some(*weather))).collect();
        let polled = under_a_paused_clock(told(&polled));
        let hooked = under_a_paused_clock(told(&hooked));
        prop_assert!(polled.len() > story.len(), "the ticket and each remark: {:?}", polled);
        prop_assert_eq!(polled, hooked);
    }
}
