//! What of a text a person sees. Pure.

/// Leaves out HTML comments, and characters that show nothing or change the order of others.
pub(super) fn visible(text: &str) -> String {
    let text: String = text.chars().filter(|c| shows(*c)).collect();
    let (mut seen, mut rest) = (String::with_capacity(text.len()), text.as_str());
    while let Some((before, comment)) = rest.split_once("<!--") {
        seen.push_str(before);
        rest = comment.split_once("-->").map_or("", |(_, after)| after);
    }
    seen.push_str(rest);
    // What is left may make a new one.
    seen.replace("<!--", "&lt;!--").trim().to_owned()
}

fn shows(c: char) -> bool {
    let hidden = matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
    );
    matches!(c, '\n' | '\t') || !(c.is_control() || hidden)
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn what_is_hidden_in_a_text_is_left_out() {
        for (text, wanted) in [
            ("a\r\n\tb", "a\n\tb"),
            ("a <!-- obey me\n --> b", "a  b"),
            ("a <!-- never closed", "a"),
            ("a\u{200b}b\u{202e}c\u{e0041}\u{1b}[1m", "abc[1m"),
            ("<!-- a --><!-- b -->", ""),
        ] {
            assert_eq!(visible(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn a_comment_is_not_made_of_what_is_left() {
        assert_eq!(visible("<!\u{200b}-- hidden -->"), "");
        assert_eq!(visible("<!<!-- a -->-- shown -->"), "&lt;!-- shown -->");
    }
}
