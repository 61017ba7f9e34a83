//! The wire over the network: one request, one whole answer of a bounded length, in bounded time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::{LOCATION, USER_AGENT};
use http::{HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use url::Url;

use super::connect::Connector;
use super::{Answer, Request, Wire, WireError};

/// An idle connection is kept this long. Some servers close theirs soon, and a request that meets the closing has
/// an unknown outcome.
const KEEP_IDLE: Duration = Duration::from_secs(15);

/// The longest text of a transport error that is kept, in characters.
const LONGEST_WHY: usize = 200;

/// The limits of a wire. The defaults are those of section 4 of the design of sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireConfig {
    /// Who asks, in each request.
    pub user_agent: String,
    /// From the name to a connection with TLS: 5 s.
    pub connect: Duration,
    /// From a read (GET, HEAD) to its whole answer, redirects included: 20 s.
    pub read: Duration,
    /// From any other request to its whole answer: 30 s.
    pub write: Duration,
    /// The longest body of an answer: 8 MiB.
    pub longest_answer: usize,
    /// How often a read is followed to another place of the same origin: 5.
    pub redirects: u32,
}

impl WireConfig {
    /// Returns the usual limits, for requests under this name.
    pub fn new(user_agent: impl Into<String>) -> Self {
        Self {
            user_agent: user_agent.into(),
            connect: Duration::from_secs(5),
            read: Duration::from_secs(20),
            write: Duration::from_secs(30),
            longest_answer: 8 * 1024 * 1024,
            redirects: 5,
        }
    }
}

/// Why there is no wire.
#[derive(Debug, thiserror::Error)]
pub enum WireSetupError {
    /// The user agent cannot be a header.
    #[error("the user agent holds characters that cannot be sent")]
    UserAgent(#[source] http::header::InvalidHeaderValue),
    /// TLS cannot be set up.
    #[error("setting up TLS")]
    Tls(#[source] rustls::Error),
}

/// The real wire. Keeps connections for the next request; uses no proxy.
pub struct NetWire {
    client: Client<Connector, Full<Bytes>>,
    user_agent: HeaderValue,
    config: WireConfig,
}

impl NetWire {
    /// Makes a wire; reads the machine's certificates, sends nothing. One is enough for a program.
    ///
    /// # Errors
    ///
    /// [`WireSetupError`] when the user agent or TLS cannot be used.
    pub fn new(config: WireConfig) -> Result<Self, WireSetupError> {
        let user_agent = HeaderValue::from_str(&config.user_agent).map_err(WireSetupError::UserAgent)?;
        let connector = Connector::new(config.connect).map_err(WireSetupError::Tls)?;
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(KEEP_IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self { client, user_agent, config })
    }

    async fn within_limits(&self, request: Request) -> Result<Answer, WireError> {
        let limit = if is_read(&request.method) { self.config.read } else { self.config.write };
        let host = host(&request.url);
        match tokio::time::timeout(limit, self.follow(request)).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => Err(WireError::Unknown { host, why: format!("not within {limit:?}") }),
        }
    }

    async fn follow(&self, mut request: Request) -> Result<Answer, WireError> {
        for _ in 0..self.config.redirects {
            let answer = self.once(&request).await?;
            match redirected(&request, &answer) {
                Some(url) => request.url = url,
                None => return Ok(answer),
            }
        }
        self.once(&request).await
    }

    async fn once(&self, request: &Request) -> Result<Answer, WireError> {
        let outgoing = self.outgoing(request)?;
        let response = self.client.request(outgoing).await.map_err(|error| {
            let (host, why) = (host(&request.url), reasons(&error));
            if error.is_connect() {
                WireError::NotSent { host, why }
            } else {
                WireError::Unknown { host, why }
            }
        })?;
        let (head, body) = response.into_parts();
        let body = self.whole(body, head.status, &request.url).await?;
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    fn outgoing(&self, request: &Request) -> Result<http::Request<Full<Bytes>>, WireError> {
        let mut url = request.url.clone();
        url.set_fragment(None);
        // Only a base without a host refuses these, and it is refused below.
        let _ = (url.set_username(""), url.set_password(None));
        let mut outgoing = http::Request::builder()
            .method(&request.method)
            .uri(url.as_str())
            .body(Full::new(request.body.clone()))
            .map_err(|error| WireError::NotSent { host: host(&request.url), why: error.to_string() })?;
        outgoing.headers_mut().clone_from(&request.headers);
        outgoing.headers_mut().insert(USER_AGENT, self.user_agent.clone());
        Ok(outgoing)
    }

    /// Takes a body in, and stops at the limit: what an answer says of its own length is not relied upon.
    async fn whole(&self, mut body: Incoming, status: StatusCode, from: &Url) -> Result<Bytes, WireError> {
        let limit = self.config.longest_answer;
        let mut taken = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame =
                frame.map_err(|error| WireError::Unknown { host: host(from), why: reasons(&error) })?;
            let Ok(bytes) = frame.into_data() else { continue };
            if bytes.len() > limit.saturating_sub(taken.len()) {
                return Err(WireError::TooLong { host: host(from), status: status.as_u16(), limit });
            }
            taken.extend_from_slice(&bytes);
        }
        Ok(taken.freeze())
    }
}

impl Wire for NetWire {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Answer, WireError>> {
        self.within_limits(request).boxed()
    }
}

fn is_read(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

/// Returns where a read is to be asked for instead. Nothing else is followed: what writes was answered, and at
/// another origin the credential is nobody's business.
fn redirected(request: &Request, answer: &Answer) -> Option<Url> {
    let moved = matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308);
    if !moved || !is_read(&request.method) {
        return None;
    }
    let to = request.url.join(answer.headers.get(LOCATION)?.to_str().ok()?).ok()?;
    (to.origin() == request.url.origin()).then_some(to)
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or("an address without a host").to_owned()
}

/// Writes an error and all its sources on one line.
fn reasons(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let text = chain.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_WHY).collect()
}
