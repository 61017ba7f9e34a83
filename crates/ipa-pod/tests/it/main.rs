//! The engine, on real repositories and processes (`real`), and on doubles under a paused clock (`sim`).

#![recursion_limit = "256"]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

/// The forge and the tracker that `ipa-sync` is tested against, for what reaches them.
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

mod cleanup;
mod outside;
mod real;
mod scripted;
mod sim;
mod world;
