//! The language of ipa: ids, phases, the task aggregate, the event log and its stores.
//!
//! A task is an event stream. This crate says what may be in it ([`TaskEvent`]), what may be asked of it
//! ([`TaskCommand`]), what the one leads to from the other (`decide`, `apply`: pure), and where it is kept.
//! It knows no agents, workspaces, pods or pages.

mod codec;
mod envelope;
mod load;
mod projector;
pub mod store;
mod subscribe;
mod summary;
pub mod task;
mod typed_store;
mod value;
mod verify;
mod writer;

pub use codec::{Codec, EncodeError, Unreadable, Upcaster, Upcasters};
pub use envelope::{Ctx, Envelope, Stamped};
pub use load::{LoadError, Loaded, SNAPSHOT_EVERY, STATE_SCHEMA, load, load_at};
pub use projector::{ProjectError, Projector, SummaryRow, summaries};
pub use subscribe::subscribe;
pub use summary::{OpenDecision, OpenRun, PodCondition, SUMMARY, Summary, title_of, usage_limit};
pub use task::{TaskCommand, TaskError, TaskEvent, TaskState};

pub use value::{
    AgentId, BranchName, CommandId, ConnectorId, DecisionId, EventId, FailureClass, Handle, Helper,
    InvalidValue, Money, Oid, OpId, Outcome, PayloadHash, Phase, Principal, Reference, RemoteId, RepoSource,
    Resource, ResourceKind, Retry, Role, RunId, Runtime, SessionId, Status, StreamId, TaskId, Via,
    WorkspaceId,
};
pub use verify::{Problem, VerifyReport, verify};
pub use writer::{ExecuteError, Executed, OpenError, TaskWriter};
