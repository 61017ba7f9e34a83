//! Cuts a stream of bytes into lines, in constant memory: a line that is too long comes in chunks.

/// The most bytes of a line in one piece.
pub(crate) const CHUNK: usize = 64 * 1024;

/// Whether a piece ends its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The line is complete.
    Last,
    /// The line goes on in the next piece.
    More,
}

/// What has been read of a line that is not complete.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    held: Vec<u8>,
    goes_on: bool,
}

impl Lines {
    /// Takes bytes in, and hands out what they complete; without its line feed.
    pub(crate) fn feed(&mut self, bytes: &[u8], mut emit: impl FnMut(&[u8], Piece)) {
        let mut rest = bytes;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(at);
            rest = after.get(1..).unwrap_or_default();
            if self.held.is_empty() && line.len() <= CHUNK {
                emit(line, Piece::Last);
            } else {
                self.hold(line, &mut emit);
                emit(&self.held, Piece::Last);
                self.held.clear();
            }
            self.goes_on = false;
        }
        self.hold(rest, &mut emit);
    }

    /// Hands out what is left of a line that was never completed.
    pub(crate) fn end(&mut self, mut emit: impl FnMut(&[u8], Piece)) {
        if !self.held.is_empty() || self.goes_on {
            emit(&self.held, Piece::Last);
        }
        self.held.clear();
        self.goes_on = false;
    }

    fn hold(&mut self, bytes: &[u8], emit: &mut impl FnMut(&[u8], Piece)) {
        self.held.extend_from_slice(bytes);
        let mut done = 0;
        while let Some(chunk) = self.held.get(done..done + CHUNK).filter(|_| self.held.len() > done + CHUNK) {
            let chunk = whole_characters(chunk);
            emit(chunk, Piece::More);
            self.goes_on = true;
            done += chunk.len();
        }
        self.held.drain(..done);
    }
}

/// Leaves a character that is cut at the end for the next piece.
fn whole_characters(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => {
            bytes.get(..error.valid_up_to()).unwrap_or(bytes)
        }
        Ok(_) | Err(_) => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<(Vec<u8>, Piece)> {
        let mut lines = Lines::default();
        let mut out = Vec::new();
        for piece in pieces {
            lines.feed(piece, |bytes, more| out.push((bytes.to_vec(), more)));
        }
        lines.end(|bytes, more| out.push((bytes.to_vec(), more)));
        out
    }

    /// Joins the pieces of each line again.
    fn joined(pieces: &[(Vec<u8>, Piece)]) -> Vec<Vec<u8>> {
        let mut lines = vec![Vec::new()];
        for (bytes, piece) in pieces {
            lines.last_mut().unwrap().extend_from_slice(bytes);
            if *piece == Piece::Last {
                lines.push(Vec::new());
            }
        }
        lines.pop();
        lines
    }

    proptest! {
        #[test]
        fn lines_are_the_same_whatever_the_read_sizes(
            bytes in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..300),
            step in 1_usize..40,
        ) {
            prop_assert_eq!(cut(bytes.chunks(step)), cut([&bytes[..]]));
        }
    }

    #[test]
    fn a_giant_line_comes_in_chunks_that_do_not_cut_a_character() {
        let line = "ä".repeat(CHUNK) + "\nshort\n";
        let pieces = cut(line.as_bytes().chunks(1000));
        assert!(pieces.iter().all(|(bytes, _)| bytes.len() <= CHUNK && std::str::from_utf8(bytes).is_ok()));
        assert_eq!(joined(&pieces), ["ä".repeat(CHUNK).into_bytes(), b"short".to_vec()]);
    }

    #[test]
    fn a_line_that_was_cut_off_is_not_lost() {
        assert_eq!(cut([&b"a\nb"[..]]), [(b"a".to_vec(), Piece::Last), (b"b".to_vec(), Piece::Last)]);
        assert_eq!(cut([&b"\n"[..]]), [(Vec::new(), Piece::Last)]);
    }
}
