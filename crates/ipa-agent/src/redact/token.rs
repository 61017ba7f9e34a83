//! Tokens whose form tells what they are. A short list: each entry has a beginning that nothing else has.

use std::ops::Range;

/// How many bytes tell whether something is a token: the head of a JSON web token is the longest such thing.
pub(super) const REACH: usize = 2048;

/// A kind of token.
#[derive(Debug)]
pub(super) struct Token {
    starts: &'static [&'static str],
    /// What it consists of after that.
    class: Class,
    /// How long that is at least.
    least: usize,
    shape: Shape,
}

/// What else must be so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Nothing.
    Open,
    /// It does not begin within a word.
    OwnWord,
    /// The same, and it is exactly as long as its least.
    Exact,
    /// The same, and a dot and another such part follow.
    Web,
    /// It goes on over lines.
    Key,
}

/// Kinds of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Alnum,
    /// Those of base64 for URLs.
    Word,
    /// The same, and dots.
    Dotted,
    /// Those of base64, and line ends as they are written in JSON.
    Key,
}

const TOKENS: &[Token] = &[
    // Anthropic, OpenAI.
    Token { starts: &["sk-ant-", "sk-proj-"], class: Class::Word, least: 16, shape: Shape::Open },
    // GitHub, GitLab, npm.
    Token {
        starts: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        class: Class::Alnum,
        least: 36,
        shape: Shape::Open,
    },
    Token { starts: &["github_pat_"], class: Class::Word, least: 22, shape: Shape::Open },
    Token { starts: &["glpat-"], class: Class::Word, least: 20, shape: Shape::Open },
    Token { starts: &["npm_"], class: Class::Alnum, least: 36, shape: Shape::OwnWord },
    // Slack.
    Token {
        starts: &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-"],
        class: Class::Word,
        least: 16,
        shape: Shape::Open,
    },
    // Amazon, Google, Stripe.
    Token { starts: &["AKIA", "ASIA"], class: Class::Alnum, least: 16, shape: Shape::Exact },
    Token { starts: &["AIza"], class: Class::Word, least: 35, shape: Shape::OwnWord },
    Token { starts: &["sk_live_", "rk_live_"], class: Class::Alnum, least: 16, shape: Shape::Open },
    // JSON web tokens, private keys.
    Token { starts: &["eyJ"], class: Class::Word, least: 8, shape: Shape::Web },
    Token {
        starts: &[
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----",
            "-----BEGIN EC PRIVATE KEY-----",
            "-----BEGIN DSA PRIVATE KEY-----",
            "-----BEGIN OPENSSH PRIVATE KEY-----",
        ],
        class: Class::Key,
        least: 0,
        shape: Shape::Key,
    },
];

/// Lists what tokens begin with.
pub(super) fn starts() -> impl Iterator<Item = (&'static str, &'static Token)> {
    TOKENS.iter().flat_map(|token| token.starts.iter().map(move |start| (*start, token)))
}

/// What is certain of a token that was found.
pub(super) struct Sure {
    /// What is to be taken away of what was seen so far.
    pub(super) at: Range<usize>,
    /// It may go on.
    pub(super) run: Option<Run>,
}

impl Token {
    /// Tells whether what begins like this token is one.
    pub(super) fn confirm(&self, bytes: &[u8], start: Range<usize>) -> Option<Sure> {
        let body = start.end;
        let length = |class: Class, from: usize, most: usize| {
            bytes.iter().skip(from).take(most).take_while(|byte| class.has(**byte)).count()
        };
        if self.shape != Shape::Open && self.shape != Shape::Key && !begins_a_word(bytes, start.start) {
            return None;
        }
        let goes_on = |class, from| Some(Sure { at: start.start..from, run: Some(Run { class, from }) });
        match self.shape {
            // The words around a private key are no secret.
            Shape::Key => Some(Sure { at: body..body, run: Some(Run { class: self.class, from: body }) }),
            Shape::Open | Shape::OwnWord => {
                (length(self.class, body, self.least) == self.least).then_some(())?;
                goes_on(self.class, body + self.least)
            }
            Shape::Exact => {
                let end = body + self.least;
                let found = bytes.get(body..end)?;
                let fits = found.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
                let ends = bytes.get(end).is_none_or(|byte| !Class::Alnum.has(*byte));
                (fits && ends).then_some(Sure { at: start.start..end, run: None })
            }
            Shape::Web => {
                let head = length(self.class, body, REACH / 2);
                let next = body + head;
                let rest = bytes.get(next..)?.strip_prefix(b".eyJ")?;
                let fits = rest.iter().take(self.least).filter(|byte| self.class.has(**byte)).count();
                (head >= self.least && fits == self.least).then_some(())?;
                goes_on(Class::Dotted, next + 4 + self.least)
            }
        }
    }
}

/// Tells whether no word goes on here: the letter of an escape belongs to no word.
fn begins_a_word(bytes: &[u8], at: usize) -> bool {
    match bytes.get(..at).unwrap_or_default() {
        [] | [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => true,
        [.., before] => !Class::Alnum.has(*before) && *before != b'_',
    }
}

impl Class {
    const fn has(self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric()
            || match self {
                Self::Alnum => false,
                Self::Word => matches!(byte, b'_' | b'-'),
                Self::Dotted => matches!(byte, b'_' | b'-' | b'.'),
                Self::Key => matches!(byte, b'+' | b'/' | b'=' | b'\r'),
            }
    }
}

/// A token that goes on for as long as its kind of characters does.
pub(super) struct Run {
    class: Class,
    /// Up to where it was followed.
    from: usize,
}

impl Run {
    /// Follows it up to `end`, if it goes on; tells whether it may go on after that.
    pub(super) fn follow(&mut self, bytes: &[u8], end: usize, spans: &mut Vec<Range<usize>>) -> bool {
        let mut at = self.from;
        while at < end {
            let rest = bytes.get(at..).unwrap_or_default();
            let step = match rest {
                [byte, ..] if self.class.has(*byte) => 1,
                // A key goes on in the next line; the line ends all the same.
                [b'\n', ..] if self.class == Class::Key => {
                    add(spans, self.from..at);
                    self.from = at + 1;
                    1
                }
                [b'\\', ..] if self.class == Class::Key => line_end(rest),
                _ => 0,
            };
            if step == 0 {
                add(spans, self.from..at);
                return false;
            }
            at += step;
        }
        add(spans, self.from..at);
        self.from = at.max(self.from);
        true
    }

    /// Forgets the first bytes, which are given out.
    pub(super) const fn shift(&mut self, gone: usize) {
        self.from -= gone;
    }
}

fn add(spans: &mut Vec<Range<usize>>, span: Range<usize>) {
    if !span.is_empty() {
        spans.push(span);
    }
}

/// Returns how long a line end is that is written as an escape, in JSON or in JSON inside of JSON; 0 if it is none.
fn line_end(bytes: &[u8]) -> usize {
    let backslashes = bytes.iter().take(4).take_while(|byte| **byte == b'\\').count();
    match bytes.get(backslashes) {
        Some(b'n' | b'r') => backslashes + 1,
        Some(_) | None => 0,
    }
}
