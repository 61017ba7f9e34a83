//! The demo as it is told: a line a phase, and the pod that is stopped on the way.

use std::time::Duration;

use ipa_events::task::DecisionKind;
use ipa_events::{Phase, Role};
use ipa_pod::log::{AgentEvent, Body};
use ipa_server::wire::{CheckRow, DecisionState, DiffSet, TaskDetail};
use serde_json::json;
use tokio::time::Instant;

use super::forge::{Forge, Turn};
use super::gates::Gates;
use crate::client::Client;
use crate::commands::{Ending, News, Watch, end_of, put_away};
use crate::failure::Failure;
use crate::output::{Out, plain};

/// How long the whole demo may take, the time of a person who thinks apart; it takes a few seconds.
const AT_MOST: Duration = Duration::from_mins(2);

/// Something that is part of the development, while that goes on.
const DEVELOPING: (Phase, Phase) = (Phase::Development, Phase::Development);

/// Tells what happens.
pub(super) struct Story {
    out: Out,
    phase: Phase,
    since: Instant,
    tools: u32,
    pod: Pod,
    forge: Option<Forge>,
    /// What happened outside and is told later.
    unsaid: Vec<(Phase, String)>,
}

/// What was done to the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pod {
    /// Nothing yet.
    Untouched,
    /// It was stopped while this host kept an agent, at this version.
    Stopped { host: Option<u32>, version: u64 },
    /// It came back.
    Back,
}

impl Story {
    /// Begins the story.
    pub(super) fn new(out: Out, forge: Option<Forge>) -> Self {
        let since = Instant::now();
        let (pod, unsaid) = (Pod::Untouched, Vec::new());
        Self { out, phase: Phase::SpecClarification, since, tools: 0, pod, forge, unsaid }
    }

    /// Follows the task to its end.
    pub(super) async fn follow(
        mut self,
        client: &Client,
        detail: &TaskDetail,
        gates: &mut Gates,
    ) -> Result<TaskDetail, Failure> {
        let mut watch = Watch::new(client, &detail.task).await?;
        let mut until = Instant::now() + AT_MOST;
        loop {
            let (asking, began) = (gates.is_asking(), Instant::now());
            let news = tokio::select! {
                news = watch.next() => Some(news?),
                line = gates.typed() => {
                    gates.take(client, line.as_deref()).await?;
                    None
                }
                () = tokio::time::sleep_until(until), if !asking => {
                    return Err(Failure::TimedOut("the demo did not come to its end".to_owned()));
                }
            };
            if asking {
                until += began.elapsed();
            }
            let Some(news) = news else { continue };
            let (now, kind) = match news {
                News::Log(_, entry) => {
                    self.hear(&entry);
                    continue;
                }
                News::Event(event, now) => (now, event.kind),
                News::Look(now) => (now, String::new()),
            };
            let forge = self.outside(&now)?;
            self.told(client, &now).await?;
            self.restart(client, &now, &kind).await?;
            self.say();
            gates.see(client, &now, forge).await?;
            match end_of(&now.task) {
                // What is said outside at the end is part of the story.
                Some(Ending::Completed) if self.forge.is_some() && !Forge::is_done(&now) => {}
                Some(Ending::Completed) => return put_away(client, now.task.id).await,
                Some(Ending::Cancelled | Ending::Parked) => {
                    let why = now.task.waiting_for.unwrap_or_else(|| now.task.status.to_string());
                    return Err(Failure::Wrong(format!("the demo's task did not complete: {why}")));
                }
                Some(Ending::Person) | None => {}
            }
        }
    }

    /// Tells what happened outside, and whether it is time for a gate.
    fn outside(&mut self, now: &TaskDetail) -> Result<Turn, Failure> {
        let Some(forge) = &mut self.forge else { return Ok(Turn::Now("")) };
        self.unsaid.extend(forge.news(now)?);
        self.say();
        Ok(Forge::turn(now))
    }

