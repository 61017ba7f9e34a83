//! Paths of URLs: what they name.

use std::collections::BTreeMap;

/// What a path names, if it is of this form: `/issues/{number}`.
pub(crate) fn params(template: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut rest: Vec<&str> = path.trim_matches('/').split('/').collect();
    let wanted: Vec<&str> = template.trim_matches('/').split('/').collect();
    // A branch at the end has slashes of its own.
    let is_open = wanted.last() == Some(&"{ref}") && rest.len() > wanted.len();
    let joined = if is_open { rest.split_off(wanted.len() - 1).join("/") } else { String::new() };
    if is_open {
        rest.push(&joined);
    }
    if rest.len() != wanted.len() {
        return None;
    }
    for (wanted, part) in wanted.into_iter().zip(rest) {
        match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => {
                found.insert(name.to_owned(), decoded(part));
            }
            None if wanted == part => {}
            None => return None,
        }
    }
    Some(found)
}

/// A part of a URL without its percent signs.
pub(crate) fn decoded(part: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = part.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
