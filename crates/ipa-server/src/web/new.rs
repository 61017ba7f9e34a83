//! `/new`: the form for a new task, and what becomes of it.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use ipa_events::task::Gates;
use ipa_pod::TaskDraft;
use maud::Markup;
use serde::Deserialize;

use super::reply::{done, text_of};
use super::{begin, live_of};
use crate::api::extract::Filled;
use crate::error::Code;
use crate::error::problem::{Refusal, chain};
use crate::security::Viewer;
use crate::state::AppState;
use crate::views::components::form::Forms;
use crate::views::layout::{Place, page};
use crate::views::new::{self, Choices, Typed};
use crate::wire::Problem;

/// Of earlier repositories, so many are offered.
const REPOS: usize = 12;

/// The form as it is sent.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Sent {
    request: String,
    title: String,
    repo: String,
    base: String,
    agent: String,
    approve: String,
    checks: String,
    start_at: String,
}

pub(super) async fn show(State(state): State<AppState>, viewer: Viewer) -> Result<Markup, Refusal> {
    let typed = Typed {
        repo: state.config().default_repo.as_ref().map(ToString::to_string).unwrap_or_default(),
        ..Typed::default()
    };
    form(&state, &viewer, (&typed, None)).await
}

pub(super) async fn create(
    State(state): State<AppState>,
    viewer: Viewer,
    headers: HeaderMap,
    Filled(sent): Filled<Sent>,
) -> Result<Response, Refusal> {
    let created = match draft(&state, &sent) {
        Ok(draft) => state.engine().create(viewer.ctx(&state), draft).await.map_err(Refusal::from),
        Err(refusal) => Err(refusal),
    };
    match created {
        Ok(task) => {
            Ok(done(&state, &headers, (task.executed.position, &format!("/tasks/{}", task.handle))).await)
        }
        Err(refusal) => {
            let problem = refusal.into_problem("");
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let page = form(&state, &viewer, (&sent.into_typed(), Some(&problem))).await?;
            Ok((status, page).into_response())
        }
    }
}

async fn form(
    state: &AppState,
    viewer: &Viewer,
    (typed, wrong): (&Typed, Option<&Problem>),
) -> Result<Markup, Refusal> {
    let after = begin(state);
    let choices = choices(state).await?;
    let live = live_of(state, after, Vec::new()).await?;
    let main = new::page(typed, &choices, wrong, Forms::leaving(viewer.csrf()));
    Ok(page("New task", Place::New, Some(&live), &main))
}

async fn choices(state: &AppState) -> Result<Choices, Refusal> {
    let rows = state.engine().tasks().await?;
    let repos: BTreeSet<String> = rows.iter().map(|row| row.summary.repo.to_string()).collect();
    let agents = state.engine().runtimes().await.into_iter();
    let agents = agents.map(|row| (row.kind, row.probe.err().map(|error| chain(&error)))).collect();
    Ok(Choices { agents, repos: repos.into_iter().take(REPOS).collect() })
}

/// Checks what was typed; an empty field leaves the choice to the server.
fn draft(state: &AppState, sent: &Sent) -> Result<TaskDraft, Refusal> {
    let request = text_of(&sent.request).ok_or_else(|| {
        Refusal::new(Code::InvalidRequest, "the request is empty")
            .help("say in a sentence what is to be done")
    })?;
    let repo = parse::<ipa_events::RepoSource>(&sent.repo)?.or_else(|| state.config().default_repo.clone());
    let repo = repo.ok_or_else(|| {
        Refusal::new(Code::NoRepository, "no repository was named")
            .help("name a git repository: an absolute path on the server's machine, or a URL")
    })?;
    let gates = match sent.approve.as_str() {
        "auto" => Some(Gates::auto()),
        "ask" => Some(Gates::default()),
        _ => None,
    };
    let checks: Vec<_> = sent.checks.lines().filter_map(text_of).map(Into::into).collect();
    let mut draft = TaskDraft::new(request, repo);
    draft.title = text_of(&sent.title).map(Into::into);
    draft.base = parse(&sent.base)?;
    draft.agent = parse(&sent.agent)?;
    draft.gates = gates;
    draft.checks = (!checks.is_empty()).then_some(checks);
    draft.start_at = parse(&sent.start_at)?.unwrap_or(draft.start_at);
    Ok(draft)
}

fn parse<T: std::str::FromStr<Err: std::error::Error>>(field: &str) -> Result<Option<T>, Refusal> {
    let parse =
        |text: String| text.parse().map_err(|error| Refusal::new(Code::InvalidRequest, chain(&error)));
    text_of(field).map(parse).transpose()
}

impl Sent {
    fn into_typed(self) -> Typed {
        let Self { request, title, repo, base, agent, approve, checks, start_at } = self;
        Typed { request, title, repo, base, agent, approve, checks, start_at }
    }
}
