//! Paths of the API: text of people as a part of a path or of a query, and lists that come in pages.

use std::fmt::Write as _;

use serde_json::Value;

use crate::client::Client;
use crate::failure::Failure;

/// Pages of one list at most; more is a server that goes in circles.
const MOST_PAGES: usize = 10_000;

/// As many of a list as a page may hold.
const PAGE: usize = 1_000;

/// Writes text so that it is one part of a path, whatever it holds.
///
/// # Errors
///
/// [`Failure::Usage`] for a text that would be another path: `.`, `..` and nothing.
pub(super) fn part(text: &str) -> Result<String, Failure> {
    if matches!(text, "" | "." | "..") {
        return Err(Failure::Usage {
            message: format!("{text:?} names nothing"),
            help: "`ipa ls` lists all tasks; a path in a workspace has no `.` and no `..`".to_owned(),
        });
    }
    Ok(encode(text))
}

/// Writes text so that it is one value of a query, whatever it holds.
pub(super) fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").ok();
        }
        encoded
    })
}

/// Writes a path of a workspace, its slashes kept; nothing is the workspace itself.
///
/// # Errors
///
/// [`Failure::Usage`] as [`part`].
pub(super) fn encode_path(path: &str) -> Result<String, Failure> {
    if path.is_empty() {
        return Ok(String::new());
    }
    let parts: Result<Vec<_>, _> = path.split('/').map(part).collect();
    Ok(parts?.join("/"))
}

/// Reads a whole list: every page of it as one.
///
/// # Errors
///
/// As [`Client::get`].
pub(super) async fn all(client: &Client, path: &str) -> Result<Value, Failure> {
    all_after(client, path, None).await
}

/// As [`all`], from a cursor on.
///
/// # Errors
///
/// As [`Client::get`].
pub(super) async fn all_after(client: &Client, path: &str, first: Option<&str>) -> Result<Value, Failure> {
    let joint = if path.contains('?') { '&' } else { '?' };
    let path = format!("{path}{joint}limit={PAGE}");
    let mut whole = match first {
        None => client.get(&path).await?,
        Some(first) => client.get(&format!("{path}&after={}", encode(first))).await?,
    };
    for _ in 0..MOST_PAGES {
        let Some(after) = whole.get("next").and_then(Value::as_str).map(encode) else { break };
        let mut page = client.get(&format!("{path}&after={after}")).await?;
        let more = page.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take);
        if let (Some(items), Some(more)) = (whole.get_mut("items").and_then(Value::as_array_mut), more) {
            items.extend(more);
        }
        let next = page.get_mut("next").map_or(Value::Null, Value::take);
        if let Some(whole) = whole.as_object_mut() {
            whole.insert("next".to_owned(), next);
        }
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_types_stays_one_part_of_a_path() {
        assert_eq!(part("T-12.d4").unwrap(), "T-12.d4");
        assert_eq!(part("../a?b#c d/ä").unwrap(), "..%2Fa%3Fb%23c%20d%2F%C3%A4");
        assert_eq!(encode_path("src/a b.rs").unwrap(), "src/a%20b.rs");
        assert_eq!(encode_path("").unwrap(), "");
        for other in ["", ".", ".."] {
            assert!(matches!(part(other), Err(Failure::Usage { .. })), "{other}");
        }
        for other in ["../x", "a/../b", "a/./b", "a//b", "/a"] {
            assert!(matches!(encode_path(other), Err(Failure::Usage { .. })), "{other}");
        }
    }
}
