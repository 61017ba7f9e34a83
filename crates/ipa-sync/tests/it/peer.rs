//! What all simulated hosts have in common: connections that can be reset, faults that a test plans, a log of what was
//! asked, checks against the maker's description, and webhooks with their weather. Knows no host.

mod answer;
mod desk;
mod fault;
mod hooks;
mod inside;
mod log;
pub(crate) mod path;
mod post;
pub(crate) mod receiver;
pub(crate) mod schema;
mod serve;
mod socket;
mod wire;

pub(crate) use answer::{Answer, Outcome};
pub(crate) use desk::{Desk, locked};
pub(crate) use fault::{Fault, When};
pub(crate) use hooks::{Delivery, Hooks, Order, Sent, Weather, signature};
pub(crate) use inside::Inside;
pub(crate) use log::{Entry, Repeat, Work};
pub(crate) use post::{Arrived, Mailbox, Postman, post, send};
pub(crate) use schema::Schemas;
pub(crate) use serve::{Peer, http_date, serve};
pub(crate) use wire::{Reply, Request};
