//! Finds many texts at once, wherever they begin and also inside of each other.
//!
//! Nearly no pair of bytes begins a secret: one look at a table of bits rules a position out.

use std::collections::BTreeMap;
use std::ops::Range;

use super::token::{self, Token};

/// How many pairs of bytes there are, by 64.
const WORDS: usize = 65536 / 64;

/// Texts that are looked for, by the pair of bytes that they begin with.
pub(super) struct Search {
    pairs: Box<[u64]>,
    by_pair: BTreeMap<u16, Vec<(Vec<u8>, Known)>>,
    reach: usize,
}

/// What was found.
pub(super) struct Found {
    pub(super) at: Range<usize>,
    pub(super) known: Known,
}

/// What a text is, once it is found.
#[derive(Debug, Clone, Copy)]
pub(super) enum Known {
    /// A secret.
    Secret,
    /// What a token of this kind begins with.
    Token(&'static Token),
}

impl Search {
    /// Looks for these forms of secrets, and for tokens.
    pub(super) fn of(forms: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let secrets = forms.into_iter().map(|form| (form, Known::Secret));
        let tokens = token::starts().map(|(start, token)| (start.as_bytes().to_vec(), Known::Token(token)));
        let mut search = Self { pairs: vec![0; WORDS].into(), by_pair: BTreeMap::new(), reach: token::REACH };
        for (text, known) in secrets.chain(tokens) {
            let Some(pair) = text.first_chunk().copied().map(u16::from_le_bytes) else { continue };
            if let Some(word) = search.pairs.get_mut(usize::from(pair / 64)) {
                *word |= 1 << (pair % 64);
            }
            search.reach = search.reach.max(text.len());
            search.by_pair.entry(pair).or_default().push((text, known));
        }
        search
    }

    /// Returns how many bytes must be known to tell what begins at the first of them.
    pub(super) const fn reach(&self) -> usize {
        self.reach
    }

    /// Tells whether anything is found; what is not need not be looked at closely.
    pub(super) fn finds(&self, bytes: &[u8]) -> bool {
        self.within(bytes, 0..bytes.len()).next().is_some()
    }

    /// Finds what begins in a part of these bytes.
    pub(super) fn within<'a>(
        &'a self,
        bytes: &'a [u8],
        begins: Range<usize>,
    ) -> impl Iterator<Item = Found> + use<'a> {
        let from = begins.start;
        let part = bytes.get(from..(begins.end + 1).min(bytes.len())).unwrap_or_default();
        let pairs = part.windows(2).enumerate().filter_map(move |(at, pair)| {
            let pair = u16::from_le_bytes(*pair.first_chunk()?);
            let word = self.pairs.get(usize::from(pair / 64))?;
            (word >> (pair % 64) & 1 == 1).then_some((from + at, pair))
        });
        pairs.flat_map(move |(at, pair)| {
            let rest = bytes.get(at..).unwrap_or_default();
            let texts = self.by_pair.get(&pair).map(Vec::as_slice).unwrap_or_default();
            let begin = texts.iter().filter(move |(text, _)| rest.starts_with(text));
            begin.map(move |(text, known)| Found { at: at..at + text.len(), known: *known })
        })
    }
}

#[cfg(test)]
impl Search {
    /// Holds back no more than the texts that are looked for need.
    pub(super) fn shorten(&mut self) {
        self.reach =
            self.by_pair.values().flatten().map(|(text, _)| text.len()).max().unwrap_or_default().max(700);
    }
}
