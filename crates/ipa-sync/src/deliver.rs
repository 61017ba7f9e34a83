//! One try at one operation, one look at what became of one, one look at a thing: each as the command that records it.

use ipa_events::task::{AfterFailure, Change, Doubt, Link, Op, OpState, Push, SyncSent, TaskState};
use ipa_events::{RemoteId, Resource, TaskCommand};
use jiff::Timestamp;

use crate::connector::{Applied, Connector, Cx, Job, Look, Observed, Probe, Target};
use crate::error::{ErrorClass, SyncError};
use crate::interpret::{pull_news, ticket_news};
use crate::port::GitPort;

/// Puts together what is needed to carry an operation out; none when the task does not know it.
pub fn job(state: &TaskState, op: &Op) -> Option<Job> {
    let mut earlier = state.ops.iter().rev().filter(|other| other.id != op.id);
    let same = |other: &&Op| other.resource == op.resource && other.change.kind() == op.change.kind();
    let earlier = earlier.find_map(|other| {
        let OpState::Sent { remote, .. } = &other.state else { return None };
        remote.clone().filter(|_| same(&other))
    });
    Some(Job { target: target(state, &op.resource)?, op: op.clone(), earlier })
}

fn target(state: &TaskState, resource: &Resource) -> Option<Target> {
    let created = state.created.as_ref()?;
    let link = state.outside.links.get(resource).cloned();
    Some(Target { task: created.task, repo: created.repo.clone(), resource: resource.clone(), link })
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The command that records it.
    pub command: TaskCommand,
    /// What went wrong, if something did.
    pub error: Option<SyncError>,
}

/// Sends an operation once. Branches go by git, everything else by its connector.
pub async fn carry_out(connector: Option<&dyn Connector>, cx: Cx<'_>, job: &Job) -> Tried {
    let done = match (&job.op.change, connector) {
        (Change::PushBranch(push), _) => push_branch(cx.git, push).await,
        (Change::DeleteBranch { repo, branch, commit }, _) => {
            cx.git.delete(repo, branch, commit).await.map(|()| Applied::default())
        }
        (_, Some(connector)) => connector.apply(cx, job).await,
        (change, None) => Err(no_connector(change, &job.op.resource)),
    };
    match done {
        Ok(applied) => Tried { command: sent(job, applied), error: None },
        Err(error) => Tried { command: failed(job, &error, cx.now), error: Some(error) },
    }
}

/// Finds out what became of an operation that was sent, and whose answer did not come.
pub async fn look_for(connector: Option<&dyn Connector>, cx: Cx<'_>, job: &Job) -> Tried {
    let found = match (&job.op.change, connector) {
        (Change::PushBranch(push), _) => cx
            .git
            .head(&push.repo, &push.branch)
            .await
            .map(|there| if there.as_ref() == Some(&push.commit) { FOUND } else { Probe::NotThere }),
        (Change::DeleteBranch { repo, branch, commit }, _) => cx
            .git
            .head(repo, branch)
            .await
            .map(|there| if there.as_ref() == Some(commit) { Probe::NotThere } else { FOUND }),
        (_, Some(connector)) => connector.probe(cx, job).await,
        (change, None) => Err(no_connector(change, &job.op.resource)),
    };
    let doubt =
        |doubt, detail: String| TaskCommand::RecordDoubt { op: job.op.id, doubt, detail: detail.into() };
    match found {
        Ok(Probe::There(applied)) => Tried { command: sent(job, applied), error: None },
        Ok(Probe::NotThere) => Tried {
            command: doubt(Doubt::NotThere, "it was looked for and is not there".to_owned()),
            error: None,
        },
        Err(error) => {
            let what = match error.class {
                ErrorClass::RateLimited { until } => Doubt::Later(until),
                ErrorClass::Credential => Doubt::Later(cx.now),
                ErrorClass::Transient
                | ErrorClass::Indeterminate
                | ErrorClass::Permission
                | ErrorClass::Conflict
                | ErrorClass::Rejected
                | ErrorClass::Gone
                | ErrorClass::Unexpected => Doubt::Unknown,
            };
            Tried { command: doubt(what, error.to_string()), error: Some(error) }
        }
    }
}

