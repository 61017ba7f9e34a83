//! Paths of the API: text of people as a part of a path or of a query, and lists that come in pages.

use std::fmt::Write as _;

use serde_json::Value;

use crate::client::Client;
use crate::failure::Failure;

/// Pages of one list at most; more is a server that goes in circles.
const MOST_PAGES: usize = 10_000;

/// Writes text so that it is one part of a path, or one value of a query, whatever it holds.
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

/// Writes a path of a workspace, its slashes kept.
pub(super) fn encode_path(path: &str) -> String {
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

/// Reads a whole list: every page of it as one.
///
/// # Errors
///
/// As [`Client::get`].
pub(super) async fn all(client: &Client, path: &str) -> Result<Value, Failure> {
    let mut whole = client.get(path).await?;
    for _ in 0..MOST_PAGES {
        let Some(after) = whole.get("next").and_then(Value::as_str).map(encode) else { break };
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut page = client.get(&format!("{path}{joint}after={after}")).await?;
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
        assert_eq!(encode("T-12.d4"), "T-12.d4");
        assert_eq!(encode("../a?b#c d/ä"), "..%2Fa%3Fb%23c%20d%2F%C3%A4");
        assert_eq!(encode_path("src/a b.rs"), "src/a%20b.rs");
    }
}
