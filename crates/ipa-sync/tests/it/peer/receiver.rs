//! Somebody who takes webhooks and looks at their signatures.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use tokio::net::TcpListener;

use super::hooks::signature;
use super::post::Mailbox;

pub(crate) struct Receiver {
    url: String,
    server: tokio::task::JoinHandle<()>,
    letters: Arc<Letters>,
}

/// What came, and by which headers it is known.
struct Letters {
    signature: &'static str,
    name: &'static str,
    /// In the order in which they came.
    names: Mutex<Vec<String>>,
}

const SECRET: &str = "new secret";

impl Receiver {
    /// Takes what has its signature and its name in these headers.
    pub(crate) async fn start(signature: &'static str, name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let letters = Arc::new(Letters { signature, name, names: Mutex::default() });
        let router = Router::new().fallback(take).with_state(Arc::clone(&letters));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, server, letters }
    }

    pub(crate) fn mailbox(&self) -> Mailbox<'_> {
        Mailbox { url: &self.url, secret: SECRET }
    }

    /// The names of what came.
    pub(crate) fn names(&self) -> Vec<String> {
        self.letters.names.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn take(State(letters): State<Arc<Letters>>, headers: HeaderMap, body: String) -> StatusCode {
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    if header(letters.signature) != signature(SECRET, &body) {
        return StatusCode::UNAUTHORIZED;
    }
    letters.names.lock().unwrap().push(header(letters.name));
    StatusCode::ACCEPTED
}
