//! How an engine is put together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ipa_agent::AgentRuntime;
use ipa_events::ConnectorId;
use ipa_events::store::Store;
use ipa_workspace::Workspaces;
use tokio::sync::{OnceCell, watch};

use super::{Engine, Inner};
use crate::config::EngineConfig;
use crate::connectors::{Connectors, Outlet};
use crate::edge::{Edge, SystemEdge};
use crate::parts::Parts;
use crate::slots::Slots;
use crate::spending::Spending;

/// Puts an engine together from the parts that it is given.
pub struct EngineBuilder {
    store: Store,
    config: EngineConfig,
    edge: Arc<dyn Edge>,
    workspaces: Arc<dyn Workspaces>,
    runtimes: BTreeMap<String, Arc<dyn AgentRuntime>>,
    outlets: BTreeMap<ConnectorId, Outlet>,
}

impl EngineBuilder {
    pub(super) fn new(store: Store, config: EngineConfig, workspaces: Arc<dyn Workspaces>) -> Self {
        let edge = Arc::new(SystemEdge);
        Self { store, config, edge, workspaces, runtimes: BTreeMap::new(), outlets: BTreeMap::new() }
    }

    /// Takes time and ids from elsewhere.
    #[must_use]
    pub fn edge(mut self, edge: Arc<dyn Edge>) -> Self {
        self.edge = edge;
        self
    }

    /// Adds a kind of agent, under its own name.
    #[must_use]
    pub fn runtime(mut self, runtime: Arc<dyn AgentRuntime>) -> Self {
        self.runtimes.insert(runtime.kind().to_owned(), runtime);
        self
    }

    /// Adds a connector to the outside, under the name in its settings.
    #[must_use]
    pub fn outlet(mut self, outlet: Outlet) -> Self {
        self.outlets.insert(outlet.settings.id.clone(), outlet);
        self
    }

    /// Makes the engine. It records and reads; nothing runs before [`Engine::start`].
    pub fn build(self) -> Engine {
        let parts = Parts {
            slots: Slots::new(self.config.slots),
            spending: Arc::new(Spending::new(self.config.day_budget)),
            config: Arc::new(self.config),
            edge: self.edge,
            workspaces: self.workspaces,
            connectors: Connectors::new(self.outlets, self.store.stops.clone()),
            runtimes: self.runtimes,
        };
        let pods = watch::Sender::default();
        let (parts, manager, sweepers) = (Arc::new(parts), OnceCell::new(), Mutex::default());
        let (store, arrived) = (self.store, Arc::default());
        Engine { inner: Arc::new(Inner { store, parts, pods, manager, sweepers, arrived }) }
    }
}
