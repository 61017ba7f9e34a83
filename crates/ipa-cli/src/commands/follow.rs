//! Following one task: its events, and what its agent says, as they come.

use std::time::Duration;

use ipa_events::{RunId, Status, TaskId};
use ipa_pod::log::AgentEvent;
use ipa_server::wire::{EventRecord, Run, Task, TaskDetail};
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
    log: Option<(Run, Lines)>,
    /// The runs up to this number were followed already.
    followed: u32,
    broken: u32,
}

impl<'a> Watch<'a> {
    /// Starts to follow a task after a position of the log.
    ///
    /// # Errors
    ///
    /// As [`Client::follow`].
    pub(crate) async fn new(client: &'a Client, task: &Task, position: u64) -> Result<Self, Failure> {
        let events = client.follow(&events_path(task.id, position)).await?;
        let task = task.id.to_string();
        Ok(Self { client, task, events, position, log: None, followed: 0, broken: 0 })
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
            // Read lines wait in their streams until they are taken, so this may be cut short anywhere.
            let line = tokio::select! {
                biased;
                entry = next_entry(&mut self.log) => Line::Entry(entry),
                event = self.events.next() => Line::Event(event),
                () = tokio::time::sleep(LOOK) => return Ok(News::Look(Box::new(self.look().await?))),
            };
            match line {
                Line::Entry(Ok(Some(value))) => {
                    if let Some((run, _)) = &self.log {
                        return Ok(News::Log(Box::new(run.clone()), Box::new(parse("a log", &value)?)));
                    }
                }
                Line::Entry(Ok(None) | Err(_)) => self.log = None,
                Line::Event(Ok(Some(value))) => {
                    let event: EventRecord = parse("an event", &value)?;
                    self.position = event.position.get();
                    self.broken = 0;
                    return Ok(News::Event(Box::new(event), Box::new(self.look().await?)));
                }
                Line::Event(Ok(None) | Err(_)) => self.again().await?,
            }
        }
    }

    /// Reads how the task stands, and takes up the log of a run that is new.
    async fn look(&mut self) -> Result<TaskDetail, Failure> {
        let detail: TaskDetail = self.client.read(&format!("/api/v1/tasks/{}", self.task)).await?;
        if self.log.is_none()
            && let Some(run) = detail.runs.iter().find(|run| run.id.number > self.followed)
            && run.started_at.is_some()
        {
            let lines = self.client.follow(&log_path(run.id)).await?;
            self.followed = run.id.number;
            self.log = Some((run.clone(), lines));
        }
        Ok(detail)
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

enum Line {
    Entry(Result<Option<serde_json::Value>, Failure>),
    Event(Result<Option<serde_json::Value>, Failure>),
}

/// Waits for the next entry of the log that is followed; for ever, when none is.
async fn next_entry(log: &mut Option<(Run, Lines)>) -> Result<Option<serde_json::Value>, Failure> {
    match log {
        Some((_, lines)) => lines.next().await,
        None => std::future::pending().await,
    }
}

fn events_path(task: TaskId, after: u64) -> String {
    format!("/api/v1/events?task={task}&after={after}")
}

/// The path of a run's log, followed while the run is open.
pub(super) fn log_path(run: RunId) -> String {
    format!("/api/v1/runs/{run}/log?follow=1")
}
