//! The tests of this crate that need a peer: a forge and a tracker of our own over real sockets, with real git.

#![recursion_limit = "256"]
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::map_err_ignore,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::single_match_else,
    clippy::unnecessary_wraps,
    clippy::unwrap_used,
    reason = "tests"
)]

mod forge;
mod forge_tests;
mod github;
mod jira;
mod peer;
mod pod;
mod tracker;
mod tracker_tests;
