//! Text that comes in, for people and agents: nothing in it that the page it comes from does not show. Pure; whether a
//! text is to be trusted at all is decided elsewhere.

use super::html;

/// The most characters that are taken of a text, as many as GitHub lets one have.
pub const MOST_CHARS: usize = 65_536;

/// A text from outside, cleaned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// What is left.
    pub text: String,
    /// How many comments of HTML were taken out.
    pub comments: usize,
    /// How many characters were taken out that do not show: of no width, of writing direction, of control.
    pub invisible: usize,
    /// How many characters more than [`MOST_CHARS`] were left out at the end.
    pub cut: usize,
}

impl Cleaned {
    /// Whether it said something that a person does not see.
    pub const fn hid_something(&self) -> bool {
        self.comments > 0 || self.invisible > 0
    }
}

/// Takes out what does not show, makes every line end `\n`, and leaves out what is too long. Cleaning twice is
/// cleaning once.
///
/// A comment that does not end hides all that follows it. Comments are taken out of code too.
pub fn clean(text: &str) -> Cleaned {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let visible: String = text.chars().filter(|c| !is_invisible(*c)).collect();
    let invisible = text.chars().count().saturating_sub(visible.chars().count());
    let (mut text, comments) = html::without_comments(&visible);
    let mut cut = 0;
    if let Some((at, _)) = text.char_indices().nth(MOST_CHARS) {
        cut = text.chars().count().saturating_sub(MOST_CHARS);
        text.truncate(at);
    }
    Cleaned { text, comments, invisible, cut }
}

/// Characters without width, those that turn the direction of writing, tags and selectors that carry text unseen, and
/// control characters. The two selectors between the forms of an emoji stay.
fn is_invisible(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{2800}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0d}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => true,
        c => c.is_control(),
    }
}

#[cfg(test)]
mod tests;
