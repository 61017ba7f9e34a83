//! The forms that ask something of a task, and of its pod.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use ipa_events::{Envelope, Phase, TaskCommand};
use ipa_pod::TaskView;
use serde::Deserialize;

use super::reply::{done, refused, text_of};
use super::task::find;
use crate::api::extract::{Filled, In};
use crate::error::Code;
use crate::error::problem::Refusal;
use crate::security::Viewer;
use crate::state::AppState;

/// The form as it is sent.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Sent {
    /// What is asked.
    #[serde(rename = "type")]
    verb: String,
    /// A message, a reason, a note.
    text: String,
    /// Where to go back to.
    phase: String,
}

/// Asks something of a task.
pub(super) async fn command(
    State(state): State<AppState>,
    viewer: Viewer,
    (In(id), headers): (In<String>, HeaderMap),
    Filled(sent): Filled<Sent>,
) -> Result<Response, Refusal> {
    let view = find(&state, &id).await?;
    let (task, handle) = (view.row.summary.id, view.row.summary.handle);
    let executed = match asked(&view, &sent) {
        Ok(body) => {
            let command = Envelope { ctx: viewer.ctx(&state), body };
            state.engine().execute(task, command).await.map_err(Refusal::from)
        }
        Err(refusal) => Err(refusal),
    };
    Ok(match executed {
        Ok(executed) => done(&state, &headers, (executed.position, &format!("/tasks/{handle}"))).await,
        Err(refusal) => refused(&headers, refusal.naming(task, handle), &sent.text),
    })
}

fn asked(view: &TaskView, sent: &Sent) -> Result<TaskCommand, Refusal> {
    let text = text_of(&sent.text).map(Into::into);
    let said = || text.clone().unwrap_or_else(|| "".into());
    Ok(match sent.verb.as_str() {
        "message" => TaskCommand::PostMessage { text: said() },
        "pause" => TaskCommand::Pause { reason: text },
        "resume" => TaskCommand::Resume,
        "complete" => TaskCommand::Complete { note: text },
        "cancel" => TaskCommand::Cancel { reason: text },
        "reopen" => TaskCommand::Reopen,
        "retry" => TaskCommand::Retry,
        "back" => TaskCommand::GoBack { phase: phase(&sent.phase)?, reason: said() },
        "interrupt" => {
            let run = view.state.open_run().ok_or_else(|| {
                Refusal::new(Code::WrongState, "no agent is at work, so there is nothing to interrupt")
            })?;
            TaskCommand::InterruptRun { run: run.id, reason: text }
        }
        other => {
            return Err(Refusal::new(Code::InvalidRequest, format!("{other:?} cannot be asked of a task")));
        }
    })
}

fn phase(text: &str) -> Result<Phase, Refusal> {
    text.parse()
        .map_err(|error: ipa_events::InvalidValue| Refusal::new(Code::InvalidRequest, error.to_string()))
}

/// Asks something of a task's pod.
pub(super) async fn pod(
    State(state): State<AppState>,
    viewer: Viewer,
    (In(id), headers): (In<String>, HeaderMap),
    Filled(sent): Filled<Sent>,
) -> Result<Response, Refusal> {
    // A parked task may be one that cannot be read: its page is not asked for.
    let reference = id
        .parse()
        .map_err(|error: ipa_events::InvalidValue| Refusal::new(Code::UnknownTask, error.to_string()))?;
    let task = state.engine().resolve(reference).await?;
    match sent.verb.as_str() {
        "restart" => state.engine().restart_pod(viewer.ctx(&state), task).await?,
        "cleanup" => state.engine().clean_up_pod(viewer.ctx(&state), task).await.map(drop)?,
        other => {
            return Err(Refusal::new(Code::InvalidRequest, format!("{other:?} cannot be asked of a pod")));
        }
    }
    let position = *state.engine().head().borrow();
    Ok(done(&state, &headers, (position, &format!("/tasks/{reference}"))).await)
}
