//! A call as an endpoint sees it, and GitHub's refusals. Knows no sockets.

use std::collections::BTreeMap;

use serde_json::{Value, json};

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

    /// A number of the path. What is no number names nothing.
    pub(crate) fn number(&self, name: &str) -> Result<u64, Answer> {
        self.param(name).parse().map_err(|_| Answer::not_found())
    }

    pub(crate) fn repo(&self) -> String {
        format!("{}/{}", self.param("owner"), self.param("repo"))
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// A text of the body; absent and null are the same.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    /// A list of texts of the body.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let list = self.body.get(name).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    }
}

impl Answer {
    pub(crate) fn message(status: u16, message: &str) -> Self {
        let status_text = status.to_string();
        let body = json!({ "message": message, "documentation_url": DOCS, "status": status_text });
        Self::new(status, body)
    }

    pub(crate) fn not_found() -> Self {
        Self::message(404, "Not Found")
    }

    /// A 422 that tells one reason in words, as GitHub does for a rule of its own.
    pub(crate) fn refused(resource: &str, message: &str) -> Self {
        let error = json!({ "resource": resource, "code": "custom", "message": message });
        Self::invalid(&error)
    }

    /// A 422 that names a field.
    pub(crate) fn invalid_field(resource: &str, field: &str, code: &str) -> Self {
        Self::invalid(&json!({ "resource": resource, "field": field, "code": code }))
    }

    fn invalid(error: &Value) -> Self {
        let body = json!({
            "message": "Validation Failed", "errors": [error], "documentation_url": DOCS, "status": "422",
        });
        Self::new(422, body)
    }
}

const DOCS: &str = "https://docs.github.com/rest";
