//! GitHub's own refusals, as faults.

use serde_json::json;

pub(crate) use crate::peer::{Fault, When};

impl Fault {
    pub(crate) fn status(status: u16, message: &str, headers: &[(&str, &str)]) -> Self {
        Self::instead(status, headers, &json!({ "message": message, "status": status.to_string() }))
    }

    pub(crate) fn unauthorized() -> Self {
        Self::status(401, "Bad credentials", &[])
    }

    /// GitHub's second limit, with or without a word on how long.
    pub(crate) fn secondary_limit(retry_after: Option<&str>) -> Self {
        let message =
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
        let header = retry_after.map(|after| ("retry-after", after));
        Self::status(403, message, header.as_slice())
    }

    pub(crate) fn too_many(retry_after: &str) -> Self {
        Self::status(429, "Too many requests", &[("retry-after", retry_after)])
    }

    pub(crate) fn not_found() -> Self {
        Self::status(404, "Not Found", &[])
    }

    pub(crate) fn server_error() -> Self {
        Self::status(500, "Server Error", &[])
    }
}
