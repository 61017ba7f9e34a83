//! A refusal on its way out: a handler returns it, the outermost layer writes it.
//!
//! The handler knows what went wrong; only the layer knows the request's id and whether a browser or a
//! program asked. So the response carries the refusal until it gets there.

use std::error::Error;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ipa_events::{Handle, TaskId};

use crate::wire::{Code, PROBLEM_JSON, Problem};

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal(Box<Problem>);

impl Refusal {
    /// Refuses with a code and a sentence that says what happened.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Problem {
            kind: format!("urn:ipa:problem:{code}"),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            code: code.as_str().to_owned(),
            help: None,
            request_id: String::new(),
            expected_version: None,
            actual_version: None,
            decision: None,
            payload_hash: None,
        }))
    }

    /// Adds what a person can do.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Adds the versions that do not agree.
    #[must_use]
    pub(crate) fn versions(mut self, expected: u64, actual: u64) -> Self {
        self.0.expected_version = Some(expected);
        self.0.actual_version = Some(actual);
        self
    }

    /// Adds the decision to look at now.
    #[must_use]
    pub(crate) fn decision(mut self, decision: String, payload_hash: String) -> Self {
        self.0.decision = Some(decision);
        self.0.payload_hash = Some(payload_hash);
        self
    }

    /// Says the task's short name wherever its id was said.
    #[must_use]
    pub(crate) fn naming(mut self, task: TaskId, handle: Handle) -> Self {
        let (id, handle) = (task.to_string(), handle.to_string());
        self.0.detail = self.0.detail.replace(&id, &handle);
        self.0.decision = self.0.decision.map(|decision| decision.replace(&id, &handle));
        self.0.help = self.0.help.map(|help| help.replace("TASK", &handle));
        self
    }

    /// Returns the problem as it is told; the request's id is still missing.
    pub(crate) fn problem(&self) -> &Problem {
        &self.0
    }

    /// Returns the problem as it is told about this request.
    pub(crate) fn into_problem(self, request_id: &str) -> Problem {
        Problem { request_id: request_id.to_owned(), ..*self.0 }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = StatusCode::from_u16(self.0.status).unwrap_or_default().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes a problem as JSON.
pub(crate) fn json(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_vec(problem).unwrap_or_default();
    let media_type = HeaderValue::from_static(PROBLEM_JSON);
    (status, [(header::CONTENT_TYPE, media_type)], body).into_response()
}

/// Writes an error with all that led to it, outermost first.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let told = cause.to_string();
        // A transparent layer says what its source says; once is enough.
        if !text.ends_with(&told) {
            text.push_str(": ");
            text.push_str(&told);
        }
        source = cause.source();
    }
    text
}
