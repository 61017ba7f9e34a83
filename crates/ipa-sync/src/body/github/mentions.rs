//! Where words would do something on GitHub: call a person, point to an issue, close one, name a ticket of a tracker,
//! become a picture. A gap in the word keeps it from that, and does not show.

/// What names of people and issues do in a text that goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mentions {
    /// Nothing: nobody is notified, nothing is linked or closed. Words look as they did.
    Neutral,
    /// What GitHub makes of them.
    AsWritten,
}

/// The places, as byte offsets in rising order, where a gap is needed. Linear.
pub(super) fn gaps(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        of_word(word, at, &mut found);
        at = at.saturating_add(word.len());
    }
    found
}

fn of_word(word: &str, at: usize, found: &mut Vec<usize>) {
    let points_to_work = word.contains("://")
        && ["/issues/", "/pull/", "/pulls/", "/discussions/", "/commit/"]
            .iter()
            .any(|part| word.contains(part));
    let bytes = word.as_bytes();
    let mut name = Name::default();
    for (n, byte) in bytes.iter().enumerate() {
        let after = bytes.get(n.saturating_add(1)..).unwrap_or_default();
        let cut = match byte {
            b'@' => !name.is_word && after.first().is_some_and(u8::is_ascii_alphanumeric),
            b'#' => after.first().is_some_and(u8::is_ascii_digit),
            b'-' => name.is_key() && after.first().is_some_and(u8::is_ascii_digit),
            b':' => points_to_work && after.starts_with(b"//") || is_emoji(after),
            _ => false,
        };
        if cut {
            found.push(at.saturating_add(n).saturating_add(1));
        }
        name = name.followed_by(*byte);
    }
}

/// What is known of the word that ends here.
#[derive(Clone, Copy, Default)]
struct Name {
    is_word: bool,
    length: usize,
    capitals: bool,
    /// `g`, then `h`, in any case.
    gh: usize,
}

impl Name {
    fn followed_by(self, byte: u8) -> Self {
        if !(byte.is_ascii_alphanumeric() || byte == b'_') {
            return Self::default();
        }
        let first = !self.is_word;
        let capital = byte.is_ascii_uppercase() || (!first && (byte.is_ascii_digit() || byte == b'_'));
        let gh = match (self.length, byte.to_ascii_lowercase()) {
            (0, b'g') => 1,
            (1, b'h') if self.gh == 1 => 2,
            _ => 0,
        };
        Self {
            is_word: true,
            length: self.length.saturating_add(1),
            capitals: capital && (first || self.capitals),
            gh,
        }
    }

    /// `ABC` of `ABC-1`, or `gh` of `gh-1`.
    const fn is_key(self) -> bool {
        (self.capitals && self.length > 1) || self.gh == 2
    }
}

/// Whether what follows a colon makes it a picture's name, as in `:tada:`.
fn is_emoji(after: &[u8]) -> bool {
    let is_name = |byte: &&u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_+-".contains(byte);
    let length = after.iter().take_while(is_name).count();
    length > 0 && after.get(length) == Some(&b':')
}
