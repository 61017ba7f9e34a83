//! Runs real agents under real hosts, and looks at what is left.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::wildcard_enum_match_arm,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::string_slice,
    unreachable_pub,
    missing_docs,
    reason = "tests"
)]

mod claude;
mod command;
mod contract;
mod golden;
mod host;
mod recover;
mod redact;
mod scripted;
mod support;
