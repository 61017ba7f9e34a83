//! The tracker's own tests: it is driven as a client would, and must be as Jira is.

mod client;
mod story;
