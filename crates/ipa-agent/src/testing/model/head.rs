//! The head of an HTTP request. Pure: knows no socket.

use super::refusal::Refusal;

/// The request line and the headers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: String,
    /// The target without its query.
    pub(super) path: String,
    headers: Vec<(String, String)>,
}

/// How the end of a body is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// By its length in bytes; 0 without a body.
    Length(u64),
    /// By a last, empty chunk.
    Chunked,
}

impl Framing {
    /// Tells whether the body is known beforehand to be larger than this.
    pub(super) fn is_over(&self, limit: u64) -> bool {
        match self {
            Self::Length(length) => *length > limit,
            Self::Chunked => false,
        }
    }
}

impl Head {
    /// Reads a head; the empty line at its end may be there.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let Ok(text) = str::from_utf8(bytes) else { return Err(Refusal::Malformed("the head is no text")) };
        let mut lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        let (method, path) = request_line(lines.next().unwrap_or_default())?;
        let headers = lines.take_while(|line| !line.is_empty()).map(header).collect::<Result<_, _>>()?;
        Ok(Self { method, path, headers })
    }

    /// Returns how the body ends.
    pub(super) fn framing(&self) -> Result<Framing, Refusal> {
        let (length, encoding) = (self.header("content-length"), self.header("transfer-encoding"));
        match (length, encoding) {
            (None, None) => Ok(Framing::Length(0)),
            (Some(length), None) => {
                let digits = length.bytes().all(|byte| byte.is_ascii_digit());
                let length = digits.then(|| length.parse().ok()).flatten();
                length.map(Framing::Length).ok_or(Refusal::Malformed("the content-length is no number"))
            }
            (None, Some(encoding)) if encoding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
            (None, Some(_)) => Err(Refusal::Malformed("the transfer-encoding is not known")),
            (Some(_), Some(_)) => Err(Refusal::Malformed("the body has two lengths")),
        }
    }

    /// Tells whether the client waits before it sends the body.
    pub(super) fn expects_continue(&self) -> bool {
        self.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    }

    /// Returns the key of the client.
    pub(super) fn key(&self) -> Option<String> {
        let bearer = || self.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        self.header("x-api-key").or_else(bearer).map(str::to_owned)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }
}

fn request_line(line: &str) -> Result<(String, String), Refusal> {
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Refusal::Malformed("the request line has not three words"));
    };
    let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    if !is_method || !target.starts_with('/') || !matches!(version, "HTTP/1.1" | "HTTP/1.0") {
        return Err(Refusal::Malformed("the request line is not that of HTTP/1.1"));
    }
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    Ok((method.to_owned(), path.to_owned()))
}

fn header(line: &str) -> Result<(String, String), Refusal> {
    match line.split_once(':') {
        Some((name, value)) if !name.is_empty() && !name.contains([' ', '\t']) => {
            Ok((name.to_owned(), value.trim().to_owned()))
        }
        Some(_) | None => Err(Refusal::Malformed("a header has no name")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(head: &str) -> Head {
        Head::parse(head.as_bytes()).unwrap()
    }

    #[test]
    fn a_head_is_read_with_or_without_a_query() {
        for (head, method, path) in [
            ("GET / HTTP/1.1\r\n\r\n", "GET", "/"),
            ("POST /v1/messages?beta=true HTTP/1.1\r\nHost: here\r\n\r\n", "POST", "/v1/messages"),
            ("HEAD /a HTTP/1.0\n\n", "HEAD", "/a"),
        ] {
            let read = parse(head);
            assert_eq!((read.method.as_str(), read.path.as_str()), (method, path), "{head:?}");
        }
    }

    #[test]
    fn a_head_that_is_no_http_is_refused() {
        for head in [
            "",
            "\r\n",
            "hello\r\n\r\n",
            "GET /\r\n\r\n",
            "GET / HTTP/1.1 more\r\n\r\n",
            "GET / HTTP/2\r\n\r\n",
            "get / HTTP/1.1\r\n\r\n",
            "GET http://elsewhere/ HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon\r\n\r\n",
            "GET / HTTP/1.1\r\n: no name\r\n\r\n",
            "GET / HTTP/1.1\r\nname : value\r\n\r\n",
        ] {
            assert!(matches!(Head::parse(head.as_bytes()), Err(Refusal::Malformed(_))), "{head:?}");
        }
        assert!(matches!(Head::parse(b"GET /\xff HTTP/1.1\r\n\r\n"), Err(Refusal::Malformed(_))));
    }

    #[test]
    fn the_end_of_a_body_is_known_by_one_length() {
        for (headers, expected) in [
            ("", Some(Framing::Length(0))),
            ("Content-Length: 12\r\n", Some(Framing::Length(12))),
            ("transfer-encoding: Chunked\r\n", Some(Framing::Chunked)),
            ("content-length: +12\r\n", None),
            ("content-length:\r\n", None),
            ("content-length: 99999999999999999999\r\n", None),
            ("transfer-encoding: gzip\r\n", None),
            ("content-length: 12\r\ntransfer-encoding: chunked\r\n", None),
        ] {
            let head = parse(&format!("POST / HTTP/1.1\r\n{headers}\r\n"));
            assert_eq!(head.framing().ok(), expected, "{headers:?}");
        }
    }

    #[test]
    fn the_key_is_that_of_the_header_or_the_bearer() {
        for (headers, expected) in [
            ("", None),
            ("X-Api-Key: fake\r\n", Some("fake")),
            ("Authorization: Bearer token\r\n", Some("token")),
            ("Authorization: Basic abc\r\n", None),
            ("Authorization: Bearer token\r\nx-api-key: fake\r\n", Some("fake")),
        ] {
            let head = parse(&format!("POST / HTTP/1.1\r\n{headers}\r\n"));
            assert_eq!(head.key().as_deref(), expected, "{headers:?}");
        }
    }

    #[test]
    fn who_waits_to_be_told_to_go_on_is_known() {
        assert!(parse("POST / HTTP/1.1\r\nExpect: 100-Continue\r\n\r\n").expects_continue());
        assert!(!parse("POST / HTTP/1.1\r\n\r\n").expects_continue());
    }
}
