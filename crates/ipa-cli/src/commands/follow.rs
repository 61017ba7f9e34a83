//! Following one task: its events, and what its agent says, as they come.

use std::time::Duration;

use ipa_events::{RunId, Status, TaskId};
use ipa_pod::log::{AgentEvent, Body};
use ipa_server::wire::{EventRecord, List, Run, Task, TaskDetail};
use tokio::time::Instant;

use crate::client::{Client, Lines, parse};
use crate::failure::Failure;

/// How often a task is looked at when nothing is said: what its pod is doing is no event.
const LOOK: Duration = Duration::from_millis(500);

/// How often a stream that broke off is taken up again before it counts as lost.
const TRIES: u32 = 20;

/// How long a task that is over may take to put its workspaces away.
const TIDYING: Duration = Duration::from_secs(10);

/// Why there is nothing more to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The work was accepted.
    Completed,
    /// The work was given up.
    Cancelled,
    /// Its pod cannot run.
    Parked,
    /// A person is needed.
    Person,
}

/// Says whether a task goes on by itself; none while it does.
pub(crate) const fn end_of(task: &Task) -> Option<Ending> {
    match task.status {
        Status::Completed => Some(Ending::Completed),
        Status::Cancelled => Some(Ending::Cancelled),
        Status::Parked => Some(Ending::Parked),
        Status::Waiting | Status::Paused => Some(Ending::Person),
        Status::Queued | Status::Running => None,
    }
}

/// Waits, but not for long, until a task that is over has put its workspaces away; returns how it stands then.
///
/// # Errors
///
/// As [`Client::get`].
pub(crate) async fn put_away(client: &Client, task: TaskId) -> Result<TaskDetail, Failure> {
    let until = Instant::now() + TIDYING;
    loop {
        let detail: TaskDetail = client.read(&format!("/api/v1/tasks/{task}")).await?;
        if Instant::now() >= until || detail.workspaces.iter().all(|workspace| workspace.state != "ready") {
            return Ok(detail);
        }
        tokio::time::sleep(LOOK / 10).await;
    }
}

/// Something new about the task that is followed.
pub(crate) enum News {
    /// Something happened, and this is how the task stands now.
    Event(Box<EventRecord>, Box<TaskDetail>),
    /// Nothing was said for a while; this is how the task stands.
    Look(Box<TaskDetail>),
    /// An agent did something.
    Log(Box<Run>, Box<AgentEvent>),
}

/// Follows one task.
pub(crate) struct Watch<'a> {
    client: &'a Client,
    /// The path of the task.
    task: String,
    events: Lines,
    position: u64,
    /// What was read and is not told yet.
    pending: Option<EventRecord>,
    log: Option<RunLog>,
    /// The runs up to this number were followed already.
    followed: u32,
    broken: u32,
}

impl<'a> Watch<'a> {
    /// Starts to follow a task after what is known of it.
    ///
    /// # Errors
    ///
    /// As [`Client::follow`].
    pub(crate) async fn new(client: &'a Client, task: &Task) -> Result<Self, Failure> {
        let position = position_of(client, task).await?;
        let events = client.follow(&events_path(task.id, position)).await?;
        let task = task.id.to_string();
        Ok(Self { client, task, events, position, pending: None, log: None, followed: 0, broken: 0 })
    }

    /// Leaves the logs of runs up to this number out.
    #[must_use]
    pub(crate) const fn after_run(mut self, number: u32) -> Self {
        self.followed = number;
        self
    }

    /// Waits for the next thing. May be dropped and called again: nothing is lost.
    ///
    /// # Errors
    ///
    /// [`Failure`] when the server is gone for good.
    pub(crate) async fn next(&mut self) -> Result<News, Failure> {
        loop {
            if self.pending.is_some() {
                let now = self.look().await?.0;
                if let Some(event) = self.pending.take() {
                    return Ok(News::Event(Box::new(event), Box::new(now)));
                }
            }
            // Read lines wait in their streams until they are taken, so this may be cut short anywhere.
            let line = tokio::select! {
                biased;
                entry = next_entry(&mut self.log) => Line::Entry(entry),
                event = self.events.next() => Line::Event(event),
                () = tokio::time::sleep(LOOK) => match self.look().await? {
                    (now, Log::AsBefore) => return Ok(News::Look(Box::new(now))),
                    // It may say something at once, and whoever follows is told that first.
                    (_, Log::TakenUp) => continue,
                },
            };
            match line {
                Line::Entry(Ok(entry)) => {
                    if let Some(news) = self.heard(entry) {
                        return Ok(news);
                    }
                }
                Line::Entry(Err(_broken)) => {
                    if let Some(log) = &mut self.log {
                        log.lines = None;
                    }
                }
                Line::Event(Ok(Some(value))) => {
                    let event: EventRecord = parse("an event", &value)?;
                    self.position = event.position.get();
                    self.broken = 0;
                    self.pending = Some(event);
                }
                Line::Event(Ok(None) | Err(_)) => self.again().await?,
            }
        }
    }

    /// Takes an entry of the log, or its end: that of the run, or that of a server which stopped telling.
    fn heard(&mut self, entry: Option<AgentEvent>) -> Option<News> {
        let log = self.log.as_mut()?;
        let Some(entry) = entry else {
            let over = log.over;
            log.lines = None;
            if over {
                self.log = None;
            }
            return None;
        };
        log.told = entry.seq;
        let run = Box::new(log.run.clone());
        if matches!(entry.body, Body::Finished(_)) {
            self.log = None;
        }
        Some(News::Log(run, Box::new(entry)))
    }

