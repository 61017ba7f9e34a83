//! What ipa-events promises, seen from outside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::manual_is_multiple_of,
    clippy::needless_pass_by_value,
    clippy::print_stdout,
    clippy::unused_async,
    clippy::wildcard_enum_match_arm,
    unreachable_pub,
    reason = "tests"
)]

mod conformance;
mod golden;
mod kill;
mod limits;
mod outside;
mod properties;
mod rules;
mod sqlite;
mod support;
mod writer;
