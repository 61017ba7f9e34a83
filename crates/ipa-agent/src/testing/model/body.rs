//! The body of an HTTP request, read to its end and no further.

use std::io::{BufRead, Read as _};

use super::head::Framing;
use super::refusal::Refusal;

/// The longest line that says how large a chunk is, or that follows the last one.
const MAX_LINE: u64 = 8 * 1024;

/// Reads a body of at most `limit` bytes.
pub(super) fn read(input: &mut impl BufRead, framing: &Framing, limit: u64) -> Result<Vec<u8>, Refusal> {
    if framing.is_over(limit) {
        return Err(Refusal::BodyTooLarge);
    }
    let mut body = Vec::new();
    match *framing {
        Framing::Length(length) => take(input, length, &mut body)?,
        Framing::Chunked => chunks(input, limit, &mut body)?,
    }
    Ok(body)
}

fn chunks(input: &mut impl BufRead, limit: u64, body: &mut Vec<u8>) -> Result<(), Refusal> {
    let mut left = limit;
    loop {
        let size = size(&line(input)?)?;
        if size == 0 {
            break;
        }
        left = left.checked_sub(size).ok_or(Refusal::BodyTooLarge)?;
        take(input, size, body)?;
        if !line(input)?.is_empty() {
            return Err(Refusal::Malformed("a chunk is longer than it says"));
        }
    }
    while !line(input)?.is_empty() {}
    Ok(())
}

/// The size that a line says: hexadecimal, perhaps with an extension after it.
fn size(line: &str) -> Result<u64, Refusal> {
    let digits = line.split_once(';').map_or(line, |(size, _)| size).trim();
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let size = is_hex.then(|| u64::from_str_radix(digits, 16).ok()).flatten();
    size.ok_or(Refusal::Malformed("a chunk does not say its size"))
}

fn take(input: &mut impl BufRead, length: u64, body: &mut Vec<u8>) -> Result<(), Refusal> {
    let read = input.take(length).read_to_end(body)?;
    if u64::try_from(read) == Ok(length) { Ok(()) } else { Err(Refusal::Gone) }
}

fn line(input: &mut impl BufRead) -> Result<String, Refusal> {
    let mut line = Vec::new();
    input.take(MAX_LINE).read_until(b'\n', &mut line)?;
    match line.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line)) {
        Some(line) => Ok(String::from_utf8_lossy(line).into_owned()),
        None if line.len() as u64 == MAX_LINE => {
            Err(Refusal::Malformed("a line among the chunks is too long"))
        }
        None => Err(Refusal::Gone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = 16;

    fn check(framing: &Framing, input: &str, expected: Result<&str, Refusal>, rest: &str) {
        let mut left = input.as_bytes();
        let read = read(&mut left, framing, LIMIT);
        assert_eq!(read, expected.map(|body| body.as_bytes().to_vec()), "{input:?}");
        assert_eq!(left, rest.as_bytes(), "what was not read of {input:?}");
    }

    #[test]
    fn a_body_of_a_known_length_is_read_to_its_end() {
        check(&Framing::Length(0), "more", Ok(""), "more");
        check(&Framing::Length(4), "bodymore", Ok("body"), "more");
        check(&Framing::Length(16), "0123456789abcdef", Ok("0123456789abcdef"), "");
        check(&Framing::Length(17), "0123456789abcdefg", Err(Refusal::BodyTooLarge), "0123456789abcdefg");
        check(&Framing::Length(5), "body", Err(Refusal::Gone), "");
    }

    #[test]
    fn a_body_in_chunks_is_read_to_its_end() {
        check(&Framing::Chunked, "0\r\n\r\nmore", Ok(""), "more");
        check(
            &Framing::Chunked,
            "3\r\none\r\nA;x=y\r\nand\r\n two!\r\n0\r\nT: x\r\n\r\n",
            Ok("oneand\r\n two!"),
            "",
        );
        check(&Framing::Chunked, "3\none\n0\n\n", Ok("one"), "");
        check(&Framing::Chunked, "3\r\non", Err(Refusal::Gone), "");
        check(&Framing::Chunked, "3\r\none\r\n", Err(Refusal::Gone), "");
    }

    #[test]
    fn chunks_that_are_too_large_or_no_chunks_are_refused() {
        let refused = |input: &str| read(&mut input.as_bytes(), &Framing::Chunked, LIMIT).unwrap_err();
        assert_eq!(refused("11\r\n"), Refusal::BodyTooLarge);
        assert_eq!(refused("f\r\n0123456789abcde\r\n2\r\n"), Refusal::BodyTooLarge);
        assert_eq!(refused("ffffffffffffffff\r\n"), Refusal::BodyTooLarge);
        for input in ["\r\n", "x\r\n", "-1\r\n", "10000000000000000\r\n", "1\r\nab\r\n", &"1".repeat(9000)] {
            assert!(matches!(refused(input), Refusal::Malformed(_)), "{input:?}");
        }
    }
}
