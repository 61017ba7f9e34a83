//! Runs, what their agents were told, and what they did, as JSON lines.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use ipa_events::store::Position;
use ipa_events::{RunId, task};
use ipa_pod::log::{AgentEvent, Body, Tail};
use serde::Deserialize;
use tokio::sync::watch;
use tracing::warn;

use crate::api::extract::{self, Asked, In};
use crate::api::reply;
use crate::api::streaming::{Pieces, respond};
use crate::error::Code;
use crate::error::problem::{Refusal, chain};
use crate::security::{StreamPermit, Viewer};
use crate::state::AppState;
use crate::wire::{NDJSON, Prompt, Run};

/// How many entries one read brings.
const PAGE: usize = 1_000;

/// How often a run's spool is looked at while its agent says nothing.
const LOOK: Duration = Duration::from_millis(100);

/// Shows a run.
pub(super) async fn show(
    State(state): State<AppState>,
    _viewer: Viewer,
    In(name): In<String>,
) -> Result<Response, Refusal> {
    let run = extract::run(state.engine(), &name).await?;
    let view = state.engine().task(run.task).await?;
    let found = view.state.run(run).map(|run| Run::of(&view.state, run));
    let unknown = || {
        Refusal::new(Code::UnknownRun, format!("there is no run {name}"))
            .help("`ipa show TASK` lists a task's runs")
    };
    Ok(reply::single(found.ok_or_else(unknown)?))
}

/// Shows what the agent of a run was told.
pub(super) async fn prompt(
    State(state): State<AppState>,
    _viewer: Viewer,
    In(name): In<String>,
) -> Result<Response, Refusal> {
    let run = extract::run(state.engine(), &name).await?;
    let handle = state.engine().task(run.task).await?.row.summary.handle;
    let text = state.engine().prompt(run).await?;
    Ok(reply::single(Prompt { run: run.handle(handle), text }))
}

#[derive(Deserialize)]
pub(super) struct Follow {
    after: Option<String>,
    /// `1` follows a run that is not over.
    #[serde(rename = "follow")]
    keep_on: Option<u8>,
}

/// Streams what the agent of a run did, after a number, as JSON lines.
pub(super) async fn log(
    State(state): State<AppState>,
    viewer: Viewer,
    In(name): In<String>,
    Asked(asked): Asked<Follow>,
) -> Result<Response, Refusal> {
    let run = extract::run(state.engine(), &name).await?;
    let after = extract::number("after", asked.after.as_deref())?;
    let tail = state.engine().run_log(run).await?;
    let (mut head, permit) = (state.engine().head(), StreamPermit::take(&state, &viewer)?);
    head.mark_changed();
    let open = asked.keep_on == Some(1);
    Ok(respond(NDJSON, Follower { state, run, tail, after, open, over: false, head, permit }))
}

/// Follows the spool of a run.
struct Follower {
    state: AppState,
    run: RunId,
    tail: Tail,
    after: u64,
    /// Whether more may come: the run was open when that was looked up last, and is followed.
    open: bool,
    over: bool,
    head: watch::Receiver<Position>,
    permit: StreamPermit,
}

impl Pieces for Follower {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.over || self.permit.end().is_some() {
                return None;
            }
            // Known before the read: whatever a run that is over said is there by then.
            let last_look = !self.is_open().await;
            let entries = match self.tail.read(PAGE).await {
                Ok(entries) => entries,
                Err(error) => {
                    warn!(error = %chain(&error), "the log of run {} cannot be read on", self.run);
                    return None;
                }
            };
            self.over = entries.iter().any(|entry| matches!(entry.body, Body::Finished(_)));
            if entries.is_empty() {
                if last_look || !self.wait().await {
                    return None;
                }
            } else if let Some(piece) = self.write(&entries) {
                return Some(piece);
            }
        }
    }
}

impl Follower {
    /// Looks the run up again, if anything was stored since.
    async fn is_open(&mut self) -> bool {
        if self.open && self.head.has_changed().unwrap_or(true) {
            self.head.mark_unchanged();
            let view = self.state.engine().task(self.run.task).await;
            self.open = view.is_ok_and(|view| view.state.run(self.run).is_some_and(task::Run::is_open));
        }
        self.open
    }

    fn write(&self, entries: &[AgentEvent]) -> Option<Bytes> {
        let mut text = String::new();
        for entry in entries.iter().filter(|entry| entry.seq > self.after) {
            if let Ok(json) = serde_json::to_string(entry) {
                text.push_str(&json);
                text.push('\n');
            }
        }
        (!text.is_empty()).then(|| text.into())
    }

    /// Waits until it is worth looking again; false when the stream must end.
    async fn wait(&mut self) -> bool {
        tokio::select! {
            biased;
            _end = self.permit.ended() => false,
            () = tokio::time::sleep(LOOK) => true,
        }
    }
}
