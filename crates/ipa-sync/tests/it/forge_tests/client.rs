//! A plain client: reqwest for the API, the git program for the rest.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::forge::Forge;
use crate::forge::git::environment;

/// Somebody with a token.
pub(crate) struct Client<'a> {
    forge: &'a Forge,
    http: reqwest::Client,
    token: Option<String>,
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

    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    /// The first reason of a 422.
    pub(crate) fn reason(&self) -> &str {
        self.body["errors"][0]["message"].as_str().unwrap_or_default()
    }
}

impl<'a> Client<'a> {
    pub(crate) fn new(forge: &'a Forge, token: &str) -> Self {
        let http = reqwest::Client::builder()
            .user_agent("ipa-test")
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(30))
            .no_proxy()
            .build()
            .unwrap();
        Self { forge, http, token: Some(token.to_owned()).filter(|token| !token.is_empty()) }
    }

    /// A request of the API, `path` below the repository `o/r` unless it begins with a slash.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = match path.strip_prefix('/') {
            Some(path) => format!("{}/{path}", self.forge.url()),
            None => format!("{}/repos/o/r/{path}", self.forge.url()),
        };
        self.authorized(self.http.request(method, url.trim_end_matches('/')))
    }

    fn authorized(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        let request = request.header("accept", "application/vnd.github+json");
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        got(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Got {
        got(self.request(Method::POST, path).json(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Got {
        got(self.request(Method::PATCH, path).json(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Got {
        got(self.request(Method::PUT, path).json(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Got {
        got(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn graphql(&self, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables });
        got(self.authorized(self.http.post(self.forge.graphql_url())).json(&body)).await.body
    }

    /// Opens a pull request of a branch to `main` and returns its number.
    pub(crate) async fn open(&self, branch: &str) -> u64 {
        let body = json!({ "title": "Fix the retry", "head": branch, "base": "main", "body": "why" });
        let opened = self.post("pulls", body).await;
        assert_eq!(opened.status, 201, "{}", opened.body);
        opened.body["number"].as_u64().unwrap()
    }
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

/// Runs git in a folder; its error output when it fails.
pub(crate) async fn git(dir: &Path, args: &[&str]) -> Result<String, String> {
    let mut command = Command::new("git");
    command.current_dir(dir).args(args).env_clear().envs(environment(dir));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The URL of a repository with a token in it, as git takes it.
pub(crate) fn with_token(url: &str, token: &str) -> String {
    url.replacen("http://", &format!("http://x-access-token:{token}@"), 1)
}
