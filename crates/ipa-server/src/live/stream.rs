//! One open page: waits for news, reads what is after its cursor, sends it in frames.
//!
//! State is level-triggered: whatever happened, its newest form is sent once. Logs are edge-triggered: every
//! entry after the cursor is sent, once.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use ipa_events::TaskId;
use serde::Deserialize;
use tokio::time::{Instant, sleep_until};
use tracing::warn;

use super::cursor::Cursor;
use super::page::{AGAIN, OpenPage};
use super::patch::{Patch, write};
use super::topic::Topics;
use crate::api::extract::Asked;
use crate::error::Code;
use crate::error::problem::{Refusal, chain};
use crate::security::{StreamPermit, Viewer};
use crate::state::AppState;

/// The least time between two frames.
const PACE: Duration = Duration::from_millis(16);
/// How often the log of an open run is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How often a quiet stream says where it is.
const SAY: Duration = Duration::from_secs(15);

/// What a page asks for.
#[derive(Deserialize)]
pub(crate) struct Query {
    topics: String,
    #[serde(default)]
    after: String,
}

/// Answers `GET /live`: the stream that keeps a page in step.
pub(crate) async fn live(
    State(state): State<AppState>,
    viewer: Viewer,
    headers: HeaderMap,
    Asked(asked): Asked<Query>,
) -> Result<Response, Refusal> {
    let permit = StreamPermit::take(&state, &viewer)?;
    let topics: Topics = asked.topics.parse().map_err(refused)?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
    let after = last.unwrap_or(&asked.after);
    let cursor = if after.is_empty() { tip(&state) } else { after.parse().map_err(refused)? };
    let page = OpenPage::open(state.clone(), viewer.csrf().to_owned(), topics, cursor).await?;
    let stream =
        Box::new(Stream { page, permit, said: Instant::now(), sent: None, opening: true, ended: false });
    let frames = stream::unfold(stream, |mut stream| async move {
        let frame = stream.next().await?;
        Some((Ok::<_, Infallible>(frame), stream))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        // Two tabs that fetch the same address would wait for one another at the browser's cache.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(frames)).into_response())
}

fn refused(error: impl std::error::Error) -> Refusal {
    Refusal::new(Code::InvalidRequest, chain(&error))
}

fn tip(state: &AppState) -> Cursor {
    Cursor::at(*state.engine().head().borrow())
}

struct Stream {
    page: OpenPage,
    permit: StreamPermit,
    /// When it was last said where the stream is.
    said: Instant,
    /// When the last frame was sent.
    sent: Option<Instant>,
    opening: bool,
    ended: bool,
}

impl Stream {
    /// Returns the next frame; none after the last.
    async fn next(&mut self) -> Option<String> {
        if self.ended {
            return None;
        }
        if self.opening {
            self.opening = false;
            if self.page.is_unknown() {
                self.ended = true;
                return Some(frame(self.page.cursor(), "reset", "the page is from another store"));
            }
            return Some(format!("retry: 1000\n{}", self.position()));
        }
        loop {
            if let Some(sent) = self.sent {
                sleep_until(sent + PACE).await;
            }
            // A page that always has news never comes to wait.
            if self.permit.end().is_some() {
                return Some(self.goodbye());
            }
            let patches = self.page.news().await;
            if let Some(frame) = self.write(&patches) {
                return Some(frame);
            }
            if let Some(last) = self.wait().await {
                return Some(last);
            }
        }
    }

    /// Writes what is new; without patches, how far the page is now, if it came further.
    fn write(&mut self, patches: &[Patch]) -> Option<String> {
        if patches.is_empty() && !self.page.take_moved() {
            return None;
        }
        self.page.take_moved();
        self.sent = Some(Instant::now());
        if patches.is_empty() {
            return Some(self.position());
        }
        self.said = Instant::now();
        Some(frame(self.page.cursor(), "patch", &write(patches)))
    }

    fn position(&mut self) -> String {
        self.said = Instant::now();
        let cursor = self.page.cursor();
        frame(cursor, "at", &cursor.to_string())
    }

    fn goodbye(&mut self) -> String {
        self.ended = true;
        frame(self.page.cursor(), "bye", "the server stops, or the session is over")
    }

    /// Waits for news. Returns a frame when there is something to say without any: goodbye, or the position.
    async fn wait(&mut self) -> Option<String> {
        let look = match (self.page.follows(), self.page.owes()) {
            (true, _) => LOOK,
            (false, true) => AGAIN,
            (false, false) => SAY,
        };
        let say = self.said + SAY;
        tokio::select! {
            biased;
            _end = self.permit.ended() => Some(self.goodbye()),
            () = self.page.changed() => None,
            () = tokio::time::sleep(look) => None,
            () = sleep_until(say) => Some(self.position()),
        }
    }
}

/// Writes one frame. A line break of any kind in the data begins a new line of it, so that nothing in a text can
/// end the frame.
fn frame(cursor: &Cursor, event: &str, data: &str) -> String {
    let mut frame = format!("id: {cursor}\nevent: {event}\n");
    for line in data.split(['\n', '\r']) {
        frame.push_str("data: ");
        frame.push_str(line);
        frame.push('\n');
    }
    frame.push('\n');
    frame
}

/// Which tasks something happened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Touched {
    /// These.
    Some(BTreeSet<TaskId>),
    /// Perhaps all: too much happened to look at each.
    All,
}

impl Touched {
    /// Tells whether something may have happened to a task.
    pub(super) fn has(&self, task: TaskId) -> bool {
        match self {
            Self::Some(tasks) => tasks.contains(&task),
            Self::All => true,
        }
    }

    /// Tells whether nothing happened at all.
    pub(super) fn is_nothing(&self) -> bool {
        match self {
            Self::Some(tasks) => tasks.is_empty(),
            Self::All => false,
        }
    }
}

/// Says once in the log why a region stays as it is.
pub(super) fn unrendered(error: &(dyn std::error::Error + 'static)) {
    warn!(error = %chain(error), "a region of an open page could not be read; it stays as it is");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_can_end_a_frame() {
        let cursor: Cursor = "7".parse().unwrap();
        let written = frame(&cursor, "patch", "a\n\nevent: bye\r\rb");
        assert_eq!(written, "id: 7\nevent: patch\ndata: a\ndata: \ndata: event: bye\ndata: \ndata: b\n\n");
    }
}
