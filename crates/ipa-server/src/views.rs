//! The pages and their parts: pure functions from values to markup. A page and the patches that keep it in step
//! call the same functions, so they cannot come apart. Knows no requests, no engine, no clock.

pub(crate) mod board;
pub(crate) mod components;
pub(crate) mod diff;
pub(crate) mod files;
pub(crate) mod inbox;
pub(crate) mod layout;
pub(crate) mod login;
pub(crate) mod new;
pub(crate) mod problem;
pub(crate) mod task;
pub(crate) mod timeline;
