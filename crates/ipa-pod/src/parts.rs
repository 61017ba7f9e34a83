//! What all pods of an engine share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipa_agent::AgentRuntime;
use ipa_events::{ConnectorId, RunId, Runtime};
use ipa_sync::cadence;
use ipa_workspace::Workspaces;

use crate::config::EngineConfig;
use crate::connectors::Connectors;
use crate::edge::Edge;
use crate::slots::Slots;
use crate::spending::Spending;

/// What all pods of an engine share: the parts it was given, and its slots.
pub(crate) struct Parts {
    pub(crate) config: Arc<EngineConfig>,
    pub(crate) edge: Arc<dyn Edge>,
    pub(crate) slots: Slots,
    pub(crate) spending: Arc<Spending>,
    pub(crate) workspaces: Arc<dyn Workspaces>,
    pub(crate) connectors: Connectors,
    /// By the name before the colon: `claude`, `command`, `scripted`.
    pub(crate) runtimes: BTreeMap<String, Arc<dyn AgentRuntime>>,
}

impl Parts {
    /// Returns the runtime that a task names.
    pub(crate) fn runtime(&self, name: &Runtime) -> Option<&Arc<dyn AgentRuntime>> {
        self.runtimes.get(name.kind())
    }

    /// Returns how long to wait before a connector is asked again, where `base` is the pause while things move.
    pub(crate) fn pause(&self, connector: &ConnectorId, base: Duration) -> Duration {
        let (_, chance) = self.edge.uuid().as_u64_pair();
        let now = self.edge.now();
        cadence::pause(base, self.connectors.signs(connector, now), now, chance)
    }

    /// Returns the folder of a run: what its agent was told, what it said, and how it ended.
    pub(crate) fn run_dir(&self, run: RunId) -> PathBuf {
        self.config.runs.join(run.task.to_string()).join(run.number.to_string())
    }
}
