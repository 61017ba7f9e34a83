//! The form that answers what waits for a person. It says what was seen: if that has changed, nothing is decided,
//! the page says what changed, and what was typed is still there.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use ipa_events::task::Verdict;
use ipa_events::{DecisionId, Envelope, PayloadHash, TaskCommand};
use ipa_pod::TaskView;
use maud::html;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::reply::{by_script, done, refused, text_of};
use super::task::find;
use super::{begin, live_of};
use crate::api::extract::{Filled, In};
use crate::error::Code;
use crate::error::problem::{Refusal, chain};
use crate::security::Viewer;
use crate::state::AppState;
use crate::views::components::decision::{Item, decision};
use crate::views::components::form::Forms;
use crate::views::layout::{Place, page};
use crate::views::problem;

/// The form as it is sent.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Sent {
    verdict: String,
    /// One of the answers that were offered.
    choice: String,
    text: String,
    /// What a tool is to do, perhaps changed.
    input: String,
    /// The same as it was shown.
    input_shown: String,
    payload_hash: String,
}

impl Sent {
    /// Returns what a tool is to do in the place of what its agent wants, if that was changed.
    fn edited(&self) -> Option<String> {
        text_of(&self.input).filter(|input| Some(input) != text_of(&self.input_shown).as_ref())
    }

    /// Returns all that was typed: nothing of it may be lost.
    fn typed(&self) -> String {
        let words = Some(self.text.clone()).filter(|text| !text.is_empty());
        [words, self.edited()].into_iter().flatten().collect::<Vec<_>>().join("\n\n")
    }
}

pub(super) async fn decide(
    State(state): State<AppState>,
    viewer: Viewer,
    (In((id, number)), headers): (In<(String, u32)>, HeaderMap),
    Filled(sent): Filled<Sent>,
) -> Result<Response, Refusal> {
    let view = find(&state, &id).await?;
    let (task, handle) = (view.row.summary.id, view.row.summary.handle);
    let decision = DecisionId::new(task, number);
    let executed = match answer(decision, &sent) {
        Ok(body) => {
            let command = Envelope { ctx: viewer.ctx(&state), body };
            state.engine().execute(task, command).await.map_err(Refusal::from)
        }
        Err(refusal) => Err(refusal),
    };
    let refusal = match executed {
        Ok(executed) => {
            return Ok(done(&state, &headers, (executed.position, &format!("/tasks/{handle}"))).await);
        }
        Err(refusal) => refusal.naming(task, handle),
    };
    if by_script(&headers) || refusal.problem().status != StatusCode::CONFLICT.as_u16() {
        return Ok(refused(&headers, refusal, &sent.typed()));
    }
    changed(&state, &viewer, (&view, refusal, &sent.typed())).await
}

fn answer(decision: DecisionId, sent: &Sent) -> Result<TaskCommand, Refusal> {
    let seen: PayloadHash = sent.payload_hash.parse().map_err(|error| {
        Refusal::new(Code::InvalidRequest, format!("the form does not say what was seen: {}", chain(&error)))
    })?;
    let text = text_of(&sent.text);
    let missing =
        |what: &str| Refusal::new(Code::InvalidRequest, what.to_owned()).help("write it, then send it again");
    let verdict = match (sent.verdict.as_str(), text_of(&sent.choice)) {
        (_, Some(choice)) => Verdict::Answer { text: choice.into() },
        ("approve", None) if let Some(input) = sent.edited() => {
            Verdict::Edit { input: object(&input)?, note: text.map(Into::into) }
        }
        ("approve", None) => Verdict::Approve { note: text.map(Into::into) },
        ("reject", None) => {
            Verdict::Reject { reason: text.ok_or_else(|| missing("a rejection needs its reason"))?.into() }
        }
        ("answer", None) => {
            Verdict::Answer { text: text.ok_or_else(|| missing("the answer is empty"))?.into() }
        }
        (other, None) => return Err(Refusal::new(Code::InvalidRequest, format!("{other:?} is no verdict"))),
    };
    Ok(TaskCommand::Answer { decision, seen: Some(seen), verdict })
}

/// Checks what a person wrote for a tool to do.
fn object(input: &str) -> Result<Arc<str>, Refusal> {
    let read: Result<Map<String, Value>, _> = serde_json::from_str(input);
    read.map(|_object| input.into()).map_err(|error| {
        Refusal::new(Code::InvalidRequest, format!("what the tool is to do is no JSON object: {error}"))
            .help("mend it, then send it again")
    })
}

/// Shows what is there now in place of what was seen, with the words that were typed.
async fn changed(
    state: &AppState,
    viewer: &Viewer,
    (view, refusal, typed): (&TaskView, Refusal, &str),
) -> Result<Response, Refusal> {
    let after = begin(state);
    let (handle, task) = (view.row.summary.handle, view.row.summary.id);
    let view = state.engine().task(task).await?;
    let live = live_of(state, after, Vec::new()).await?;
    let problem = refusal.into_problem("");
    let forms = Forms::leaving(viewer.csrf());
    let open: Vec<_> = view.state.waiting_for_person().collect();
    let main = html! {
        p.crumbs { a href={ "/tasks/" (handle) } { (handle) } }
        h1 { (problem.title) }
        (problem::flash(&problem))
        @for (index, open) in open.iter().enumerate() {
            (decision(Item { state: &view.state, handle, decision: open, typed: if index == 0 { typed } else { "" } }, forms))
        }
        @if open.is_empty() {
            p { "Nothing of this task waits for you now. " a href={ "/tasks/" (handle) } { "See how it goes on" } }
            @if !typed.is_empty() {
                label for="typed" { "What you typed" }
                textarea id="typed" rows="4" readonly { (typed) }
            }
        }
    };
    Ok((StatusCode::CONFLICT, page(&problem.title, Place::Elsewhere, Some(&live), &main)).into_response())
}
