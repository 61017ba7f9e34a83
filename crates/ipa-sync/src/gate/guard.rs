//! One request through a gate and over a wire: the one place where statuses and transport errors become classes.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::Value;

use super::HostGate;
use super::health::{Paused, Why};
use super::lanes::Errand;
use super::limits::{self, Limit};
use super::state::{Heard, Works};
use crate::error::{ErrorClass, SyncError};
use crate::wire::{Answer, Request, Wire, WireError};

/// The longest text of another side that is kept, in characters.
const LONGEST_SAID: usize = 300;

/// Whether the other side is the same after a request was done twice as after once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It is: a read, or a change to a given state.
    Idempotent,
    /// It is not: a comment is there twice.
    Once,
}

/// A request, and what is to be known about it.
#[derive(Debug, Clone)]
pub struct Call {
    /// What is to be done, such as `opening a pull request in octo/repo`.
    pub doing: String,
    /// How it is let through.
    pub errand: Errand,
    /// The request, with its credential.
    pub request: Request,
    /// What doing it twice would do.
    pub effect: Effect,
    /// Statuses besides 2xx and 304 whose answers the caller reads itself.
    pub expected: Vec<u16>,
}

/// Sends one request when the gate lets it through, and teaches the gate what comes of it. Nothing is tried again.
///
/// # Errors
///
/// [`SyncError`] when the gate is shut, when there is no answer, or one of another status than 2xx, 304 and those
/// that the caller expects.
pub async fn guarded(gate: &HostGate, wire: &dyn Wire, call: Call) -> Result<Answer, SyncError> {
    let Call { doing, errand, request, effect, expected } = call;
    let permit = gate.enter(errand).await.map_err(|paused| shut(&doing, paused))?;
    let outcome = wire.send(request).await;
    let heard = hear(gate.wall(), &outcome);
    let limit = heard.limit.clone();
    let paused = permit.learn(heard);
    let answer = outcome.map_err(|error| unanswered(&doing, &error, effect))?;
    let status = answer.status.as_u16();
    let heeded = limit != Limit::Credential;
    if heeded && ((200..300).contains(&status) || status == 304 || expected.contains(&status)) {
        return Ok(answer);
    }
    Err(SyncError {
        class: class(answer.status, &limit, paused, effect),
        detail: said(&answer, &limit),
        doing,
        status: Some(status),
        request_id: request_id(&answer),
    })
}

/// Says what the outcome of a request means for further ones.
fn hear(now: Timestamp, outcome: &Result<Answer, WireError>) -> Heard {
    match outcome {
        Ok(answer) => {
            let limit = limits::verdict(now, answer.status.as_u16(), &answer.headers, &answer.body);
            let works = if answer.status.is_server_error() { Works::No } else { Works::Yes };
            let wrong = works == Works::No || !matches!(limit, Limit::None);
            let trouble = wrong.then(|| said(answer, &limit));
            Heard { works, quota: limits::quota(now, &answer.headers), limit, trouble }
        }
        Err(error) => {
            let works = match error {
                WireError::TooLong { .. } => Works::Yes,
                WireError::NotSent { .. } | WireError::Unknown { .. } => Works::No,
            };
            Heard { works, limit: Limit::None, quota: None, trouble: Some(error.to_string()) }
        }
    }
}

fn class(status: StatusCode, limit: &Limit, paused: Option<Paused>, effect: Effect) -> ErrorClass {
    let until = paused.and_then(|paused| paused.until);
    match (limit, status.as_u16()) {
        (Limit::Credential, _) => ErrorClass::Credential,
        (Limit::Permission { .. }, _) => ErrorClass::Permission,
        // The other side had begun, or waited for, a request that it may have done.
        (_, 408 | 500..=599) if effect == Effect::Once => ErrorClass::Indeterminate,
        (Limit::Pause { .. }, 403 | 429 | 500..=599) => {
            until.map_or(ErrorClass::Transient, |until| ErrorClass::RateLimited { until })
        }
        (_, 408 | 425 | 429 | 500..=599) => ErrorClass::Transient,
        (_, 404 | 410) => ErrorClass::Gone,
        (_, 409 | 412) => ErrorClass::Conflict,
        (_, 400..=499) => ErrorClass::Rejected,
        _ => ErrorClass::Unexpected,
    }
}

