//! Pods, scheduling, and the engine that an embedder uses.
//!
//! Every active task has a pod: a supervisor over the one writer of its stream and those who work for it. The
//! [`Engine`] creates tasks, sends them commands and reads them; it is the only way in.

mod actor;
mod bounds;
mod config;
mod connectors;
mod edge;
mod engine;
mod error;
pub mod helper;
mod manager;
mod parts;
mod pod;
mod prompt;
mod redact;
mod scheduler;
mod slots;
mod spending;

pub use bounds::bounds;
pub use config::{EngineConfig, PodConfig, RoleConfig, Roles, Scope, SlotLimits, Strategy, TaskDefaults};
pub use connectors::{Closed, Health, Hooks, Outlet};
pub use edge::{Edge, SystemEdge};
pub use engine::{
    ConnectorCheck, CreatedTask, Drain, Engine, EngineBuilder, HookError, RuntimeRow, Since, TaskDraft,
    TaskRow, TaskView,
};
pub use error::EngineError;

/// What a webhook is, as [`Engine::receive`] takes it.
pub mod hook {
    pub use ipa_events::store::Arrival;
    pub use ipa_sync::hook::{Head, Maker};
}

/// What an agent did, as [`Engine::run_log`] tells it.
pub mod log {
    pub use ipa_agent::{
        AgentEvent, Asked, Body, Finished, Login, PlanStep, Probe, ProbeError, Tail, TailError,
    };
}

/// What is wanted outside and how a connector is, as [`Engine::would_change`] and [`Engine::check_connectors`] tell it.
pub mod outside {
    pub use ipa_sync::{Checked, Course, ErrorClass, Mode, SyncError, Would};
}

/// What a workspace holds, as [`Engine::diff`], [`Engine::ls`] and [`Engine::read_file`] tell it.
pub mod work {
    pub use ipa_workspace::{
        Change, ChangeKind, DiffFile, DiffLine, DiffSet, Entry, EntryKind, FileView, Hunk, Listing,
        Workspace, WorkspaceError,
    };
}
