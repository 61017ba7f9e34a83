//! The forge's own tests: it is driven as a client would, and must be as GitHub is.

mod access;
mod changes;
mod checks;
mod client;
mod faults;
mod hooks;
mod pulls;
mod pushes;
mod reads;
mod schemas;
mod story;
mod threads;
