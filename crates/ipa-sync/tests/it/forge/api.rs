//! The endpoints, one file per resource: from the world and a call to an answer. They know no sockets.

pub(crate) mod actions;
pub(crate) mod apps;
pub(crate) mod checks;
pub(crate) mod comments;
pub(crate) mod hooks;
pub(crate) mod issues;
pub(crate) mod labels;
pub(crate) mod merge;
pub(crate) mod notes;
pub(crate) mod pulls;
pub(crate) mod refs;
pub(crate) mod reviewers;
pub(crate) mod reviews;
pub(crate) mod statuses;
pub(crate) mod user;

use super::call::{Answer, Call};

/// The most that a body may have.
const LONGEST: usize = 65_536;

/// A body that is there and not too long.
fn body_of(call: &Call, resource: &str) -> Result<String, Answer> {
    let body = call.text("body").unwrap_or_default();
    if body.trim().is_empty() {
        return Err(Answer::invalid_field(resource, "body", "missing_field"));
    }
    not_too_long(body, resource)?;
    Ok(body.to_owned())
}

fn not_too_long(body: &str, resource: &str) -> Result<(), Answer> {
    if body.chars().count() > LONGEST {
        return Err(Answer::refused(resource, "body is too long (maximum is 65536 characters)"));
    }
    Ok(())
}

/// Puts a list in the order that the call asks for.
fn ordered<T, K: Ord>(call: &Call, list: &mut [T], created: impl Fn(&T) -> K, updated: impl Fn(&T) -> K) {
    match call.query("sort") {
        Some("updated") => list.sort_by_key(updated),
        _ => list.sort_by_key(created),
    }
    if call.query("direction") == Some("desc") {
        list.reverse();
    }
}

/// Whether something that changed then is asked for; a time that cannot be read asks for all.
fn is_since(call: &Call, changed: jiff::Timestamp) -> bool {
    let since = call.query("since").and_then(|since| since.parse::<jiff::Timestamp>().ok());
    since.is_none_or(|since| changed >= since)
}