    /// Tells what happened outside and is part of the story so far: however fast it goes, it is told in one order.
    fn say(&mut self) {
        let waits =
            |phase: Phase| phase > self.phase || (phase, self.phase) == DEVELOPING && self.pod != Pod::Back;
        let (later, now) = std::mem::take(&mut self.unsaid).into_iter().partition(|(phase, _)| waits(*phase));
        self.unsaid = later;
        let now: Vec<(Phase, String)> = now;
        for (_, line) in now {
            self.out.note(plain(&format!("  {line}")));
        }
    }

    fn hear(&mut self, entry: &AgentEvent) {
        if matches!(entry.body, Body::ToolCall { .. }) {
            self.tools = self.tools.saturating_add(1);
        }
    }

    /// Tells of a phase that is over.
    async fn told(&mut self, client: &Client, now: &TaskDetail) -> Result<(), Failure> {
        if now.task.phase == self.phase {
            return Ok(());
        }
        let what = match self.phase {
            Phase::SpecClarification => {
                let of = |kind| now.decisions.iter().filter(move |it| it.kind == kind);
                let answered = of(DecisionKind::Question).filter(|it| it.state == DecisionState::Answered);
                format!("{} questions answered, AC1 AC2", answered.count())
            }
            Phase::Planning => {
                let steps = now.plan.versions.last().map_or(0, |plan| {
                    plan.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).count()
                });
                format!("plan v{}, {steps} steps", now.plan.version.unwrap_or_default())
            }
            Phase::Development => {
                let diff: DiffSet = client.read(&format!("/api/v1/tasks/{}/diff", now.task.id)).await?;
                let sum =
                    |count: fn(&ipa_pod::work::DiffFile) -> u32| diff.files.iter().map(count).sum::<u32>();
                format!(
                    "{} tool calls, +{} −{}",
                    self.tools,
                    sum(|file| file.added),
                    sum(|file| file.removed)
                )
            }
            Phase::Review => {
                let of_it = |check: &&CheckRow| Some(&check.commit) == now.task.commit.as_ref();
                let passed = now.checks.results.iter().filter(of_it).filter(|check| check.passed).count();
                let of = now.checks.commands.len();
                let runs = now.runs.iter().filter(|run| run.role == Role::Review).count();
                let answered = if runs == 0 { String::new() } else { ", the review answered".to_owned() };
                format!("{passed} of {of} checks passed on the commit{answered}")
            }
            Phase::Completed | Phase::Cancelled => return Ok(()),
        };
        let name = self.phase.to_string().replace('_', " ");
        let seconds = self.since.elapsed().as_secs_f64();
        self.out.note(plain(&format!("✓ {name:<19} {what}   {seconds:.1}s")));
        self.phase = now.task.phase;
        self.since = Instant::now();
        self.tools = 0;
        Ok(())
    }

    /// Stops the pod while its agent works, once, and tells how it came back.
    async fn restart(&mut self, client: &Client, now: &TaskDetail, kind: &str) -> Result<(), Failure> {
        let develops = now.runs.iter().rev().find(|run| run.role == Role::Develop);
        match (self.pod, develops) {
            (Pod::Untouched, Some(run)) if run.pid.is_some() && run.finished_at.is_none() => {
                self.pod = Pod::Stopped { host: run.pid, version: now.task.version.get() };
                client.post(&format!("/api/v1/pods/{}/restart", now.task.id), &json!({})).await?;
            }
            (Pod::Stopped { host, version }, Some(run)) if kind == "run.adopted" => {
                self.pod = Pod::Back;
                let same =
                    if run.pid == host { "the agent worked on meanwhile" } else { "with another agent" };
                self.out.note(format!(
                    "  (stopped the pod to show recovery … it came back from event {version}; {same})"
                ));
            }
            (Pod::Untouched | Pod::Stopped { .. } | Pod::Back, _) => {}
        }
        Ok(())
    }
}
