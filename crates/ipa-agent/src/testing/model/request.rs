//! One HTTP request, read from a connection.

use std::io::{BufRead, Read as _, Write};

use super::body;
use super::head::Head;
use super::refusal::Refusal;

/// The longest head that is read, in bytes.
const MAX_HEAD: u64 = 64 * 1024;

/// The largest body that is read, in bytes.
const MAX_BODY: u64 = 64 * 1024 * 1024;

/// A request that was read to its end.
pub(super) struct Request {
    pub(super) head: Head,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// Reads a request; a client that waits to be told to send its body is told on `output`.
    pub(super) fn read(input: &mut impl BufRead, mut output: impl Write) -> Result<Self, Refusal> {
        let head = Head::parse(&read_head(input)?)?;
        let framing = head.framing()?;
        if head.expects_continue() && !framing.is_over(MAX_BODY) {
            output.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let body = body::read(input, &framing, MAX_BODY)?;
        Ok(Self { head, body })
    }
}

/// Reads up to the first empty line. What ends earlier is handed on as it is.
fn read_head(input: &mut impl BufRead) -> Result<Vec<u8>, Refusal> {
    let mut head = Vec::new();
    let mut input = input.take(MAX_HEAD);
    loop {
        let read = input.read_until(b'\n', &mut head)?;
        if head.ends_with(b"\n\r\n") || head.ends_with(b"\n\n") {
            return Ok(head);
        }
        match (read, head.is_empty()) {
            (0, true) => return Err(Refusal::Gone),
            (0, false) if input.limit() == 0 => return Err(Refusal::HeadTooLong),
            (0, false) => return Err(Refusal::Malformed("the head has no end")),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &str) -> (Result<Vec<u8>, Refusal>, String) {
        let mut told = Vec::new();
        let request = Request::read(&mut input.as_bytes(), &mut told);
        (request.map(|request| request.body), String::from_utf8(told).unwrap())
    }

    #[test]
    fn a_client_that_waits_is_told_to_go_on_only_if_its_body_will_be_read() {
        let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        for (length, body, expected, told) in [
            (4, "body", Ok(b"body".to_vec()), go_on),
            (MAX_BODY, "body", Err(Refusal::Gone), go_on),
            (MAX_BODY + 1, "", Err(Refusal::BodyTooLarge), ""),
        ] {
            let input =
                format!("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n{body}");
            assert_eq!(read(&input), (expected, told.to_owned()), "{input:?}");
        }
    }

    #[test]
    fn a_head_without_an_end_is_refused() {
        let long = |bytes| format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "a".repeat(bytes));
        for (input, expected) in [
            (String::new(), Some(Refusal::Gone)),
            ("GET / HTTP/1.1\r\n".to_owned(), Some(Refusal::Malformed("the head has no end"))),
            (long(60_000), None),
            (long(70_000), Some(Refusal::HeadTooLong)),
            ("a".repeat(70_000), Some(Refusal::HeadTooLong)),
        ] {
            assert_eq!(read(&input).0.err(), expected, "{} bytes", input.len());
        }
    }
}
