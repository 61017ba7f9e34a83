//! Webhooks of forges and trackers. The signature is their only credential: no session, no token, no form's field.
//!
//! A handler reads the body whole and hands it to the engine, which checks it and keeps it. Whoever it is for, and
//! whether there is anybody, the body is read first: no answer comes early.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::routing::post;
use futures::StreamExt as _;
use ipa_pod::HookError;
use ipa_pod::hook::{Arrival, Head, Maker};

use crate::api::extract::In;
use crate::error::Code;
use crate::error::problem::Refusal;
use crate::state::AppState;

/// How large a webhook may be: as large as GitHub's.
const BODY_LIMIT: usize = 25 * 1024 * 1024;
/// How much of a body that is too large is read all the same, so that its sender hears why.
const READ_LIMIT: usize = 2 * BODY_LIMIT;
/// How long a body may take, and the wait for room to read it. GitHub gives up after ten seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Returns the routes of webhooks.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/hooks/github", post(github))
        .route("/hooks/github/{connector}", post(github_for))
        .route("/hooks/jira/{connector}", post(jira_for))
}

/// Tells whether a request is a webhook, which is let in by its signature alone.
pub(crate) fn is_one(request: &Request) -> bool {
    let mut parts = request.uri().path().split('/');
    let parts = [parts.next(), parts.next(), parts.next(), parts.next(), parts.next()];
    request.method() == Method::POST
        && match parts {
            [Some(""), Some("hooks"), Some("github"), None, None] => true,
            [Some(""), Some("hooks"), Some("github" | "jira"), Some(name), None] => !name.is_empty(),
            _ => false,
        }
}

async fn github(State(state): State<AppState>, request: Request) -> Result<StatusCode, Refusal> {
    take(&state, (Maker::GitHub, None), request).await
}

async fn github_for(
    State(state): State<AppState>,
    In(connector): In<String>,
    request: Request,
) -> Result<StatusCode, Refusal> {
    take(&state, (Maker::GitHub, Some(connector)), request).await
}

async fn jira_for(
    State(state): State<AppState>,
    In(connector): In<String>,
    request: Request,
) -> Result<StatusCode, Refusal> {
    take(&state, (Maker::Jira, Some(connector)), request).await
}

/// Takes a webhook in: 202 when it is kept, 200 when it was kept before.
async fn take(
    state: &AppState,
    (maker, connector): (Maker, Option<String>),
    request: Request,
) -> Result<StatusCode, Refusal> {
    let (head, path) = (Head::read(maker, request.headers()), request.uri().path().to_owned());
    let late = |_| {
        Refusal::new(Code::Unavailable, "the webhook did not come in time, or too many came at once")
            .help("send it again")
    };
    let reading = async {
        // Held until the body is kept: so many are in memory and no more.
        let room = state.hooks().acquire().await;
        (room, whole(request.into_body()).await)
    };
    let (_room, body) = tokio::time::timeout(PATIENCE, reading).await.map_err(late)?;
    match state.engine().receive((head, connector.as_deref()), body?).await {
        Ok(Arrival::New) => Ok(StatusCode::ACCEPTED),
        Ok(Arrival::Seen) => Ok(StatusCode::OK),
        Err(HookError::NoDoor) => Err(Refusal::new(Code::NotFound, format!("there is nothing at {path}"))),
        Err(error) => Err(error.into()),
    }
}

async fn whole(body: Body) -> Result<Vec<u8>, Refusal> {
    let (mut pieces, mut whole, mut length) = (body.into_data_stream(), Vec::new(), 0_usize);
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_broken| Refusal::new(Code::InvalidRequest, "the body broke off"))?;
        length = length.saturating_add(piece.len());
        if length <= BODY_LIMIT {
            whole.extend_from_slice(&piece);
        } else if length <= READ_LIMIT {
            whole = Vec::new();
        } else {
            break;
        }
    }
    if length > BODY_LIMIT {
        return Err(Refusal::new(Code::BodyTooLarge, format!("a webhook holds at most {BODY_LIMIT} bytes")));
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_sent_to_the_address_of_a_webhook_is_one() {
        let cases = [
            ("POST", "/hooks/github", true),
            ("POST", "/hooks/github?x=1", true),
            ("POST", "/hooks/github/hub", true),
            ("POST", "/hooks/jira/desk", true),
            ("GET", "/hooks/github", false),
            ("PUT", "/hooks/jira/desk", false),
            ("POST", "/hooks/jira", false),
            ("POST", "/hooks/github/", false),
            ("POST", "/hooks/gitlab/hub", false),
            ("POST", "/hooks/github/hub/x", false),
            ("POST", "//hooks/github", false),
            ("POST", "/hooks/../api/v1/tasks", false),
            ("POST", "/api/v1/tasks", false),
        ];
        for (method, path, expected) in cases {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            assert_eq!(is_one(&request), expected, "{method} {path}");
        }
    }
}