fn unclear(effect: Effect) -> ErrorClass {
    match effect {
        Effect::Idempotent => ErrorClass::Transient,
        Effect::Once => ErrorClass::Indeterminate,
    }
}

fn unanswered(doing: &str, error: &WireError, effect: Effect) -> SyncError {
    let (class, status) = match (error, effect) {
        (WireError::NotSent { .. }, Effect::Idempotent | Effect::Once) => (ErrorClass::Transient, None),
        (WireError::Unknown { .. }, effect) => (unclear(effect), None),
        (WireError::TooLong { status, .. }, Effect::Idempotent) => (ErrorClass::Unexpected, Some(*status)),
        (WireError::TooLong { status, .. }, Effect::Once) => (ErrorClass::Indeterminate, Some(*status)),
    };
    SyncError { status, ..SyncError::new(class, doing, error.to_string()) }
}

fn shut(doing: &str, paused: Paused) -> SyncError {
    let class = match (paused.why, paused.until) {
        (Why::CredentialRefused, _) => ErrorClass::Credential,
        (Why::Limited | Why::HostDown | Why::Scarce | Why::Pace | Why::Crowded, Some(until)) => {
            ErrorClass::RateLimited { until }
        }
        (Why::Limited | Why::HostDown | Why::Scarce | Why::Pace | Why::Crowded, None) => {
            ErrorClass::Transient
        }
    };
    SyncError::new(class, doing, paused.to_string())
}

/// Says on one line what an answer complains of: its status, its own words, and the rights it names.
fn said(answer: &Answer, limit: &Limit) -> String {
    let words = complaints(answer);
    let needs = match limit {
        Limit::Permission { needs } => needs.clone(),
        Limit::Credential => login(answer).to_owned(),
        Limit::None | Limit::Pause { .. } => String::new(),
    };
    let mut said = answer.status.to_string();
    for part in words.into_iter().chain([needs]).filter(|part| !part.is_empty()) {
        said = format!("{said}: {part}");
    }
    said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_SAID).collect()
}

/// Says what is to be done about a login that Jira refused.
fn login(answer: &Answer) -> &'static str {
    match limits::login_refused(&answer.headers) {
        None => "",
        Some(limits::CAPTCHA) => "Jira wants its CAPTCHA solved: log in with that account in a browser once",
        Some(_) => "the login failed: is the token revoked, or of another account?",
    }
}

/// Finds the words in an error of GitHub (`message`, `errors`) or Jira (`errorMessages`, `errors`).
pub(crate) fn complaints(answer: &Answer) -> Vec<String> {
    let Ok(body) = &serde_json::from_slice::<Value>(&answer.body) else { return Vec::new() };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let of_field = |error: &Value| Some(format!("{} is {}", text(&error["field"])?, text(&error["code"])?));
    let one = |error: &Value| {
        let words = text(error).or_else(|| text(&error["message"]));
        words.or_else(|| of_field(error)).or_else(|| text(&error["code"]))
    };
    let message = text(&body["message"]);
    let jira = body["errorMessages"].as_array().into_iter().flatten().filter_map(text);
    let listed = body["errors"].as_array().into_iter().flatten().filter_map(one);
    let fields = body["errors"].as_object().into_iter().flatten();
    let fields = fields.filter_map(|(field, error)| Some(format!("{field}: {}", text(error)?)));
    message.into_iter().chain(jira).chain(listed).chain(fields).collect()
}

fn request_id(answer: &Answer) -> Option<String> {
    let id = answer.header("x-github-request-id").or_else(|| answer.header("atl-traceid"))?;
    Some(id.chars().take(LONGEST_SAID).collect())
}

#[cfg(test)]
mod tests;
