//! The language of ipa: ids, phases, the task aggregate, the event log and its stores.
//!
//! A task is an event stream. This crate says what may be in it ([`TaskEvent`]), what may be asked of it
//! ([`TaskCommand`]), what the one leads to from the other (`decide`, `apply`: pure), and where it is kept.
//! It knows no agents, workspaces, pods or pages.

pub mod store;
mod value;

pub use value::{
    AgentId, BranchName, CommandId, DecisionId, EventId, FailureClass, Handle, Helper, InvalidValue, Oid,
    OpId, Outcome, PayloadHash, Phase, Principal, Reference, RepoSource, Retry, Role, RunId, Runtime,
    SessionId, Status, StreamId, TaskId, Via, WorkspaceId,
};
