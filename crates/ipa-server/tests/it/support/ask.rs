//! Asking the router, as a browser or a program does.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream, to_bytes};
use axum::http::request::Builder;
use axum::http::{HeaderMap, Request};
use futures::StreamExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::House;

/// How long a test waits for what must happen.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A browser that is logged in.
#[derive(Clone)]
pub struct Login {
    pub cookie: String,
    pub csrf: String,
}

/// A request in the making. As it begins, it is from nobody, and to `localhost`.
pub struct Ask {
    router: Router,
    token: String,
    request: Builder,
    host: String,
    body: String,
}

/// An answer, whole.
pub struct Got {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Ask {
    pub fn new(house: &House, method: &str, path: &str) -> Self {
        Self {
            router: house.router.clone(),
            token: house.config.token.expose().to_owned(),
            request: Request::builder().method(method).uri(path),
            host: "localhost".to_owned(),
            body: String::new(),
        }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// Shows the token.
    pub fn bearer(self) -> Self {
        let token = format!("Bearer {}", self.token);
        self.header("authorization", &token)
    }

    /// Sends what the browser sends from a page of ours.
    pub fn browser(self, login: &Login) -> Self {
        self.header("cookie", &login.cookie).header("sec-fetch-site", "same-origin")
    }

    /// Sends what our own script sends.
    pub fn script(self, login: &Login) -> Self {
        self.browser(login).header("x-ipa", "1")
    }

    pub fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string();
        self.header("content-type", "application/json")
    }

    pub fn form(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self.header("content-type", "application/x-www-form-urlencoded")
    }

    pub async fn send(self) -> Got {
        let (parts, body) = self.response().await.into_parts();
        let bytes =
            tokio::time::timeout(DEADLINE, to_bytes(body, usize::MAX)).await.expect("a body that ends");
        let text = String::from_utf8(bytes.unwrap().into()).unwrap();
        Got { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    /// Sends a request that is answered with a stream.
    pub async fn open(self) -> Open {
        let response = self.response().await;
        assert_eq!(response.status(), 200);
        Open {
            headers: response.headers().clone(),
            pieces: response.into_body().into_data_stream(),
            rest: String::new(),
        }
    }

    async fn response(self) -> axum::response::Response {
        let request = self.request.header("host", &self.host).body(Body::from(self.body)).unwrap();
        self.router.oneshot(request).await.unwrap()
    }
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {:?}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the code of the problem that this is, and sees that it is a whole one.
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{problem}");
        assert_eq!(problem["request_id"], self.header("x-request-id"), "{problem}");
        let code = problem["code"].as_str().unwrap();
        assert_eq!(problem["type"], format!("urn:ipa:problem:{code}"));
        assert!(!problem["detail"].as_str().unwrap().is_empty() && problem["title"].is_string(), "{problem}");
        code.to_owned()
    }
}

/// An answer that is still coming.
pub struct Open {
    pub headers: HeaderMap,
    pieces: BodyDataStream,
    rest: String,
}

impl Open {
    /// Waits for the next part that ends with `end`; none at the stream's end.
    pub async fn part(&mut self, end: &str) -> Option<String> {
        tokio::time::timeout(DEADLINE, self.next_part(end)).await.expect("news in time")
    }

    async fn next_part(&mut self, end: &str) -> Option<String> {
        loop {
            if let Some(at) = self.rest.find(end) {
                let rest = self.rest.split_off(at + end.len());
                let mut part = std::mem::replace(&mut self.rest, rest);
                part.truncate(at);
                return Some(part);
            }
            let piece = self.pieces.next().await?;
            self.rest.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
        }
    }

    /// Waits for the next JSON line.
    pub async fn line(&mut self) -> Option<Value> {
        self.part("\n").await.map(|line| serde_json::from_str(&line).unwrap())
    }

    /// Waits for the next server-sent event of a kind: its id and data.
    pub async fn event(&mut self, kind: &str) -> Option<(String, Value)> {
        tokio::time::timeout(DEADLINE, self.next_event(kind)).await.expect("such an event in time")
    }

    async fn next_event(&mut self, kind: &str) -> Option<(String, Value)> {
        loop {
            let frame = self.next_part("\n\n").await?;
            let field = |name: &str| {
                let line = frame.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
                line.to_owned()
            };
            if field("event: ") == kind {
                return Some((field("id: "), serde_json::from_str(&field("data: ")).unwrap()));
            }
        }
    }
}