/// Reads a thing, and returns the commands that record what is new.
///
/// # Errors
///
/// What the connector said.
pub async fn observe(
    connector: &dyn Connector,
    cx: Cx<'_>,
    state: &TaskState,
    (resource, look): (&Resource, Look),
) -> Result<Vec<TaskCommand>, SyncError> {
    let Some(target) = target(state, resource) else { return Ok(Vec::new()) };
    let (link, news) = match connector.observe(cx, &target, look).await? {
        Observed::Absent => (None, Vec::new()),
        Observed::Gone => (None, vec![ipa_events::task::News::Gone {}]),
        Observed::Pull(link, pull) => (Some(link), pull_news(state.outside.pulls.get(resource), &pull)),
        Observed::Ticket(ticket) => (None, ticket_news(state.outside.tickets.get(resource), &ticket)),
    };
    let new = link.filter(|link| state.outside.links.get(resource) != Some(link));
    let link = new.map(|link: Link| TaskCommand::RecordLink { resource: resource.clone(), link });
    let news = (!news.is_empty()).then(|| TaskCommand::RecordNews { resource: resource.clone(), news });
    Ok(link.into_iter().chain(news).collect())
}

async fn push_branch(git: &dyn GitPort, push: &Push) -> Result<Applied, SyncError> {
    let there = git.head(&push.repo, &push.branch).await?;
    if there.as_ref() == Some(&push.commit) {
        return Ok(applied(push));
    }
    if there != push.expected {
        let at = there.map_or_else(|| "is gone".to_owned(), |at| format!("is at {}", at.short()));
        let detail = format!("the branch {at}: somebody else changed it");
        return Err(SyncError::new(ErrorClass::Conflict, format!("publishing {}", push.branch), detail));
    }
    git.push(push).await.map(|()| applied(push))
}

fn applied(push: &Push) -> Applied {
    Applied { remote: push.branch.as_str().parse().ok(), ..Applied::default() }
}

/// It was made, and nobody says as what.
const FOUND: Probe = Probe::There(Applied { remote: None, url: None, request_id: None });

fn no_connector(change: &Change, resource: &Resource) -> SyncError {
    let detail = format!("no connector is called {}; configure it, or drop the change", resource.connector);
    SyncError::new(ErrorClass::Rejected, change.kind().to_string(), detail)
}

fn sent(job: &Job, applied: Applied) -> TaskCommand {
    let remote: Option<RemoteId> = applied.remote;
    TaskCommand::RecordSent(Box::new(SyncSent {
        op: job.op.id,
        remote,
        url: applied.url.map(Into::into),
        request_id: applied.request_id.map(Into::into),
    }))
}

fn failed(job: &Job, error: &SyncError, now: Timestamp) -> TaskCommand {
    let (op, detail) = (job.op.id, error.to_string().into());
    let next = match &error.class {
        ErrorClass::Indeterminate => {
            return TaskCommand::RecordDoubt { op, doubt: Doubt::Unanswered, detail };
        }
        ErrorClass::Transient => AfterFailure::Again,
        ErrorClass::RateLimited { until } => AfterFailure::HoldUntil(*until),
        // It stays queued; whoever mends the credential opens the connector, and with it the queue.
        ErrorClass::Credential => AfterFailure::HoldUntil(now),
        ErrorClass::Gone => AfterFailure::Leave,
        ErrorClass::Permission | ErrorClass::Conflict | ErrorClass::Rejected | ErrorClass::Unexpected => {
            AfterFailure::Ask
        }
    };
    TaskCommand::RecordSendFailed { op, detail, next }
}

#[cfg(test)]
mod tests;
