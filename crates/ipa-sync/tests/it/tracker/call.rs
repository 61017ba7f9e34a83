//! A call as an endpoint sees it, and Jira's refusals. Knows no sockets.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::people::Who;
pub(crate) use crate::peer::{Answer, Outcome};

/// A request that was understood: its route is known, its sender too.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) body: Value,
    pub(crate) who: Who,
}

impl Call {
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// A number of the query.
    pub(crate) fn number(&self, name: &str, default: usize) -> usize {
        self.query(name).and_then(|text| text.parse().ok()).unwrap_or(default)
    }

    pub(crate) fn expands(&self, name: &str) -> bool {
        self.query("expand").is_some_and(|list| list.split(',').any(|one| one.trim() == name))
    }

    pub(crate) fn issue(&self) -> &str {
        self.param("issueIdOrKey")
    }

    pub(crate) fn by(&self) -> &str {
        self.who.login()
    }
}

impl Answer {
    /// A refusal in words.
    pub(crate) fn trouble(status: u16, message: &str) -> Self {
        Self::new(status, json!({ "errorMessages": [message], "errors": {} }))
    }

    /// A 400 that names a field.
    pub(crate) fn field_trouble(field: &str, message: &str) -> Self {
        let errors: Map<String, Value> = [(field.to_owned(), json!(message))].into_iter().collect();
        Self::new(400, json!({ "errorMessages": [], "errors": errors }))
    }

    pub(crate) fn no_issue() -> Self {
        Self::trouble(404, "Issue does not exist or you do not have permission to see it.")
    }

    /// What comes from before the API: it has a shape of its own.
    pub(crate) fn stranger() -> Self {
        let message = "Client must be authenticated to access this resource.";
        Self::new(401, json!({ "message": message, "status-code": 401 }))
    }
}
