//! What an engine is told when it is made: plain values, no environment and no files.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipa_agent::{RunLimits, Secrets};
use ipa_events::task::{Gates, TaskLimits};
use ipa_events::{Money, Role, Runtime, TaskId};

/// What an engine is told when it is made.
#[derive(Clone)]
pub struct EngineConfig {
    /// Where the folders of runs lie: `<runs>/<task id>/<number>`.
    pub runs: PathBuf,
    /// What a new task gets where its author did not choose.
    pub defaults: TaskDefaults,
    /// How many agents work at a time.
    pub slots: SlotLimits,
    /// The least time between the starts of two runs of a task; 2 s.
    pub cooldown: Duration,
    /// How a pod heals.
    pub pod: PodConfig,
    /// What every agent finds in its environment, beside what belongs to its run: no secrets of ipa's own.
    pub agent_env: BTreeMap<OsString, OsString>,
    /// How much a run may take; its budget is its task's.
    pub run_limits: RunLimits,
    /// What the runs of all tasks may cost that end on one day, in UTC; none: whatever they cost.
    pub day_budget: Option<Money>,
    /// What agents are given, by role.
    pub roles: Roles,
    /// What is taken out of everything that is stored or shown; by default the tokens whose form is well known. Those
    /// of the agents' environments belong here too.
    pub secrets: Secrets,
}

impl fmt::Debug for EngineConfig {
    /// Shows no values of an environment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.agent_env.keys().collect();
        let mut shown = f.debug_struct("EngineConfig");
        shown.field("runs", &self.runs).field("slots", &self.slots).field("pod", &self.pod);
        shown.field("agent_env", &names).finish_non_exhaustive()
    }
}

/// What agents are given, by role.
#[derive(Debug, Clone, Default)]
pub struct Roles {
    /// Whoever writes the spec.
    pub spec: RoleConfig,
    /// Whoever writes the plan.
    pub plan: RoleConfig,
    /// Whoever carries the plan out.
    pub develop: RoleConfig,
    /// Whoever answers a review.
    pub review: RoleConfig,
}

impl Roles {
    /// Returns what an agent of this role is given. Who checks has the role of who develops.
    pub(crate) const fn of(&self, role: Role) -> &RoleConfig {
        match role {
            Role::Spec => &self.spec,
            Role::Plan => &self.plan,
            Role::Develop | Role::Check => &self.develop,
            Role::Review => &self.review,
        }
    }
}

/// What an agent of one role is given.
#[derive(Debug, Clone, Default)]
pub struct RoleConfig {
    /// Its model; none means the agent's own choice.
    pub model: Option<Arc<str>>,
    /// The tools that it may use unasked; none means what its role needs.
    pub tools: Option<Vec<String>>,
}

/// What a new task gets where its author did not choose.
#[derive(Debug, Clone)]
pub struct TaskDefaults {
    /// The agent that carries the plan out, and has each role that no other has.
    pub agent: Option<Runtime>,
    /// The roles that another agent has.
    pub roles: BTreeMap<Role, Runtime>,
    /// Who opens the gates.
    pub gates: Gates,
    /// The commands that check the work.
    pub checks: Vec<Arc<str>>,
    /// The limits.
    pub limits: TaskLimits,
}

impl TaskDefaults {
    /// Returns the agent of a task whose author named none, and those of the roles that another has.
    pub(crate) fn agents(&self) -> Option<(Runtime, BTreeMap<Role, Runtime>)> {
        self.agent.clone().map(|agent| (agent, self.roles.clone()))
    }
}

/// How many agents work at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotLimits {
    /// In all; 4.
    pub runs: NonZeroU32,
    /// On one repository; 2.
    pub per_repo: NonZeroU32,
    /// Of one runtime; 4.
    pub per_runtime: NonZeroU32,
    /// How many tasks may wait in review before no new work starts; 10.
    pub in_review: NonZeroU32,
}

/// How a pod heals when one of its actors fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PodConfig {
    /// Who is restarted with the one that failed.
    pub strategy: Strategy,
    /// How many restarts within `within` are borne; 3.
    pub restarts: u32,
    /// The span in which restarts are counted; 5 s.
    pub within: Duration,
    /// How long a pod with nothing to do stays; 2 s.
    pub idle: Duration,
}

/// Who is restarted with an actor that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Itself, and those who hold a reference to it.
    OneForOne,
    /// Itself, and those started after it: exactly those who may hold a stale reference to it.
    RestForOne,
    /// All.
    OneForAll,
}

/// Which pods an engine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those of all tasks that have something to do.
    All,
    /// That of one task.
    Only(TaskId),
    /// None: this engine only does what it is asked for by hand.
    Nothing,
}

impl EngineConfig {
    /// Makes the configuration that is right for most, with the folders of runs under `runs`.
    pub fn new(runs: PathBuf) -> Self {
        Self {
            runs,
            defaults: TaskDefaults {
                agent: None,
                roles: BTreeMap::new(),
                gates: Gates::default(),
                checks: Vec::new(),
                limits: TaskLimits::default(),
            },
            slots: SlotLimits::default(),
            cooldown: Duration::from_secs(2),
            pod: PodConfig::default(),
            agent_env: BTreeMap::new(),
            run_limits: RunLimits::default(),
            day_budget: None,
            roles: Roles::default(),
            secrets: Secrets::default(),
        }
    }
}

impl Default for SlotLimits {
    fn default() -> Self {
        let at_most = |n: u32| NonZeroU32::MIN.saturating_add(n.saturating_sub(1));
        Self { runs: at_most(4), per_repo: at_most(2), per_runtime: at_most(4), in_review: at_most(10) }
    }
}

impl Default for PodConfig {
    fn default() -> Self {
        Self {
            strategy: Strategy::RestForOne,
            restarts: 3,
            within: Duration::from_secs(5),
            idle: Duration::from_secs(2),
        }
    }
}

impl Scope {
    /// Tells whether this engine runs the pod of a task.
    pub(crate) fn covers(self, task: TaskId) -> bool {
        match self {
            Self::All => true,
            Self::Only(only) => only == task,
            Self::Nothing => false,
        }
    }
}
