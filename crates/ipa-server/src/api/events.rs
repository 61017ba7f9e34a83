//! The log, as a list of one task's events and as a stream of all.
//!
//! A reader owns a cursor, the position of the last event it has. The log's head only says that there is more;
//! what is sent is read by position, so nothing is lost or doubled however often a reader comes and goes.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use ipa_events::StreamId;
use ipa_events::store::{Position, RawRecord, Version};
use serde::Deserialize;
use tokio::sync::watch;
use tracing::warn;

use crate::api::extract::{self, Asked, In};
use crate::api::reply;
use crate::api::streaming::{Pieces, respond};
use crate::error::problem::{Refusal, chain};
use crate::security::{StreamPermit, Viewer};
use crate::state::AppState;
use crate::wire::{EventRecord, NDJSON};

/// How many events one read brings.
const PAGE: usize = 500;

/// How often a stream without events says where it is.
const QUIET: Duration = Duration::from_secs(15);

#[derive(Deserialize)]
pub(super) struct Range {
    after: Option<String>,
    limit: Option<usize>,
}

/// Lists a task's events; the cursor is the version of the last one.
pub(super) async fn of_task(
    State(state): State<AppState>,
    _viewer: Viewer,
    In(name): In<String>,
    Asked(range): Asked<Range>,
) -> Result<Response, Refusal> {
    let task = extract::task(state.engine(), &name).await?;
    let after = Version::new(extract::number("after", range.after.as_deref())?);
    let limit = extract::limit(range.limit);
    let mut records = state.engine().task_events(task, after, limit.saturating_add(1)).await?;
    let more = records.len() > limit;
    records.truncate(limit);
    let next = records.last().filter(|_| more).map(|last| last.version.to_string());
    let base = format!("/api/v1/tasks/{name}/events?limit={limit}&");
    Ok(reply::list(&base, records.iter().map(EventRecord::of).collect(), next))
}

#[derive(Deserialize)]
pub(super) struct Follow {
    after: Option<String>,
    task: Option<String>,
    /// `0` ends the stream at the newest event.
    #[serde(rename = "follow")]
    keep_on: Option<u8>,
}

/// Streams the events of all tasks, or of one: as server-sent events, or as JSON lines.
pub(super) async fn stream(
    State(state): State<AppState>,
    viewer: Viewer,
    headers: HeaderMap,
    Asked(asked): Asked<Follow>,
) -> Result<Response, Refusal> {
    let task = match &asked.task {
        Some(name) => Some(extract::task(state.engine(), name).await?),
        None => None,
    };
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let after = extract::number("after", last.or(asked.after.as_deref()))?;
    let (form, media_type) = Form::accepted(&headers);
    let (head, permit) = (state.engine().head(), StreamPermit::take(&state, &viewer)?);
    let follower = Follower {
        cursor: Position::new(after),
        only: task.map(StreamId::task),
        begun: false,
        over: false,
        follow: asked.keep_on != Some(0),
        state,
        head,
        permit,
        form,
    };
    Ok(respond(media_type, follower))
}

/// In which form events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Sse,
    Lines,
}

impl Form {
    fn accepted(headers: &HeaderMap) -> (Self, &'static str) {
        let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
        let lines = accepted.flat_map(|accept| accept.split(',')).any(|kind| {
            let kind = kind.split(';').next().unwrap_or_default().trim();
            kind.eq_ignore_ascii_case(NDJSON) || kind.eq_ignore_ascii_case("application/ndjson")
        });
        if lines { (Self::Lines, NDJSON) } else { (Self::Sse, "text/event-stream") }
    }

    fn event(self, raw: &RawRecord, text: &mut String) {
        // A record that has no JSON form cannot come out of a store; its reader sees the gap in positions.
        let Ok(json) = serde_json::to_string(&EventRecord::of(raw)) else { return };
        match self {
            Self::Sse => frame(&raw.position.to_string(), "event", &json, text),
            Self::Lines => {
                text.push_str(&json);
                text.push('\n');
            }
        }
    }

    /// Says something beside the events, where the form has a way to.
    fn note(self, position: Position, event: &str) -> Bytes {
        let mut text = String::new();
        if self == Self::Sse {
            frame(&position.to_string(), event, &format!("{{\"position\":{position}}}"), &mut text);
        }
        text.into()
    }
}

/// Writes a frame of server-sent events. None of the parts holds a line break.
fn frame(id: &str, event: &str, json: &str, text: &mut String) {
    for part in ["id: ", id, "\nevent: ", event, "\ndata: ", json, "\n\n"] {
        text.push_str(part);
    }
}

/// Follows the log from a position.
struct Follower {
    state: AppState,
    cursor: Position,
    only: Option<StreamId>,
    begun: bool,
    over: bool,
    follow: bool,
    head: watch::Receiver<Position>,
    permit: StreamPermit,
    form: Form,
}

impl Pieces for Follower {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.begin() {
            return Some(first);
        }
        loop {
            if self.over {
                return None;
            }
            if self.permit.end().is_some() {
                return Some(self.goodbye());
            }
            // Seen before the read: what is stored during it wakes the wait that follows.
            self.head.mark_unchanged();
            let page = match self.state.engine().events(self.cursor, PAGE).await {
                Ok(page) => page,
                Err(error) => {
                    warn!(error = %chain(&error), "a stream of events ends: the log cannot be read");
                    return None;
                }
            };
            if let Some(last) = page.last() {
                self.cursor = last.position;
                if let Some(piece) = self.write(&page) {
                    return Some(piece);
                }
            } else if !self.follow {
                return None;
            } else if let Some(note) = self.wait().await {
                return Some(note);
            }
        }
    }
}

impl Follower {
    /// Sends the answer's head at once, and says so where the reader's cursor is not of this log.
    fn begin(&mut self) -> Option<Bytes> {
        if self.begun {
            return None;
        }
        self.begun = true;
        let head = *self.head.borrow();
        if self.cursor > head {
            self.cursor = head;
            return Some(self.form.note(head, "reset"));
        }
        (self.form == Form::Sse).then(|| self.form.note(self.cursor, "at"))
    }

    fn write(&self, page: &[RawRecord]) -> Option<Bytes> {
        let mut text = String::new();
        let meant = |raw: &&RawRecord| self.only.as_ref().is_none_or(|only| raw.stream == *only);
        for raw in page.iter().filter(meant) {
            self.form.event(raw, &mut text);
        }
        (!text.is_empty()).then(|| text.into())
    }

    fn goodbye(&mut self) -> Bytes {
        self.over = true;
        self.form.note(self.cursor, "bye")
    }

    /// Waits for news; says where the stream is when there are none for long, and goodbye at its end.
    async fn wait(&mut self) -> Option<Bytes> {
        tokio::select! {
            biased;
            _end = self.permit.ended() => Some(self.goodbye()),
            changed = self.head.changed() => {
                self.over = changed.is_err();
                None
            }
            () = tokio::time::sleep(QUIET) => Some(self.form.note(self.cursor, "at")),
        }
    }
}
