//! What a task costs while nothing happens, counted where the requests arrive: from an hour after the last change on.

use std::sync::Arc;
use std::time::Duration;

use ipa_events::task::{ChangeKind, GatePolicy, Gates, Link, PublishPolicy};
use ipa_events::{Resource, ResourceKind, TaskId, Via};
use ipa_pod::hook::Maker;
use ipa_pod::{Drain, Engine, Outlet};
use ipa_sync::gate::{HostGate, Rules};
use ipa_sync::{JiraAuth, JiraConfig, JiraConnector, Settings};
use secrecy::SecretString;

use super::hub::{Hub, clock, hooks, ping};
use super::{Sim, until};
use crate::tracker::{Flavour, Tracker};
use crate::world::ann;

/// What a task may cost in an hour.
const BY_POLLS: f64 = 60.0;
const WITH_HOOKS: f64 = 4.0;

/// So many hours are counted: twice the longest time after which all of a pull request is read again.
const HOURS: u32 = 12;

/// A task that waits with its pull request as a draft.
fn asking_before_review() -> Gates {
    Gates { development: GatePolicy::Ask, ..Gates::auto() }
}

/// A task that waits with its pull request ready for a review.
fn asking_in_review() -> Gates {
    Gates { review: GatePolicy::Ask, ..Gates::auto() }
}

/// Lets hours pass by polls alone and as many with webhooks, and tells what each task cost in an hour of each.
async fn costs(
    engine: &Engine,
    (maker, name): (Maker, &str),
    (tasks, count): (usize, &dyn Fn() -> usize),
) -> [f64; 2] {
    let mut costs = [0.0; 2];
    for (cost, with_hooks) in costs.iter_mut().zip([false, true]) {
        if with_hooks {
            ping(engine, maker, name).await;
        }
        tokio::time::sleep(Duration::from_mins(65)).await;
        assert!(engine.active_pods().await.is_empty(), "what waits has no pod");
        let before = count();
        tokio::time::sleep(Duration::from_hours(u64::from(HOURS))).await;
        let requests = u32::try_from(count() - before).unwrap();
        *cost = f64::from(requests) / f64::from(HOURS) / f64::from(u32::try_from(tasks).unwrap());
    }
    costs
}

#[track_caller]
fn assert_few(what: &str, [by_polls, with_hooks]: [f64; 2]) {
    assert!(by_polls > 0.0 && by_polls <= BY_POLLS, "{what}: {by_polls}");
    assert!(with_hooks > 0.0 && with_hooks <= WITH_HOOKS, "{what}: {with_hooks}");
}

async fn on_github(tasks: usize, gates: Gates) {
    let sim = Sim::new().slots(20);
    let hub = Hub::new(&sim, 1).await;
    let engine = sim.start_with(hub.outlet(&sim)).await;
    hub.tasks(&sim, &engine, (tasks, gates)).await;
    let count = || hub.forge.requests().len();
    let costs = costs(&engine, (Maker::GitHub, "hub"), (tasks, &count)).await;
    assert_few(&format!("{tasks} on GitHub"), costs);
    engine.stop(Drain::Detach).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_at_rest_in_review_costs_github_few_requests_an_hour() {
    on_github(1, asking_in_review()).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_at_rest_at_a_gate_costs_github_few_requests_an_hour() {
    on_github(1, asking_before_review()).await;
}

#[tokio::test(start_paused = true)]
async fn twenty_tasks_at_rest_in_one_repository_cost_github_few_requests_an_hour() {
    on_github(20, asking_in_review()).await;
}

/// A connector to a tracker, which also looks for tickets that want a task.
fn desk(sim: &Sim, tracker: &Tracker) -> Outlet {
    let mail = "ipa@example.com".to_owned();
    let auth = JiraAuth::Account { mail, token: SecretString::from("token-ipa").into() };
    let mut config = JiraConfig::new("desk".parse().unwrap(), tracker.url().parse().unwrap(), auth);
    config.jql = Some("labels = ipa".to_owned());
    let gate = Arc::new(HostGate::new(Rules::jira(), clock(sim)));
    let mut settings = Settings::new("desk".parse().unwrap());
    settings.policies.rules.insert((ChangeKind::Comment, None), PublishPolicy::Auto);
    let connector = Arc::new(JiraConnector::new(config, tracker.wire(), gate));
    Outlet { hooks: Some(hooks(Maker::Jira)), ..Outlet::new(connector, settings) }
}

/// Makes a task of a ticket, which waits for a person.
async fn of_ticket(sim: &Sim, engine: &Engine, key: &str) -> TaskId {
    let mut draft = sim.draft();
    draft.gates = Some(asking_in_review());
    let resource =
        Resource { connector: "desk".parse().unwrap(), kind: ResourceKind::Ticket, name: key.to_owned() };
    draft.ticket = Some((resource, Link { remote: key.parse().unwrap(), url: None }));
    let task = engine.create(engine.ctx(ann(), Via::Library), draft).await.unwrap().id;
    until(engine, task, |view| view.state.open_decisions().next().is_some()).await;
    task
}

#[tokio::test(start_paused = true)]
async fn tasks_at_rest_cost_jira_few_requests_an_hour() {
    for tasks in [1, 5] {
        let sim = Sim::new().slots(20);
        let tracker = Tracker::start(Flavour::Cloud).await;
        tracker.set_clock(clock(&sim));
        let engine = sim.start_with(desk(&sim, &tracker)).await;
        for number in 0..tasks {
            let key = tracker.person("ann").create(&format!("Fix {number}"), "");
            of_ticket(&sim, &engine, &key).await;
        }
        let count = || tracker.requests().len();
        let costs = costs(&engine, (Maker::Jira, "desk"), (tasks, &count)).await;
        assert_few(&format!("{tasks} on Jira"), costs);
        engine.stop(Drain::Detach).await;
    }
}
