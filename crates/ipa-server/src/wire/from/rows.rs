//! Events, pods, workspaces, agents, changes to the outside.

use std::collections::BTreeMap;

use ipa_events::store::RawRecord;
use ipa_events::task::{self as domain, OpState, TaskState};
use ipa_events::{Codec, ConnectorId, Handle, PodCondition, Status, TaskId};
use ipa_pod::log::Login;
use ipa_pod::outside::{Course, Would};
use ipa_pod::work::Workspace;
use ipa_pod::{Closed, RuntimeRow, TaskRow, TaskView};
use serde_json::Value;

use crate::render::told::told;
use crate::wire::{
    AgentRow, ConnectorRow, ConnectorState, EventRecord, Pod, PodState, SyncOp, SyncState, WantedChange,
    WantedCourse, Why, WorkspaceRow,
};

impl EventRecord {
    /// Shows an event as it is kept.
    pub(crate) fn of(raw: &RawRecord) -> Self {
        let record = &raw.record;
        let payload = serde_json::from_str(&record.payload);
        let told = payload.as_ref().ok().and_then(|payload| told(&record.kind, payload));
        Self {
            id: raw.id,
            task_id: raw.stream.as_task(),
            version: raw.version,
            position: raw.position,
            kind: record.kind.clone(),
            schema_version: record.schema_version,
            actor: record.actor.clone(),
            via: record.via.clone(),
            at: record.at,
            causation_id: record.causation_id.clone(),
            correlation_id: record.correlation_id.clone(),
            payload: payload.unwrap_or_else(|_not_json| Value::String(record.payload.clone())),
            told,
            unreadable: Codec::default().decode(raw).err().map(|unreadable| unreadable.why),
        }
    }
}

impl Pod {
    /// Shows what the pod of a task is doing; none when it has none.
    pub(crate) fn of(row: &TaskRow) -> Option<Self> {
        let (state, reason) = condition(&row.pod);
        let (task_id, handle) = (row.summary.id, row.summary.handle);
        Some(Self { task_id, handle, state: state?, reason })
    }
}

fn condition(pod: &PodCondition) -> (Option<PodState>, Option<String>) {
    match pod {
        PodCondition::None => (None, None),
        PodCondition::Active => (Some(PodState::Active), None),
        PodCondition::Held(why) => (Some(PodState::Held), Some(why.to_string())),
        PodCondition::Parked(why) => (Some(PodState::Parked), Some(why.to_string())),
    }
}

impl Why {
    /// Says why a task is doing something or not.
    pub(crate) fn of(view: &TaskView) -> Self {
        let it = &view.row.summary;
        let run = it.run.as_ref().map(|run| run.id.handle(it.handle));
        let reason = view.row.waiting_for().map_or_else(
            || match &run {
                Some(run) => format!("it is {}: run {run}", view.row.status()),
                None if it.phase.is_over() => "nothing is left to do".to_owned(),
                None => format!("it is {}", view.row.status()),
            },
            |waits| if says_itself(view) { waits } else { format!("for {waits}") },
        );
        Self {
            task_id: it.id,
            handle: it.handle,
            phase: it.phase,
            status: view.row.status(),
            pod: condition(&view.row.pod).0,
            run,
            decisions: it.decisions.iter().map(|decision| decision.id.handle(it.handle)).collect(),
            retry_at: view.state.retry.as_ref().map(|retry| retry.at),
            reason,
        }
    }
}

/// Tells whether a task waits for what its pod says of itself, which is a sentence and no name.
fn says_itself(view: &TaskView) -> bool {
    match view.row.status() {
        Status::Parked => true,
        Status::Queued => condition(&view.row.pod).0 == Some(PodState::Held),
        Status::Running | Status::Waiting | Status::Paused | Status::Completed | Status::Cancelled => false,
    }
}

impl WorkspaceRow {
    /// Shows a checkout, with the short names of the tasks that there are.
    pub(crate) fn of(workspace: &Workspace, handles: &BTreeMap<TaskId, Handle>) -> Self {
        Self {
            id: workspace.id.clone(),
            task_id: workspace.id.task,
            handle: handles.get(&workspace.id.task).copied(),
            agent_id: workspace.id.agent.to_string(),
            repo: workspace.repo.clone(),
            path: workspace.path.display().to_string(),
            branch: workspace.branch.clone(),
            base: workspace.base.clone(),
            left_out: workspace.left_out,
        }
    }
}

