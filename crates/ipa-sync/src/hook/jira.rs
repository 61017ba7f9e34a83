//! What a webhook of Jira is about.
//!
//! Of its many kinds of event those count that name an issue; of a moved issue both its keys. Data Center leaves the
//! issue out of some about comments: then something moved, and it is not said what.

use serde::Deserialize;

use super::{Hint, Named};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    #[serde(rename = "webhookEvent")]
    kind: Option<String>,
    issue: Option<Issue>,
    changelog: Option<Changelog>,
}

#[derive(Deserialize)]
struct Issue {
    key: Option<String>,
}

#[derive(Deserialize)]
struct Changelog {
    items: Option<Vec<Option<Item>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Item {
    field: Option<String>,
    #[serde(rename = "fromString")]
    from: Option<String>,
    #[serde(rename = "toString")]
    to: Option<String>,
}

/// Reads what to look at because of a webhook.
pub(super) fn hint(body: &[u8]) -> Hint {
    // An array would pass as the fields in their order.
    let body = Some(body).filter(|body| body.trim_ascii_start().first() == Some(&b'{'));
    let body: Option<Body> = body.and_then(|body| serde_json::from_slice(body).ok());
    body.and_then(named).map_or(Hint::Everything, Hint::Named)
}

/// Names what a body is about; none when it is about something that it does not name.
fn named(body: Body) -> Option<Named> {
    let is_remark = body.kind.is_some_and(|kind| kind.starts_with("comment_"));
    let Some(issue) = body.issue else {
        return if is_remark { None } else { Some(Named::default()) };
    };
    let moves = body.changelog.and_then(|log| log.items).into_iter().flatten().flatten();
    let moves =
        moves.filter(|item| item.field.as_deref().is_some_and(|field| field.eq_ignore_ascii_case("key")));
    let former = moves.flat_map(|item| [item.from, item.to]).flatten();
    let things =
        std::iter::once(issue.key?).chain(former).map(|key| key.parse().ok()).collect::<Option<_>>()?;
    Some(Named { things, ..Named::default() })
}

#[cfg(test)]
mod tests;
