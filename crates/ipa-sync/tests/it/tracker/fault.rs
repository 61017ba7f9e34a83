//! Jira's own refusals, as faults.

use serde_json::json;

use crate::peer::Fault;

impl Fault {
    /// A refusal in Jira's shape.
    pub(crate) fn jira(status: u16, message: &str, headers: &[(&str, &str)]) -> Self {
        Self::instead(status, headers, &json!({ "errorMessages": [message], "errors": {} }))
    }

    /// Too many requests to one endpoint, with or without a word on how long.
    pub(crate) fn burst(retry_after: Option<&str>) -> Self {
        Self::limited("jira-burst-based", retry_after)
    }

    /// Too many changes of one issue.
    pub(crate) fn issue_writes(retry_after: Option<&str>) -> Self {
        Self::limited("jira-per-issue-on-write", retry_after)
    }

    /// A 429 for some reason.
    pub(crate) fn limited(reason: &str, retry_after: Option<&str>) -> Self {
        let mut headers = vec![("ratelimit-reason", reason)];
        headers.extend(retry_after.map(|after| ("retry-after", after)));
        Self::jira(429, "Rate limit exceeded.", &headers)
    }

    /// A 429 of a site that says nothing else: Data Center, or what stands before it.
    pub(crate) fn limited_without_reason(retry_after: Option<&str>) -> Self {
        let header = retry_after.map(|after| ("retry-after", after));
        Self::jira(429, "Rate limit exceeded.", header.as_slice())
    }
}
