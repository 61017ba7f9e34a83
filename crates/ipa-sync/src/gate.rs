//! What stands between connectors and a host: what its answers mean for further requests, and when to try again.

mod backoff;
mod limits;

pub use backoff::{Next, Tried, backoff};
pub use limits::{Length, Limit, Quota, Scope, quota, verdict};
