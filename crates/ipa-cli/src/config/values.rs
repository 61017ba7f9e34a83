//! What can be configured: plain values with their defaults. A key that is not here does not exist.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use ipa_events::task::{GatePolicy, Gates, TaskLimits};
use ipa_events::{BranchName, ConnectorId, Money, Role, Runtime};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::connectors::ConnectorValues;

/// What can be configured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Values {
    /// The branch to start from when the author named none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) base: Option<BranchName>,
    /// What is known of the agents' roles.
    pub(crate) roles: RoleValues,
    /// The programs of the agents.
    pub(crate) agents: AgentsValues,
    /// Who opens the gates.
    pub(crate) gates: GateValues,
    /// How much at a time, how often, how soon.
    pub(crate) limits: LimitValues,
    /// What agents may cost.
    pub(crate) budget: BudgetValues,
    /// How a pod heals.
    pub(crate) pod: PodValues,
    /// What an acknowledged event survives.
    pub(crate) store: StoreValues,
    /// What checks the work.
    pub(crate) checks: CheckValues,
    /// What confines agents.
    pub(crate) sandbox: SandboxValues,
    /// The forges and trackers.
    pub(crate) connectors: BTreeMap<ConnectorId, ConnectorValues>,
}

/// `[roles]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RoleValues {
    /// The one that writes the spec.
    pub(crate) spec: OneRole,
    /// The one that writes the plan.
    pub(crate) plan: OneRole,
    /// The one that carries the plan out; its agent has each role for which none is named.
    pub(crate) develop: OneRole,
    /// The one that answers a review.
    pub(crate) review: OneRole,
}

impl RoleValues {
    /// Lists the roles for which an agent is named, with it. They count for a task whose author named none.
    pub(crate) fn agents(&self) -> impl Iterator<Item = (Role, &Runtime)> {
        let Self { spec, plan, develop, review } = self;
        let roles =
            [(Role::Spec, spec), (Role::Plan, plan), (Role::Develop, develop), (Role::Review, review)];
        roles.into_iter().filter_map(|(role, values)| Some((role, values.agent.as_ref()?)))
    }
}

/// `[roles.R]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OneRole {
    /// Which agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) agent: Option<Runtime>,
    /// Which model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    /// What it may use unasked, as its agent calls it; else what the role needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tools: Option<Vec<String>>,
}

/// `[agents]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AgentsValues {
    /// Claude Code.
    pub(crate) claude: AgentValues,
}

/// `[agents.X]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AgentValues {
    /// Its program, by name or path; else the agent's own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) command: Option<PathBuf>,
    /// What it finds in its environment, over what every agent finds there: its key, the address of its model.
    pub(crate) env: BTreeMap<String, Hidden>,
    /// Whether its runs may read the user's own login.
    pub(crate) login: LoginName,
}

/// Whether the runs of an agent may read the user's own login; a key in its environment makes it needless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LoginName {
    /// They may read the one file that holds it.
    #[default]
    Share,
    /// They may not.
    None,
}

/// A value that may be a secret: it is never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Hidden(pub(crate) String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// What stands in the place of a value that is not shown.
pub(crate) const HIDDEN: &str = "(hidden)";

/// `[gates]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GateValues {
    /// Spec to planning.
    pub(crate) spec_clarification: GatePolicy,
    /// Plan to development.
    pub(crate) planning: GatePolicy,
    /// Development to review.
    pub(crate) development: GatePolicy,
    /// Review to completed.
    pub(crate) review: GatePolicy,
}

impl Default for GateValues {
    fn default() -> Self {
        let Gates { spec_clarification, planning, development, review } = Gates::default();
        Self { spec_clarification, planning, development, review }
    }
}

impl From<GateValues> for Gates {
    fn from(values: GateValues) -> Self {
        let GateValues { spec_clarification, planning, development, review } = values;
        Self { spec_clarification, planning, development, review }
    }
}

