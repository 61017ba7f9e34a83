//! What a webhook of GitHub is about.
//!
//! One form for all kinds of event, with the few fields that name something; a kind that is not known today is read the
//! same way. Everything else, and what it may hold one day, is not looked at.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ipa_events::RemoteId;
use serde::Deserialize;
use url::form_urlencoded;

use super::{Hint, Named};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    repository: Option<Repository>,
    pull_request: Option<Numbered>,
    issue: Option<Numbered>,
    check_run: Option<Checks>,
    check_suite: Option<Checks>,
    workflow_run: Option<Checks>,
    workflow_job: Option<Checks>,
    /// Of a status.
    sha: Option<String>,
    branches: Option<Vec<Option<Branch>>>,
    /// Of a push.
    r#ref: Option<String>,
    after: Option<String>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: Option<String>,
}

#[derive(Deserialize)]
struct Numbered {
    number: Option<u64>,
}

#[derive(Deserialize)]
struct Branch {
    name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Checks {
    head_sha: Option<String>,
    head_branch: Option<String>,
    pull_requests: Option<Vec<Option<Numbered>>>,
    check_suite: Option<Box<Self>>,
}

/// Reads what to look at because of a webhook.
pub(super) fn hint(kind: &str, body: &[u8]) -> Hint {
    if kind == "ping" {
        return Hint::Named(Named::default());
    }
    let body = json(body);
    // An array would pass as the fields in their order.
    let body = Some(body).filter(|body| body.trim_ascii_start().first() == Some(&b'{'));
    let body: Option<Body> = body.and_then(|body| serde_json::from_slice(&body).ok());
    body.and_then(named).map_or(Hint::Everything, Hint::Named)
}

/// Takes the body out of the form that it is put into, unless somebody chose otherwise when the webhook was set up.
fn json(body: &[u8]) -> Cow<'_, [u8]> {
    if !body.starts_with(b"payload=") {
        return Cow::Borrowed(body);
    }
    let payload = form_urlencoded::parse(body).find(|(name, _)| name == "payload");
    payload.map_or(Cow::Borrowed(body), |(_, payload)| Cow::Owned(payload.into_owned().into_bytes()))
}

/// Names what a body is about; none when it is about something that it does not name.
fn named(body: Body) -> Option<Named> {
    let repo = body.repository.and_then(|repo| repo.full_name);
    let checks: Vec<Checks> = [body.check_run, body.check_suite, body.workflow_run, body.workflow_job]
        .into_iter()
        .flatten()
        .collect();
    let of_checks = checks.iter().flat_map(|checks| checks.pull_requests.iter().flatten().flatten());
    let numbers = body.pull_request.iter().chain(&body.issue).chain(of_checks);
    let things: Option<BTreeSet<RemoteId>> =
        numbers.map(|one| format!("{}#{}", repo.as_deref()?, one.number?).parse().ok()).collect();
    let things = things?;
    if !things.is_empty() {
        return Some(Named { things, ..Named::default() });
    }
    let suites = checks.iter().filter_map(|checks| checks.check_suite.as_deref());
    let of_checks = checks.iter().chain(suites);
    let (mut branches, mut commits) = (Vec::new(), vec![body.sha, body.after]);
    for checks in of_checks {
        branches.push(checks.head_branch.clone());
        commits.push(checks.head_sha.clone());
    }
    branches.extend(body.branches.into_iter().flatten().flatten().map(|branch| branch.name));
    branches.push(body.r#ref.and_then(|name| name.strip_prefix("refs/heads/").map(str::to_owned)));
    // What is no branch or commit for us is none of a task's.
    Some(Named {
        things,
        branches: branches.into_iter().flatten().filter_map(|name| name.parse().ok()).collect(),
        commits: commits
            .into_iter()
            .flatten()
            .filter(|sha| is_one(sha))
            .filter_map(|sha| sha.parse().ok())
            .collect(),
    })
}

/// Tells a commit from what stands in its place where a branch is gone.
fn is_one(sha: &str) -> bool {
    sha.bytes().any(|digit| digit != b'0')
}

#[cfg(test)]
mod tests;
