//! Where a link leads, checked.

use std::sync::Arc;

/// Every piece of a link's words carries its address, so it may not be long.
const MOST_CHARS: usize = 2_048;

/// A web or mail address that may go out: `http`, `https` or `mailto`, and no character that could end it in any of
/// the three written forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link(Arc<str>);

impl Link {
    /// Takes an address; none when it leads elsewhere than to the web or to mail, or nowhere, or has more than 2,048
    /// characters. What must not stand in an address is percent-encoded.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (scheme, rest) = text.split_once(':')?;
        let scheme = scheme.to_ascii_lowercase();
        let rest = match scheme.as_str() {
            "http" | "https" => rest.strip_prefix("//").filter(|rest| !rest.is_empty()).map(|_| rest)?,
            "mailto" if !rest.is_empty() => rest,
            _ => return None,
        };
        let mut address = format!("{scheme}:");
        rest.chars().for_each(|c| push(&mut address, c));
        (address.chars().count() <= MOST_CHARS).then(|| Self(address.into()))
    }

    /// Whether a character may stand in an address as it is.
    pub(super) fn may_hold(c: char) -> bool {
        c.is_alphanumeric() || "-._~:/?#@!$&'()*+,;=%".contains(c)
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn push(address: &mut String, c: char) {
    if Link::may_hold(c) {
        return address.push(c);
    }
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        address.push('%');
        address.extend(
            [byte >> 4, byte & 15]
                .into_iter()
                .filter_map(|n| char::from_digit(n.into(), 16))
                .map(|c| c.to_ascii_uppercase()),
        );
    }
}
