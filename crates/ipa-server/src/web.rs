//! The pages: each file is one address, from what is asked over what is read to what is shown.
//!
//! Every control is a plain form that works without a script; one handler answers both. A page reads its position
//! in the log before it reads anything else, and is kept in step from there.

pub(crate) mod assets;
mod board;
mod command;
mod connector;
mod decide;
mod diff;
mod files;
mod inbox;
mod new;
mod reply;
pub(crate) mod task;
mod timeline;

use axum::Router;
use axum::routing::{get, post};
use ipa_pod::{Engine, EngineError};
use maud::Markup;

use crate::live::{self, Cursor, Topic, Topics};
use crate::state::AppState;
use crate::views::layout::Live;
use crate::views::{login, problem};
use crate::wire::Problem;

/// Returns the routes of the pages, their forms, the live stream and the assets (under `/assets/`). `/login`
/// and `/logout` are not among them: `security::login` serves these, with [`login_page`].
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(board::show))
        .route("/inbox", get(inbox::show))
        .route("/new", get(new::show).post(new::create))
        .route("/tasks/{id}", get(task::show))
        .route("/tasks/{id}/diff", get(diff::show))
        .route("/tasks/{id}/timeline", get(timeline::show))
        .route("/tasks/{id}/files", get(files::root))
        .route("/tasks/{id}/files/", get(files::root))
        .route("/tasks/{id}/files/{*path}", get(files::show))
        .route("/tasks/{id}/commands", post(command::command))
        .route("/tasks/{id}/pod", post(command::pod))
        .route("/tasks/{id}/decisions/{number}", post(decide::decide))
        .route("/connectors/{id}", post(connector::act))
        .route("/live", get(live::live))
        .route("/assets/{name}", get(assets::serve))
}

/// What the login page is shown for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginNotice {
    /// Somebody came to log in.
    None,
    /// What was typed is neither a login code that still works nor the token.
    Wrong,
    /// Somebody came without credentials (the page is a 401 then).
    Needed,
    /// The same, by a link from another site: the cookie may only be missing because it is `SameSite=Strict`,
    /// so this page reloads itself once, with `<meta http-equiv="refresh" content="0">`.
    FromElsewhere,
}

/// Renders the login page: a form that posts `token` (a one-time code or the token) and `next` (where to go
/// afterwards, a path) to `/login`. Its script posts the code of `/login#t=<code>` by itself.
pub(crate) fn login_page(notice: LoginNotice, next: &str) -> Markup {
    login::page(notice, next)
}

/// Renders what went wrong, for a browser: an unknown page, a form that was refused.
pub(crate) fn problem_page(problem: &Problem) -> Markup {
    problem::page(problem, "")
}

/// Counts the decisions that wait for a person.
pub(crate) async fn open_decisions(engine: &Engine) -> Result<usize, EngineError> {
    let rows = engine.tasks().await?;
    Ok(rows.iter().map(|row| row.summary.decisions.len()).sum())
}

/// Begins a page: takes the position of the log, before anything else is read.
fn begin(state: &AppState) -> Cursor {
    Cursor::at(*state.engine().head().borrow())
}

/// Says what keeps a page in step.
async fn live_of(state: &AppState, after: Cursor, mut topics: Vec<Topic>) -> Result<Live, EngineError> {
    topics.insert(0, Topic::Nav);
    let open = open_decisions(state.engine()).await?;
    Ok(Live { topics: Topics(topics), after, open })
}
