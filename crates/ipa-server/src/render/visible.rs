//! Makes characters visible that would otherwise hide or reorder the text around them.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Replaces control characters (but tab and line feed), bidirectional overrides and invisible characters by their
/// code, such as `⟨U+202E⟩`: what a person approves must be what a compiler reads.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n");
    let mut shown = String::with_capacity(text.len().saturating_add(16));
    for c in text.chars() {
        if is_hidden(c) {
            // Writing to a String does not fail.
            let _ = write!(shown, "⟨U+{:04X}⟩", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

fn is_hidden(c: char) -> bool {
    let control = c.is_control() && !matches!(c, '\t' | '\n');
    control
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_reorders_text_is_shown_by_its_code() {
        assert_eq!(visible("if a\u{202e}b"), "if a⟨U+202E⟩b");
        assert_eq!(visible("a\u{200b}b\0\u{1b}[1m"), "a⟨U+200B⟩b⟨U+0000⟩⟨U+001B⟩[1m");
        assert_eq!(visible("a\u{e0041}\r"), "a⟨U+E0041⟩⟨U+000D⟩");
        assert_eq!(visible("a\r\nb"), "a\nb");
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        let text = "fn main() {\n\tprintln!(\"grüße 漢字 🦀\");\n}";
        assert!(matches!(visible(text), Cow::Borrowed(_)));
    }
}