/// `[limits]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LimitValues {
    /// Agents at a time, in all.
    pub(crate) runs: NonZeroU32,
    /// Agents at a time on one repository.
    pub(crate) per_repo: NonZeroU32,
    /// Agents at a time of one runtime.
    pub(crate) per_runtime: NonZeroU32,
    /// Tasks that may wait in review before no new work starts.
    pub(crate) in_review: NonZeroU32,
    /// Attempts at one run before a person is asked.
    pub(crate) attempts: NonZeroU32,
    /// The least time between the starts of two runs of a task.
    pub(crate) cooldown: Span,
    /// How long an agent may get on no further, before its run is ended.
    pub(crate) silence: Span,
    /// How long one turn may take: from what an agent is told to its answer.
    pub(crate) turn: Span,
    /// How long a run may take in all, but for the time in which a person is awaited.
    pub(crate) total: Span,
    /// How often an agent's model may answer in one turn; else as often as it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_turns: Option<NonZeroU32>,
}

impl Default for LimitValues {
    fn default() -> Self {
        let slots = ipa_pod::SlotLimits::default();
        let run = ipa_agent::RunLimits::default();
        Self {
            runs: slots.runs,
            per_repo: slots.per_repo,
            per_runtime: slots.per_runtime,
            in_review: slots.in_review,
            attempts: TaskLimits::default().attempts,
            cooldown: Span(Duration::from_secs(2)),
            silence: Span(run.silence),
            turn: Span(run.turn),
            total: Span(run.total),
            max_turns: run.max_turns,
        }
    }
}

/// `[budget]`: sums in US dollars, as agents count what they cost; what is not there is not limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BudgetValues {
    /// What one run may cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) run: Option<Sum>,
    /// What all runs of a task may cost before a person grants as much again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) task: Option<Sum>,
    /// What the runs of all tasks may cost that end on one day, in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) day: Option<Sum>,
}

/// A sum of money that is more than nothing, written as a text: `"2.50"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sum(pub(crate) Money);

impl Serialize for Sum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Sum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let sum: Money = text.parse().map_err(serde::de::Error::custom)?;
        if sum == Money::default() {
            return Err(serde::de::Error::custom("a budget is more than 0; without the key there is none"));
        }
        Ok(Self(sum))
    }
}

/// `[pod]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PodValues {
    /// Who is restarted with an actor that failed.
    pub(crate) strategy: StrategyName,
    /// How many restarts are borne.
    pub(crate) intensity: Intensity,
}

/// Who is restarted with an actor that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StrategyName {
    /// Itself, and those who hold a reference to it.
    OneForOne,
    /// Itself, and those started after it.
    #[default]
    RestForOne,
    /// All.
    OneForAll,
}

/// How many restarts within which span are borne.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Intensity {
    /// How many.
    pub(crate) restarts: u32,
    /// Within which span.
    pub(crate) within: Span,
}

impl Default for Intensity {
    fn default() -> Self {
        let pod = ipa_pod::PodConfig::default();
        Self { restarts: pod.restarts, within: Span(pod.within) }
    }
}

/// `[store]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StoreValues {
    /// What an acknowledged event survives.
    pub(crate) durability: DurabilityName,
}

/// What an acknowledged event survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DurabilityName {
    /// A loss of power.
    #[default]
    Full,
    /// The end of the process at any moment.
    Normal,
}

/// `[checks]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CheckValues {
    /// The commands, in order.
    pub(crate) commands: Vec<String>,
}

/// `[sandbox]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SandboxValues {
    /// What confines agents.
    pub(crate) backend: BackendName,
    /// What agents and checks may read beside the system: toolchains that lie in a home directory.
    pub(crate) read: Vec<PathBuf>,
}

/// What confines agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BackendName {
    /// The best that works here; none works: nothing runs.
    #[default]
    Auto,
    /// The kernel's landlock.
    Landlock,
    /// Nothing.
    None,
}

/// A length of time, written as people write it: `2s`, `500ms`, `1h30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let millis = self.0.as_millis();
        if millis.is_multiple_of(1000) {
            serializer.collect_str(&format_args!("{}s", millis / 1000))
        } else {
            serializer.collect_str(&format_args!("{millis}ms"))
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        crate::cli::parse_duration(&text).map(Self).map_err(serde::de::Error::custom)
    }
}
