//! Decisions, with exactly what is asked.

use std::sync::Arc;

use ipa_events::task::{self as domain, Answered, Asked, PullState, Seen, TaskState, Verdict};
use ipa_events::{Handle, Oid, OpId, Phase, title_of};

use super::task::handle_of;
use crate::wire::{
    AnsweredBy, CheckRow, Decision, DecisionState, OpinionRow, PublishRow, Shown, ShownDocument,
};

impl Decision {
    /// Shows a decision of a task.
    pub(crate) fn of(state: &TaskState, decision: &domain::Decision) -> Self {
        let task_handle = state.handle().unwrap_or(Handle::new(0));
        Self {
            id: decision.id,
            handle: decision.id.handle(task_handle),
            task_id: decision.id.task,
            task_handle,
            task_title: state.title.to_string(),
            kind: decision.asked.kind(),
            title: title_of(&decision.asked),
            payload_hash: decision.payload_hash.clone(),
            created_at: decision.at,
            expires_at: None,
            state: match &decision.answered {
                None => DecisionState::Open,
                Some(Answered::By { .. }) => DecisionState::Answered,
                Some(Answered::Withdrawn { .. }) => DecisionState::Withdrawn,
            },
            answered: decision.answered.as_ref().map(AnsweredBy::of),
            payload: Shown::of(state, &decision.asked),
        }
    }
}

impl AnsweredBy {
    fn of(answered: &Answered) -> Self {
        match answered {
            Answered::By { who, at, verdict } => {
                let (word, text) = match verdict {
                    Verdict::Approve { note } => ("approve", note.as_ref()),
                    Verdict::Edit { note, .. } => ("edit", note.as_ref()),
                    Verdict::Reject { reason } => ("reject", Some(reason)),
                    Verdict::Answer { text } => ("answer", Some(text)),
                };
                let input = match verdict {
                    Verdict::Edit { input, .. } => Some(input.to_string()),
                    Verdict::Approve { .. } | Verdict::Reject { .. } | Verdict::Answer { .. } => None,
                };
                Self {
                    input,
                    actor: Some(who.clone()),
                    at: Some(*at),
                    verdict: word.to_owned(),
                    text: text.map(ToString::to_string),
                }
            }
            Answered::Withdrawn { why } => {
                let text = Some(why.to_string());
                Self { actor: None, at: None, verdict: "withdrawn".to_owned(), text, input: None }
            }
        }
    }
}

impl Shown {
    fn of(state: &TaskState, asked: &Asked) -> Self {
        match asked {
            Asked::Gate { from, to, seen, policy } => Self::Gate {
                from: *from,
                to: *to,
                policy: *policy,
                document: document(state, *from, seen),
                commit: seen.head.clone(),
                checks: seen.checks,
                check_results: results(state, seen),
                others: seen.head.as_ref().map_or_else(Vec::new, |head| OpinionRow::all(state, head)),
            },
            Asked::Permission { run, tool, input, .. } => Self::Permission {
                run: handle_of(state, *run),
                tool: tool.to_string(),
                input: input.to_string(),
            },
            Asked::Question { run, text, choices, .. } => Self::Question {
                run: handle_of(state, *run),
                text: text.to_string(),
                choices: choices.iter().map(ToString::to_string).collect(),
            },
            Asked::Publish { resource, ops, .. } => {
                let handle = |op: OpId| state.handle().map_or_else(|| op.to_string(), |task| op.handle(task));
                let changes = ops.iter().filter_map(|op| state.op(*op)).map(|op| PublishRow {
                    op: handle(op.id),
                    title: op.change.title(),
                    change: op.change.clone(),
                });
                Self::Publish { resource: resource.clone(), changes: changes.collect() }
            }
            Asked::Escalation { reason, detail } => {
                Self::Escalation { reason: *reason, detail: detail.to_string() }
            }
        }
    }
}

/// Returns the document as it was when the gate was opened, not as it is now.
fn document(state: &TaskState, from: Phase, seen: &Seen) -> Option<ShownDocument> {
    let (name, document) = match from {
        Phase::SpecClarification => ("spec", &state.spec),
        Phase::Planning | Phase::Development | Phase::Review | Phase::Completed | Phase::Cancelled => {
            ("plan", &state.plan)
        }
    };
    let version = seen.document?;
    let index = usize::try_from(version).ok()?.checked_sub(1)?;
    let text = document.versions.get(index)?.to_string();
    Some(ShownDocument { name: name.to_owned(), version, text })
}

impl OpinionRow {
    /// Sums up what is said of a commit in each open pull request of a task.
    pub(crate) fn all(state: &TaskState, commit: &Oid) -> Vec<Self> {
        let open = state.outside.pulls.iter().filter(|(_, pull)| pull.state == PullState::Open);
        open.map(|(resource, pull)| {
            let link = state.outside.links.get(resource);
            Self {
                pull: link.map_or_else(|| resource.to_string(), |link| link.remote.to_string()),
                url: link.and_then(|link| link.url.as_ref()).map(ToString::to_string),
                opinion: pull.opinion_of(commit),
            }
        })
        .collect()
    }
}

/// Returns the newest result of each check on the commit that is seen.
fn results(state: &TaskState, seen: &Seen) -> Vec<CheckRow> {
    let Some(head) = &seen.head else { return Vec::new() };
    let commands = state.created.as_ref().map_or(&[][..], |created| &created.checks);
    let newest = |command: &Arc<str>| {
        state.checks.iter().rev().find(|result| result.command == *command && result.commit == *head)
    };
    commands.iter().filter_map(newest).map(|result| CheckRow::of(state, result)).collect()
}
