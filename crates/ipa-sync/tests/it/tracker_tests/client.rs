//! A plain client over reqwest.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::tracker::{Flavour, Tracker};

/// Somebody with a token.
pub(crate) struct Client<'a> {
    tracker: &'a Tracker,
    http: reqwest::Client,
    mail: String,
    token: String,
}

pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The first message of a refusal.
    pub(crate) fn message(&self) -> &str {
        self.body["errorMessages"][0].as_str().unwrap_or_default()
    }

    /// What a refusal says of a field.
    pub(crate) fn of(&self, field: &str) -> &str {
        self.body["errors"][field].as_str().unwrap_or_default()
    }
}

impl<'a> Client<'a> {
    /// Somebody with the token of that name; nobody with an empty one.
    pub(crate) fn new(tracker: &'a Tracker, login: &str) -> Self {
        let token = if login.is_empty() { String::new() } else { format!("token-{login}") };
        Self::with(tracker, &format!("{login}@example.com"), &token)
    }

    pub(crate) fn with(tracker: &'a Tracker, mail: &str, token: &str) -> Self {
        let http = reqwest::Client::builder()
            .user_agent("ipa-test")
            .timeout(Duration::from_secs(30))
            .no_proxy()
            .build()
            .unwrap();
        Self { tracker, http, mail: mail.to_owned(), token: token.to_owned() }
    }

    /// A request of the API, `path` below its base; a path that begins with a slash is below the site's.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = match path.strip_prefix('/') {
            Some(path) => format!("{}/{path}", self.tracker.url()),
            None => format!("{}/{path}", self.tracker.api_url()),
        };
        let request = self.http.request(method, url).header("accept", "application/json");
        if self.token.is_empty() {
            return request;
        }
        match self.tracker.flavour() {
            Flavour::Cloud => request.basic_auth(&self.mail, Some(&self.token)),
            Flavour::DataCenter => request.bearer_auth(&self.token),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        got(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Got {
        got(self.request(Method::POST, path).json(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Got {
        got(self.request(Method::PUT, path).json(&body)).await
    }

    /// Searches, in the flavour's own way.
    pub(crate) async fn search(&self, jql: &str) -> Got {
        let body = json!({ "jql": jql, "fields": ["summary"] });
        let path = match self.tracker.flavour() {
            Flavour::Cloud => "search/jql",
            Flavour::DataCenter => "search",
        };
        self.post(path, body).await
    }

    /// Comments with these words.
    pub(crate) async fn comment(&self, issue: &str, words: &str) -> Got {
        let body = json!({ "body": text(self.tracker.flavour(), words) });
        self.post(&format!("issue/{issue}/comment"), body).await
    }
}

/// Words as the flavour takes them.
pub(crate) fn text(flavour: Flavour, words: &str) -> Value {
    match flavour {
        Flavour::DataCenter => json!(words),
        Flavour::Cloud => json!({
            "type": "doc",
            "version": 1,
            "content": [{ "type": "paragraph", "content": [{ "type": "text", "text": words }] }],
        }),
    }
}

/// The keys that a search found.
pub(crate) fn keys(found: &Got) -> Vec<&str> {
    let issues = found.body["issues"].as_array();
    issues
        .unwrap_or_else(|| panic!("{}", found.body))
        .iter()
        .map(|one| one["key"].as_str().unwrap())
        .collect()
}

pub(crate) async fn got(request: reqwest::RequestBuilder) -> Got {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    };
    Got { status, headers, body }
}
