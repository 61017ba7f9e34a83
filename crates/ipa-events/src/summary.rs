//! The read model `summary`: one row per task, for lists, the inbox and the manager.
//!
//! A row is a pure function of the task's state. It may lag by milliseconds; no command is decided by it.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::store::{ModelId, Version};
use crate::task::{Asked, Day, DecisionKind, EscalationReason, TaskState, Waits};
use crate::value::{
    BranchName, ConnectorId, DecisionId, Handle, Money, Oid, PayloadHash, Phase, RemoteId, RepoSource, Role,
    RunId, Runtime, Status, TaskId,
};

/// The name and form of the rows.
pub const SUMMARY: ModelId = ModelId { name: "summary", schema: 3 };

/// One task in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The task.
    pub id: TaskId,
    /// Its short name.
    pub handle: Handle,
    /// Its title.
    pub title: Arc<str>,
    /// The version of its stream that this row shows.
    pub version: Version,
    /// Where it stands.
    pub phase: Phase,
    /// What it waits for, as far as its own state tells.
    pub waits: Waits,
    /// Which agent works on it.
    pub agent: Runtime,
    /// The repository.
    pub repo: RepoSource,
    /// The branch of the work.
    pub branch: Option<BranchName>,
    /// The head of the work.
    pub commit: Option<Oid>,
    /// More urgent tasks have a higher number.
    pub priority: i32,
    /// Tasks that must be completed first.
    pub depends_on: Vec<TaskId>,
    /// What it cost so far, in millionths of a US dollar.
    pub cost_microusd: u64,
    /// What it may cost before a person grants more, if there is a budget.
    pub budget: Option<Money>,
    /// What its runs cost that ended on the last day on which one did.
    pub day: Option<Day>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When something last happened to it.
    pub updated_at: Timestamp,
    /// The run that is open.
    pub run: Option<OpenRun>,
    /// What waits for a person.
    pub decisions: Vec<OpenDecision>,
    /// When the outside is to be seen to, if something is under way there.
    pub outside_due: Option<Timestamp>,
    /// What belongs to it outside, by the other side's names.
    pub links: Vec<(ConnectorId, RemoteId)>,
}

/// A run that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRun {
    /// Which.
    pub id: RunId,
    /// What it does.
    pub role: Role,
    /// Since when.
    pub since: Timestamp,
}

/// Something that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenDecision {
    /// Which.
    pub id: DecisionId,
    /// Of what kind.
    pub kind: DecisionKind,
    /// One line that says what is asked.
    pub title: Arc<str>,
    /// The hash of exactly what is asked.
    pub payload_hash: PayloadHash,
    /// Since when.
    pub created_at: Timestamp,
}

/// What a task's pod is doing, as the manager knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PodCondition {
    /// There is none.
    #[default]
    None,
    /// It is working.
    Active,
    /// It found nothing it may do now, and why.
    Held(Arc<str>),
    /// It cannot run, and why.
    Parked(Arc<str>),
}

impl Summary {
    /// Makes the row of a task; none before it is created.
    pub fn of(version: Version, state: &TaskState) -> Option<Self> {
        let created = state.created.as_ref()?;
        let run = state.open_run().map(|run| OpenRun {
            id: run.id,
            role: run.role,
            since: run.started_at.unwrap_or(run.requested_at),
        });
        let decisions = state.waiting_for_person().map(|decision| OpenDecision {
            id: decision.id,
            kind: decision.asked.kind(),
            title: title_of(&decision.asked).into(),
            payload_hash: decision.payload_hash.clone(),
            created_at: decision.at,
        });
        Some(Self {
            id: created.task,
            handle: Handle::new(created.number),
            title: state.title.clone(),
            version,
            phase: state.phase,
            waits: state.waits(),
            agent: created.agent_in(state.phase).clone(),
            repo: created.repo.clone(),
            branch: state.branch().cloned(),
            outside_due: state.outside_due(),
            links: state
                .outside
                .links
                .iter()
                .map(|(resource, link)| (resource.connector.clone(), link.remote.clone()))
                .collect(),
            commit: state.head.clone(),
            priority: state.priority,
            depends_on: created.depends_on.clone(),
            cost_microusd: state.usage.cost_microusd,
            budget: state.task_budget().map(|budget| budget.limit),
            day: state.day,
            created_at: state.created_at?,
            updated_at: state.updated_at?,
            run,
            decisions: decisions.collect(),
        })
    }

