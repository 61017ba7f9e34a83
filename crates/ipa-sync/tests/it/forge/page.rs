//! What GitHub does to every answer of a read: pages, and "not modified" for who has seen it already.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::call::{Answer, Call};

/// Cuts the asked page out of a list, bare or in an object, and links the pages around it.
pub(crate) fn paginate(answer: &mut Answer, call: &Call, url: &str) {
    let number =
        |name: &str, default: usize| call.query(name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (size, page) = (number("per_page", 30).clamp(1, 100), number("page", 1).max(1));
    let Some(list) = list_in(&mut answer.body) else { return };
    let last = list.len().div_ceil(size).max(1);
    *list = list.iter().skip((page - 1) * size).take(size).cloned().collect();
    let link = |page: usize, rel: &str| {
        let others = call.query.iter().filter(|(name, _)| *name != "page");
        let mut query: Vec<String> =
            others.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        query.push(format!("page={page}"));
        format!("<{url}?{}>; rel=\"{rel}\"", query.join("&"))
    };
    let mut links = Vec::new();
    if page > 1 {
        links.extend([link(page - 1, "prev"), link(1, "first")]);
    }
    if page < last {
        links.extend([link(page + 1, "next"), link(last, "last")]);
    }
    if !links.is_empty() {
        answer.headers.push(("link".to_owned(), links.join(", ")));
    }
}

fn list_in(body: &mut Value) -> Option<&mut Vec<Value>> {
    match body {
        Value::Array(list) => Some(list),
        Value::Object(fields) => fields.values_mut().find_map(Value::as_array_mut),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn encoded(value: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    value.bytes().map(one).collect()
}

/// The tag of a body.
pub(crate) fn etag(body: &Value) -> String {
    let digest = Sha256::digest(body.to_string());
    let hex: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{}\"", hex.concat())
}

/// Whether a request's tags name what the answer would be.
pub(crate) fn is_seen(tags: Option<&str>, etag: &str) -> bool {
    let plain = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    tags.is_some_and(|tags| tags.split(',').any(|tag| plain(tag) == plain(etag)))
}
