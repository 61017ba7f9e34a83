//! Our own section in a text that others write around. Pure.
//!
//! ```text
//! <!-- ipa:begin v=1 h=VERSION c=CHECK -->
//! our words
//! <!-- ipa:end -->
//! ```
//!
//! Ours is what stands between a begin and the end that comes next after it. A marker without its other half is a
//! person's text, like everything around, and stays as it is.

use std::ops::Range;
use std::sync::Arc;

use ipa_events::task::Change;

const BEGIN: &str = "<!-- ipa:begin v=1 h=";
const CHECK: &str = " c=";
const CLOSE: &str = " -->";
const END: &str = "<!-- ipa:end -->";
/// What every marker begins with, and how that is written where it is none.
const MARKER: (&str, &str) = ("<!-- ipa:", "&lt;!-- ipa:");

/// Writes our section into a text: where it stands, or at the end. Everything else stays, byte by byte.
///
/// `version` is what `Change::version_of` says of the section's source.
pub fn write(text: &str, rendered: &str, version: &str) -> String {
    let content = plain(rendered).replace(MARKER.0, MARKER.1);
    let section = format!("{BEGIN}{version}{CHECK}{}{CLOSE}\n{content}\n{END}", check(&content));
    let Some(found) = find(text) else {
        let gap = match text {
            "" => "",
            _ if text.ends_with("\n\n") => "",
            _ if text.ends_with('\n') => "\n",
            _ => "\n\n",
        };
        return format!("{text}{gap}{section}");
    };
    let (before, after) = (text.get(..found.whole.start), text.get(found.whole.end..));
    format!("{}{section}{}", before.unwrap_or_default(), after.unwrap_or_default())
}

/// Tells which version of our section stands in a text, or `edited` if somebody changed it; none if there is none.
pub fn read(text: &str) -> Option<Arc<str>> {
    let found = find(text)?;
    Some(if *check(&plain(found.content)) == *found.check { found.version.into() } else { "edited".into() })
}

struct Found<'a> {
    whole: Range<usize>,
    version: &'a str,
    check: &'a str,
    content: &'a str,
}

/// Finds the first begin that has an end before the next begin.
fn find(text: &str) -> Option<Found<'_>> {
    let begins = text.match_indices(BEGIN).filter_map(|(start, _)| begin(text, start));
    let mut begins = begins.peekable();
    while let Some(Begin { start, content, version, check }) = begins.next() {
        let limit = begins.peek().map_or(text.len(), |next| next.start);
        let inside = text.get(content..limit)?;
        if let Some((content, _)) = inside.split_once(END) {
            let end = limit - inside.len() + content.len() + END.len();
            return Some(Found { whole: start..end, version, check, content });
        }
    }
    None
}

struct Begin<'a> {
    start: usize,
    content: usize,
    version: &'a str,
    check: &'a str,
}

fn begin(text: &str, start: usize) -> Option<Begin<'_>> {
    let rest = text.get(start + BEGIN.len()..)?;
    let (version, rest) = word(rest)?;
    let (check, rest) = word(rest.strip_prefix(CHECK)?)?;
    let rest = rest.strip_prefix(CLOSE)?;
    Some(Begin { start, content: text.len() - rest.len(), version, check })
}

/// Splits a word of letters and digits off.
fn word(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric())?;
    text.split_at_checked(end).filter(|(word, _)| !word.is_empty())
}

/// What a section says, whatever its lines end with and however many blank ones are around.
fn plain(content: &str) -> String {
    content.replace('\r', "").trim_matches('\n').to_owned()
}

fn check(content: &str) -> Arc<str> {
    Change::version_of(content)
}

#[cfg(test)]
mod tests;
