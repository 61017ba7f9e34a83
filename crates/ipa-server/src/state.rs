//! What every handler of one server shares.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ipa_pod::Engine;
use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};

use crate::api::idempotency::SeenKeys;
use crate::config::ServerConfig;
use crate::security::login::LoginCodes;
use crate::security::session::{SessionKey, Sessions};

/// How many webhooks are read at a time; each may have 25 MiB.
const HOOKS_AT_ONCE: usize = 16;

/// What every handler of one server shares. Cheap to clone; nothing of it is global to the process.
#[derive(Clone)]
pub(crate) struct AppState {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    config: ServerConfig,
    /// Names this server's cookies, so that two servers on one host keep theirs apart.
    instance: String,
    codes: LoginCodes,
    keys: SeenKeys,
    /// How many streams each session holds.
    streams: Mutex<BTreeMap<SessionKey, usize>>,
    /// Room for the bodies of webhooks, which anybody may send.
    hooks: Semaphore,
    /// Turns true when the server stops.
    stopping: watch::Sender<bool>,
}

impl AppState {
    /// Shares an engine under a configuration.
    pub(crate) fn new(engine: Engine, config: ServerConfig) -> Self {
        let instance = config.token.instance();
        let codes = LoginCodes::default();
        let (keys, streams) = (SeenKeys::default(), Mutex::default());
        let (stopping, hooks) = (watch::Sender::new(false), Semaphore::new(HOOKS_AT_ONCE));
        Self { inner: Arc::new(Inner { engine, config, instance, codes, keys, streams, hooks, stopping }) }
    }

    /// Returns the engine.
    pub(crate) fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Returns what the server was told when it was made.
    pub(crate) fn config(&self) -> &ServerConfig {
        &self.inner.config
    }

    /// Returns the name of this server among others on the same host; the same after a restart.
    pub(crate) fn instance(&self) -> &str {
        &self.inner.instance
    }

    /// Returns the sessions of browsers.
    pub(crate) fn sessions(&self) -> &Sessions {
        &self.inner.config.sessions
    }

    pub(crate) fn codes(&self) -> &LoginCodes {
        &self.inner.codes
    }

    pub(crate) fn keys(&self) -> &SeenKeys {
        &self.inner.keys
    }

    pub(crate) fn streams(&self) -> &Mutex<BTreeMap<SessionKey, usize>> {
        &self.inner.streams
    }

    pub(crate) fn hooks(&self) -> &Semaphore {
        &self.inner.hooks
    }

    /// Returns the time, by the engine's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.inner.engine.ctx(self.inner.config.user.clone(), ipa_events::Via::Api).at
    }

    /// Follows whether the server stops. Every stream waits for this as well as for news, says goodbye and
    /// ends.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.inner.stopping.subscribe()
    }

    /// Ends every stream.
    pub(crate) fn stop(&self) {
        self.inner.stopping.send_replace(true);
    }
}
