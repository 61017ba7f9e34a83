//! Takes control sequences out of text that an agent, a repository or a stranger wrote. Pure.

/// Returns text without what a terminal would obey: escape sequences, control characters but line breaks and
/// tabs, and what turns the direction of writing.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.peek() {
                Some('[') => {
                    chars.next();
                    skip_until(&mut chars, |c| ('\u{40}'..='\u{7e}').contains(&c));
                }
                Some(']' | 'P' | 'X' | '^' | '_') => {
                    skip_until(&mut chars, |c| matches!(c, '\u{7}' | '\u{9c}' | '\\'));
                }
                Some(_) => drop(chars.next()),
                None => {}
            },
            '\u{9b}' => skip_until(&mut chars, |c| ('\u{40}'..='\u{7e}').contains(&c)),
            '\n' | '\t' => out.push(c),
            '\r' => {}
            c if c.is_control() || turns(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Drops characters up to and with the one that ends the sequence; a line break ends it too.
fn skip_until(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, ends: impl Fn(char) -> bool) {
    while let Some(c) = chars.next_if(|c| *c != '\n') {
        if ends(c) {
            return;
        }
    }
}

const fn turns(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_loses_what_a_terminal_would_obey() {
        let cases = [
            ("plain ä\ttext\n", "plain ä\ttext\n"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;title\u{7}after", "after"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("a\u{9b}2Jb", "ab"),
            ("a\u{8}b\u{202e}c\u{7}", "a\u{fffd}b\u{fffd}c\u{fffd}"),
            ("over\rwritten\r\n", "overwritten\n"),
            ("\u{1b}", ""),
            ("\u{1b}]never ends\nnext", "\nnext"),
        ];
        for (hostile, shown) in cases {
            assert_eq!(plain(hostile), shown, "{hostile:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_keeps_a_control_character(text in ".*") {
            let shown = plain(&text);
            proptest::prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
        }
    }
}