impl AgentRow {
    /// Shows a kind of agent.
    pub(crate) fn of(row: &RuntimeRow) -> Self {
        let name = row.kind.clone();
        match &row.probe {
            Ok(probe) => {
                let (login, problem) = match &probe.login {
                    None => (None, None),
                    Some(Login::Key) => (Some("key"), None),
                    Some(Login::Shared(_)) => (Some("shared"), None),
                    Some(Login::None(what)) => (Some("none"), Some(what.clone())),
                };
                let login = login.map(str::to_owned);
                Self { name, works: problem.is_none(), version: probe.version.clone(), login, problem }
            }
            Err(error) => {
                Self { name, works: false, version: None, login: None, problem: Some(error.to_string()) }
            }
        }
    }
}

impl SyncOp {
    /// Shows a change to the outside.
    pub(crate) fn of(handle: Handle, state: &TaskState, op: &domain::Op) -> Self {
        let fuse = state.outside.fuses.get(&op.resource).filter(|fuse| fuse.is_blown() && op.is_under_way());
        let held = fuse.map(|fuse| {
            format!("nothing is written there before {} is decided", fuse.decision.handle(handle))
        });
        let blank = (None, None, None, None);
        let (state, (until, detail, remote, url)) = match &op.state {
            OpState::Held => (SyncState::Held, blank),
            OpState::Ready => (SyncState::Ready, blank),
            OpState::InFlight(fate) => (SyncState::InFlight, (fate.look_at, None, None, None)),
            OpState::Waiting { until, detail } => {
                (SyncState::Waiting, (Some(*until), Some(detail.to_string()), None, None))
            }
            OpState::Sent { remote, url, .. } => {
                (SyncState::Sent, (None, None, remote.clone(), url.as_ref().map(ToString::to_string)))
            }
            OpState::Dead { detail } => (SyncState::Dead, (None, Some(detail.to_string()), None, None)),
            OpState::Superseded { .. } => (SyncState::Superseded, blank),
            OpState::Refused { by, reason } => {
                let why = reason.as_ref().map_or_else(|| by.to_string(), |reason| format!("{by}: {reason}"));
                (SyncState::Refused, (None, Some(why), None, None))
            }
        };
        Self {
            id: op.id,
            handle: op.id.handle(handle),
            task_id: op.id.task,
            resource: op.resource.clone(),
            kind: op.change.kind(),
            title: op.change.title(),
            change: op.change.clone(),
            policy: op.policy,
            payload_hash: op.payload_hash.clone(),
            state,
            attempts: op.attempts,
            until,
            detail: held.or(detail),
            remote,
            url,
            queued_at: op.queued_at,
        }
    }
}

impl ConnectorRow {
    /// Shows how a connector is.
    pub(crate) fn of(id: &ConnectorId, health: &ipa_pod::Health) -> Self {
        let state = match (&health.closed, &health.error) {
            (Some(Closed::Paused { .. }), _) => ConnectorState::Paused,
            (Some(Closed::Refused { .. }), _) => ConnectorState::Closed,
            (Some(Closed::Until(_)), _) => ConnectorState::Waiting,
            (None, Some(_)) => ConnectorState::Failing,
            (None, None) if health.answered_at.is_none() => ConnectorState::Unasked,
            (None, None) => ConnectorState::Open,
        };
        let (since, by, why) = match &health.closed {
            Some(Closed::Paused { by, why, since }) => {
                (Some(*since), Some(by.clone()), Some(why.clone()).filter(|why| !why.is_empty()))
            }
            Some(Closed::Refused { since }) => (Some(*since), None, None),
            Some(Closed::Until(_)) | None => (None, None, None),
        };
        Self {
            name: id.to_string(),
            state,
            answered_at: health.answered_at,
            hook_at: health.hook_at,
            error: health.error.clone(),
            until: health.closed.as_ref().and_then(Closed::time),
            since,
            by,
            why,
        }
    }
}

impl WantedChange {
    /// Shows what would be changed outside.
    pub(crate) fn of(handle: Handle, would: Would) -> Self {
        let Would { resource, change, policy, course, op, before } = would;
        Self {
            resource,
            kind: change.kind(),
            title: change.title(),
            change,
            policy,
            course: match course {
                Course::Goes => WantedCourse::Goes,
                Course::Asks => WantedCourse::Asks,
                Course::Observed => WantedCourse::Observed,
                Course::Denied => WantedCourse::Denied,
            },
            op: op.map(|op| op.handle(handle)),
            before,
        }
    }
}
