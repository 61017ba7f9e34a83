//! How many streams one session may hold, and when a stream must end.

use std::sync::PoisonError;

use tokio::sync::watch;

use crate::error::Code;
use crate::error::problem::Refusal;
use crate::security::session::SessionKey;
use crate::security::viewer::Viewer;
use crate::state::AppState;

/// How many streams one session may hold at a time.
const PER_SESSION: usize = 32;
/// How many all who show the token may hold at a time, together.
const OF_THE_TOKEN: usize = 1_024;

/// The right to hold one stream; given back when it is dropped.
pub(crate) struct StreamPermit {
    state: AppState,
    session: SessionKey,
    stopping: watch::Receiver<bool>,
    revocations: watch::Receiver<u64>,
}

/// Why a stream must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamEnd {
    /// The server stops.
    Stopping,
    /// Its session was revoked.
    Revoked,
}

impl StreamPermit {
    /// Takes one of a viewer's streams.
    ///
    /// # Errors
    ///
    /// A refusal (429) when all are taken.
    pub(crate) fn take(state: &AppState, viewer: &Viewer) -> Result<Self, Refusal> {
        let session = viewer.session.clone();
        let (most, who) = if session == SessionKey::bearer() {
            (OF_THE_TOKEN, "those who show the token hold")
        } else {
            (PER_SESSION, "this session holds")
        };
        let mut held = state.streams().lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(session.clone()).or_default();
        if *count >= most {
            return Err(Refusal::new(Code::TooManyStreams, format!("{who} {most} streams already")));
        }
        *count = count.saturating_add(1);
        drop(held);
        let (stopping, revocations) = (state.stopping(), state.sessions().revocations());
        Ok(Self { state: state.clone(), session, stopping, revocations })
    }

    /// Tells whether the stream must end now. To be asked before each piece: a stream that has much to say may
    /// never come to wait.
    pub(crate) fn end(&mut self) -> Option<StreamEnd> {
        if *self.stopping.borrow_and_update() {
            return Some(StreamEnd::Stopping);
        }
        self.revocations.mark_unchanged();
        let live = self.state.sessions().is_live(&self.session, self.state.now());
        (!live).then_some(StreamEnd::Revoked)
    }

    /// Waits until the stream must end. May be dropped and called again.
    pub(crate) async fn ended(&mut self) -> StreamEnd {
        loop {
            if let Some(end) = self.end() {
                return end;
            }
            let changed = tokio::select! {
                changed = self.stopping.changed() => changed,
                changed = self.revocations.changed() => changed,
            };
            if changed.is_err() {
                return StreamEnd::Stopping;
            }
        }
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut held = self.state.streams().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.session) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                held.remove(&self.session);
            }
        }
    }
}
