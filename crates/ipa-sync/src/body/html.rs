//! Comments of HTML, found in text. Nothing of one is left, also when taking one away would make another.

const BEGIN: &str = "<!--";
const END: &str = "-->";

/// Takes the comments out, and tells how many there were. One that does not end hides all that follows it. Linear;
/// what is left holds no beginning of a comment.
pub(super) fn without_comments(text: &str) -> (String, usize) {
    let mut kept = String::with_capacity(text.len());
    let mut found = 0;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        kept.push(c);
        if kept.ends_with(BEGIN) {
            kept.truncate(kept.len().saturating_sub(BEGIN.len()));
            found += 1;
            rest = after_comment(rest.as_str()).chars();
        }
    }
    (kept, found)
}

/// What follows a comment, given what follows its beginning. `<!-->` and `<!--->` are whole comments.
fn after_comment(text: &str) -> &str {
    text.strip_prefix('>')
        .or_else(|| text.strip_prefix("->"))
        .or_else(|| text.split_once(END).map(|(_, rest)| rest))
        .unwrap_or_default()
}

/// The lines that a piece of HTML shows when its tags are taken as text and its line breaks as line ends.
pub(super) fn lines(html: &str) -> Vec<String> {
    let (text, _) = without_comments(html);
    let text = text.replace("<br />", "\n").replace("<br/>", "\n").replace("<br>", "\n");
    text.split('\n').map(str::to_owned).collect()
}
