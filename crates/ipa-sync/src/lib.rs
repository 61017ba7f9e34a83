//! What the outside should look like, and what changed there.
//!
//! So far the outside is the repository that a task's work came from, and the one change to it is a new branch.
//! An operation is an intent in the task's log; [`step`] says what it needs next, and [`carry_out`] turns a try
//! into the command that records how it went. This crate knows the task's state; it knows no git, no pods.

mod body;
mod deliver;
mod error;
pub mod gate;
pub mod hook;
mod port;
mod wire;

pub use body::inbound;
pub use body::{
    Block, Body, Column, DEPTH, GITHUB_CHARS, Inline, Item, JIRA_CHARS, Link, Marks, Mentions, Panel, Table,
    Task,
};
pub use deliver::{Step, carry_out, step};
pub use error::{ErrorClass, SyncError};
pub use port::{GitPort, PushError};
pub use wire::{
    Answer, Credential, CredentialError, NetWire, Request, Wire, WireConfig, WireError, WireSetupError,
};
#[cfg(feature = "testing")]
pub use wire::{FakeWire, Reaction};
