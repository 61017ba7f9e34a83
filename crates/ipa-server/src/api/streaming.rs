//! A body that is written piece by piece, for as long as there is somebody to read it.

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse as _, Response};
use futures::stream::{self, Stream};

/// What writes a stream: each call waits for the next piece; none ends the stream.
pub(super) trait Pieces: Send + 'static {
    /// Waits for the next piece.
    fn next(&mut self) -> impl Future<Output = Option<Bytes>> + Send;
}

/// Answers with a stream of a media type. Nobody keeps or gathers it on the way.
pub(super) fn respond(media_type: &'static str, pieces: impl Pieces) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(infallible(pieces))).into_response()
}

fn infallible(pieces: impl Pieces) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> + Send {
    stream::unfold(pieces, |mut pieces| async move {
        let piece = pieces.next().await?;
        Some((Ok(piece), pieces))
    })
}
