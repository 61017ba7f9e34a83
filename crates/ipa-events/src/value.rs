//! The values that every crate of ipa speaks in: ids, names, phases, outcomes.
//!
//! A value here is checked when it is made, and carries that proof from there on. Nothing in this module
//! knows a task's rules, a store, or a clock.

mod failure;
mod git;
mod helper;
mod id;
mod money;
mod name;
mod outside;
mod phase;
mod principal;
mod text;

pub use failure::{FailureClass, Outcome, Retry};
pub use git::{BranchName, Oid, RepoSource};
pub use helper::Helper;
pub use id::{CommandId, DecisionId, EventId, Handle, OpId, Reference, RunId, StreamId, TaskId, WorkspaceId};
pub use money::Money;
pub use name::{AgentId, PayloadHash, Runtime, SessionId};
pub use outside::{ConnectorId, RemoteId, Resource, ResourceKind};
pub use phase::{Phase, Role, Status};
pub use principal::{Principal, Via};
pub use text::InvalidValue;
pub(crate) use text::{serde_as_text, words};