    /// Says in one word what the task is doing: the one function of its state and its pod.
    pub fn status(&self, pod: &PodCondition) -> Status {
        match (self.phase, &self.waits, pod) {
            (Phase::Completed, _, _) => Status::Completed,
            (Phase::Cancelled, _, _) => Status::Cancelled,
            (_, _, PodCondition::Parked(_)) => Status::Parked,
            (_, Waits::Paused, _) => Status::Paused,
            (_, Waits::Person, _) => Status::Waiting,
            (_, Waits::Until(_) | Waits::UsageLimit { .. }, _) => Status::Queued,
            (_, Waits::Nothing | Waits::Over, pod) => match (&self.run, pod) {
                (Some(_), _) if !self.decisions.is_empty() => Status::Waiting,
                (Some(_), _) | (None, PodCondition::Active) => Status::Running,
                (None, PodCondition::None | PodCondition::Held(_) | PodCondition::Parked(_)) => {
                    Status::Queued
                }
            },
        }
    }

    /// Says what the task waits for, in a person's words; nothing while it works.
    pub fn waiting_for(&self, pod: &PodCondition) -> Option<String> {
        match self.status(pod) {
            Status::Waiting => Some(self.decisions.first().map_or_else(
                || "a word from you: it was interrupted; retry, go back or cancel".to_owned(),
                |decision| format!("{}: {}", decision.id.handle(self.handle), decision.title),
            )),
            Status::Queued => Some(match (&self.waits, pod) {
                (Waits::Until(at), _) => format!("the next attempt, at {at:.0}"),
                (Waits::UsageLimit { agent, until }, _) => usage_limit(agent, *until),
                (_, PodCondition::Held(why)) => why.to_string(),
                (_, PodCondition::None | PodCondition::Active | PodCondition::Parked(_)) => {
                    "a running engine (`ipa serve`)".to_owned()
                }
            }),
            Status::Parked => match pod {
                PodCondition::Parked(why) => Some(why.to_string()),
                PodCondition::None | PodCondition::Active | PodCondition::Held(_) => None,
            },
            Status::Paused => Some("somebody to resume it".to_owned()),
            Status::Running | Status::Completed | Status::Cancelled => None,
        }
    }
}

/// Says what a task waits for whose agent may not be used for a while.
pub fn usage_limit(agent: &Runtime, until: Timestamp) -> String {
    format!("the usage limit of {}, until {until:.0}", agent.kind())
}

/// Says in one line what is asked of a person.
pub fn title_of(asked: &Asked) -> String {
    match asked {
        Asked::Gate { from, seen, .. } => match (from, seen.document) {
            (Phase::SpecClarification, Some(version)) => format!("approve spec v{version}"),
            (Phase::Planning, Some(version)) => format!("approve plan v{version}"),
            (_, _) => match &seen.head {
                Some(head) => format!("approve commit {}", head.short()),
                None => format!("leave {from}"),
            },
        },
        Asked::Permission { tool, .. } => format!("may the agent use {tool}?"),
        Asked::Question { text, .. } => one_line(text),
        Asked::Publish { what, .. } => one_line(what),
        Asked::Escalation { reason, detail } => {
            let what = match reason {
                EscalationReason::AttemptsUsedUp => "all attempts failed",
                EscalationReason::RunFailed => "the agent cannot go on",
                EscalationReason::RunBudget => "the budget of the run is used up; going on grants it again",
                EscalationReason::TaskBudget => {
                    "the budget of the task is used up; going on grants as much again"
                }
                EscalationReason::ChecksFail => "the checks go on failing",
                EscalationReason::DeliveryFailed => "a change outside could not be made",
                EscalationReason::WriteStorm => "nothing more is written there until you say so",
                EscalationReason::PullClosed => "the pull request was closed",
                EscalationReason::PullMoved => "somebody else pushed to the pull request",
                EscalationReason::PodParked => "the task is parked",
            };
            format!("{what}: {}", one_line(detail))
        }
    }
}

/// Cuts a text down to one line of at most 120 characters.
fn one_line(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    if line.chars().count() <= 120 {
        return line.to_owned();
    }
    line.chars().take(119).chain(['…']).collect()
}
