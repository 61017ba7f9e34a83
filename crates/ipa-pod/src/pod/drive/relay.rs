//! Between an agent and the people: what it asks becomes a decision, what they decide and say reaches it once.

use std::collections::BTreeSet;
use std::sync::Arc;

use ipa_agent::{AgentControl, Answer, Asked, Body, ControlError, Stop as AgentStop};
use ipa_events::store::Version;
use ipa_events::task::{Answered, Ask, Decision, TaskState, Verdict};
use ipa_events::{CommandId, RunId, TaskCommand};
use tracing::{debug, warn};

use super::Drive;
use crate::scheduler::Stop;

/// What was passed on so far, in both directions.
pub(super) struct Relay {
    pub(super) run: RunId,
    pub(super) control: AgentControl,
    /// Keys of what the agent asked and still waits for.
    asked: BTreeSet<Arc<str>>,
    /// Messages that were sent, recorded or not.
    sent: BTreeSet<u32>,
    pub(super) turn: Turn,
    stopping: Option<Stop>,
    /// A version of the task at which this run was open.
    pub(super) since: Version,
    /// Why it is to end that used up its budget, and whether it was told.
    pub(super) spent: Option<AgentStop>,
}

/// Whether something did not reach the agent and is to be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owed {
    Nothing,
    Something,
}

/// Whether the agent is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Running,
    /// It waits to be told something more, or that there is nothing more.
    Over,
    /// It was told that there is nothing more.
    Ended,
}

impl Relay {
    pub(super) fn new((run, since): (RunId, Version), control: AgentControl) -> Self {
        let (asked, sent) = (BTreeSet::new(), BTreeSet::new());
        Self { run, control, asked, sent, turn: Turn::Running, stopping: None, since, spent: None }
    }

    /// Ends the run as it was asked for. Tells whether that is still to be done.
    pub(super) async fn stop_if_asked(&mut self, asked: Option<Stop>) -> Owed {
        if asked == self.stopping {
            return Owed::Nothing;
        }
        if let Some(Stop::Now(by)) = &asked
            && !reached(self.run, self.control.stop(AgentStop::Interrupted(by.clone())).await)
        {
            return Owed::Something;
        }
        // At the end of its turn it is told nothing more, and ends by itself.
        self.stopping = asked;
        Owed::Nothing
    }

    /// Takes in what the agent did. Tells whether what follows from it is still to be done.
    pub(super) async fn hear(&mut self, drive: &Drive, body: Body) -> Owed {
        match body {
            Body::Asked(asked) => return self.ask(drive, asked).await,
            Body::Resolved { key } => {
                self.asked.remove(&key);
            }
            Body::Withdrawn { key, why } => {
                self.asked.remove(&key);
                let id = drive.command_id(&format!("withdraw {key}"));
                drive.insist(id, TaskCommand::Withdraw { run: self.run, key, why }).await;
            }
            Body::TurnStarted => self.turn = Turn::Running,
            Body::Usage { total } => return self.uses(drive, total).await,
            Body::TurnFinished => {
                self.turn = Turn::Over;
                let state = drive.task.now().state;
                return self.pass_on(drive, &state).await;
            }
            Body::Started { .. }
            | Body::Text { .. }
            | Body::Thinking { .. }
            | Body::ToolCall { .. }
            | Body::ToolResult { .. }
            | Body::Plan { .. }
            | Body::Retrying { .. }
            | Body::Diagnostic { .. }
            | Body::Unknown { .. }
            | Body::Finished(_) => {}
        }
        Owed::Nothing
    }

    async fn ask(&mut self, drive: &Drive, asked: Asked) -> Owed {
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
        self.pass_on(drive, &state).await
    }

    /// Passes on what people decided and said since the last time, and ends the agent's input when there is nothing
    /// more to do. Tells whether some of it is still to be done.
    pub(super) async fn pass_on(&mut self, drive: &Drive, state: &TaskState) -> Owed {
        let mut owed = Owed::Nothing;
        for (key, answer) in answers(state, self.run, &self.asked) {
            if reached(self.run, self.control.answer(&key, answer).await) {
                self.asked.remove(&key);
            } else {
                owed = Owed::Something;
            }
        }
        if self.stopping.is_none() && state.run(self.run).is_some_and(|run| run.phase == state.phase) {
            self.send(drive, state).await;
        }
        if let Some(stop) = self.spent.clone() {
            if reached(self.run, self.control.stop(stop).await) {
                self.spent = None;
            } else {
                owed = Owed::Something;
            }
        }
        if self.turn == Turn::Over {
            if reached(self.run, self.control.finish().await) {
                self.turn = Turn::Ended;
            } else {
                owed = Owed::Something;
            }
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
                Err(error) => return debug!(run.id = %self.run, %error, "run {} takes no message", self.run),
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
        Answered::By { verdict: Verdict::Edit { input, .. }, .. } => Some(Answer::AllowWith(input.clone())),
        Answered::By { verdict: Verdict::Reject { reason }, .. } => Some(Answer::Deny(reason.clone())),
        Answered::By { verdict: Verdict::Answer { text }, .. } => Some(Answer::Text(text.clone())),
        // Nobody waits for it any more.
        Answered::Withdrawn { .. } => None,
    }
}

/// Tells whether something reached the agent, or never will; else it is to be tried again.
pub(super) fn reached(run: RunId, said: Result<(), ControlError>) -> bool {
    match said {
        Ok(()) => true,
        Err(error @ (ControlError::NotNow(_) | ControlError::Unknown(_))) => {
            debug!(run.id = %run, %error, "run {run} takes nothing more");
            true
        }
        Err(error @ (ControlError::Gone | ControlError::Silent)) => {
            warn!(run.id = %run, %error, "something did not reach run {run} yet");
            false
        }
    }
}
