//! What a request holds, parsed once; what cannot be parsed is refused in our own words.

use axum::extract::rejection::{FormRejection, PathRejection, QueryRejection};
use axum::extract::{Form, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use ipa_events::{AgentId, Handle, Reference, RunId, TaskId};
use ipa_pod::{Engine, Since};
use serde::de::DeserializeOwned;

use crate::error::Code;
use crate::error::problem::Refusal;
use crate::state::AppState;

/// What stands behind the `?`.
pub(crate) struct Asked<T>(pub(crate) T);

/// What stands in the path.
pub(crate) struct In<T>(pub(crate) T);

/// What was filled into a form.
pub(crate) struct Filled<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        let wrong = |rejection: QueryRejection| invalid(rejection.body_text());
        query.map(|Query(asked)| Self(asked)).map_err(wrong)
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for In<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        let wrong = |rejection: PathRejection| invalid(rejection.body_text());
        path.map(|Path(found)| Self(found)).map_err(wrong)
    }
}

impl<T: DeserializeOwned> FromRequest<AppState> for Filled<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Refusal> {
        let form = Form::<T>::from_request(request, state).await;
        let wrong = |rejection: FormRejection| {
            let is_form = !matches!(rejection, FormRejection::InvalidFormContentType(_));
            let code = if is_form { Code::InvalidRequest } else { Code::UnsupportedMediaType };
            Refusal::new(code, rejection.body_text())
        };
        form.map(|Form(filled)| Self(filled)).map_err(wrong)
    }
}

/// Refuses a request that cannot be understood.
pub(crate) fn invalid(detail: impl Into<String>) -> Refusal {
    Refusal::new(Code::InvalidRequest, detail)
}

/// Reads a body as JSON, and only where it says that it is JSON.
pub(super) fn json<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_json =
        kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if !is_json {
        let detail = format!("the body is of kind {kind:?}, and application/json is taken");
        return Err(Refusal::new(Code::UnsupportedMediaType, detail));
    }
    // A list would pass as the fields of a struct in their order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(invalid("the body is not a JSON object"));
    }
    serde_json::from_slice(body).map_err(|error| invalid(format!("the body cannot be used: {error}")))
}

/// Finds the task that is named, by handle or id.
pub(super) async fn task(engine: &Engine, name: &str) -> Result<TaskId, Refusal> {
    let reference: Reference = name
        .parse()
        .map_err(|_not_one| Refusal::new(Code::UnknownTask, format!("there is no task {name:?}")))?;
    Ok(engine.resolve(reference).await?)
}

/// Finds the run that is named, by handle or id.
pub(super) async fn run(engine: &Engine, name: &str) -> Result<RunId, Refusal> {
    Ok(engine.resolve_run(name).await?)
}

/// Reads what a task's work is compared with: `base`, as if it were left out, or `review`.
pub(crate) fn since(text: Option<&str>) -> Result<Since, Refusal> {
    match text {
        None | Some("" | "base") => Ok(Since::Base),
        Some("review") => Ok(Since::Review),
        Some(other) => Err(invalid(format!("`since` is `base` or `review`, not {other:?}"))),
    }
}

/// Reads a cursor that is a number; none means from the first.
pub(super) fn number(what: &str, text: Option<&str>) -> Result<u64, Refusal> {
    text.filter(|text| !text.is_empty()).map_or(Ok(0), |text| {
        text.parse().map_err(|_no_number| invalid(format!("{what}={text:?} is not a number")))
    })
}

/// Reads a cursor that is a task's handle.
pub(super) fn handle(text: Option<&str>) -> Result<Option<Handle>, Refusal> {
    let parsed = text.filter(|text| !text.is_empty()).map(str::parse).transpose();
    parsed.map_err(|_no_handle| invalid("after= is not a cursor that a list gave"))
}

/// Reads the name of a place of work.
pub(super) fn place(text: Option<&str>) -> Result<AgentId, Refusal> {
    text.map_or_else(|| Ok(AgentId::main()), |text| text.parse().map_err(|error| invalid(format!("{error}"))))
}

/// How many things a page of a list holds: 50, at most 1,000.
pub(super) fn limit(asked: Option<usize>) -> usize {
    asked.unwrap_or(50).clamp(1, 1_000)
}
