//! What a form gets as its answer: a person without a script goes back to the page, a script gets the position
//! up to which its stream must come.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use ipa_events::store::Position;

use crate::error::problem::Refusal;
use crate::security::forms::SCRIPT_HEADER;
use crate::state::AppState;
use crate::views::problem;
use crate::wire::POSITION_HEADER;

/// How long a form waits until lists show what it did.
const PATIENCE: Duration = Duration::from_millis(500);

/// Tells whether the script of a page sent this form.
pub(super) fn by_script(headers: &HeaderMap) -> bool {
    headers.contains_key(SCRIPT_HEADER)
}

/// Answers a form that did something.
pub(super) async fn done(
    state: &AppState,
    headers: &HeaderMap,
    (position, to): (Position, &str),
) -> Response {
    if by_script(headers) {
        let mut response = StatusCode::NO_CONTENT.into_response();
        let name = HeaderName::from_static(POSITION_HEADER);
        response.headers_mut().insert(name, HeaderValue::from(position.get()));
        return response;
    }
    state.engine().reached(position, PATIENCE).await;
    Redirect::to(to).into_response()
}

/// Answers a form that was refused. Without a script what was typed comes back, so that it is not lost.
pub(super) fn refused(headers: &HeaderMap, refusal: Refusal, typed: &str) -> Response {
    if by_script(headers) || typed.is_empty() {
        return refusal.into_response();
    }
    let problem = refusal.into_problem("");
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, problem::page(&problem, typed)).into_response()
}

/// Takes a text of a form: without the white space around it, with one kind of line break; none when empty.
pub(super) fn text_of(field: &str) -> Option<String> {
    let text = field.replace("\r\n", "\n");
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
