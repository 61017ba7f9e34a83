//! Everything that comes in from outside, against the real router over a real engine on a store in memory.

#![allow(
    clippy::assigning_clones,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::format_push_string,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::single_match_else,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "tests"
)]

mod api;
mod api_reading;
mod api_streams;
mod hooks;
mod live;
mod live_log;
mod pages;
mod pages_agent;
mod pages_faults;
mod pages_hostile;
mod pages_outside;
mod pages_said;
mod pages_support;
mod security;
mod server;
mod support;
