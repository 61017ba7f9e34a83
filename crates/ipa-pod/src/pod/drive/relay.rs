//! Between an agent and the people: what it asks becomes a decision, what they decide and say reaches it once.

use std::collections::BTreeSet;
use std::sync::Arc;

use ipa_agent::{AgentControl, Answer, Asked, Body, ControlError, Stop as AgentStop};
use ipa_events::task::{Answered, Ask, Decision, TaskState, Verdict};
use ipa_events::{CommandId, RunId, TaskCommand};
use tracing::{debug, warn};

use super::Drive;
use crate::scheduler::Stop;

/// What was passed on so far, in both directions.
pub(super) struct Relay {
    run: RunId,
    control: AgentControl,
    /// Keys of what the agent asked and still waits for.
    asked: BTreeSet<Arc<str>>,
    /// Messages that were sent, recorded or not.
    sent: BTreeSet<u32>,
    turn: Turn,
    stopping: Option<Stop>,
}

/// Whether something did not reach the agent and is to be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owed {
    Nothing,
    Something,
}

/// Whether the agent is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Running,
    Over,
}

impl Relay {
    pub(super) fn new(run: RunId, control: AgentControl) -> Self {
        let (asked, sent) = (BTreeSet::new(), BTreeSet::new());
        Self { run, control, asked, sent, turn: Turn::Running, stopping: None }
    }

    /// Ends the run as it was asked for. Tells whether that is still to be done.
    pub(super) async fn stop_if_asked(&mut self, asked: Option<Stop>) -> Owed {
        if asked == self.stopping {
            return Owed::Nothing;
        }
        let said = match &asked {
            Some(Stop::Now(by)) => self.control.stop(AgentStop::Interrupted(by.clone())).await,
            Some(Stop::AtTurnEnd) if self.turn == Turn::Over => self.control.finish().await,
            Some(Stop::AtTurnEnd) | None => Ok(()),
        };
        let reached = matches!(said, Ok(()) | Err(ControlError::NotNow(_)));
        tell(self.run, said);
        if !reached {
            return Owed::Something;
        }
        self.stopping = asked;
        Owed::Nothing
    }

    /// Takes in what the agent did.
    pub(super) async fn hear(&mut self, drive: &Drive, body: Body) {
        match body {
            Body::Asked(asked) => self.ask(drive, asked).await,
            Body::Resolved { key } => {
                self.asked.remove(&key);
            }
            Body::Withdrawn { key, why } => {
                self.asked.remove(&key);
                let id = drive.command_id(&format!("withdraw {key}"));
                drive.insist(id, TaskCommand::Withdraw { run: self.run, key, why }).await;
            }
            Body::TurnStarted => self.turn = Turn::Running,
            Body::TurnFinished => {
                self.turn = Turn::Over;
                let state = drive.task.now().state;
                self.pass_on(drive, &state).await;
                if self.turn == Turn::Over {
                    tell(self.run, self.control.finish().await);
                }
            }
            Body::Started { .. }
            | Body::Text { .. }
            | Body::Thinking { .. }
            | Body::ToolCall { .. }
            | Body::ToolResult { .. }
            | Body::Plan { .. }
            | Body::Retrying { .. }
            | Body::Usage { .. }
            | Body::Diagnostic { .. }
            | Body::Unknown { .. }
            | Body::Finished(_) => {}
        }
    }

    async fn ask(&mut self, drive: &Drive, asked: Asked) {
        let (key, body) = match asked {
            Asked::Permission { key, tool, input } => {
                (key.clone(), TaskCommand::AskPermission { run: self.run, key, tool, input })
            }
            Asked::Question { key, text, choices } => {
                (key.clone(), TaskCommand::AskQuestion { run: self.run, key, ask: Ask { text, choices } })
            }
        };
        let id = drive.command_id(&format!("ask {key}"));
        self.asked.insert(key);
        drive.insist(id, body).await;
        let state = drive.task.now().state;
        self.pass_on(drive, &state).await;
    }

    /// Passes on what people decided and said since the last time. Tells whether some of it is still to be done.
    pub(super) async fn pass_on(&mut self, drive: &Drive, state: &TaskState) -> Owed {
        let mut owed = Owed::Nothing;
        for (key, answer) in answers(state, self.run, &self.asked) {
            match self.control.answer(&key, answer).await {
                Ok(()) => {
                    self.asked.remove(&key);
                }
                other => {
                    tell(self.run, other);
                    owed = Owed::Something;
                }
            }
        }
        if self.stopping.is_none() && state.run(self.run).is_some_and(|run| run.phase == state.phase) {
            self.send(drive, state).await;
        }
        owed
    }

    async fn send(&mut self, drive: &Drive, state: &TaskState) {
        for number in state.undelivered() {
            let index = usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
            let Some(message) = state.messages.get(index).filter(|_| !self.sent.contains(&number)) else {
                continue;
            };
            match self.control.send(&format!("message {number}"), &message.text).await {
                Ok(()) => {
                    self.sent.insert(number);
                    self.turn = Turn::Running;
                    let id: CommandId = drive.command_id(&format!("delivered {number}"));
                    let messages = vec![number];
                    drive.insist(id, TaskCommand::RecordDelivered { run: self.run, messages }).await;
                }
                // It stays posted, for the next run.
                Err(error) => return tell(self.run, Err(error)),
            }
        }
    }
}

/// Lists what was decided about something that the agent still waits for.
fn answers(state: &TaskState, run: RunId, asked: &BTreeSet<Arc<str>>) -> Vec<(Arc<str>, Answer)> {
    let of_run = |decision: &Decision| {
        let (asker, key) = decision.asked.run()?;
        let waits = asker == run && asked.contains(key);
        Some((key.clone(), answer(decision.answered.as_ref()?)?)).filter(|_| waits)
    };
    state.decisions.iter().filter_map(of_run).collect()
}

fn answer(answered: &Answered) -> Option<Answer> {
    match answered {
        Answered::By { verdict: Verdict::Approve { .. }, .. } => Some(Answer::Allow),
        Answered::By { verdict: Verdict::Reject { reason }, .. } => Some(Answer::Deny(reason.clone())),
        Answered::By { verdict: Verdict::Answer { text }, .. } => Some(Answer::Text(text.clone())),
        // Nobody waits for it any more.
        Answered::Withdrawn { .. } => None,
    }
}

fn tell(run: RunId, said: Result<(), ControlError>) {
    match said {
        Ok(()) => {}
        Err(error @ ControlError::NotNow(_)) => debug!(run.id = %run, %error, "run {run} takes nothing more"),
        Err(error) => warn!(run.id = %run, %error, "something did not reach run {run}"),
    }
}
