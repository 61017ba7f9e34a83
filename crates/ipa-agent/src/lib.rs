//! Starts, drives, survives and stops coding agents.
//!
//! A run is one agent process under a host of its own, which outlives the program that started it. What the
//! agent prints goes to the run's spool; everything that is known of a run is read from there, live and later
//! alike. This crate knows runs and their folders; it knows no tasks' rules, no checkouts, no pods.

mod activity;
mod claude;
mod command;
mod error;
mod event;
mod exec;
mod fold;
mod folder;
pub mod helper;
mod host;
mod hosting;
mod proc;
mod program;
mod protocol;
mod redact;
mod runner;
mod runtime;
mod scripted;
mod session;
mod spec;
mod spool;
mod sweep;
#[cfg(feature = "testing")]
pub mod testing;
mod wire;

pub use claude::ClaudeRuntime;
pub use command::CommandRuntime;
pub use error::{AttachError, ControlError, ProbeError, StartError, TailError};
pub use event::{AgentEvent, Asked, Body, Finished, PlanStep};
pub use hosting::Hosting;
pub use program::Program;
pub use redact::Secrets;
pub use runtime::{AgentRuntime, Attach, Bench, Capabilities, Login, Probe};
pub use scripted::ScriptedRuntime;
pub use session::{AgentControl, AgentSession, Answer, Control, RunDir, Stop, Tail, TailReader};
pub use spec::{Grace, Policy, RunLimits, RunSpec, Session, Tools};
