//! What is answered, with the headers that go with it.

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use ipa_events::store::{Position, Version};
use serde::Serialize;

use crate::wire::{CommandReply, List, Named, POSITION_HEADER, Single};

/// Answers with one thing.
pub(super) fn single<T: Named + Serialize>(it: T) -> Response {
    Json(Single::new(it)).into_response()
}

/// Answers with one thing that has a version.
pub(super) fn versioned<T: Named + Serialize>(version: Version, it: T) -> Response {
    ([(header::ETAG, etag(version))], Json(Single::new(it))).into_response()
}

/// Answers with a page of a list; `base` is the request's address without its cursor.
pub(super) fn list<T: Named + Serialize>(base: &str, items: Vec<T>, next: Option<String>) -> Response {
    let mut headers = HeaderMap::new();
    let link = next.as_ref().map(|next| format!("<{base}after={next}>; rel=\"next\""));
    if let Some(link) = link.and_then(|link| HeaderValue::from_str(&link).ok()) {
        headers.insert(header::LINK, link);
    }
    (headers, Json(List::new(items, next))).into_response()
}

/// Answers a command.
pub(super) fn executed(reply: CommandReply, replay: Replay) -> Response {
    let headers = command_headers(reply.version, reply.position, replay);
    (headers, Json(Single::new(reply))).into_response()
}

/// Answers a command that made something.
pub(super) fn created<T: Named + Serialize>(location: &str, headers: HeaderMap, it: T) -> Response {
    let mut response = (StatusCode::CREATED, headers, Json(Single::new(it))).into_response();
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Whether an answer was given before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replay {
    /// It is the first of its kind.
    First,
    /// It was given before, to the same request under the same key.
    Again,
}

/// Returns what the answer to a command says beside its body.
pub(super) fn command_headers(version: Version, position: Position, replay: Replay) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::ETAG, etag(version));
    headers.insert(HeaderName::from_static(POSITION_HEADER), HeaderValue::from(position.get()));
    if replay == Replay::Again {
        headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    headers
}

fn etag(version: Version) -> HeaderValue {
    HeaderValue::from_str(&format!("\"v{version}\""))
        .unwrap_or_else(|_never| HeaderValue::from_static("\"\""))
}
