//! The tracker's own tests: it is driven as a client would, and must be as Jira is.

mod client;
mod comments;
mod faults;
mod fields;
mod hooks;
mod rights;
mod schemas;
mod search;
mod story;
mod workflows;
