//! Deciding what waits for a person. An approval binds what was seen; the first answer wins.

use std::sync::Arc;

use super::outside::at_publish;
use super::person::said;
use super::{Decided, Task};
use crate::task::command::Verdict;
use crate::task::error::TaskError;
use crate::task::event::{Seen, TaskEvent};
use crate::task::state::{Answered, Asked, Decision};
use crate::value::{DecisionId, PayloadHash, Phase};

impl Task<'_> {
    pub(super) fn answer(&self, id: DecisionId, seen: Option<&PayloadHash>, verdict: &Verdict) -> Decided {
        if !self.ctx.actor.may_decide() {
            return Err(TaskError::MayNotDecide(self.ctx.actor.clone()));
        }
        let decision = self.state.decision(id).ok_or(TaskError::UnknownDecision(id))?;
        if let Some(answered) = &decision.answered {
            return self.late(decision, answered, verdict);
        }
        if seen.is_some_and(|seen| *seen != decision.payload_hash) {
            return Err(TaskError::Changed { decision: id, actual: decision.payload_hash.clone() });
        }
        if let Verdict::Reject { reason } | Verdict::Answer { text: reason } = verdict {
            said("the answer", reason)?;
        }
        match &decision.asked {
            Asked::Gate { to, seen, .. } => self.at_gate(decision, (*to, seen), verdict),
            Asked::Permission { .. } => permission(id, verdict),
            Asked::Publish { .. } => at_publish(decision, verdict),
            Asked::Question { .. } => question(id, verdict),
            Asked::Escalation { .. } => self.at_escalation(id, verdict),
        }
    }

    /// Tells somebody who comes late what happened; the same answer again changes nothing.
    fn late(&self, decision: &Decision, answered: &Answered, verdict: &Verdict) -> Decided {
        match answered {
            Answered::By { who, verdict: first, .. } if *who == self.ctx.actor && first == verdict => {
                Ok(Vec::new())
            }
            Answered::By { .. } => {
                Err(TaskError::Closed { id: decision.id, answered: Box::new(answered.clone()) })
            }
            Answered::Withdrawn { .. } => match self.newer(decision) {
                Some(newer) => {
                    Err(TaskError::Changed { decision: newer.id, actual: newer.payload_hash.clone() })
                }
                None => Err(TaskError::Closed { id: decision.id, answered: Box::new(answered.clone()) }),
            },
        }
    }

    /// Finds the decision that shows what this one showed, as it is now.
    fn newer(&self, decision: &Decision) -> Option<&Decision> {
        let same = |open: &&Decision| match (&decision.asked, &open.asked) {
            (Asked::Gate { .. }, Asked::Gate { .. }) => true,
            (Asked::Publish { resource, .. }, Asked::Publish { resource: newer, .. }) => resource == newer,
            _ => false,
        };
        self.state.open_decisions().filter(same).last()
    }

    fn at_gate(&self, decision: &Decision, (to, seen): (Phase, &Seen), verdict: &Verdict) -> Decided {
        let id = decision.id;
        if *seen != self.state.seen() {
            // The work changed, and the gate that shows it is not open yet.
            return Err(TaskError::Changed { decision: id, actual: decision.payload_hash.clone() });
        }
        match verdict {
            Verdict::Approve { note } => {
                let (seen, note) = (seen.clone(), note.clone());
                Ok(vec![TaskEvent::TransitionApproved { decision: id, to, seen, note }])
            }
            Verdict::Reject { reason } => {
                Ok(vec![TaskEvent::TransitionRejected { decision: id, reason: reason.clone() }])
            }
            Verdict::Edit { .. } | Verdict::Answer { .. } => Err(TaskError::WrongVerdict {
                kind: "gate",
                takes: "an approval, or a rejection with its reason",
            }),
        }
    }

    fn at_escalation(&self, decision: DecisionId, verdict: &Verdict) -> Decided {
        let answered =
            |again, text: Option<Arc<str>>| TaskEvent::EscalationAnswered { decision, again, text };
        match verdict {
            Verdict::Approve { note } => Ok(vec![answered(true, note.clone())]),
            Verdict::Reject { reason } => Ok(vec![answered(false, Some(reason.clone()))]),
            // What a person says about it is told to the next run.
            Verdict::Answer { text } => Ok(vec![self.message(text), answered(true, Some(text.clone()))]),
            Verdict::Edit { .. } => Err(TaskError::WrongVerdict {
                kind: "escalation",
                takes: "an approval, an answer, or a rejection with its reason",
            }),
        }
    }
}

fn permission(decision: DecisionId, verdict: &Verdict) -> Decided {
    let answered = |allowed, reason: Option<&Arc<str>>, input: Option<&Arc<str>>| {
        let (reason, input) = (reason.cloned(), input.cloned());
        Ok(vec![TaskEvent::PermissionAnswered { decision, allowed, reason, input }])
    };
    match verdict {
        Verdict::Approve { note } => answered(true, note.as_ref(), None),
        Verdict::Edit { input, note } if is_object(input) => answered(true, note.as_ref(), Some(input)),
        Verdict::Edit { .. } => {
            Err(TaskError::WrongVerdict { kind: "permission", takes: "an input that is a JSON object" })
        }
        Verdict::Reject { reason } => answered(false, Some(reason), None),
        Verdict::Answer { .. } => Err(TaskError::WrongVerdict {
            kind: "permission",
            takes: "an approval, or a rejection with its reason",
        }),
    }
}

fn is_object(text: &str) -> bool {
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok()
}

fn question(decision: DecisionId, verdict: &Verdict) -> Decided {
    match verdict {
        Verdict::Answer { text } => Ok(vec![TaskEvent::QuestionAnswered { decision, text: text.clone() }]),
        Verdict::Approve { .. } | Verdict::Edit { .. } | Verdict::Reject { .. } => {
            Err(TaskError::WrongVerdict { kind: "question", takes: "an answer" })
        }
    }
}
