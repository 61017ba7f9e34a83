//! The API in this process, over an engine of its own.

use futures::{StreamExt as _, stream};
use ipa_pod::Engine;
use ipa_server::wire::NDJSON;
use ipa_server::{LocalBody, LocalClient, LocalReply, ServerConfig};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};

use super::{Lines, Reply, Request};
use crate::failure::Failure;
use crate::holder::DataDir;
use crate::output::Out;

/// An engine that is asked without a network.
pub(crate) struct Local {
    api: LocalClient,
    life: Life,
    /// Held for as long as this client lives, if it records for a short command; dropped after the engine.
    held: Option<(DataDir, Out)>,
}

/// Whether the engine runs pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// It records and reads.
    Still,
    /// It runs pods.
    Runs,
}

impl Local {
    /// Makes a client of an engine that runs nothing.
    pub(crate) fn new(engine: Engine, config: ServerConfig, held: Option<(DataDir, Out)>) -> Self {
        Self { api: LocalClient::new(engine, config), life: Life::Still, held }
    }

    /// Makes a client of an engine that runs pods.
    pub(crate) fn of_running(engine: Engine, config: ServerConfig) -> Self {
        Self { api: LocalClient::new(engine, config), life: Life::Runs, held: None }
    }

    pub(super) fn is_live(&self) -> bool {
        self.life == Life::Runs
    }

    pub(super) async fn ask(&self, request: Request) -> Result<Reply, Failure> {
        let changes = request.body.is_some();
        let reply = self.send(request, HeaderMap::new()).await?;
        let status = reply.status.as_u16();
        if let (Some((_, out)), true) = (&self.held, changes && reply.status.is_success()) {
            out.note("recorded; nothing is running: `ipa serve`");
        }
        let body = reply.body.bytes().await.map_err(|error| Failure::Broken(std::io::Error::other(error)))?;
        Ok(Reply { status, body: body.to_vec() })
    }

    pub(super) async fn follow(&self, request: Request) -> Result<Lines, Failure> {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(NDJSON))]);
        let reply = self.send(request, headers).await?;
        Lines::new(reply.status.as_u16(), chunks(reply.body).boxed()).await
    }

    async fn send(&self, request: Request, mut headers: HeaderMap) -> Result<LocalReply, Failure> {
        let (method, body) = match &request.body {
            None => (Method::GET, Vec::new()),
            Some(body) => (Method::POST, serde_json::to_vec(body).map_err(Failure::Encode)?),
        };
        if request.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(key) = request.key.as_deref().and_then(|key| HeaderValue::from_str(key).ok()) {
            headers.insert("idempotency-key", key);
        }
        let sent = self.api.request(method, &request.path, headers, body).await;
        sent.map_err(|error| Failure::Broken(std::io::Error::other(error)))
    }
}

/// A body as pieces that end with its lines.
fn chunks(body: LocalBody) -> impl stream::Stream<Item = std::io::Result<Vec<u8>>> + Send {
    stream::unfold(Some(body), |body| async move {
        let mut body = body?;
        match body.next_line().await {
            Ok(Some(line)) => Some((Ok(format!("{line}\n").into_bytes()), Some(body))),
            Ok(None) => None,
            Err(error) => Some((Err(std::io::Error::other(error)), None)),
        }
    })
}
