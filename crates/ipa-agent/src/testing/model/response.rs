//! What is written back: heads and whole answers of HTTP. Pure.

use serde_json::{Value, json};

/// The head of an answer that is a stream of events. It ends when the connection does.
pub(super) const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\
                                      cache-control: no-cache\r\nconnection: close\r\n\r\n";

/// An answer that is whole from the start.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Response {
    code: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Response {
    /// Makes an answer without a body.
    pub(super) fn empty() -> Self {
        Self { code: 200, headers: Vec::new(), body: String::new() }
    }

    /// Makes an answer that is this text, said to be JSON.
    pub(super) fn json(code: u16, body: &impl ToString) -> Self {
        let kind = ("content-type".to_owned(), "application/json".to_owned());
        Self { code, headers: vec![kind], body: body.to_string() }
    }

    /// Makes an error.
    pub(super) fn error(code: u16, kind: &str, message: &str) -> Self {
        Self::json(code, &error(kind, message))
    }

    /// Adds a header.
    pub(super) fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Returns what goes over the wire.
    pub(super) fn to_wire(&self) -> String {
        let Self { code, body, .. } = self;
        let mut wire = format!("HTTP/1.1 {code} {}\r\n", reason(*code));
        for (name, value) in &self.headers {
            wire.extend([name, ": ", value, "\r\n"]);
        }
        wire + &format!("content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    }
}

fn error(kind: &str, message: &str) -> Value {
    json!({ "type": "error", "error": { "type": kind, "message": message } })
}

fn reason(code: u16) -> &'static str {
    match code {
        200..300 => "OK",
        300..400 => "Elsewhere",
        400..500 => "Client Error",
        _ => "Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_its_length_in_bytes_and_that_it_is_the_last() {
        assert_eq!(
            Response::json(429, &"\"é\"").with("retry-after", "7").to_wire(),
            "HTTP/1.1 429 Client Error\r\ncontent-type: application/json\r\nretry-after: 7\r\n\
             content-length: 4\r\nconnection: close\r\n\r\n\"é\"",
        );
        assert_eq!(
            Response::empty().to_wire(),
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        );
    }

    #[test]
    fn an_error_has_the_body_that_the_messages_api_gives() {
        let wire = Response::error(529, "overloaded_error", "Overloaded").to_wire();
        let (head, body) = wire.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 529 Server Error\r\n"));
        let expected =
            json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } });
        assert_eq!(serde_json::from_str::<Value>(body).unwrap(), expected);
    }
}