    /// Reads how the task stands, with patience for a server that is just starting again; and takes up the log of
    /// a run that is new, or that broke off.
    async fn look(&mut self) -> Result<(TaskDetail, Log), Failure> {
        let mut tries = 0_u32;
        loop {
            match self.look_once().await {
                Err(failure) if failure.may_pass() && tries < TRIES => {
                    tries = tries.saturating_add(1);
                    tokio::time::sleep(LOOK / 2).await;
                }
                other => return other,
            }
        }
    }

    async fn look_once(&mut self) -> Result<(TaskDetail, Log), Failure> {
        let detail: TaskDetail = self.client.read(&format!("/api/v1/tasks/{}", self.task)).await?;
        let (run, told) = match &self.log {
            Some(RunLog { lines: Some(_), .. }) => return Ok((detail, Log::AsBefore)),
            Some(log) => (detail.runs.iter().find(|run| run.id == log.run.id), log.told),
            None => (next_run(&detail.runs, self.followed), 0),
        };
        let Some(run) = run else {
            self.log = None;
            return Ok((detail, Log::AsBefore));
        };
        let lines = self.client.follow(&format!("{}&after={told}", log_path(run.id))).await?;
        self.followed = run.id.number;
        self.log =
            Some(RunLog { run: run.clone(), lines: Some(lines), told, over: run.finished_at.is_some() });
        Ok((detail, Log::TakenUp))
    }

    /// Takes the stream of events up where it broke off.
    async fn again(&mut self) -> Result<(), Failure> {
        let id = self.task.parse().map_err(|_id| Failure::Wrong("a task without an id".to_owned()))?;
        loop {
            self.broken = self.broken.saturating_add(1);
            tokio::time::sleep(LOOK / 2).await;
            match self.client.follow(&events_path(id, self.position)).await {
                Ok(events) => {
                    self.events = events;
                    return Ok(());
                }
                Err(error) if self.broken > TRIES => return Err(error),
                Err(_again) => {}
            }
        }
    }
}

/// The log of one run, as far as it was told.
struct RunLog {
    run: Run,
    /// None when it broke off.
    lines: Option<Lines>,
    /// The number of the entry that was told last.
    told: u64,
    /// Whether the run was over when these lines were asked for: their end is the log's.
    over: bool,
}

/// What a look did to the log that is followed.
enum Log {
    /// Nothing.
    AsBefore,
    /// It is followed from now on, or again.
    TakenUp,
}

enum Line {
    Entry(Result<Option<AgentEvent>, Failure>),
    Event(Result<Option<serde_json::Value>, Failure>),
}

/// Waits for the next entry of the log that is followed; for ever, when none is.
async fn next_entry(log: &mut Option<RunLog>) -> Result<Option<AgentEvent>, Failure> {
    match log.as_mut().and_then(|log| log.lines.as_mut()) {
        Some(lines) => lines.next().await?.map(|value| parse("a log", &value)).transpose(),
        None => std::future::pending().await,
    }
}

/// Finds the run whose log is told next: one that was asked for and given up before it started has none.
fn next_run(runs: &[Run], followed: u32) -> Option<&Run> {
    let mut rest = runs.iter().filter(|run| run.id.number > followed);
    rest.find(|run| run.started_at.is_some() || run.finished_at.is_none())
        .filter(|run| run.started_at.is_some())
}

/// Finds out where in the log of all tasks a task was seen; at the beginning when its event is not to be had.
async fn position_of(client: &Client, task: &Task) -> Result<u64, Failure> {
    let before = task.version.get().saturating_sub(1);
    let path = format!("/api/v1/tasks/{}/events?after={before}&limit=1", task.id);
    let seen: List<EventRecord> = client.read(&path).await?;
    Ok(seen.items.first().map(|event| event.position.get()).unwrap_or_default())
}

fn events_path(task: TaskId, after: u64) -> String {
    format!("/api/v1/events?task={task}&after={after}")
}

/// The path of a run's log, followed while the run is open.
fn log_path(run: RunId) -> String {
    format!("/api/v1/runs/{run}/log?follow=1")
}

#[cfg(test)]
mod tests {
    use ipa_events::task::Usage;
    use serde_json::json;

    use super::*;

    fn run(number: u32, started: Option<&str>, finished: Option<&str>) -> Run {
        let task = "01981f7e-8c3a-7000-8000-000000000001";
        let value = json!({
            "id": format!("{task}.r{number}"), "handle": format!("T-1.r{number}"), "task_id": task,
            "agent_id": "develop", "workspace_id": format!("{task}/develop"), "role": "develop",
            "phase": "development", "attempt": 1, "runtime": "scripted", "session_id": null,
            "status": "requested", "outcome": null, "pid": null, "head": "0".repeat(40), "check": null,
            "requested_at": "2026-11-26T00:00:00Z", "started_at": started, "finished_at": finished,
            "usage": Usage::default(),
        });
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_run_that_was_given_up_before_it_started_is_passed_over() {
        let now = Some("2026-11-26T00:00:01Z");
        let runs = [run(1, now, now), run(2, None, now), run(3, now, None), run(4, None, None)];
        let next = |followed| next_run(&runs, followed).map(|run| run.id.number);
        assert_eq!([next(0), next(1), next(2), next(3), next(4)], [Some(1), Some(3), Some(3), None, None]);
    }
}
