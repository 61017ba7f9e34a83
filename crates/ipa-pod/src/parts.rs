//! What all pods of an engine share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ipa_agent::AgentRuntime;
use ipa_events::{RunId, Runtime};
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

    /// Returns the folder of a run: what its agent was told, what it said, and how it ended.
    pub(crate) fn run_dir(&self, run: RunId) -> PathBuf {
        self.config.runs.join(run.task.to_string()).join(run.number.to_string())
    }
}
