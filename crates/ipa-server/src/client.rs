//! Asking the router without a network: for a program that holds the engine itself.

use axum::Router;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use futures::StreamExt as _;
use ipa_pod::Engine;
use tower::ServiceExt as _;

use crate::config::ServerConfig;
use crate::server::router;
use crate::wire::VIA_HEADER;

/// Asks the router in this process, as the user that the configuration names. Cheap to clone.
#[derive(Clone)]
pub struct LocalClient {
    router: Router,
    authorization: HeaderValue,
}

/// An answer whose body may still be coming.
pub struct LocalReply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: LocalBody,
}

/// A body, read at once or line by line.
pub struct LocalBody {
    pieces: BodyDataStream,
    /// What came and was not handed on yet, behind what was.
    rest: Vec<u8>,
    /// How much of `rest` was handed on as lines; it goes, at once, when the next piece comes.
    taken: usize,
}

/// Why a request in this process got no answer, or only a part of one.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The request is none.
    #[error("{0:?} is not a path to ask for")]
    Path(String),
    /// The body broke off.
    #[error("reading the answer")]
    Body(#[source] axum::Error),
}

impl LocalClient {
    /// Makes a client of an engine. What it asks for carries the configuration's own token.
    pub fn new(engine: Engine, config: ServerConfig) -> Self {
        let bearer = format!("Bearer {}", config.token.expose());
        let mut authorization =
            HeaderValue::from_str(&bearer).unwrap_or_else(|_never| HeaderValue::from_static(""));
        authorization.set_sensitive(true);
        Self { router: router(engine, config), authorization }
    }

    /// Asks, as the command line does.
    ///
    /// # Errors
    ///
    /// [`LocalError::Path`] when the path is none.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: impl Into<Bytes>,
    ) -> Result<LocalReply, LocalError> {
        let request = Request::builder().method(method).uri(path).body(Body::from(body.into()));
        let mut request = request.map_err(|_not_one| LocalError::Path(path.to_owned()))?;
        request.headers_mut().extend([
            (header::HOST, HeaderValue::from_static("localhost")),
            (header::AUTHORIZATION, self.authorization.clone()),
            (header::HeaderName::from_static(VIA_HEADER), HeaderValue::from_static("cli")),
        ]);
        request.headers_mut().extend(headers);
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = LocalBody { pieces: body.into_data_stream(), rest: Vec::new(), taken: 0 };
        Ok(LocalReply { status: parts.status, headers: parts.headers, body })
    }
}

impl LocalBody {
    /// Reads all of it; a stream that follows something does not end by itself.
    ///
    /// # Errors
    ///
    /// [`LocalError::Body`] when it breaks off.
    pub async fn bytes(mut self) -> Result<Bytes, LocalError> {
        while self.more().await? {}
        self.forget_taken();
        Ok(self.rest.into())
    }

    /// Reads the next line, without its end; none when there are no more.
    ///
    /// # Errors
    ///
    /// [`LocalError::Body`] when it breaks off.
    pub async fn next_line(&mut self) -> Result<Option<String>, LocalError> {
        let mut looked_at = self.taken;
        loop {
            let unseen = self.rest.get(looked_at..).unwrap_or_default();
            if let Some(at) = unseen.iter().position(|byte| *byte == b'\n') {
                let end = looked_at.saturating_add(at);
                let line = self.rest.get(self.taken..end).unwrap_or_default();
                let line = String::from_utf8_lossy(line).into_owned();
                self.taken = end.saturating_add(1);
                return Ok(Some(line));
            }
            self.forget_taken();
            looked_at = self.rest.len();
            if !self.more().await? {
                let last = std::mem::take(&mut self.rest);
                return Ok((!last.is_empty()).then(|| String::from_utf8_lossy(&last).into_owned()));
            }
        }
    }

    fn forget_taken(&mut self) {
        self.rest.drain(..self.taken.min(self.rest.len()));
        self.taken = 0;
    }

    /// Takes the next piece; false when there are no more.
    async fn more(&mut self) -> Result<bool, LocalError> {
        match self.pieces.next().await {
            Some(Ok(piece)) => {
                self.rest.extend_from_slice(&piece);
                Ok(true)
            }
            Some(Err(error)) => Err(LocalError::Body(error)),
            None => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn body(pieces: &[&'static str]) -> LocalBody {
        let pieces: Vec<Result<_, std::convert::Infallible>> =
            pieces.iter().map(|piece| Ok(*piece)).collect();
        let pieces = Body::from_stream(stream::iter(pieces)).into_data_stream();
        LocalBody { pieces, rest: Vec::new(), taken: 0 }
    }

    #[tokio::test]
    async fn lines_are_cut_wherever_the_pieces_end() {
        let mut body = body(&["a\n\nb", "c", "\nd\n", "e\nf"]);
        let mut lines = Vec::new();
        while let Some(line) = body.next_line().await.unwrap() {
            lines.push(line);
        }
        assert_eq!(lines, ["a", "", "bc", "d", "e", "f"]);
    }

    #[tokio::test]
    async fn what_was_not_read_as_lines_is_left() {
        let mut body = body(&["a\nb", "\nc"]);
        assert_eq!(body.next_line().await.unwrap().as_deref(), Some("a"));
        assert_eq!(body.bytes().await.unwrap(), "b\nc");
    }
}
