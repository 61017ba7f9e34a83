//! A pod: the actors of one task, in their order of start.

pub(crate) mod agents;
pub(crate) mod cleanup;
mod drive;
mod job;
mod strategy;
pub(crate) mod supervisor;
pub(crate) mod sync;
pub(crate) mod task;
pub(crate) mod workspaces;

pub(crate) use strategy::backoff;
