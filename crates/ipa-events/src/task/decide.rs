//! What a command leads to. Pure: the state and the command in, events or a refusal out.

#![expect(clippy::unnecessary_wraps, reason = "the function of every command has one form")]

mod answer;
mod budget;
mod create;
mod news;
mod outside;
mod person;
mod run;
mod work;

use super::command::TaskCommand;
use super::error::TaskError;
use super::event::{Created, EscalationReason, TaskEvent};
use super::state::{Asked, TaskState};
use crate::envelope::Ctx;
use crate::value::{DecisionId, Phase, Principal};

/// The events that a command leads to; none when it changes nothing.
type Decided = Result<Vec<TaskEvent>, TaskError>;

/// Decides a command.
///
/// # Errors
///
/// A [`TaskError`] that says why the task refused it, and what to do.
pub fn decide(state: &TaskState, ctx: &Ctx, command: &TaskCommand) -> Decided {
    use TaskCommand as C;
    let task = match (&state.created, command) {
        (None, C::Create(new)) => return create::create(new),
        (None, _) => return Err(TaskError::NotCreated),
        (Some(_), C::Create(_)) => return Err(TaskError::Exists),
        (Some(created), _) => Task { state, created, ctx },
    };
    match command {
        C::Create(_) => Err(TaskError::Exists),
        C::Edit { title, priority } => task.edit(title.as_ref(), *priority),
        C::Pause { reason } => task.pause(reason.clone()),
        C::Resume => task.resume(),
        C::Complete { note } => task.complete(note.clone()),
        C::Cancel { reason } => task.cancel(reason.clone()),
        C::Reopen => task.reopen(),
        C::GoBack { phase, reason } => task.go_back(*phase, reason),
        C::Retry => task.retry(),
        C::PostMessage { text } => task.post_message(text),
        C::InterruptRun { run, reason } => task.interrupt(*run, reason.clone()),
        C::Answer { decision, seen, verdict } => task.answer(*decision, seen.as_ref(), verdict),

        C::RequestTransition => task.request_transition(),
        C::EnterPhase => task.enter_phase(),
        C::RequestWorkspace { agent } => task.request_workspace(agent),
        C::RecordWorkspace { agent, path, branch, base } => task.workspace_ready(agent, path, (branch, base)),
        C::RecordWorkspaceFailed { agent, detail, needs_person } => {
            task.workspace_failed(agent, detail, *needs_person)
        }
        C::RecordCheckpoint { agent, checkpoint, commit, reason } => {
            task.checkpointed(agent, (*checkpoint, commit), reason)
        }
        C::RecordTrashed { agent } => task.trashed(agent),
        C::RecordSourceChanged { run, detail } => task.source_changed(*run, detail),
        C::RequestRun(request) => task.request_run(request),
        C::RecordStarted { run, process, session, sandbox } => {
            task.started(*run, process, (session.as_ref(), sandbox))
        }
        C::RecordAdopted { run } => task.adopted(*run),
        C::AskPermission { run, key, tool, input } => task.ask_permission(*run, key, (tool, input)),
        C::AskQuestion { run, key, ask } => task.ask_question(*run, key, ask),
        C::Withdraw { run, key, why } => task.withdraw(*run, key, why),
        C::RecordDelivered { run, messages } => task.delivered(*run, messages),
        C::NoteBudget { run, stage, budget } => task.note_budget(*run, *stage, budget),
        C::FinishRun(finished) => task.finish(finished),
        C::QueueChanges { resource, changes } => task.queue_changes(resource, changes),
        C::StartAttempt { op } => task.start_attempt(*op),
        C::RecordSent(sent) => task.sent(sent),
        C::RecordDoubt { op, doubt, detail } => task.doubt(*op, *doubt, detail),
        C::RecordSendFailed { op, detail, next } => task.send_failed(*op, detail, *next),
        C::WithdrawOp { op } => task.withdraw_op(*op),
        C::RetryOp { op } => task.retry_op(*op),
        C::DropOp { op } => task.drop_op(*op),
        C::BlowFuse { resource, detail } => Ok(task.blow_fuse(resource, detail)),
        C::RecordLink { resource, link } => task.link(resource, link),
        C::RecordNews { resource, news } => task.news(resource, news),
        C::Escalate { reason, detail } => Ok(task.escalate(*reason, detail)),
    }
}

/// A task that exists, and the context in which it is asked something.
#[derive(Clone, Copy)]
struct Task<'a> {
    state: &'a TaskState,
    created: &'a Created,
    ctx: &'a Ctx,
}

impl Task<'_> {
    /// Returns the phase, if the task is not over.
    fn live_phase(&self) -> Result<Phase, TaskError> {
        if self.state.phase.is_over() { Err(TaskError::Over(self.state.phase)) } else { Ok(self.state.phase) }
    }

    /// Refuses an agent: what steers a task is for people, their rules, and the engine.
    fn not_for_agents(&self) -> Result<(), TaskError> {
        match &self.ctx.actor {
            Principal::Agent(_) => Err(TaskError::MayNotDecide(self.ctx.actor.clone())),
            Principal::User(_) | Principal::Policy(_) | Principal::Scheduler => Ok(()),
        }
    }

    /// Names the decision that is opened next; no command opens more than one.
    fn next_decision(&self) -> DecisionId {
        let number = self.state.decisions.len().saturating_add(1);
        DecisionId::new(self.created.task, u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// Opens an escalation, unless one for the same reason is open.
    fn escalate(&self, reason: EscalationReason, detail: &str) -> Vec<TaskEvent> {
        let same = |asked: &Asked| matches!(asked, Asked::Escalation { reason: open, .. } if *open == reason);
        if self.state.open_decisions().any(|decision| same(&decision.asked)) {
            return Vec::new();
        }
        let decision = self.next_decision();
        vec![TaskEvent::EscalationOpened { decision, reason, detail: detail.into() }]
    }
}
