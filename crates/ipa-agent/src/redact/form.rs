//! The forms in which programs print a secret: as it is, in JSON, in a URL, in base64.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// The widths at which programs break lines of base64: MIME and coreutils, PEM.
const WIDTHS: [usize; 2] = [76, 64];

/// A last line of base64 that is shorter than this could be anything.
const LEAST: usize = 16;

/// Lists the forms of a secret.
pub(super) fn forms(secret: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut forms = BTreeSet::from([secret.to_vec()]);
    if let Ok(text) = std::str::from_utf8(secret) {
        let once = escaped(text);
        forms.extend([escaped(&once), ascii(&once), once.replace('/', r"\/"), once].map(String::into_bytes));
    }
    forms.extend(in_urls(secret));
    for code in in_base64(secret) {
        forms.insert(code.replace('/', r"\/").into_bytes());
        forms.extend(in_urls(code.as_bytes()));
        forms.insert(code.into_bytes());
    }
    // A line is looked at by itself.
    forms.into_iter().filter(|form| !form.contains(&b'\n')).map(without_half_an_escape).collect()
}

/// Returns what stands between the quotes of a JSON string.
fn escaped(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

/// Writes what is no ASCII as escapes of JSON.
fn ascii(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String does not fail.
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    ascii
}

/// Lists how the usual encoders of URLs write this: they differ in what they keep, in a space, in case.
fn in_urls(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let unreserved: &[u8] = b"-_.~";
    [unreserved, b"-_.~/", b"-_.!~*'()", b"-_.*"].into_iter().flat_map(move |kept| {
        [percent(bytes, kept, "%20"), percent(bytes, kept, "+")]
            .into_iter()
            .flat_map(|code| [lower(&code), code].map(String::into_bytes))
    })
}

fn percent(bytes: &[u8], kept: &[u8], space: &str) -> String {
    let write = |byte: &u8| match byte {
        b' ' => space.to_owned(),
        byte if byte.is_ascii_alphanumeric() || kept.contains(byte) => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    bytes.iter().map(write).collect()
}

/// Writes the digits after each percent sign in lower case.
fn lower(code: &str) -> String {
    let mut left = 0;
    let write = |c: char| {
        let digit = left > 0;
        left = if c == '%' { 2 } else { i32::max(left - 1, 0) };
        if digit { c.to_ascii_lowercase() } else { c }
    };
    code.chars().map(write).collect()
}

/// Lists what of base64 is this secret's alone, whatever stands before and after it, and wherever its lines are
/// broken when nothing stands before it.
fn in_base64(secret: &[u8]) -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for before in 0..3 {
        let padded: Vec<u8> = std::iter::repeat_n(0, before).chain(secret.iter().copied()).collect();
        let (from, to) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        for code in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            // The second, when nothing stands after it.
            codes.extend([code.get(from..to), code.get(from..)].into_iter().flatten().map(str::to_owned));
        }
    }
    let whole = STANDARD_NO_PAD.encode(secret);
    for width in WIDTHS.into_iter().filter(|width| whole.len() > *width) {
        let lines = whole.as_bytes().chunks(width).filter(|line| line.len() >= LEAST);
        codes.extend(lines.map(|line| String::from_utf8_lossy(line).into_owned()));
    }
    codes
}

/// Leaves a backslash at the end that may escape what comes after it.
fn without_half_an_escape(mut form: Vec<u8>) -> Vec<u8> {
    if form.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1 {
        form.pop();
    }
    form
}
