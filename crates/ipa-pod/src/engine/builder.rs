//! How an engine is put together.

use std::sync::Arc;

use ipa_events::store::Store;
use tokio::sync::watch;

use super::{Engine, Inner};
use crate::config::EngineConfig;
use crate::edge::{Edge, SystemEdge};

/// Puts an engine together from the parts that it is given.
pub struct EngineBuilder {
    store: Store,
    config: EngineConfig,
    edge: Arc<dyn Edge>,
}

impl EngineBuilder {
    pub(super) fn new(store: Store, config: EngineConfig) -> Self {
        Self { store, config, edge: Arc::new(SystemEdge) }
    }

    /// Takes time and ids from elsewhere.
    #[must_use]
    pub fn edge(mut self, edge: Arc<dyn Edge>) -> Self {
        self.edge = edge;
        self
    }

    /// Makes the engine.
    pub fn build(self) -> Engine {
        let pods = watch::Sender::default();
        Engine { inner: Arc::new(Inner { store: self.store, edge: self.edge, config: self.config, pods }) }
    }
}
