//! The tests of the `ipa` program, and of the shape of the whole repository (`structure`).

#![recursion_limit = "256"]
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests"
)]

mod structure;

/// The forge and the tracker that `ipa-sync` is tested against, for the whole way.
#[path = "../../../ipa-sync/tests/it"]
#[allow(
    dead_code,
    unused_imports,
    clippy::map_err_ignore,
    clippy::needless_pass_by_value,
    clippy::single_match_else,
    clippy::unnecessary_wraps,
    reason = "each test needs a part of them"
)]
mod peers {
    pub(crate) mod forge;
    pub(crate) mod peer;
    pub(crate) mod tracker;
}
use peers::{forge, peer, tracker};

mod browser;
mod canary;
mod claude;
mod cleanup;
mod completion;
mod console;
mod contract;
mod demo;
mod doctor;
mod exit_codes;
mod failing;
mod github;
mod hooks;
mod jira;
mod kills;
mod limits;
mod outside;
mod record;
mod rights;
mod same;
mod served;
mod support;
mod survive;
