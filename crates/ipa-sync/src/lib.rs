//! What the outside should look like, and what changed there.
//!
//! A task's state says what is wanted outside ([`wanted`]); what was read there and is new to the task becomes an event
//! ([`pull_news`], [`ticket_news`]). An operation is an intent in the task's log; [`step`] says what is needed next, and
//! [`carry_out`] and [`look_for`] turn a try, or a look at what became of one, into the command that records it. All but
//! the last two are pure. A [`Connector`] reads and changes one forge or tracker. This crate knows the task's state; it
//! knows no git, no pods.

mod body;
pub mod cadence;
mod channel;
mod clock;
mod connector;
mod debounce;
mod deliver;
mod error;
mod fuse;
pub mod gate;
mod github;
pub mod hook;
mod interpret;
mod jira;
mod local;
mod port;
mod secret;
pub mod section;
mod settings;
mod step;
mod wanted;
mod wire;
mod would;

pub use body::inbound;
pub use body::{
    Block, Body, Column, DEPTH, GITHUB_CHARS, Inline, Item, JIRA_CHARS, Link, Marks, Mentions, Panel, Table,
    Task,
};
pub use connector::{
    Applied, Checked, Connector, Cx, Job, Look, Lost, NewTicket, Observed, Probe, Sweep, Swept, Target,
    Undelivered,
};
pub use debounce::Debounce;
pub use deliver::{Tried, carry_out, job, look_for, observe};
pub use error::{ErrorClass, SyncError};
pub use github::{GitHubAuth, GitHubConfig, GitHubConnector};
pub use interpret::{pull_news, ticket_news};
pub use jira::{Flavour, JiraAuth, JiraConfig, JiraConnector, Members};
pub use local::{LocalConfig, LocalConnector};
pub use port::{GitMerge, GitPort};
pub use secret::SecretSource;
pub use settings::{Mode, Policies, Settings};
pub use step::{Step, step};
pub use wanted::{Sides, Wanted, wanted, watched};
pub use wire::{
    Answer, Credential, CredentialError, NetWire, Request, Wire, WireConfig, WireError, WireSetupError,
};
#[cfg(feature = "testing")]
pub use wire::{FakeWire, Reaction};
pub use would::{Course, Would, would};
