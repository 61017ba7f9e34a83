//! The engine, on real repositories and processes (`real`), and on doubles under a paused clock (`sim`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod cleanup;
mod outside;
mod real;
mod scripted;
mod sim;
mod world;
