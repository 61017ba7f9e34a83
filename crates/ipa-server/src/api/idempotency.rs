//! The same request under the same key is carried out once.
//!
//! The key becomes the command's id, so the log itself refuses the second one, also after a restart. What is
//! kept here, for as long as the program lives, is which request a key came with, to refuse another one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;
use ipa_events::{Ctx, Executed};

use crate::api::extract::invalid;
use crate::api::reply::Replay;
use crate::config::digest;
use crate::error::Code;
use crate::error::problem::Refusal;
use crate::security::Viewer;
use crate::state::AppState;

/// How many keys are kept.
const KEPT: usize = 10_000;

/// The keys that were seen, with the hash of the request that each came with.
#[derive(Default)]
pub(crate) struct SeenKeys(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    requests: BTreeMap<String, String>,
    order: VecDeque<String>,
}

impl SeenKeys {
    /// Notes which request a key came with; false when it came with another one before.
    fn note(&self, key: String, request: String) -> bool {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = kept.requests.get(&key) {
            return *first == request;
        }
        if kept.order.len() >= KEPT
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.requests.remove(&oldest);
        }
        kept.order.push_back(key.clone());
        kept.requests.insert(key, request);
        true
    }
}

/// The context of a command, and whether it came with a key.
pub(super) struct Keyed {
    pub(super) ctx: Ctx,
    keyed: bool,
}

impl Keyed {
    /// Tells whether what came of the command was answered before.
    pub(super) fn replay(&self, executed: &Executed) -> Replay {
        if self.keyed && executed.repeated { Replay::Again } else { Replay::First }
    }
}

/// Makes the context of the command that a request asks for. `target` is what the request is addressed to:
/// the same key on another target is another command.
pub(super) fn ctx(
    state: &AppState,
    viewer: &Viewer,
    headers: &HeaderMap,
    (target, body): (&str, &[u8]),
) -> Result<Keyed, Refusal> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(Keyed { ctx: viewer.ctx(state), keyed: false });
    };
    let key = key.to_str().ok().map(str::trim).filter(|key| (1..=255).contains(&key.len()));
    let key = key.ok_or_else(|| invalid("an Idempotency-Key is 1 to 255 visible characters"))?;
    let actor = viewer.principal.to_string();
    let body = String::from_utf8_lossy(body);
    let request = digest(&["ipa request", target, &body]);
    if !state.keys().note(digest(&["ipa key", &actor, key]), request) {
        return Err(Refusal::new(Code::KeyReused, "this key was used for another request before")
            .help("use a new Idempotency-Key for each request; repeat one only with the very same body"));
    }
    let ctx = state.engine().keyed_ctx(&format!("{target} {key}"), viewer.principal.clone(), viewer.via);
    Ok(Keyed { ctx, keyed: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_keys_make_room() {
        let keys = SeenKeys::default();
        for n in 0..=KEPT {
            assert!(keys.note(n.to_string(), "a".to_owned()));
        }
        assert!(!keys.note("1".to_owned(), "b".to_owned()), "still kept");
        assert!(keys.note("0".to_owned(), "b".to_owned()), "made room");
    }
}
