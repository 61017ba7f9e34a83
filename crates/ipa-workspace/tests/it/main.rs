//! The tests of this crate: real git, real processes, real files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod attack;
mod confine;
mod contract;
mod crash;
mod diffs;
mod files;
mod keep;
mod merges;
mod mishaps;
mod race;
mod source;
mod story;
mod world;
