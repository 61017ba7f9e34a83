//! A path inside a checkout. Once parsed, it cannot lead out of it by its text.

use std::fmt;
use std::str::FromStr;

use ipa_events::InvalidValue;

/// The longest path.
const MAX_LEN: usize = 4096;

/// A path relative to a checkout's root: no `..`, no `.git`, nothing absolute. The root itself is the empty path.
///
/// ```
/// use ipa_workspace::RelPath;
/// assert!("src/lib.rs".parse::<RelPath>().is_ok());
/// assert!("src/../.git/config".parse::<RelPath>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RelPath(String);

impl RelPath {
    /// Returns the text form, `/` between components; empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether this is the checkout's root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for RelPath {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let fits = |part: &str| !part.is_empty() && part != "." && part != ".." && !is_dot_git(part);
        let text_fits = !text.contains('\0') && text.len() <= MAX_LEN;
        if text_fits && (text.is_empty() || text.split('/').all(fits)) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidValue { wanted: "a path inside the workspace", text: text.chars().take(120).collect() })
    }
}

/// Tells whether some file system takes this name for `.git`, as git itself guards against: one that ignores
/// case, one that ignores some code points (HFS+), one with short names, streams and ignored ends (NTFS).
fn is_dot_git(name: &str) -> bool {
    let seen: String = name.chars().filter(|c| !is_ignored(*c)).collect();
    let seen = seen.split([':', '\\']).next().unwrap_or_default();
    let seen = seen.trim_end_matches([' ', '.']).to_ascii_lowercase();
    seen == ".git" || seen == "git~1"
}

/// Tells whether HFS+ ignores a code point in names.
const fn is_ignored(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_that_leads_out_or_into_git_is_refused() {
        for good in
            ["", "a", "a/b c", ".github/workflows", ".gitignore", "git", "...", "a/.gitx", "ä/日本", "a\\b"]
        {
            assert!(good.parse::<RelPath>().is_ok(), "{good:?}");
        }
        for wrong in [
            "/",
            "/a",
            "a/",
            "a//b",
            "..",
            "a/../b",
            "./a",
            "a\0b",
            ".git",
            "a/.git",
            ".GIT/config",
            ".Git",
            "git~1",
            "GIT~1/hooks",
            ".g\u{200c}it",
            "\u{feff}.git",
            ".git\u{202e}",
            ".git.",
            ".git ",
            ".git. .",
            ".git::$INDEX_ALLOCATION",
            ".git\\config",
        ] {
            assert!(wrong.parse::<RelPath>().is_err(), "{wrong:?}");
        }
        assert!("a".repeat(4097).parse::<RelPath>().is_err());
    }

    proptest! {
        #[test]
        fn no_text_becomes_a_path_that_leads_out(text in "[a./\u{200c}gitGIT~1\\\\]{0,12}") {
            if let Ok(path) = text.parse::<RelPath>() {
                prop_assert!(!path.as_str().starts_with('/'));
                for part in path.as_str().split('/') {
                    let seen = part.replace('\u{200c}', "");
                    prop_assert!(part != ".." && !seen.eq_ignore_ascii_case(".git"));
                }
            }
        }
    }
}
