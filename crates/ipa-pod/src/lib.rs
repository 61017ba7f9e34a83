//! Pods, scheduling, and the engine that an embedder uses.

mod config;
mod edge;
mod engine;
mod error;

pub use config::{EngineConfig, PodConfig, Scope, SlotLimits, Strategy, TaskDefaults};
pub use edge::{Edge, SystemEdge};
pub use engine::{CreatedTask, Engine, EngineBuilder, TaskDraft, TaskRow, TaskView};
pub use error::EngineError;
