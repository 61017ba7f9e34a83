//! The tests of the `ipa` program, and of the shape of the whole repository (`structure`).

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
mod limits;
mod outside;
mod record;
mod same;
mod served;
mod support;
mod survive;
